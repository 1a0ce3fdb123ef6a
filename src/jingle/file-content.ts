/**
 * One content of a session: performs what `content-machine.ts` decides. Owns the transport being
 * agreed and the stream that comes of it, and closes both in every ending.
 */
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.js';
import { ParseError } from '../errors.js';
import type { Log } from '../log.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { jingleError, jingleErrorOf } from '../stanza/xep0166-jingle.js';
import type { FileInfo } from '../stanza/xep0234-file-transfer.js';
import type { Element } from '../stanza/xml.js';
import {
  type Transport,
  type TransportContext,
  TransportFailedError,
  type TransportNegotiation,
  type TransportType,
} from '../transport/transport.js';
import type { ContentApplication } from './content-application.js';
import {
  type ContentEffect,
  type ContentEvent,
  type ContentPlan,
  type ContentState,
  contentMachine,
  contentWaits,
  movesBytes,
} from './content-machine.js';
import { MachineRunner } from './machine-runner.js';
import { endingOf, type SessionEnding } from './reason.js';
import type { JingleTimeouts } from './timeouts.js';

/** What a content asks of its session. */
export interface ContentSession {
  /** Resolves when the peer has acknowledged it. */
  sendTransport(action: 'transport-replace' | 'transport-accept', transport: Element): Promise<void>;
  sendTransportReject(): void;
  sendChecksum(): void;
  end(ending: SessionEnding): void;
  /** Nothing of the content is left: no stream, no timer, no negotiation. */
  contentSettled(): void;
}

export interface FileContentComponents {
  readonly clock: Clock;
  readonly log: Log;
  readonly transports: readonly Transport[];
  readonly session: ContentSession;
  readonly application: ContentApplication;
}

export interface FileContentInit {
  readonly id: string;
  readonly context: TransportContext;
  readonly timeouts: JingleTimeouts;
  /** How often a peer may replace the transport. */
  readonly maxReplaces: number;
  /** Responder: the `<transport/>` that the peer offers. */
  readonly offer?: { readonly transport: Transport; readonly element: Element };
}

export class FileContent {
  readonly #components: FileContentComponents;
  readonly #context: TransportContext;
  readonly #runner: MachineRunner<ContentState, ContentEvent, ContentEffect>;
  #negotiation: TransportNegotiation | undefined;
  /** The peer's replacement, while the machine decides on it. */
  #proposed: TransportNegotiation | undefined;
  /** Why the peer's session-accept can't be used. */
  #unusable: Error | undefined;
  #stream: Duplex | undefined;
  #settled = false;

  /** Throws `ParseError` when the peer's offer is malformed. */
  constructor(components: FileContentComponents, init: FileContentInit) {
    this.#components = components;
    this.#context = init.context;
    const { transports, application } = components;
    const first = init.offer?.transport ?? transports[0];
    if (!first) throw new TypeError('no transport is configured');
    const plan: ContentPlan = {
      role: init.context.role,
      sends: application.sends,
      transport: first.type,
      untried: transports.map((each) => each.type).filter((type) => type !== first.type),
      replacesLeft: init.maxReplaces,
    };
    this.#negotiation = init.offer
      ? answer(first, init.context, init.offer.element)
      : first.offer(init.context);
    const { clock, log } = components;
    this.#runner = new MachineRunner<ContentState, ContentEvent, ContentEffect>(
      { machine: contentMachine, clock, log },
      {
        id: init.id,
        initial: { ...plan, type: 'offered' },
        waitMs: (state) => {
          const wait = contentWaits[state];
          return wait && init.timeouts[wait];
        },
        perform: (effect) => this.#perform(effect),
        moved: () => movesBytes(this.#runner.state.type) && application.moved(),
        onChange: (state) => {
          if (state.type === 'done') this.#settle(undefined);
          else if (state.type === 'failed') this.#settle(state.error);
        },
      },
    );
  }

  /** What carries the bytes, or is being agreed. */
  get transport(): TransportType {
    return this.#runner.state.transport;
  }

  /** Why not all bytes moved; undefined while they may, and when they did. */
  get error(): Error | undefined {
    const { state } = this.#runner;
    return state.type === 'failed' ? state.error : undefined;
  }

  /** True when nothing will move any more. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Our `<transport/>` for the session-initiate or session-accept. Rejects with `TransportFailedError` and `AbortedError`. */
  async describe(): Promise<Element> {
    if (!this.#negotiation) throw new TransportFailedError('the transport was given up');
    return await this.#negotiation.describe();
  }

  /** False where the event has no place any more. */
  handle(event: ContentEvent): boolean {
    return this.#runner.handle(event);
  }

  /** The peer's `<transport/>` in its session-accept; one that can't be used is replaced. */
  answered(transport: Element): void {
    this.#unusable = this.#take(transport);
  }

  takeInfo(info: FileInfo): void {
    this.#components.application.takeInfo(info);
    this.handle({ type: info.type });
  }

  /** A transport-info. Throws `StanzaError` and `ParseError` for the peer. */
  transportInfo(element: Element): void {
    const transport = this.#transportOf(element);
    if (!transport) throw jingleError('unsupported-info');
    // What is left over from a transport that was replaced harms nobody.
    if (transport.type === this.#negotiation?.type) this.#negotiation.info(element);
  }

  /** A transport-replace. Throws `StanzaError` and `ParseError` for the peer. */
  peerReplace(element: Element): void {
    const transport = this.#transportOf(element);
    this.#proposed = transport && answer(transport, this.#context, element);
    const event: ContentEvent =
      this.#proposed === undefined
        ? { type: 'peer-replace-unusable' }
        : { type: 'peer-replace', transport: this.#proposed.type };
    try {
      if (!this.handle(event)) throw jingleError('out-of-order');
    } finally {
      this.#proposed?.close(); // unless it was adopted
      this.#proposed = undefined;
    }
  }

  /** A transport-accept. Throws `StanzaError` for the peer. */
  peerReplaceAccepted(element: Element): void {
    if (this.#runner.state.type !== 'replacing' || !this.#negotiation) throw jingleError('out-of-order');
    const error = this.#take(element);
    this.handle(error ? { type: 'replace-failed', error } : { type: 'peer-replace-accepted' });
  }

  /** A transport-reject. Throws `StanzaError` for the peer. */
  peerReplaceRejected(): void {
    if (this.#runner.state.type !== 'replacing') throw jingleError('out-of-order');
    this.handle({
      type: 'replace-failed',
      error: new TransportFailedError('the peer rejected the transport'),
    });
  }

  /** The session is over, whoever ended it. */
  sessionEnded(ending: SessionEnding): void {
    this.handle({ type: 'session-ended', ending, allGiven: this.#components.application.allGiven });
  }

  #transportOf(element: Element): Transport | undefined {
    return this.#components.transports.find((each) => each.ns === element.getNS());
  }

  /** Takes the peer's description of the transport that we offered; gives the reason when that can't be done. */
  #take(element: Element): Error | undefined {
    try {
      if (this.#transportOf(element)?.type !== this.#negotiation?.type) {
        return new TransportFailedError('the peer answered with another transport');
      }
      this.#negotiation?.remote(element);
      return undefined;
    } catch (thrown) {
      if (thrown instanceof TransportFailedError || thrown instanceof ParseError) return thrown;
      throw thrown;
    }
  }

  #perform(effect: ContentEffect): void {
    const { session, application } = this.#components;
    switch (effect.type) {
      case 'connect':
        this.#connect();
        return;
      case 'abandon':
        this.#negotiation?.close();
        this.#negotiation = undefined;
        return;
      case 'propose':
        this.#propose(effect.transport);
        return;
      case 'answer-replace':
        this.#answerReplace();
        return;
      case 'reject-replace':
        session.sendTransportReject();
        return;
      case 'tie-break':
        throw jingleError('tie-break');
      case 'move':
        if (this.#stream) application.move(this.#stream, this.transport);
        return;
      case 'send-checksum':
        session.sendChecksum();
        return;
      case 'end-stream':
        application.endStream();
        return;
      case 'end-session':
        session.end(effect.ending);
    }
  }

  #connect(): void {
    const negotiation = this.#negotiation;
    const unusable = this.#unusable;
    this.#unusable = undefined;
    if (!negotiation || unusable) {
      this.handle({ type: 'connect-failed', error: unusable ?? new TransportFailedError('no transport') });
      return;
    }
    this.#whileCurrent(
      negotiation,
      attempt(() => negotiation.connect()),
      (stream) => this.#connected(stream),
      (error) => this.handle({ type: 'connect-failed', error }),
      (stream) => stream.destroy(),
    );
  }

  #connected(stream: Duplex): void {
    this.#stream = stream;
    stream.on('error', (error: Error) => this.handle({ type: 'stream-failed', error }));
    stream.on('end', () => this.handle({ type: 'stream-closed' }));
    stream.on('close', () => {
      // A stream that ends in good order has said so before; this one can carry nothing more.
      const error = new TransportFailedError('the stream closed before the last byte');
      if (!this.handle({ type: 'stream-closed' })) this.handle({ type: 'stream-failed', error });
    });
    this.handle({ type: 'connected' });
  }

  #propose(type: TransportType): void {
    const transport = this.#components.transports.find((each) => each.type === type);
    if (!transport) throw new TypeError(`no transport '${type}' is configured`);
    const negotiation = transport.offer(this.#context);
    this.#negotiation = negotiation;
    const proposal = attempt(() => negotiation.describe()).then((element) =>
      this.#components.session.sendTransport('transport-replace', element),
    );
    this.#whileCurrent(negotiation, proposal, undefined, (error) => {
      const overruled = error instanceof StanzaError && jingleErrorOf(error) === 'tie-break';
      this.handle(overruled ? { type: 'replace-overruled' } : { type: 'replace-failed', error });
    });
  }

  #answerReplace(): void {
    const negotiation = this.#proposed;
    if (!negotiation) throw new TypeError('no replacement was proposed');
    this.#proposed = undefined;
    this.#negotiation = negotiation;
    this.#whileCurrent(
      negotiation,
      attempt(() => negotiation.describe()),
      (element) => {
        // Not awaited: the peer may use the transport before its acknowledgement is here.
        this.#components.session
          .sendTransport('transport-accept', element)
          .catch((error: Error) => this.#components.log.debug({ err: error }, 'transport-accept failed'));
        this.handle({ type: 'replace-answered' });
      },
      (error) => this.handle({ type: 'replace-failed', error }),
    );
  }

  /** Acts on what comes of `work` unless `negotiation` has been given up meanwhile. Owns the promise. */
  #whileCurrent<T>(
    negotiation: TransportNegotiation,
    work: Promise<T>,
    onDone: ((value: T) => void) | undefined,
    onError: (error: Error) => void,
    discard?: (value: T) => void,
  ): void {
    work
      .then(
        (value) => {
          if (this.#negotiation === negotiation) onDone?.(value);
          else discard?.(value);
        },
        (thrown: unknown) => {
          if (this.#negotiation === negotiation) onError(asError(thrown));
        },
      )
      .catch((thrown: unknown) => this.#components.session.end(endingOf(asError(thrown))));
  }

  #settle(error: Error | undefined): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#runner.stop();
    this.#components.application.over(error);
    this.#negotiation?.close();
    this.#negotiation = undefined;
    this.#stream?.destroy();
    this.#components.session.contentSettled();
  }
}

/** Takes up an offer; undefined when it is well formed and can't be used. Throws `ParseError`. */
function answer(
  transport: Transport,
  context: TransportContext,
  offer: Element,
): TransportNegotiation | undefined {
  try {
    return transport.answer(context, offer);
  } catch (thrown) {
    if (thrown instanceof TransportFailedError) return undefined;
    throw thrown;
  }
}

/** What `work` throws at once and what it rejects with are the same to us. */
async function attempt<T>(work: () => Promise<T>): Promise<T> {
  return await work();
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
