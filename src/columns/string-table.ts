/** Strings that many files have in common, each kept once, as long as somebody has it. */
export class StringTable {
  readonly #numbers = new Map<string, number>();
  readonly #strings: string[] = [];
  readonly #holders: number[] = [];
  readonly #free: number[] = [];

  /** The number of the string, where somebody has it. */
  find(text: string): number | undefined {
    return this.#numbers.get(text);
  }

  /** The number of the string, for one more holder. */
  take(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) {
      this.hold(known);
      return known;
    }
    const number = this.#free.pop() ?? this.#strings.length;
    this.#numbers.set(text, number);
    this.#strings[number] = text;
    this.#holders[number] = 1;
    return number;
  }

  /** One holder more of a string that somebody has. */
  hold(number: number): void {
    this.#holders[number] = (this.#holders[number] ?? 0) + 1;
  }

  /** One holder less; the last one gives it up. */
  release(number: number): void {
    const left = (this.#holders[number] ?? 0) - 1;
    this.#holders[number] = left;
    if (left > 0) return;
    this.#numbers.delete(this.get(number));
    this.#strings[number] = '';
    this.#free.push(number);
  }

  /** Every string with its number. */
  [Symbol.iterator](): IterableIterator<[text: string, number: number]> {
    return this.#numbers.entries();
  }

  get(number: number): string {
    return this.#strings[number] ?? '';
  }
}
