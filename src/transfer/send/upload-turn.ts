/**
 * Waits for a slot on behalf of one request, and tells its peer meanwhile whose turn is before. A peer that
 * understands that may wait as long as we have patience; others, which see nothing but silence, are soon
 * told that we are busy.
 */
import type { Clock, Timer } from '../../clock.js';
import { AbortedError, LimitError } from '../../errors.js';
import type { UploadOwner, UploadSlot, UploadSlots, UploadTurn } from './upload-slots.js';

export interface UploadWaits {
  /** How long a peer waits that doesn't know what it is waiting for. */
  readonly unknownMs: number;
  readonly knownMs: number;
  /** How often the place is looked at: a peer hears of a change no sooner. */
  readonly lookMs: number;
  /** A place that stays is told again: the peer may take silence for our end. */
  readonly repeatMs: number;
}

export const UPLOAD_WAITS: UploadWaits = {
  unknownMs: 20_000, // below the 30 s after which the most impatient of known clients gives up
  knownMs: 1_800_000, // it comes back for another half hour, where it still wants the file
  lookMs: 2_000,
  repeatMs: 20_000,
};

export interface UploadTurnComponents {
  readonly clock: Clock;
  readonly slots: UploadSlots;
  /** Tells the peer its place. Resolves with whether it knows what that means; never rejects. */
  readonly tell: ((place: number) => Promise<boolean>) | undefined;
}

/** Throws `LimitError` and, when `signal` aborts, `AbortedError`. */
export async function whenFree(
  components: UploadTurnComponents,
  owner: UploadOwner,
  waits: UploadWaits,
  signal: AbortSignal,
): Promise<UploadSlot> {
  if (signal.aborted) throw new AbortedError('the peer went away');
  const turn = components.slots.turn(owner);
  if (turn.place === 0) return await turn.slot;
  return await new WaitingRequest(components, turn, waits, signal).slot();
}

class WaitingRequest {
  readonly #components: UploadTurnComponents;
  readonly #turn: UploadTurn;
  readonly #waits: UploadWaits;
  readonly #signal: AbortSignal;
  #look: Timer | undefined;
  #end: Timer | undefined;
  #told = { place: 0, atMs: Number.NEGATIVE_INFINITY };
  /** Whether the peer knows what a place is; undefined until it has said. */
  #known: boolean | undefined;
  #telling = false;
  #over = false;

  constructor(components: UploadTurnComponents, turn: UploadTurn, waits: UploadWaits, signal: AbortSignal) {
    this.#components = components;
    this.#turn = turn;
    this.#waits = waits;
    this.#signal = signal;
  }

  slot(): Promise<UploadSlot> {
    return new Promise((resolve, reject) => {
      const onAbort = () => fail(new AbortedError('the peer went away'));
      const stop = () => {
        this.#over = true;
        this.#look?.cancel();
        this.#end?.cancel();
        this.#signal.removeEventListener('abort', onAbort);
      };
      const fail = (error: Error) => {
        stop();
        this.#turn.leave();
        reject(error);
      };
      this.#signal.addEventListener('abort', onAbort, { once: true });
      this.#endAfter(this.#waits.unknownMs, fail);
      this.#tellNews(fail);
      this.#turn.slot.then(
        (slot) => {
          if (this.#over) return; // `leave` has freed it
          stop();
          resolve(slot);
        },
        () => undefined, // we left, and have said why
      );
    });
  }

  #endAfter(ms: number, fail: (error: Error) => void): void {
    this.#end?.cancel();
    this.#end = this.#components.clock.after(ms, () => {
      fail(new LimitError('uploads', 'no upload slot became free'));
    });
  }

  #tellNews(fail: (error: Error) => void): void {
    const { clock } = this.#components;
    const { lookMs, repeatMs } = this.#waits;
    const { place } = this.#turn;
    const due = place !== this.#told.place || clock.monotonic() - this.#told.atMs >= repeatMs;
    if (due && !this.#telling) void this.#tell(place, fail);
    this.#look = clock.after(lookMs, () => this.#tellNews(fail));
  }

  async #tell(place: number, fail: (error: Error) => void): Promise<void> {
    const { clock, tell } = this.#components;
    if (!tell || this.#known === false || place === 0) return;
    this.#told = { place, atMs: clock.monotonic() };
    this.#telling = true;
    const known = await tell(place);
    this.#telling = false;
    if (this.#over || this.#known !== undefined) return;
    this.#known = known;
    if (known) this.#endAfter(this.#waits.knownMs, fail);
  }
}
