/**
 * Looks through all files, each a turn of a millisecond or two at a time: one turn in each round of the event loop,
 * whoever looks, and of one peer one look after the other. So many looks hold up nothing else, and nobody who looks for
 * little waits behind one who looks for much.
 */
import { AbortedError, LimitError } from '../../errors.js';
import type { BareJid } from '../../stanza/jid.js';

/** Work that yields at the end of each turn. */
export type LookSteps<T> = Generator<void, T>;

export interface LookInit {
  readonly signal: AbortSignal;
  /** Before the first turn; what it throws ends the look. */
  readonly onBegin?: () => void;
  /** After each that is not the last. */
  readonly onTurn?: () => void;
}

/** Looks that are there at once, in all and of one peer; each is a request of a session. */
const MAX_LOOKS = 512;
const MAX_LOOKS_PER_PEER = 64; // the files of some sessions

/** Takes one turn; true at its end. */
type Turn = () => boolean;

export class LookTurns {
  /** Whose turn is next comes first. */
  readonly #looks = new Map<BareJid, Turn[]>();
  #isDue = false;

  /** Rejects with what `look` throws, with `LimitError` where there are too many, and with `AbortedError`. */
  run<T>(peer: BareJid, look: () => LookSteps<T>, init: LookInit): Promise<T> {
    const ofPeer = this.#looks.get(peer) ?? [];
    if (ofPeer.length >= MAX_LOOKS_PER_PEER) {
      return Promise.reject(
        new LimitError('waiting-per-peer', 'too many requests of this peer are looked for'),
      );
    }
    let looks = 0;
    for (const each of this.#looks.values()) looks += each.length;
    if (looks >= MAX_LOOKS)
      return Promise.reject(new LimitError('waiting', 'too many requests are looked for'));
    return new Promise((resolve, reject) => {
      this.#looks.set(peer, [...ofPeer, turnOf(look, init, resolve, reject)]);
      if (this.#isDue) return;
      this.#schedule();
      this.#turn(); // nobody else looks
    });
  }

  #schedule(): void {
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (this.#looks.size === 0) return;
      this.#schedule();
      this.#turn();
    });
  }

  #turn(): void {
    const [next] = this.#looks;
    const [peer, [turn, ...others]] = next ?? [undefined, []];
    if (peer === undefined || turn === undefined) return;
    this.#looks.delete(peer);
    const left = turn() ? others : [turn, ...others];
    if (left.length > 0) this.#looks.set(peer, left);
  }
}

function turnOf<T>(
  look: () => LookSteps<T>,
  { signal, onBegin, onTurn }: LookInit,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): Turn {
  let steps: LookSteps<T> | undefined;
  return () => {
    try {
      if (signal.aborted) throw new AbortedError('the peer went away');
      if (steps === undefined) onBegin?.();
      steps ??= look();
      const step = steps.next();
      if (step.done !== true) {
        onTurn?.();
        return false;
      }
      resolve(step.value);
    } catch (error) {
      reject(error);
    }
    return true;
  };
}
