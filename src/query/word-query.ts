/**
 * Reads the words that an asker types: lunr's query language, read by `lunr.QueryParser`, with phrases, and
 * with what people mean when they look for a file (`typed-words.ts`).
 *
 *     romeo juliet -audio jul* "a phrase" name:capulet romoe~1 tragedy^3
 *
 * - All words are required (in lunr they are optional); `+` says so, `-` excludes. For either of two
 *   words an asker gives two values.
 * - `name:`, `path:`, `desc:` and `type:` look in one field only, where otherwise any will do.
 * - `*` is any number of characters. `~1` and `~2` allow for so many mistakes; `^3` makes a word weigh more.
 * - A word that the tokenizer takes apart (`foo-bar`, `S01E02`, `RomeoJuliet`, a run of Chinese) has to
 *   be found as parts in a row, or as one.
 * - `\` takes the meaning from the character after it, as do quotes from all between them. Punctuation
 *   that means nothing is passed over, so that a title can be pasted as it is.
 */

import lunr from 'lunr';
import { ParseError } from '../errors.js';
import { caselessWords, withoutMarks } from '../index/folding.js';
import { type Lexeme, type ParsedClause, QueryParser } from '../index/lunr-internals.js';
import { type ChunkQuery, type WordClause, WordField, type WordQuery } from '../index/text-index.js';
import { type Chunk, chunksOf, hasUnspaced } from '../index/tokenizer.js';
import { faultAt, isPhrase, type TypedWords, typedWords } from './typed-words.js';

/** In UTF-16 units. A person types less; a title pasted is less. */
export const MAX_TEXT_LENGTH = 1024;
/** Each costs at least one lookup in every segment. */
export const MAX_CHUNKS = 64;
const MAX_ASTERISKS = 4;
const MAX_DISTANCE = 2; // 3 costs some 100 ms and finds nothing that anyone meant
/** lunr's automaton for two mistakes grows with more than the square: 4 ms here, 35 at 32, all memory at 1000. */
const MAX_FUZZY_LETTERS = 24;
const MAX_BOOST = 100;

/** A clause as lunr has read it, and what it stands in the query as. */
interface Word {
  readonly clause: ParsedClause;
  /** The term as it was typed. */
  readonly typed: string;
  readonly at: number;
  readonly distanceAt: number;
  readonly boostAt: number;
}

/** Refuses what stands at a place in the query that was given to lunr. */
type Refuse = (at: number, reason: string, cause?: unknown) => never;

/** Throws {@link ParseError} naming `field` and the position. */
export function parseWordQuery(text: string, field = 'text'): WordQuery {
  if (text.length > MAX_TEXT_LENGTH) {
    throw new ParseError(`'${field}' is longer than ${MAX_TEXT_LENGTH} characters`, { field });
  }
  const typed = typedWords(text, field);
  const refuse: Refuse = (at, reason, cause) => {
    throw faultAt(field, typed.positions[at] ?? 0, reason, cause);
  };
  const clauses = wordsOf(typed, refuse)
    .map((word) => clauseOf(word, refuse))
    .filter(({ chunks }) => chunks.length > 0);
  if (clauses.length === 0) throw new ParseError(`'${field}' holds no word`, { field });
  const chunks = clauses.reduce((sum, clause) => sum + clause.chunks.length, 0);
  if (chunks > MAX_CHUNKS) throw new ParseError(`'${field}' holds more than ${MAX_CHUNKS} words`, { field });
  return { clauses };
}

/** True when the query says what to find, and not only what to leave out. */
export function hasRequired(query: WordQuery): boolean {
  return query.clauses.some((clause) => clause.presence === 'required');
}

function wordsOf({ query }: TypedWords, refuse: Refuse): Word[] {
  const parser = new QueryParser(query, new lunr.Query([...WordField]));
  try {
    const { clauses } = parser.parse();
    // A clause for every term. Its own is in lower case, which hides where `RomeoJuliet` is taken apart.
    const terms = parser.lexemes.flatMap((lexeme, place) => (lexeme.type === 'TERM' ? place : []));
    return clauses.map((clause, nth) => wordAt(parser.lexemes, terms[nth] ?? 0, clause));
  } catch (error) {
    if (!(error instanceof lunr.QueryParseError)) throw error;
    // Nothing else can be wrong: every operator that was left has its term, and its number.
    const known = WordField.map((each) => `${each}:`).join(', ');
    const wrong = query.slice(error.start, error.end);
    const reason = `there is no '${wrong}:', only ${known}; what stands in quotes is taken as it is`;
    return refuse(error.start, reason, error);
  }
}

function wordAt(lexemes: readonly Lexeme[], place: number, clause: ParsedClause): Word {
  const { str: typed = '', start: at = 0 } = lexemes[place] ?? {};
  const suffixAt = { EDIT_DISTANCE: at, BOOST: at };
  for (let after = place + 1; after < lexemes.length; after++) {
    const { type, start } = lexemes[after] as Lexeme;
    if (type !== 'EDIT_DISTANCE' && type !== 'BOOST') break;
    suffixAt[type] = start - 1;
  }
  return { clause, typed, at, distanceAt: suffixAt.EDIT_DISTANCE, boostAt: suffixAt.BOOST };
}

function clauseOf(word: Word, refuse: Refuse): WordClause {
  const { fields, presence, boost, editDistance = 0 } = word.clause;
  if (editDistance > MAX_DISTANCE) {
    refuse(word.distanceAt, `'~' allows for ${MAX_DISTANCE} mistakes at most`);
  }
  if (boost < 1 || boost > MAX_BOOST) refuse(word.boostAt, `'^' takes a number from 1 to ${MAX_BOOST}`);
  return {
    presence: presence === lunr.Query.presence.PROHIBITED ? 'prohibited' : 'required',
    fields: WordField.filter((field) => fields.includes(field)),
    chunks: chunksOfWord(word, editDistance, (reason) => refuse(word.at, reason)),
    boost,
  };
}

function chunksOfWord({ typed }: Word, distance: number, refuse: (reason: string) => never): ChunkQuery[] {
  if (isPhrase(typed)) {
    if (distance > 0) refuse("'~' stands after a single word");
    return chunksOf(typed).map(wordOf);
  }
  if (typed.includes('*')) {
    if (distance > 0) refuse("a word has either '*' or '~'");
    return wildcardChunks(typed, refuse);
  }
  const chunks = chunksOf(typed);
  if (distance !== 1 && distance !== 2) return chunks.map(wordOf);
  const [chunk] = chunks;
  const term = chunk && (chunk.whole ?? chunk.units[0]?.term);
  if (chunks.length !== 1 || term === undefined || hasUnspaced(typed)) {
    return refuse("'~' stands after a single word of a script that parts words by spaces");
  }
  if (term.length > MAX_FUZZY_LETTERS) {
    refuse(`'~' stands after a word of at most ${MAX_FUZZY_LETTERS} letters`);
  }
  return [{ type: 'fuzzy', term, distance }];
}

/** A part with an asterisk is not taken further apart: `s01*` is looked up among the whole chunks too. */
function wildcardChunks(typed: string, refuse: (reason: string) => never): ChunkQuery[] {
  const parts = typed.normalize('NFKC').match(/[\p{L}\p{N}\p{M}*]+/gu) ?? [];
  return parts.flatMap((part) => {
    if (!part.includes('*')) return chunksOf(part).map(wordOf);
    const literals = part.split(/\*+/);
    if (literals.length - 1 > MAX_ASTERISKS) refuse(`a word holds at most ${MAX_ASTERISKS} '*'`);
    if (literals.every((literal) => literal === '')) refuse("'*' needs a letter beside it");
    if (!hasUnspaced(part)) {
      return [{ type: 'wildcard', pieces: literals.map((literal) => withoutMarks(caselessWords(literal))) }];
    }
    // Found anywhere in a run as it is, so that an asterisk at the ends says nothing.
    const inner = literals.filter((literal) => literal !== '');
    if (inner.length > 1) refuse("'*' between characters that are written without spaces");
    return inner.flatMap((literal) => chunksOf(literal).map(wordOf));
  });
}

function wordOf(chunk: Chunk): ChunkQuery {
  return {
    type: 'word',
    terms: termsOf(chunk),
    length: chunk.units.length,
    ...(chunk.whole !== undefined && { whole: chunk.whole }),
    exact: chunk.exact,
  };
}

/** The units; in an unspaced run the pairs of neighbours, which are rarer and cover it as well. */
function termsOf({ units }: Chunk): { term: string; offset: number }[] {
  return units.flatMap(({ term, unspaced }, offset) => {
    const next = units[offset + 1];
    if (unspaced && next?.unspaced) return [{ term: term + next.term, offset }];
    const covered = unspaced && (units[offset - 1]?.unspaced ?? false);
    return covered ? [] : [{ term, offset }];
  });
}
