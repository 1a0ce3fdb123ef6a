/**
 * Our iqs that wait for an answer. Each is settled exactly once: by an answer from the address
 * that was asked, by time, by its owner's signal or by the end of the stream.
 *
 * Whoever answers nothing can use up a share of them and no more, so that others are still asked.
 */
import type { Clock } from '../clock.js';
import { AbortedError, LimitError, TimeoutError } from '../errors.js';
import { stanzaType } from '../stanza/iq.js';
import { bareOf, domainOf, type Jid } from '../stanza/jid.js';
import { stanzaErrorOf } from '../stanza/stanza-error.js';
import type { Element } from '../stanza/xml.js';
import { OfflineError } from './entity.js';

export interface PendingIq {
  readonly id: string;
  readonly from: Jid;
  readonly to: Jid;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface Waiting {
  readonly from: Jid;
  readonly to: Jid;
  readonly settle: (outcome: Element | Error) => void;
}

/** Of all that wait, what may wait for one account, and for one domain that isn't our server: several blocks each of some transfers. */
const ACCOUNT_SHARE = 1 / 8;
/** A service answers for many: channels, folders, proxies. */
const SERVICE_SHARE = 1 / 4;

export class PendingIqs {
  readonly #waiting = new Map<string, Waiting>();
  /** How many wait, by the bare address that was asked. */
  readonly #ofPeer = new Map<Jid, number>();

  constructor(
    private readonly clock: Clock,
    private readonly maxPending: number,
  ) {}

  get size(): number {
    return this.#waiting.size;
  }

  /** Waits for the answer to an iq that is about to be sent. Throws {@link LimitError} when too many wait. */
  add({ id, from, to, timeoutMs, signal }: PendingIq): Promise<Element> {
    if (this.#waiting.size >= this.maxPending) {
      throw new LimitError('pendingIqs', `${this.maxPending} requests already wait for an answer`);
    }
    const peer = bareOf(to);
    const ofPeer = this.#ofPeer.get(peer) ?? 0;
    if (ofPeer >= this.#shareOf(peer, from)) {
      throw new LimitError(
        'pending-iqs-per-peer',
        `${ofPeer} requests already wait for an answer of ${peer}`,
      );
    }
    this.#ofPeer.set(peer, ofPeer + 1);
    return new Promise((resolve, reject) => {
      const settle = (outcome: Element | Error) => {
        if (!this.#waiting.delete(id)) return;
        this.#release(peer);
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      const onAbort = () => settle(new AbortedError(`the request to ${to} was withdrawn`));
      const timer = this.clock.after(timeoutMs, () =>
        settle(new TimeoutError(`no answer from ${to} within ${timeoutMs} ms`)),
      );
      this.#waiting.set(id, { from, to, settle });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #shareOf(peer: Jid, self: Jid): number {
    if (peer.includes('@')) return Math.max(1, Math.floor(this.maxPending * ACCOUNT_SHARE));
    // Our own server: that of our account, or the one that our component is a part of.
    if (domainOf(self) === peer || domainOf(self).endsWith(`.${peer}`)) return this.maxPending;
    return Math.max(1, Math.floor(this.maxPending * SERVICE_SHARE));
  }

  #release(peer: Jid): void {
    const left = (this.#ofPeer.get(peer) ?? 1) - 1;
    if (left === 0) this.#ofPeer.delete(peer);
    else this.#ofPeer.set(peer, left);
  }

  /** Gives up on one that could not be sent. */
  fail(id: string, error: Error): void {
    this.#waiting.get(id)?.settle(error);
  }

  /**
   * Takes an iq of type result or error. False when nothing waits for it, or when it does not
   * come from where the question went: ids alone prove nothing (RFC 6120 §8.1.2.1, §13.4).
   */
  answer(stanza: Element, id: string, from: Jid | undefined, to: Jid | undefined): boolean {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return false;
    // A client's server may leave out `from` when it answers for the client's own account.
    if ((from ?? bareOf(waiting.from)) !== waiting.to) return false;
    if (to !== undefined && to !== waiting.from) return false;
    waiting.settle(stanzaType(stanza) === 'error' ? stanzaErrorOf(stanza) : stanza);
    return true;
  }

  /** The stream is gone: no answer can come any more. */
  rejectAll(): void {
    for (const { to, settle } of [...this.#waiting.values()]) {
      settle(new OfflineError(`the stream was lost before ${to} answered`));
    }
  }
}
