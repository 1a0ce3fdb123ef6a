/**
 * XEP-0166 §6.7: a peer that becomes unavailable has ended its sessions, unless something else is
 * heard of it within some seconds. Bytes that move are something: servers go away, sockets stay.
 */
import type { Clock, Timer } from '../clock.js';
import { SessionFailedError } from './reason.js';

export interface PeerWatchInit {
  readonly goneMs: number;
  readonly movedBytes: () => number;
  readonly onGone: (error: Error) => void;
}

export class PeerWatch {
  readonly #clock: Clock;
  readonly #init: PeerWatchInit;
  #heard = 0;
  #timer: Timer | undefined;

  constructor(components: { readonly clock: Clock }, init: PeerWatchInit) {
    this.#clock = components.clock;
    this.#init = init;
  }

  heard(): void {
    this.#heard += 1;
  }

  gone(): void {
    if (this.#timer) return;
    const heard = this.#heard;
    const bytes = this.#init.movedBytes();
    this.#timer = this.#clock.after(this.#init.goneMs, () => {
      this.#timer = undefined;
      if (this.#heard !== heard || this.#init.movedBytes() !== bytes) return;
      this.#init.onGone(new SessionFailedError('gone', 'the peer went offline'));
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
