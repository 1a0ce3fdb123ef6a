/**
 * Patterns of paths, as rules have them: `share/folder/*.mp3`. In a part, `*` stands for any number of characters
 * and `?` for one; a part `**` stands for any number of parts, none too. A pattern that fits a folder holds for all
 * that is in it.
 *
 * No pattern makes more than its length times that of the path of work. Both sides are compared in NFC, since
 * a name may be written either way on disk and in a configuration; case counts, as it does on disk.
 */
import { ParseError } from '../errors.js';

/** States are bits of one number. */
export const MAX_GLOB_PARTS = 30;

/** How far into a pattern a path has come, in all ways at once: a bit for each part that may come next. */
export type GlobState = number;

const STAR = 0x2a;
const QUESTION_MARK = 0x3f;

/** Of one part of a path, in NFC. */
export type PartTest = (part: string) => boolean;

export class PathGlob {
  /** Undefined is `**`. */
  readonly #parts: readonly (PartTest | undefined)[];
  readonly #all: number;
  readonly start: GlobState;

  /** Throws {@link ParseError}. */
  constructor(text: string) {
    const parts = text.normalize('NFC').split('/');
    if (!isPathGlob(text)) throw new ParseError('this is no pattern of paths', { field: 'glob' });
    this.#parts = parts.map((part) => (part === '**' ? undefined : partTest(part)));
    this.#all = 1 << parts.length;
    this.start = this.#withSkipped(1);
  }

  /** The path so far, or a folder on the way to it, fits: so does all that is below. */
  fits(state: GlobState): boolean {
    return (state & this.#all) !== 0;
  }

  /** After one more part of a path, in NFC. 0: nothing below can fit. */
  next(state: GlobState, part: string): GlobState {
    if (this.fits(state)) return state;
    let next = 0;
    for (let left = state; left !== 0; left &= left - 1) {
      const bit = left & -left;
      const test = this.#parts[31 - Math.clz32(bit)];
      if (test === undefined) next |= bit;
      else if (test(part)) next |= bit << 1;
    }
    return this.#withSkipped(next);
  }

  /** A file directly in a folder that does not fit itself fits if its name passes one of them. */
  nameTests(state: GlobState): readonly PartTest[] {
    const tests: PartTest[] = [];
    for (let left = state; left !== 0; left &= left - 1) {
      const bit = left & -left;
      const test = this.#parts[31 - Math.clz32(bit)];
      if (test !== undefined && this.fits(this.#withSkipped(bit << 1))) tests.push(test);
    }
    return tests;
  }

  /** A `**` may stand for no part. */
  #withSkipped(state: GlobState): GlobState {
    let all = state;
    for (let at = 0; at < this.#parts.length; at++)
      if ((all & (1 << at)) !== 0 && this.#parts[at] === undefined) all |= 1 << (at + 1);
    return all;
  }
}

/** Whether it can be a pattern: no part is empty, `.` or `..`, and there are not too many. */
export function isPathGlob(text: string): boolean {
  const parts = text.split('/');
  return (
    parts.length <= MAX_GLOB_PARTS && !parts.some((part) => part === '' || part === '.' || part === '..')
  );
}

function partTest(pattern: string): PartTest {
  if (!/[*?]/.test(pattern)) return (part) => part === pattern;
  if (/^\*+$/.test(pattern)) return () => true;
  // What stands before the first wildcard and after the last tells most names apart.
  const begin = pattern.slice(0, pattern.search(/[*?]/));
  const end = pattern.slice(Math.max(pattern.lastIndexOf('*'), pattern.lastIndexOf('?')) + 1);
  if (/^\*+$/.test(pattern.slice(0, pattern.length - end.length))) return (part) => part.endsWith(end);
  const wanted = pattern.replace(/\*+/g, '*');
  return (part) => part.endsWith(end) && part.startsWith(begin) && fitsWildcards(part, wanted);
}

/** Goes back to the last `*` only: an earlier one gains nothing by taking more. A character is a code point. */
function fitsWildcards(part: string, wanted: string): boolean {
  let at = 0;
  let want = 0;
  let star = -1;
  let starAt = 0;
  while (at < part.length) {
    const each = wanted.charCodeAt(want);
    if (each === STAR) {
      star = want;
      starAt = at;
      want += 1;
    } else if (each === QUESTION_MARK) {
      want += 1;
      at = behind(part, at);
    } else if (each === part.charCodeAt(at)) {
      want += 1;
      at += 1;
    } else if (star >= 0) {
      starAt = behind(part, starAt);
      at = starAt;
      want = star + 1;
    } else return false;
  }
  while (wanted.charCodeAt(want) === STAR) want += 1;
  return want === wanted.length;
}

/** The place after the character at `at`. */
function behind(text: string, at: number): number {
  return at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
}
