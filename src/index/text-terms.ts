/** The different terms of a text, as `tokensOf` gives them, without their places: for indexing, where it has to be quick. */
import { tokensOf } from './tokenizer.js';

export interface TextTerms {
  /** A term may come twice. */
  readonly terms: readonly string[];
  /** Whether the text is ASCII: then every term stands in it as it is, apart from case. */
  readonly ascii: boolean;
}

const ASCII = /^[\0-\x7f]*$/;
const CHUNK = /[A-Za-z0-9]+/g;

export function termsOf(text: string): TextTerms {
  if (!ASCII.test(text)) return { terms: tokensOf(text).map(({ term }) => term), ascii: false };
  const terms: string[] = [];
  for (const chunk of text.match(CHUNK) ?? []) pushTerms(terms, chunk);
  return { terms, ascii: true };
}

const DIGIT = 1;
const UPPER = 2;
const LOWER = 3;

function kindOf(unit: number): number {
  return unit <= 0x39 ? DIGIT : unit <= 0x5a ? UPPER : LOWER;
}

function pushTerms(terms: string[], chunk: string): void {
  const lower = chunk.toLowerCase();
  let start = 0;
  let kind = kindOf(chunk.charCodeAt(0));
  for (let at = 1; at < chunk.length; at++) {
    const next = kindOf(chunk.charCodeAt(at));
    if (next === kind) continue;
    if (kind === UPPER && next === LOWER) {
      // Of a run of capitals the last one belongs to the word that begins with it.
      if (at - 1 > start) {
        terms.push(lower.slice(start, at - 1));
        start = at - 1;
      }
    } else {
      terms.push(lower.slice(start, at));
      start = at;
    }
    kind = next;
  }
  if (start > 0) terms.push(lower.slice(start));
  terms.push(lower);
}
