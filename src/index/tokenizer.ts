/**
 * Takes file names, paths and descriptions apart into words, the same way for files and for queries.
 *
 * Text is in NFKC. A *chunk* is what stands between characters that are neither letter, digit nor
 * mark: `S01E02-RomeoJuliet` has two. A chunk is made of *units*, split where letters and digits meet,
 * at camelCase (`s 01 e 02`, `romeo juliet`), and at every character of scripts written without
 * spaces. A file is found by its units, by its chunks as a whole (`s01e02`, `romeojuliet`), and in an
 * unspaced run by every pair of neighbours, so that a word inside the run is found without knowing
 * where words begin.
 *
 * Terms have their case folded and no diacritics; `exact` keeps them, for ranking.
 */
import { eachAsciiToken, isAscii } from './ascii-tokens.js';
import { caselessWords, withoutMarks } from './folding.js';

export interface Unit {
  readonly term: string;
  /** One character of a script that is written without spaces between words. */
  readonly unspaced: boolean;
}

export interface Chunk {
  readonly units: readonly Unit[];
  /** The whole chunk as one term. Only where it has several units, all of them of spaced scripts. */
  readonly whole?: string;
  /** The whole chunk with case folded and with its diacritics. */
  readonly exact: string;
}

/** A term and the units that it covers, `[start, end)`, counted over the whole text. */
export interface Token {
  readonly term: string;
  readonly start: number;
  readonly end: number;
}

type Kind = 'upper' | 'lower' | 'digit' | 'unspaced' | 'mark' | 'other';

/** All terms under which `text` is found. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  if (isAscii(text)) {
    eachAsciiToken(text, (term, start, end) => tokens.push({ term, start, end }));
    return tokens;
  }
  let start = 0;
  for (const { units, whole } of chunksOf(text)) {
    for (const [at, unit] of units.entries()) {
      tokens.push({ term: unit.term, start: start + at, end: start + at + 1 });
      const next = units[at + 1];
      if (unit.unspaced && next?.unspaced) {
        tokens.push({ term: unit.term + next.term, start: start + at, end: start + at + 2 });
      }
    }
    if (whole !== undefined) tokens.push({ term: whole, start, end: start + units.length });
    start += units.length;
  }
  return tokens;
}

export function chunksOf(text: string): Chunk[] {
  const chunks: Chunk[] = [];
  let splitter = new Splitter();
  for (const character of normal(text)) {
    const kind = kindOf(character);
    if (kind !== 'other') splitter.take(character, kind);
    else if (!splitter.empty) {
      chunks.push(chunkOf(splitter.units));
      splitter = new Splitter();
    }
  }
  if (!splitter.empty) chunks.push(chunkOf(splitter.units));
  return chunks;
}

// Soft hyphens, joiners and marks of direction: invisible, and often left over in the middle of a word.
const INVISIBLE = /[\u00ad\u200c-\u200f\u2060\ufeff]/g;

function normal(text: string): string {
  return text.normalize('NFKC').replace(INVISIBLE, '');
}

interface RawUnit {
  text: string;
  kind: Kind;
  /** Where the last letter begins. */
  last: number;
}

/** Splits one chunk into units, character by character. */
class Splitter {
  readonly units: RawUnit[] = [];

  get empty(): boolean {
    return this.units.length === 0;
  }

  take(character: string, kind: Exclude<Kind, 'other'>): void {
    const unit = this.units.at(-1);
    if (kind === 'mark') {
      if (unit) unit.text += character; // a mark with no letter before it belongs to nothing
    } else if (unit?.kind === kind && kind !== 'unspaced') {
      unit.last = unit.text.length;
      unit.text += character;
    } else if (kind === 'lower' && unit?.kind === 'upper') {
      this.#lowerAfterUpper(unit, character);
    } else {
      this.units.push({ text: character, kind, last: 0 });
    }
  }

  /** `Romeo` stays together; of `HTMLParser` the `P` goes with what follows. */
  #lowerAfterUpper(unit: RawUnit, character: string): void {
    const head = unit.text.slice(0, unit.last);
    const tail = unit.text.slice(unit.last) + character;
    const word: RawUnit = { text: tail, kind: 'lower', last: tail.length - character.length };
    if (head === '') this.units.pop();
    else unit.text = head;
    this.units.push(word);
  }
}

function chunkOf(raw: readonly RawUnit[]): Chunk {
  const exact = raw.map((unit) => caselessWords(unit.text));
  const units = raw.map((unit, at) => ({
    term: withoutMarks(exact[at] ?? ''),
    unspaced: unit.kind === 'unspaced',
  }));
  const asWhole = units.length > 1 && !units.some((unit) => unit.unspaced);
  return {
    units,
    ...(asWhole && { whole: units.map((unit) => unit.term).join('') }),
    exact: exact.join(''),
  };
}

const ASCII_KINDS: readonly Kind[] = Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[0-9]/.test(character)) return 'digit';
  if (/[A-Z]/.test(character)) return 'upper';
  return /[a-z]/.test(character) ? 'lower' : 'other';
});
const LETTER = /\p{L}/u;
const UPPER = /[\p{Lu}\p{Lt}]/u;
const NUMBER = /\p{N}/u;
const MARK = /\p{M}/u;
// Korean has spaces, but its particles and compounds are written without: it is searched the same way.
const UNSPACED =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

function kindOf(character: string): Kind {
  const ascii = ASCII_KINDS[character.charCodeAt(0)];
  if (ascii !== undefined) return ascii;
  if (NUMBER.test(character)) return 'digit';
  if (MARK.test(character)) return 'mark';
  if (!LETTER.test(character)) return 'other';
  if (UNSPACED.test(character)) return 'unspaced';
  return UPPER.test(character) ? 'upper' : 'lower';
}

/** True when `text` holds a letter of a script that is written without spaces. */
export function hasUnspaced(text: string): boolean {
  return [...normal(text)].some((character) => kindOf(character) === 'unspaced');
}
