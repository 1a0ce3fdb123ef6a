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

  /** The number of a string that nobody has, to be held. */
  add(text: string): number {
    const number = this.#free.pop() ?? this.#strings.length;
    this.#numbers.set(text, number);
    this.#strings[number] = text;
    this.#holders[number] = 0;
    return number;
  }

  /** One holder more. */
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

  get(number: number): string {
    return this.#strings[number] ?? '';
  }
}
