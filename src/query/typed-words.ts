/**
 * What an asker types, put into lunr's query language. Decided here is only what is meant as an operator,
 * so that a title can be pasted as it is; all else is escaped. What operators mean is for lunr to say.
 *
 * Each word becomes a term, and so does each phrase, which lunr has not: as it is, with the quote it begins with.
 */
import { ParseError } from '../errors.js';

export interface TypedWords {
  /** For `lunr.QueryParser`. */
  readonly query: string;
  /** Where in the asker's text each character of it comes from. */
  readonly positions: readonly number[];
}

/** The first character of every term that is a phrase, and of no other. */
const QUOTE = '"';
const ASTERISK = '*';
/** What lunr would take for an operator or the end of the term. */
const MEANS_SOMETHING = /[\\:~^+\-\s]/;

/** Throws {@link ParseError} when a quote is not closed. */
export function typedWords(text: string, field: string): TypedWords {
  const rewriting = new Rewriting(text, field);
  rewriting.run();
  return rewriting;
}

/** Whether a term of {@link TypedWords} stands for a phrase. */
export function isPhrase(term: string): boolean {
  return term.startsWith(QUOTE);
}

/** A fault of the value of `field`, at a position in UTF-16 units from 0. */
export function faultAt(field: string, position: number, reason: string, cause?: unknown): ParseError {
  return new ParseError(`'${field}' at character ${position + 1}: ${reason}`, { field, position, cause });
}

class Rewriting implements TypedWords {
  query = '';
  readonly positions: number[] = [];
  readonly #text: string;
  readonly #field: string;
  #at = 0;

  constructor(text: string, field: string) {
    this.#text = text;
    this.#field = field;
  }

  run(): void {
    for (;;) {
      this.#at += this.#next(/\s*/y).length;
      if (this.#at >= this.#text.length) return;
      if (this.query !== '') this.#write(' ');
      this.#clause();
    }
  }

  #clause(): void {
    this.#pass(/[+-](?=\S)/y);
    // A colon with nothing after it is punctuation: `Alien: Resurrection`.
    this.#pass(/[a-z]+:(?=[^\s:])/y);
    if (this.#text[this.#at] === QUOTE) this.#phrase();
    else this.#word();
    this.#pass(SUFFIX);
  }

  #phrase(): void {
    const start = this.#at;
    this.#write(QUOTE);
    for (this.#at += 1; this.#text[this.#at] !== QUOTE; this.#at += 1) {
      if (this.#at + this.#escaped() >= this.#text.length)
        throw faultAt(this.#field, start, 'the quotes are not closed');
      this.#literal();
    }
    this.#at += 1;
  }

  /** Up to a space, a quote or a suffix. */
  #word(): void {
    // There has to be a term before a suffix, or lunr takes it for that of the term before.
    if (this.#next(SUFFIX) !== '') this.#write('\\ ');
    for (; this.#at < this.#text.length; this.#at += 1) {
      const character = this.#text.charAt(this.#at);
      if (/[\s"]/.test(character) || this.#next(SUFFIX) !== '') return;
      if (character === ASTERISK) this.#write(ASTERISK);
      else this.#literal();
    }
  }

  /** The character here, without the meaning that it may have for lunr or for us. */
  #literal(): void {
    const escaped = this.#escaped();
    const character = this.#text.charAt(this.#at + escaped);
    // lunr's terms do not tell an asterisk that was escaped from another; to words both are as good as a space.
    if (character === '' || character === QUOTE || character === ASTERISK) this.#write('\\ ');
    else this.#write(MEANS_SOMETHING.test(character) ? `\\${character}` : character);
    this.#at += escaped;
  }

  /** 1 where the next character only takes the meaning from the one after it. */
  #escaped(): 0 | 1 {
    return this.#text[this.#at] === '\\' ? 1 : 0;
  }

  #pass(operator: RegExp): void {
    for (const character of this.#next(operator)) {
      this.#write(character);
      this.#at += 1;
    }
  }

  #write(characters: string): void {
    this.query += characters;
    for (let count = characters.length; count > 0; count--) this.positions.push(this.#at);
  }

  #next(sticky: RegExp): string {
    sticky.lastIndex = this.#at;
    return sticky.exec(this.#text)?.[0] ?? '';
  }
}

/** `~1`, `^3` or both, at the end of a word. Elsewhere, as in `backup~`, these are punctuation. */
const SUFFIX = /(?:[~^][0-9]{1,4}){1,4}(?=\s|$)/y;
