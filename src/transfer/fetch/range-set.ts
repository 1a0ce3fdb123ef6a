/**
 * A set of whole numbers as spans that neither touch nor overlap, in order: which bytes or blocks are there,
 * are missing, are under way. Every operation takes time linear in the spans, of which a set of n numbers has at
 * most n / 2.
 */

/** From `start`, which belongs to it, to `end`, which does not. Never empty inside a set. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export class RangeSet implements Iterable<Span> {
  readonly #spans: Span[] = [];
  #size = 0;

  constructor(spans: Iterable<Span> = []) {
    for (const { start, end } of spans) this.add(start, end);
  }

  /** How many numbers are in it. */
  get size(): number {
    return this.#size;
  }

  get spans(): readonly Span[] {
    return this.#spans;
  }

  [Symbol.iterator](): Iterator<Span> {
    return this.#spans[Symbol.iterator]();
  }

  copy(): RangeSet {
    const copy = new RangeSet();
    copy.#spans.push(...this.#spans);
    copy.#size = this.#size;
    return copy;
  }

  add(start: number, end: number): void {
    if (!(start < end)) return;
    const first = this.#firstEndingAt(start);
    let last = first;
    let from = start;
    let to = end;
    for (let span = this.#spans[last]; span !== undefined && span.start <= end; span = this.#spans[++last]) {
      from = Math.min(from, span.start);
      to = Math.max(to, span.end);
      this.#size -= span.end - span.start;
    }
    this.#spans.splice(first, last - first, { start: from, end: to });
    this.#size += to - from;
  }

  remove(start: number, end: number): void {
    if (!(start < end)) return;
    const first = this.#firstEndingAfter(start);
    const left: Span[] = [];
    let last = first;
    for (let span = this.#spans[last]; span !== undefined && span.start < end; span = this.#spans[++last]) {
      this.#size -= span.end - span.start;
      if (span.start < start) left.push({ start: span.start, end: start });
      if (span.end > end) left.push({ start: end, end: span.end });
    }
    for (const span of left) this.#size += span.end - span.start;
    this.#spans.splice(first, last - first, ...left);
  }

  has(value: number): boolean {
    const span = this.#spans[this.#firstEndingAfter(value)];
    return span !== undefined && span.start <= value;
  }

  /** The first span that has something at or behind `from`, cut to begin there. */
  firstFrom(from: number): Span | undefined {
    const span = this.#spans[this.#firstEndingAfter(from)];
    return span && { start: Math.max(span.start, from), end: span.end };
  }

  /** What of `start` to `end` is not in the set. */
  missing(start: number, end: number): Span[] {
    const gaps: Span[] = [];
    let at = start;
    for (let i = this.#firstEndingAfter(start); at < end; i++) {
      const span = this.#spans[i];
      const until = Math.min(end, span?.start ?? end);
      if (at < until) gaps.push({ start: at, end: until });
      if (span === undefined) break;
      at = Math.max(at, span.end);
    }
    return gaps;
  }

  #firstEndingAt(value: number): number {
    return this.#search((span) => span.end >= value);
  }

  #firstEndingAfter(value: number): number {
    return this.#search((span) => span.end > value);
  }

  #search(found: (span: Span) => boolean): number {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const span = this.#spans[middle];
      if (span !== undefined && found(span)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
