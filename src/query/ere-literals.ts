/**
 * Texts that every match of a pattern contains: what a search can look for first, with a plain
 * byte search, before it asks the automaton. Only texts that stand in the pattern as such; of
 * alternatives none is required.
 */
import { Buffer } from 'node:buffer';
import { foldCodePoint } from './ere-case.js';
import type { BracketMember, EreNode, EreTree } from './ere-tree.js';

/** Repeats longer than this add nothing to a search. */
const MOST_COPIES = 16;

/** What is known of the texts that a node matches. */
interface Known {
  /** The only text that it matches, where there is only one. */
  readonly exactly?: string;
  /** Texts that are within each that it matches. */
  readonly within: readonly string[];
  /** Each text that it matches begins and ends with these, if they are not empty. */
  readonly begins: string;
  readonly ends: string;
}

const NOTHING: Known = { within: [], begins: '', ends: '' };

/** In UTF-8, longest first, none within another; folded by `foldCase` when case is ignored. */
export function requiredLiterals(tree: EreTree, options: { caseSensitive: boolean }): readonly Uint8Array[] {
  const { exactly, within, begins, ends } = known(tree.root, options.caseSensitive);
  const texts = [...new Set([...within, begins, ends, exactly ?? ''])].sort((a, b) => b.length - a.length);
  const kept: string[] = [];
  for (const text of texts) {
    if (text !== '' && !kept.some((longer) => longer.includes(text))) kept.push(text);
  }
  return kept.map((text) => new Uint8Array(Buffer.from(text)));
}

/** Whether a text is all that the pattern asks for. */
export function isLiteral({ root }: EreTree): boolean {
  const parts = root.kind === 'sequence' ? root.parts : [root];
  return parts.length > 0 && parts.every(({ kind }) => kind === 'character');
}

function known(node: EreNode, caseSensitive: boolean): Known {
  switch (node.kind) {
    case 'character':
      return exact(String.fromCodePoint(caseSensitive ? node.codePoint : foldCodePoint(node.codePoint)));
    case 'bracket': {
      const only = node.negated ? undefined : onlyCharacter(node.members, caseSensitive);
      return only === undefined ? NOTHING : exact(String.fromCodePoint(only));
    }
    case 'start':
    case 'end':
      return exact('');
    case 'sequence':
      return node.parts.reduce((before, part) => inSequence(before, known(part, caseSensitive)), exact(''));
    case 'repeat':
      return repeated(known(node.body, caseSensitive), node.min, node.max);
    case 'alternatives':
    case 'any':
      return NOTHING;
  }
}

function exact(text: string): Known {
  return { exactly: text, within: [], begins: text, ends: text };
}

function inSequence(one: Known, other: Known): Known {
  if (one.exactly !== undefined && other.exactly !== undefined) return exact(one.exactly + other.exactly);
  return {
    within: [...one.within, ...other.within, one.begins, other.ends, one.ends + other.begins].filter(Boolean),
    begins: one.exactly === undefined ? one.begins : one.exactly + other.begins,
    ends: other.exactly === undefined ? other.ends : one.ends + other.exactly,
  };
}

function repeated(body: Known, min: number, max: number | undefined): Known {
  if (min === 0) return max === 0 ? exact('') : NOTHING;
  if (body.exactly === undefined) return body;
  const text = body.exactly.repeat(Math.min(min, MOST_COPIES));
  return min === max && min <= MOST_COPIES ? exact(text) : { within: [], begins: text, ends: text };
}

/** The one character, folded when case is ignored, that a bracket expression such as `[.]` or `[Jj]` stands for. */
function onlyCharacter(members: readonly BracketMember[], caseSensitive: boolean): number | undefined {
  const found = new Set<number>();
  for (const member of members) {
    if (member.kind !== 'range' || member.from !== member.to) return undefined;
    found.add(caseSensitive ? member.from : foldCodePoint(member.from));
  }
  const [only] = found;
  return found.size === 1 ? only : undefined;
}
