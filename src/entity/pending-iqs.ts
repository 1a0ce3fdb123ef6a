/**
 * Our iqs that wait for an answer. Each is settled exactly once: by an answer from the address
 * that was asked, by time, by its owner's signal or by the end of the stream.
 */
import type { Clock } from '../clock.js';
import { AbortedError, LimitError, TimeoutError } from '../errors.js';
import { stanzaType } from '../stanza/iq.js';
import { bareOf, type Jid } from '../stanza/jid.js';
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

export class PendingIqs {
  readonly #waiting = new Map<string, Waiting>();

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
    return new Promise((resolve, reject) => {
      const settle = (outcome: Element | Error) => {
        if (!this.#waiting.delete(id)) return;
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
