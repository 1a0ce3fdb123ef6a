/**
 * Sends the stanzas of one in-band bytestream (XEP-0047), and tells what became of each block. A block
 * in an iq is acknowledged by its result. Messages have no answer: behind them goes a ping, and
 * since stanzas between two addresses stay in order, its answer acknowledges all that went before.
 */
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Clock } from '../clock.js';
import { type Entity, OfflineError } from '../entity/entity.js';
import { AbortedError, LimitError, messageOf } from '../errors.js';
import { iqRequest } from '../stanza/iq.js';
import type { Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import {
  type IbbStanza,
  ibbCloseCodec,
  ibbDataCodec,
  ibbMessage,
  ibbOpenCodec,
} from '../stanza/xep0047-ibb.js';
import { pingCodec } from '../stanza/xep0199-ping.js';
import type { Element } from '../stanza/xml.js';

export interface IbbOutboxComponents {
  readonly entity: Pick<Entity, 'request' | 'send'>;
  readonly clock: Clock;
}

export interface IbbOutboxInit {
  readonly self: Jid;
  readonly peer: Jid;
  readonly sid: string;
  /** For an answer to anything else. */
  readonly ackTimeoutMs: number;
  /** For that to our `<close/>`. */
  readonly closeTimeoutMs: number;
  /** An acknowledgement that takes longer than this, and than a few of the quickest, tells of congestion. */
  readonly slowAckMs: number;
}

export type BlockFate =
  | { readonly type: 'acked'; readonly slow: boolean }
  /** It is certain that the peer did not get it, and may get it later. */
  | { readonly type: 'bounced' }
  /** The connection is gone, and with it the knowledge of what the peer got. */
  | { readonly type: 'lost'; readonly why: string }
  | { readonly type: 'refused'; readonly why: string };

export type OpenFate =
  | { readonly type: 'opened' }
  | { readonly type: 'too-large' }
  | { readonly type: 'refused'; readonly why: string };

/** Far beyond what the way takes when nothing else is on it. */
const SLOW_FACTOR = 4;

export class IbbOutbox {
  readonly #components: IbbOutboxComponents;
  readonly #init: IbbOutboxInit;
  readonly #requests = new AbortController();
  #quickestMs = Number.POSITIVE_INFINITY;
  /** The ping behind the last messages, until it is sent; and those on their way. */
  #nextPing: Promise<Element> | undefined;
  #lastPing: Promise<unknown> = Promise.resolve();

  constructor(components: IbbOutboxComponents, init: IbbOutboxInit) {
    this.#components = components;
    this.#init = init;
    setMaxListeners(0, this.#requests.signal); // one for each block under way
  }

  /** Never rejects. */
  async open(blockSize: number, stanza: IbbStanza): Promise<OpenFate> {
    try {
      await this.#request(ibbOpenCodec.toXml({ sid: this.#init.sid, blockSize, stanza }));
      return { type: 'opened' };
    } catch (thrown) {
      const tooLarge = thrown instanceof StanzaError && thrown.condition === 'resource-constraint'; // §2.1
      return tooLarge ? { type: 'too-large' } : { type: 'refused', why: messageOf(thrown) };
    }
  }

  /** Never rejects. The stanza is written before this returns its promise. */
  async data(seq: number, bytes: Buffer, by: IbbStanza): Promise<BlockFate> {
    const { entity, clock } = this.#components;
    const { sid, self, peer } = this.#init;
    const data = { sid, seq, bytes };
    const beganMs = clock.monotonic();
    const acked = (): BlockFate => ({ type: 'acked', slow: this.#isSlow(clock.monotonic() - beganMs) });
    try {
      if (by === 'iq') await this.#request(ibbDataCodec.toXml(data));
      else {
        entity.send(ibbMessage({ from: self, to: peer }, data));
        await this.#ping();
      }
      return acked();
    } catch (thrown) {
      // A peer that does not know pings has answered all the same.
      if (by === 'message' && isUnknownPing(thrown)) return acked();
      return by === 'iq' ? fateOf(thrown) : fateOfMessage(thrown);
    }
  }

  /** Resolves when it is answered, or was not for too long. Never rejects. */
  async close(): Promise<void> {
    // §2.3: closed it is, whatever the answer.
    await this.#request(ibbCloseCodec.toXml({ sid: this.#init.sid }), 'set', this.#init.closeTimeoutMs).catch(
      () => undefined,
    );
  }

  /** Closes it where nobody waits for the answer: a peer that gives none costs nothing. Goes out also after {@link abort}. */
  closeAtOnce(): void {
    const { self: from, peer: to, sid } = this.#init;
    const id = randomBytes(15).toString('base64url');
    try {
      this.#components.entity.send(iqRequest({ from, to, id }, 'set', ibbCloseCodec.toXml({ sid })));
    } catch (error) {
      if (!(error instanceof OfflineError)) throw error; // then it is closed without
    }
  }

  /** Waits for nothing any more. */
  abort(): void {
    this.#requests.abort();
  }

  #request(
    payload: Element,
    type: 'get' | 'set' = 'set',
    timeoutMs = this.#init.ackTimeoutMs,
  ): Promise<Element> {
    const { peer, self } = this.#init;
    const { signal } = this.#requests;
    return this.#components.entity.request({
      to: peer,
      from: self,
      type,
      payload,
      timeoutMs,
      signal,
    });
  }

  /** One ping at a time, behind everything that was sent while the one before was under way. */
  #ping(): Promise<unknown> {
    this.#nextPing ??= this.#lastPing.then(() => {
      this.#nextPing = undefined;
      const ping = this.#request(pingCodec.toXml({}), 'get');
      this.#lastPing = ping.catch(() => undefined);
      return ping;
    });
    return this.#nextPing;
  }

  #isSlow(tookMs: number): boolean {
    this.#quickestMs = Math.min(this.#quickestMs, tookMs);
    return tookMs > Math.max(this.#init.slowAckMs, SLOW_FACTOR * this.#quickestMs);
  }
}

function fateOf(thrown: unknown): BlockFate {
  // Too many requests of our own wait already: it was not sent.
  if (thrown instanceof LimitError) return { type: 'bounced' };
  // §2.2: undelivered for now, as opposed to refused by the peer.
  if (thrown instanceof StanzaError && thrown.type === 'wait' && thrown.condition !== 'unexpected-request') {
    return { type: 'bounced' };
  }
  return fateOfMessage(thrown);
}

/** Some of the messages may be there and some not, so that none can be sent again. */
function fateOfMessage(thrown: unknown): BlockFate {
  const why = messageOf(thrown);
  const isGone = thrown instanceof OfflineError || thrown instanceof AbortedError;
  return isGone ? { type: 'lost', why } : { type: 'refused', why };
}

function isUnknownPing(thrown: unknown): boolean {
  return thrown instanceof StanzaError && thrown.condition === 'feature-not-implemented';
}
