/**
 * Texts that many slots have in common, each packed once. A text has a number as long as somebody holds it.
 * One that is retired is found no more, though readers may still have its number: when it is added again
 * it has another.
 */
import { Column } from './column.js';
import { SlotChains } from './slot-chains.js';
import type { TextWriter } from './text-pieces.js';

export interface TextTableComponents {
  readonly texts: TextWriter;
  /** By number: where the text is. */
  readonly at: Column;
}

export class TextTable {
  readonly #texts: TextWriter;
  readonly #at: Column;
  readonly #byText = new SlotChains((number) => hashOf(this.#texts.bytesAt(this.#at.get(number))));
  readonly #holders = Column.uint32();
  readonly #free: number[] = [];
  #count = 0;

  constructor({ texts, at }: TextTableComponents) {
    this.#texts = texts;
    this.#at = at;
  }

  /** One more than the highest number in use. */
  get count(): number {
    return this.#count;
  }

  find(text: Uint8Array): number | undefined {
    return this.#byText.find(hashOf(text), (number) => this.#texts.holds(this.#at.get(number), text));
  }

  /** The number of a text that is not found, to be held. */
  add(text: Uint8Array): number {
    const number = this.#free.pop() ?? this.#count++;
    this.#at.set(number, this.#texts.add(number, text));
    this.#byText.add(number, hashOf(text));
    return number;
  }

  /** One holder more of a text that is found. */
  hold(number: number): void {
    this.#holders.set(number, this.#holders.get(number) + 1);
  }

  /** The text, which is found, is found no more. */
  retire(number: number): void {
    this.#byText.remove(number);
  }

  /** One holder less. The last one gives up the text, which is retired. */
  release(number: number): void {
    const left = this.#holders.get(number) - 1;
    this.#holders.set(number, left);
    if (left > 0) return;
    this.#texts.free(this.#at.get(number));
    this.#at.set(number, 0);
    this.#free.push(number);
  }
}

/** FNV-1a. */
function hashOf(text: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ (text[at] as number), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
