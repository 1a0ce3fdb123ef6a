/**
 * Reads the words that an asker types: lunr's query language (`lunr.QueryParser`) with phrases, and
 * with what people mean when they look for a file.
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

import { ParseError } from '../errors.js';
import { caselessWords, withoutMarks } from '../index/folding.js';
import { type ChunkQuery, type WordClause, WordField, type WordQuery } from '../index/text-index.js';
import { type Chunk, chunksOf, hasUnspaced } from '../index/tokenizer.js';

/** In UTF-16 units. A person types less; a title pasted is less. */
export const MAX_TEXT_LENGTH = 1024;
/** Each costs at least one lookup in every segment. */
export const MAX_CHUNKS = 64;
const MAX_ASTERISKS = 4;
const MAX_DISTANCE = 2; // 3 costs some 100 ms and finds nothing that anyone meant
/** lunr's automaton for two mistakes grows with more than the square: 4 ms here, 35 at 32, all memory at 1000. */
const MAX_FUZZY_LETTERS = 24;
const MAX_BOOST = 100;

interface Reader {
  readonly text: string;
  readonly field: string;
  at: number;
}

interface Suffix {
  distance: number;
  boost: number;
}

/** Throws {@link ParseError} naming `field` and the position. */
export function parseWordQuery(text: string, field = 'text'): WordQuery {
  if (text.length > MAX_TEXT_LENGTH) {
    throw new ParseError(`'${field}' is longer than ${MAX_TEXT_LENGTH} characters`, { field });
  }
  const reader: Reader = { text, field, at: 0 };
  const clauses: WordClause[] = [];
  for (skipSpace(reader); reader.at < text.length; skipSpace(reader)) {
    const clause = parseClause(reader);
    if (clause.chunks.length > 0) clauses.push(clause);
  }
  if (clauses.length === 0) throw new ParseError(`'${field}' holds no word`, { field });
  const chunks = clauses.reduce((sum, clause) => sum + clause.chunks.length, 0);
  if (chunks > MAX_CHUNKS) throw new ParseError(`'${field}' holds more than ${MAX_CHUNKS} words`, { field });
  return { clauses };
}

/** True when the query says what to find, and not only what to leave out. */
export function hasRequired(query: WordQuery): boolean {
  return query.clauses.some((clause) => clause.presence === 'required');
}

function parseClause(reader: Reader): WordClause {
  const sign = /[+-](?=\S)/y;
  sign.lastIndex = reader.at;
  const presence = sign.exec(reader.text)?.[0];
  if (presence !== undefined) reader.at += 1;
  const fields = parseField(reader);
  const phrase = reader.text[reader.at] === '"';
  const start = reader.at;
  const value = phrase ? readPhrase(reader) : readWord(reader);
  const suffix = readSuffix(reader);
  if (phrase && suffix.distance > 0) fail(reader, start, "'~' stands after a single word");
  const chunks = phrase ? chunksOf(value).map(wordOf) : chunksOfWord(reader, start, value, suffix.distance);
  return {
    presence: presence === '-' ? 'prohibited' : 'required',
    fields,
    chunks,
    boost: suffix.boost,
  };
}

/** `name:` and its like. A colon with nothing after it is punctuation: `Alien: Resurrection`. */
function parseField(reader: Reader): readonly WordField[] {
  const prefix = /([a-z]+):(?=[^\s:])/y;
  prefix.lastIndex = reader.at;
  const match = prefix.exec(reader.text);
  if (!match) return WordField;
  const field = WordField.find((each) => each === match[1]);
  if (field === undefined) {
    const known = WordField.map((each) => `${each}:`).join(', ');
    fail(
      reader,
      reader.at,
      `there is no '${match[0]}', only ${known}; what stands in quotes is taken as it is`,
    );
  }
  reader.at += match[0].length;
  return [field];
}

function readPhrase(reader: Reader): string {
  const start = reader.at;
  let value = '';
  for (reader.at += 1; reader.at < reader.text.length; reader.at += 1) {
    const character = reader.text.charAt(reader.at);
    if (character === '"') {
      reader.at += 1;
      return value;
    }
    if (character === '\\') reader.at += 1;
    value += character === '\\' ? reader.text.charAt(reader.at) : character;
  }
  return fail(reader, start, 'the quotes are not closed');
}

/** Up to a space, a quote or a suffix. What is escaped is either a letter or parts words like a space. */
function readWord(reader: Reader): string {
  let value = '';
  for (; reader.at < reader.text.length; reader.at += 1) {
    const character = reader.text.charAt(reader.at);
    if (/[\s"]/.test(character) || suffixAt(reader)) break;
    if (character === '\\') {
      reader.at += 1;
      value += reader.text.charAt(reader.at).replace('*', ' ');
    } else value += character;
  }
  return value;
}

/** `~1`, `^3` or both, at the end of a word. Elsewhere, as in `backup~`, these are punctuation. */
function suffixAt(reader: Reader): RegExpExecArray | undefined {
  const suffix = /(?:[~^][0-9]{1,4}){1,4}(?=\s|$)/y;
  suffix.lastIndex = reader.at;
  return suffix.exec(reader.text) ?? undefined;
}

function readSuffix(reader: Reader): Suffix {
  const suffix: Suffix = { distance: 0, boost: 1 };
  const match = suffixAt(reader);
  if (!match) return suffix;
  for (const [part] of match[0].matchAll(/[~^][0-9]+/g)) {
    const value = Number(part.slice(1));
    if (part.startsWith('~')) {
      if (value > MAX_DISTANCE) fail(reader, reader.at, `'~' allows for ${MAX_DISTANCE} mistakes at most`);
      suffix.distance = value;
    } else {
      if (value < 1 || value > MAX_BOOST)
        fail(reader, reader.at, `'^' takes a number from 1 to ${MAX_BOOST}`);
      suffix.boost = value;
    }
  }
  reader.at += match[0].length;
  return suffix;
}

function chunksOfWord(reader: Reader, start: number, value: string, distance: number): ChunkQuery[] {
  if (value.includes('*')) {
    if (distance > 0) fail(reader, start, "a word has either '*' or '~'");
    return wildcardChunks(reader, start, value);
  }
  const chunks = chunksOf(value);
  if (distance !== 1 && distance !== 2) return chunks.map(wordOf);
  const [chunk] = chunks;
  const term = chunk && (chunk.whole ?? chunk.units[0]?.term);
  if (chunks.length !== 1 || term === undefined || hasUnspaced(value)) {
    fail(reader, start, "'~' stands after a single word of a script that parts words by spaces");
  }
  if (term.length > MAX_FUZZY_LETTERS) {
    fail(reader, start, `'~' stands after a word of at most ${MAX_FUZZY_LETTERS} letters`);
  }
  return [{ type: 'fuzzy', term, distance }];
}

/** A part with an asterisk is not taken further apart: `s01*` is looked up among the whole chunks too. */
function wildcardChunks(reader: Reader, start: number, value: string): ChunkQuery[] {
  const parts = value.normalize('NFKC').match(/[\p{L}\p{N}\p{M}*]+/gu) ?? [];
  return parts.flatMap((part) => {
    if (!part.includes('*')) return chunksOf(part).map(wordOf);
    const literals = part.split(/\*+/);
    if (literals.length - 1 > MAX_ASTERISKS) fail(reader, start, `a word holds at most ${MAX_ASTERISKS} '*'`);
    if (literals.every((literal) => literal === '')) fail(reader, start, "'*' needs a letter beside it");
    if (!hasUnspaced(part)) {
      return [{ type: 'wildcard', pieces: literals.map((literal) => withoutMarks(caselessWords(literal))) }];
    }
    // Found anywhere in a run as it is, so that an asterisk at the ends says nothing.
    const inner = literals.filter((literal) => literal !== '');
    if (inner.length > 1) fail(reader, start, "'*' between characters that are written without spaces");
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

function skipSpace(reader: Reader): void {
  while (reader.at < reader.text.length && /\s/.test(reader.text.charAt(reader.at))) reader.at += 1;
}

function fail(reader: Reader, position: number, reason: string): never {
  throw new ParseError(`'${reader.field}' at character ${position + 1}: ${reason}`, {
    field: reader.field,
    position,
  });
}
