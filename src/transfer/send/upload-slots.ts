/** How many files are sent at once, in all and to one peer. */
import { LimitError } from '../../errors.js';
import type { BareJid } from '../../stanza/jid.js';

export interface UploadSlotsInit {
  readonly maxUploads: number;
  readonly maxUploadsPerPeer: number;
}

/** A place taken. `free` may be called any number of times. */
export interface UploadSlot {
  free(): void;
}

export class UploadSlots {
  readonly #init: UploadSlotsInit;
  readonly #byPeer = new Map<BareJid, number>();
  #taken = 0;

  constructor(init: UploadSlotsInit) {
    this.#init = init;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Throws `LimitError` when there is none left for this peer. */
  take(peer: BareJid): UploadSlot {
    const ofPeer = this.#byPeer.get(peer) ?? 0;
    if (this.#taken >= this.#init.maxUploads) throw new LimitError('uploads', 'all upload slots are taken');
    if (ofPeer >= this.#init.maxUploadsPerPeer) {
      throw new LimitError('uploads-per-peer', 'this peer has all the upload slots it may have');
    }
    this.#taken += 1;
    this.#byPeer.set(peer, ofPeer + 1);
    let free = false;
    return {
      free: () => {
        if (free) return;
        free = true;
        this.#taken -= 1;
        const left = (this.#byPeer.get(peer) ?? 1) - 1;
        if (left === 0) this.#byPeer.delete(peer);
        else this.#byPeer.set(peer, left);
      },
    };
  }
}
