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

/** A part of a query as it is written, without the backslashes. */
export interface Lexeme {
  readonly type: 'FIELD' | 'TERM' | 'PRESENCE' | 'EDIT_DISTANCE' | 'BOOST';
  readonly str: string;
  /** In UTF-16 units, backslashes included; operators are left out. */
  readonly start: number;
  readonly end: number;
}

/** What lunr has read: its `Query` with clauses of one term each. */
export interface ParsedQuery {
  readonly clauses: readonly ParsedClause[];
}

export interface ParsedClause {
  /** In lower case. */
  readonly term: string;
  readonly fields: readonly string[];
  readonly presence: lunr.Query.presence;
  readonly boost: number;
  readonly editDistance?: number;
}

export interface QueryParser {
  /** There are some once `parse` was called, whether it has failed or not. */
  readonly lexemes: readonly Lexeme[];
  /** Throws `lunr.QueryParseError`. */
  parse(): ParsedQuery;
}

export const QueryParser = (
  lunr as unknown as { readonly QueryParser: new (text: string, query: lunr.Query) => QueryParser }
).QueryParser;
