/** Makes segments of documents. */

import { shared, shared16, shared32 } from '../columns/shared-arrays.js';
import { eachAsciiToken, isAscii } from './ascii-tokens.js';
import { caselessWords } from './folding.js';
import { PostingWriter, SPELLED } from './packed-postings.js';
import { PackedSegment } from './packed-segment.js';
import { PackedVocabulary } from './packed-vocabulary.js';
import { MAX_NAME_LENGTH } from './relevance.js';
import { type DocumentSource, FIELD_BIT, type Pace, WordField, type Work } from './text-index.js';
import { tokensOf } from './tokenizer.js';

/** Documents in a segment as it is first made: sorting its terms takes some milliseconds and has no pause. */
const DOCUMENTS_A_BUILD = 2048;
/** Texts whose terms are kept at hand: folders and types come again and again. */
const TEXTS_AT_HAND = 64;

export function* buildSegments(
  ids: readonly number[],
  source: DocumentSource,
  pace: Pace,
): Work<PackedSegment[]> {
  const segments: PackedSegment[] = [];
  for (let from = 0; from < ids.length; from += DOCUMENTS_A_BUILD) {
    const builder = new SegmentBuilder(ids.slice(from, from + DOCUMENTS_A_BUILD));
    for (let ordinal = 0; ordinal < builder.ids.length; ordinal++) {
      builder.add(ordinal, source);
      if (pace.due()) yield;
    }
    const terms = builder.sortedTerms();
    if (pace.due()) yield;
    segments.push(builder.finish(terms));
    if (pace.due()) yield;
  }
  return segments;
}

/** A term of a text, and 1 when it is spelled without diacritics there. */
interface TextTerm {
  readonly term: number;
  readonly spelled: 0 | 1;
}

/** Postings are collected by document, and put in the order of their terms at the end. */
class SegmentBuilder {
  readonly #terms = new Map<string, number>();
  readonly #atHand = new Map<string, readonly TextTerm[]>();
  /** How many documents have each term. */
  readonly #counts: number[] = [];
  /** The last document with each term, and where that posting is. */
  readonly #lastOrdinal: number[] = [];
  readonly #lastAt: number[] = [];
  readonly #postingTerm: number[] = [];
  readonly #postingKnown: number[] = [];
  /** Where the postings of each document end. */
  readonly #ends: Uint32Array;
  readonly #nameLengths: Uint16Array;

  constructor(readonly ids: readonly number[]) {
    this.#ends = new Uint32Array(ids.length);
    this.#nameLengths = shared16(ids.length);
  }

  add(ordinal: number, source: DocumentSource): void {
    const document = source.document(this.ids[ordinal] as number);
    this.#nameLengths[ordinal] = Math.min(document.name.length, MAX_NAME_LENGTH);
    for (const field of WordField) {
      const text = document[field];
      if (text === '') continue;
      const bit = FIELD_BIT[field];
      const terms = field === 'name' ? this.#termsOf(text) : this.#repeatedTermsOf(text);
      for (const { term, spelled } of terms) this.#note(term, ordinal, bit | ((spelled * bit) << SPELLED));
    }
    this.#ends[ordinal] = this.#postingTerm.length;
  }

  #note(term: number, ordinal: number, known: number): void {
    if (this.#lastOrdinal[term] === ordinal) {
      const at = this.#lastAt[term] as number;
      this.#postingKnown[at] = (this.#postingKnown[at] as number) | known;
      return;
    }
    this.#lastOrdinal[term] = ordinal;
    this.#lastAt[term] = this.#postingTerm.length;
    this.#counts[term] = (this.#counts[term] as number) + 1;
    this.#postingTerm.push(term);
    this.#postingKnown.push(known);
  }

  #repeatedTermsOf(text: string): readonly TextTerm[] {
    const atHand = this.#atHand.get(text);
    if (atHand) return atHand;
    const terms = this.#termsOf(text);
    if (this.#atHand.size >= TEXTS_AT_HAND) this.#atHand.clear();
    this.#atHand.set(text, terms);
    return terms;
  }

  #termsOf(text: string): TextTerm[] {
    const terms: TextTerm[] = [];
    if (isAscii(text)) {
      // Every term stands in the text as it is, apart from case.
      eachAsciiToken(text, (term) => terms.push({ term: this.#number(term), spelled: 1 }));
      return terms;
    }
    const folded = caselessWords(text);
    for (const { term } of tokensOf(text)) {
      // Where `relevance.ts` would find the term in the text: then it need not look again.
      terms.push({ term: this.#number(term), spelled: folded.includes(term) ? 1 : 0 });
    }
    return terms;
  }

  #number(term: string): number {
    const known = this.#terms.get(term);
    if (known !== undefined) return known;
    this.#terms.set(term, this.#terms.size);
    this.#counts.push(0);
    this.#lastOrdinal.push(-1);
    this.#lastAt.push(-1);
    return this.#terms.size - 1;
  }

  sortedTerms(): string[] {
    return [...this.#terms.keys()].sort();
  }

  finish(terms: readonly string[]): PackedSegment {
    const order = terms.map((term) => this.#terms.get(term) as number);
    const begins = new Uint32Array(terms.length);
    let begin = 0;
    for (const term of order) {
      begins[term] = begin;
      begin += this.#counts[term] as number;
    }
    const ordinals = new Uint32Array(begin);
    const knowns = new Uint8Array(begin);
    for (let ordinal = 0, at = 0; ordinal < this.#ends.length; ordinal++) {
      for (; at < (this.#ends[ordinal] as number); at++) {
        const term = this.#postingTerm[at] as number;
        const place = begins[term] as number;
        ordinals[place] = ordinal;
        knowns[place] = this.#postingKnown[at] as number;
        begins[term] = place + 1;
      }
    }
    const writer = new PostingWriter(begin * 2);
    const starts = shared32(terms.length + 1);
    for (let term = 0, at = 0; term < order.length; term++) {
      const end = begins[order[term] as number] as number;
      writer.startList();
      for (; at < end; at++) writer.add(ordinals[at] as number, knowns[at] as number);
      starts[term + 1] = writer.end;
    }
    return new PackedSegment({
      vocabulary: PackedVocabulary.of(terms),
      postings: shared(writer.written),
      starts,
      ids: shared(Uint32Array.from(this.ids)),
      nameLengths: this.#nameLengths,
    });
  }
}
