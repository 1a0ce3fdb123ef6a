/**
 * Lines at the bottom of a terminal that are painted again and again. What no longer fits on the
 * screen is left behind as it was: a terminal can't change what has scrolled away.
 */
import type { Output } from './terminal.js';

export class LiveRegion {
  readonly #output: Output;
  /** Lines on the screen that can still be changed. */
  #live = 0;
  /** Lines that have scrolled away for good. */
  #left = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  /** How many of the lines painted can't be changed any more. */
  get left(): number {
    return this.#left;
  }

  /** Shows `lines`, all from the first, none wider than the terminal. They may change and grow in number. */
  paint(lines: readonly string[]): void {
    const up = this.#live > 0 ? `\x1b[${this.#live}A\r\x1b[J` : '';
    const shown = lines.slice(this.#left);
    this.#output.write(`${up}${shown.map((line) => `${line}\n`).join('')}`);
    // The cursor stands on a line of its own below them.
    const fits = Math.max(1, this.#output.rows - 1);
    this.#left += Math.max(0, shown.length - fits);
    this.#live = Math.min(shown.length, fits);
  }

  /** Takes the lines away that are live. */
  clear(): void {
    if (this.#live > 0) this.#output.write(`\x1b[${this.#live}A\r\x1b[J`);
    this.#live = 0;
  }
}
