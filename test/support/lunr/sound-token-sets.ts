/**
 * COMPAT: lunr 2.3.9 keeps its vocabulary as a minimal automaton, and takes two of its nodes for the same when the texts
 * that it makes of them are the same: labels and numbers of nodes, one behind the other with nothing between. Where a
 * label is a digit they run into each other, and a word with digits is lost. Here they are kept apart.
 */
import lunr from 'lunr';

interface Node {
  readonly final: boolean;
  readonly edges: Readonly<Record<string, { readonly id: number }>>;
}

function textOf(this: Node): string {
  const edges = Object.entries(this.edges).map(([label, { id }]) => `${label}${id},`);
  return `${this.final ? 1 : 0}${edges.sort().join('')}`;
}

Object.assign((lunr as unknown as { TokenSet: { prototype: object } }).TokenSet.prototype, {
  toString: textOf,
});
