/** Which address each link was first used from, where links are to be used from one address only. Forgotten at the end. */
import type { Clock } from '../clock.js';

interface Pin {
  readonly address: string;
  readonly expiresMs: number;
}

/** Some 3 MB. Beyond it the oldest is forgotten: that link is pinned anew by whoever uses it next. */
const MAX_PINS = 10_000;

export class AddressPins {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #pins = new Map<string, Pin>();

  constructor(components: { readonly clock: Pick<Clock, 'now'> }) {
    this.#clock = components.clock;
  }

  /** Whether this address may use the link; the first one that does, may from then on. */
  admits(token: string, expiresMs: number, address: string): boolean {
    const key = token.slice(0, PIN_CHARS);
    const known = this.#pins.get(key);
    if (known !== undefined) return known.address === address;
    this.#makeRoom();
    this.#pins.set(key, { address, expiresMs });
    return true;
  }

  #makeRoom(): void {
    if (this.#pins.size < MAX_PINS) return;
    const nowMs = this.#clock.now();
    for (const [key, { expiresMs }] of this.#pins) if (expiresMs <= nowMs) this.#pins.delete(key);
    for (const key of this.#pins.keys()) {
      if (this.#pins.size <= (MAX_PINS * 9) / 10) return; // not to go through all of them each time
      this.#pins.delete(key);
    }
  }
}

/** What a token begins with is its tag: no two have the same. */
const PIN_CHARS = 21;
