/**
 * A client's session with its server across several streams (XEP-0198): keeps what the server
 * has not acknowledged, and sends it again when the session is resumed. What is to be done,
 * `stream-management-machine.ts` decides.
 *
 * `@xmpp/client` has a plugin for this, which is not enough: with it everything fails that is sent
 * between two connections, and what meets the end of one; its queue has no bound; an `h` beyond the
 * queue is an exception; and its session ends with the object of one connection, of which we make many.
 *
 * When the server refuses to resume, the session is over, and so is what belonged to it:
 * requests have failed, answers have nobody who waits, presence is sent anew. Messages are sent again
 * in the new session if they are young and the address they were sent from is still ours: with the
 * same id and a `<delay/>` (§4), since one whose acknowledgement was lost may arrive twice.
 */
import type { Clock, Timer } from '../clock.js';
import type { Log } from '../log.js';
import type { Machine } from '../machine.js';
import { stanzaType } from '../stanza/iq.js';
import type { Jid } from '../stanza/jid.js';
import {
  handledTooHighError,
  type ManagementElement,
  streamManagementCodec,
} from '../stanza/xep0198-stream-management.js';
import { withDelay } from '../stanza/xep0203-delay.js';
import { attribute, type Element } from '../stanza/xml.js';
import { OfflineError } from './entity.js';
import {
  DEFAULT_MANAGEMENT_TIMES,
  type ManagementEffect,
  type ManagementEvent,
  type ManagementState,
  type ManagementTimer,
  type ManagementTimes,
  managementMachine,
  mayResume,
} from './stream-management-machine.js';
import { UnackedStanzas } from './unacked-stanzas.js';

export interface StreamManagementComponents {
  readonly clock: Clock;
  readonly log: Log;
}

export interface StreamManagementInit {
  readonly times?: Partial<ManagementTimes>;
  /** What is kept until it is acknowledged. Default: 65,536 stanzas, 16 Mi characters. */
  readonly maxUnackedStanzas?: number;
  readonly maxUnackedChars?: number;
}

/** The stream of the moment. */
export interface ManagedLine {
  /** Writes XML, also while logging in. */
  write(text: string): void;
  /** Goes on to bind a resource. */
  bind(): void;
  /** Stanzas may flow, of a new session or of that of before. */
  onReady(jid: Jid, resumed: boolean): void;
  /** Ends the stream, which breaks the protocol. */
  fail(why: string): void;
}

export interface StreamManagementListener {
  /** The server has been asked for a sign of life. */
  onAsked(): void;
  /** A session that waited to be resumed is given up. */
  onExpired(): void;
}

const MAX_UNACKED_STANZAS = 65_536;
const MAX_UNACKED_CHARS = 16_777_216; // sent again in one go, which a stream has to take: LOST_AT_BYTES
const MAX_SALVAGED = 1000;

const EVENT_OF_TIMER = { ask: 'ask-due', expire: 'expired', verify: 'unverified' } as const;

interface Salvaged {
  readonly stanza: Element;
  readonly sentAtMs: number;
}

export class StreamManagement {
  readonly #components: StreamManagementComponents;
  readonly #times: ManagementTimes;
  readonly #machine: Machine<ManagementState, ManagementEvent, ManagementEffect>;
  readonly #maxUnackedChars: number;
  readonly #unacked: UnackedStanzas;
  readonly #timers = new Map<ManagementTimer, Timer>();
  #state: ManagementState = { type: 'off' };
  #line: ManagedLine | undefined;
  #listener: StreamManagementListener | undefined;
  #jid: Jid | undefined;
  #isOffered = false;
  #salvaged: readonly Salvaged[] = [];

  constructor(components: StreamManagementComponents, init: StreamManagementInit = {}) {
    this.#components = components;
    this.#times = { ...DEFAULT_MANAGEMENT_TIMES, ...init.times };
    this.#machine = managementMachine(this.#times);
    this.#maxUnackedChars = init.maxUnackedChars ?? MAX_UNACKED_CHARS;
    this.#unacked = new UnackedStanzas({
      maxStanzas: init.maxUnackedStanzas ?? MAX_UNACKED_STANZAS,
      maxChars: this.#maxUnackedChars,
    });
  }

  /** True when a break of the stream, now, would not be the end of the session. */
  get isResumable(): boolean {
    const state = this.#state;
    if (state.type === 'active' || state.type === 'verifying') return mayResume(state, this.#times);
    return state.type === 'suspended' || (state.type === 'resuming' && !state.isLast);
  }

  /** How many stanzas are kept. */
  get unacked(): number {
    return this.#unacked.size;
  }

  listen(listener: StreamManagementListener): void {
    this.#listener = listener;
  }

  /** A new stream is being opened. */
  attach(line: ManagedLine): void {
    this.#line = line;
  }

  /** The server lets us bind a resource; {@link ManagedLine.bind} is called at once, later, or not at all. */
  login(offered: boolean): void {
    this.#isOffered = offered;
    this.#step({ type: 'login', offered });
  }

  /** A resource was bound; {@link ManagedLine.onReady} follows. */
  bound(jid: Jid): void {
    this.#jid = jid;
    this.#step({ type: 'bound', offered: this.#isOffered });
  }

  /** Takes an element of stream management from the server. Throws `ParseError`. */
  take(element: Element): void {
    const event = eventOf(streamManagementCodec.fromXml(element));
    if (event === undefined || this.#machine.step(this.#state, event) === undefined) {
      this.#line?.fail('the server speaks of stream management out of turn');
    } else this.#step(event);
  }

  /** Sends a stanza, or keeps it until there is a stream again. Throws {@link OfflineError} where there is no room. */
  send(stanza: Element, text: string): void {
    const { type } = this.#state;
    if (type !== 'off' && !this.#unacked.hasRoomFor(text)) {
      if (type === 'active') this.#step({ type: 'overflow' });
      throw new OfflineError('too much waits for the server already');
    }
    this.#step({ type: 'send' }, { stanza, text });
  }

  /** A stanza came, and was handled. */
  received(): void {
    this.#step({ type: 'received' });
  }

  /** Asks for a sign of life; false where the stream is not managed. */
  probe(): boolean {
    if (this.#state.type !== 'active' && this.#state.type !== 'verifying') return false;
    this.#step({ type: 'probe' });
    return true;
  }

  /** The stream is over. */
  lost(cut: boolean): void {
    this.#line = undefined;
    this.#step({ type: 'lost', cut });
  }

  /** Ends the session, with the server's knowledge where there is a stream. */
  close(): void {
    this.#step({ type: 'close' });
    this.#line = undefined;
    this.#salvaged = [];
  }

  /** What of an earlier session may be sent in one that now has the address `jid`; given once. */
  takeSalvaged(jid: Jid): readonly Element[] {
    const oldestMs = this.#components.clock.now() - this.#times.maxSuspendedMs;
    const salvaged = this.#salvaged;
    this.#salvaged = [];
    return salvaged
      .filter(({ stanza, sentAtMs }) => attribute(stanza, 'from') === jid && sentAtMs >= oldestMs)
      .map(({ stanza, sentAtMs }) => withDelay(stanza, jid, sentAtMs));
  }

  #step(event: ManagementEvent, sending?: { stanza: Element; text: string }): void {
    const step = this.#machine.step(this.#state, event);
    if (step === undefined) {
      throw new TypeError(`stream management: no row for '${event.type}' in '${this.#state.type}'`);
    }
    const from = this.#state.type;
    this.#state = step.state;
    if (step.state.type !== from) {
      const change = { machine: this.#machine.name, from, to: step.state.type, event: event.type };
      this.#components.log.debug(change, 'state');
    }
    for (const effect of step.effects) this.#perform(effect, sending);
  }

  #perform(effect: ManagementEffect, sending: { stanza: Element; text: string } | undefined): void {
    switch (effect.type) {
      case 'send-enable': {
        const maxS = Math.ceil(this.#times.maxSuspendedMs / 1000);
        this.#write({ type: 'enable', resume: true, maxS });
        break;
      }
      case 'send-resume':
        this.#write({ type: 'resume', previousId: effect.previousId, handled: effect.handled });
        break;
      case 'send-request':
        this.#write({ type: 'request' });
        this.#listener?.onAsked();
        break;
      case 'send-ack':
        this.#write({ type: 'ack', handled: effect.handled });
        break;
      case 'bind':
        this.#line?.bind();
        break;
      case 'keep':
        if (sending) this.#keep(sending.stanza, sending.text);
        break;
      case 'write':
        if (sending) this.#line?.write(sending.text);
        break;
      case 'forget':
        this.#unacked.forget(effect.count);
        break;
      case 'resend':
        if (this.#unacked.size > 0) {
          this.#line?.write(
            this.#unacked
              .all()
              .map(({ text }) => text)
              .join(''),
          );
        }
        break;
      case 'salvage':
        this.#salvage();
        break;
      case 'discard':
        this.#unacked.forget(this.#unacked.size);
        break;
      case 'report-ready':
        if (this.#jid !== undefined) this.#line?.onReady(this.#jid, effect.resumed);
        break;
      case 'report-expired':
        this.#listener?.onExpired();
        break;
      case 'fail':
        if (effect.tooHigh) {
          this.#line?.write(handledTooHighError(effect.tooHigh.claimed, effect.tooHigh.sent));
        }
        this.#line?.fail(effect.why);
        break;
      case 'set-timer':
        this.#setTimer(effect.timer, effect.delayMs);
        break;
      case 'clear-timer':
        this.#clearTimer(effect.timer);
        break;
    }
  }

  #write(element: ManagementElement): void {
    this.#line?.write(streamManagementCodec.toXml(element).toString());
  }

  #keep(stanza: Element, text: string): void {
    const isMessage = stanza.getName() === 'message' && stanzaType(stanza) !== 'error';
    const sentAtMs = this.#components.clock.now();
    this.#unacked.add({ text, sentAtMs, ...(isMessage && { message: stanza }) });
  }

  #salvage(): void {
    const unacked = this.#unacked.all();
    this.#unacked.forget(unacked.length);
    if (unacked.length === 0) return;
    // The newest, so many that they find room in the queue of the next session with some to spare.
    let room = this.#maxUnackedChars / 2;
    const salvaged: Salvaged[] = [];
    for (const { message, text, sentAtMs } of unacked.toReversed()) {
      if (message === undefined || salvaged.length >= MAX_SALVAGED || room < text.length) continue;
      room -= text.length;
      salvaged.unshift({ stanza: message, sentAtMs });
    }
    this.#salvaged = salvaged;
    const counts = { unacknowledged: unacked.length, kept: salvaged.length };
    this.#components.log.info(counts, 'the session ended before all was acknowledged');
  }

  #setTimer(timer: ManagementTimer, delayMs: number): void {
    this.#clearTimer(timer);
    const pending = this.#components.clock.after(delayMs, () => {
      this.#timers.delete(timer);
      this.#step({ type: EVENT_OF_TIMER[timer] });
    });
    this.#timers.set(timer, pending);
  }

  #clearTimer(timer: ManagementTimer): void {
    this.#timers.get(timer)?.cancel();
    this.#timers.delete(timer);
  }
}

/** What an element from the server means; undefined for what only clients send. */
function eventOf(element: ManagementElement): ManagementEvent | undefined {
  switch (element.type) {
    case 'enable':
    case 'resume':
      return undefined;
    case 'enabled':
      return { type: 'enabled', resume: element.resume, id: element.id, maxS: element.maxS };
    case 'failed':
      return { type: 'failed', handled: element.handled };
    case 'resumed':
    case 'ack':
    case 'request':
      return element;
  }
}
