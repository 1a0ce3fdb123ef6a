/** Stanzas of ours that the server has not said to have handled, in the order in which they were sent (XEP-0198 §4). */
import type { Element } from '../stanza/xml.js';

export interface UnackedStanza {
  /** Its XML. */
  readonly text: string;
  /** The stanza itself, where it may be sent in another session. */
  readonly message?: Element;
  /** When it was sent, milliseconds since 1970. */
  readonly sentAtMs: number;
}

export interface UnackedStanzasInit {
  readonly maxStanzas: number;
  /** Of XML, in UTF-16 units. */
  readonly maxChars: number;
}

const COMPACT_AT = 1024; // until then what was forgotten stays in the list, so that forgetting is cheap

export class UnackedStanzas {
  #list: UnackedStanza[] = [];
  #first = 0;
  #chars = 0;

  constructor(private readonly init: UnackedStanzasInit) {}

  get size(): number {
    return this.#list.length - this.#first;
  }

  /** True when `text` would still find room. */
  hasRoomFor(text: string): boolean {
    return this.size < this.init.maxStanzas && this.#chars + text.length <= this.init.maxChars;
  }

  add(stanza: UnackedStanza): void {
    this.#list.push(stanza);
    this.#chars += stanza.text.length;
  }

  forget(count: number): void {
    const end = Math.min(this.#first + count, this.#list.length);
    for (let at = this.#first; at < end; at++) this.#chars -= this.#list[at]?.text.length ?? 0;
    this.#first = end;
    if (this.#first === this.#list.length) {
      this.#list = [];
      this.#first = 0;
    } else if (this.#first >= COMPACT_AT && this.#first * 2 >= this.#list.length) {
      this.#list = this.#list.slice(this.#first);
      this.#first = 0;
    }
  }

  all(): readonly UnackedStanza[] {
    return this.#list.slice(this.#first);
  }
}
