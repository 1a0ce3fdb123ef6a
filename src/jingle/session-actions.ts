/**
 * Sends the actions of one session, and counts those that the peer has not acknowledged: a peer
 * that never does can't make us hold more than so many.
 */
import { type Clock, sleep } from '../clock.js';
import type { Entity } from '../entity/entity.js';
import { LimitError, messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { type JingleBody, jingleCodec, jingleErrorOf } from '../stanza/xep0166-jingle.js';
import type { JingleTimeouts } from './timeouts.js';

const MAX_TIES = 3; // whoever wins each of them has no end of its own
/** Meanwhile the peer gets our answer to the action that it preferred. */
const TIE_WAIT_MS = 500;

export interface SessionActionsComponents {
  readonly entity: Pick<Entity, 'request'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SessionActionsInit {
  readonly self: Jid;
  readonly peer: Jid;
  readonly sid: string;
  readonly timeouts: JingleTimeouts;
  readonly maxUnacknowledged: number;
  /** Aborted when the session is over: whatever is not acknowledged by then need not be. */
  readonly signal: AbortSignal;
  /** Aborted when the acknowledgement of a session-terminate is no longer waited for. */
  readonly stopSignal: AbortSignal;
  /** The peer knows no such session (XEP-0166 §6.7). */
  readonly onUnknown: (error: StanzaError) => void;
  /** Called whenever one is acknowledged, or given up. */
  readonly onSettled: () => void;
}

export class SessionActions {
  readonly #components: SessionActionsComponents;
  readonly #init: SessionActionsInit;
  #unacknowledged = 0;

  constructor(components: SessionActionsComponents, init: SessionActionsInit) {
    this.#components = components;
    this.#init = init;
  }

  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  /** Throws `LimitError` where the next action could not be sent. */
  check(): void {
    if (this.#unacknowledged < this.#init.maxUnacknowledged) return;
    throw new LimitError('unacknowledged', 'too many actions of this session are unacknowledged');
  }

  /** Resolves when the peer has acknowledged it. Throws StanzaError, TimeoutError, OfflineError, AbortedError, LimitError. */
  async send(body: JingleBody): Promise<void> {
    const { self, peer, sid, timeouts, signal, stopSignal, onUnknown, onSettled } = this.#init;
    const last = body.action === 'session-terminate';
    if (!last) this.check();
    this.#unacknowledged += 1;
    try {
      await this.#components.entity.request({
        to: peer,
        from: self,
        type: 'set',
        payload: jingleCodec.toXml({ ...body, sid }),
        timeoutMs: last ? timeouts.terminateMs : timeouts.ackMs,
        signal: last ? stopSignal : signal,
      });
    } catch (thrown) {
      if (thrown instanceof StanzaError && jingleErrorOf(thrown) === 'unknown-session') onUnknown(thrown);
      throw thrown;
    } finally {
      this.#unacknowledged -= 1;
      onSettled();
    }
  }

  /**
   * The same, again a moment later where the peer did the like at the same time and ours has to give way (XEP-0166
   * §7.2.16). Aborting `signal` ends the waiting with `AbortedError`.
   */
  async insist(body: JingleBody, signal: AbortSignal): Promise<void> {
    for (let ties = 0; ; ties += 1) {
      try {
        await this.send(body);
        return;
      } catch (thrown) {
        const tie = thrown instanceof StanzaError && jingleErrorOf(thrown) === 'tie-break';
        if (!tie || ties === MAX_TIES) throw thrown;
      }
      await sleep(this.#components.clock, TIE_WAIT_MS, signal);
    }
  }

  /** Sends what nobody waits for. A peer that won't hear it changes nothing. */
  tell(body: JingleBody): void {
    this.send(body).catch((thrown: unknown) =>
      this.#components.log.debug(
        { sid: this.#init.sid, action: body.action, error: messageOf(thrown) },
        'action not acknowledged',
      ),
    );
  }
}

/** XEP-0166 §6.3.1: an action of the peer's is acknowledged before anything else is said of it. Resolves then. */
export function acknowledged(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
