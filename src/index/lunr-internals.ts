/** The parts of lunr that its types leave out, or have wrong. */
import lunr from 'lunr';

/**
 * A state of one of lunr's automata, and all that can be reached from it. An edge is named after the UTF-16
 * unit that it reads; the edge `*` reads any one.
 */
export interface TokenSet {
  /** Higher than that of every state made before. */
  readonly id: number;
  readonly final: boolean;
  readonly edges: Readonly<Record<string, TokenSet>>;
}

interface TokenSets {
  /** `*` is any number of units: a state with an edge of that name to itself. */
  fromString(pattern: string): TokenSet;
  /** For two mistakes its states grow with more than the square of the length: 35,000 for 24 letters. */
  fromFuzzyString(word: string, distance: number): TokenSet;
}

export const tokenSets: TokenSets = (lunr as unknown as { readonly TokenSet: TokenSets }).TokenSet;
