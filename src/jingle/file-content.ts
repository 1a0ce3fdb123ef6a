/**
 * One content of a session: performs what `content-machine.ts` decides. Owns the transport being
 * agreed and the stream that comes of it, and closes both in every ending.
 */
import type { Duplex } from 'node:stream';
import { StanzaError } from '../stanza/stanza-error.js';
import { queuePlaceCodec } from '../stanza/transfer-queue.js';
import { type Content, type ContentRef, jingleError } from '../stanza/xep0166-jingle.js';
import {
  descriptionCodec,
  type FileDescription,
  type FileInfo,
  type FileTransferNamespace,
  fileInfoCodec,
  type Range,
} from '../stanza/xep0234-file-transfer.js';
import type { Element } from '../stanza/xml.js';
import { type Transport, TransportFailedError, type TransportType } from '../transport/transport.js';
import type { FileContentComponents, FileContentInit } from './content-init.js';
import { contentMachine, contentWaits, movesBytes } from './content-machine.js';
import { type ContentAction, refuse } from './content-refusal.js';
import { type ContentEffect, type ContentEvent, type ContentState, success } from './content-state.js';
import { ContentTransport } from './content-transport.js';
import { guarded } from './guarded.js';
import { MachineRunner } from './machine-runner.js';
import { asError, endingOf, type SessionEnding } from './reason.js';

export class FileContent {
  readonly ref: Required<ContentRef>;
  readonly ns: FileTransferNamespace;
  /** Whether the peer proposed it. */
  readonly isPeers: boolean;
  /** Whether the peer knows of it, and whether both sides have said yes. */
  #standing: 'ours-alone' | 'proposed' | 'agreed';
  /** Aborted when the content is over. */
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #components: FileContentComponents;
  readonly #runner: MachineRunner<ContentState, ContentEvent, ContentEffect>;
  readonly #transport: ContentTransport;
  /** What goes into the session's next action, in the state `ready`. */
  #described: Content | undefined;
  #stream: Duplex | undefined;
  /** Where the receiver wants us to go on. */
  #missing: Range | undefined;
  #settled = false;
  /** Who has not heard yet that a place in a queue was told: that the wait for an answer may go on. */
  readonly #queueNews = new Set<'session' | 'content'>();
  readonly #queueEndMs: number;

  /** Throws `ParseError` when the peer's offer is malformed. */
  constructor(components: FileContentComponents, init: FileContentInit) {
    this.#components = components;
    this.ref = init.ref;
    this.#queueEndMs = components.clock.monotonic() + init.timeouts.queueMs;
    this.ns = init.ns;
    this.isPeers = init.ref.creator !== init.context.role;
    this.#standing = this.isPeers ? 'proposed' : 'ours-alone';
    this.signal = this.#abort.signal;
    const { transports, application, session, clock, log } = components;
    const first: Transport | undefined = init.offer?.transport ?? transports[0];
    if (!first) throw new TypeError('no transport is configured');
    const { creator, name } = init.ref;
    const sendInfo = (transport: Element) =>
      session.send({ action: 'transport-info', contents: [{ creator, name, transport }] });
    this.#transport = new ContentTransport(
      { transports, log },
      {
        context: { ...init.context, sendInfo },
        raise: (event) => this.handle(event),
        connected: (stream) => this.#connected(stream),
        send: (action, transport) => session.send({ action, contents: [{ ...init.ref, transport }] }),
        fail: (error) => session.fail(error),
      },
    );
    if (init.offer) this.#transport.take(first, init.offer.element);
    else if (!this.isPeers) this.#transport.offer(first);
    const all = transports.map((each) => each.type);
    this.#runner = new MachineRunner<ContentState, ContentEvent, ContentEffect>(
      { machine: contentMachine, clock, log },
      {
        id: `${init.id} ${name}`,
        initial: {
          type: this.isPeers ? 'deciding' : 'preparing',
          role: init.context.role,
          sends: application.sends,
          all,
          transport: first.type,
          untried: all.filter((type) => type !== first.type),
          replacesLeft: init.maxReplaces,
          resumesLeft: init.maxResumes,
          interruption: 'none',
        },
        waitMs: (state) => {
          const wait = contentWaits[state];
          return wait && init.timeouts[wait];
        },
        perform: (effect) => this.#perform(effect),
        moved: () =>
          (movesBytes(this.#runner.state.type) && application.moved()) || this.takeQueueNews('content'),
        waitsAnew: (before, after) => before.transport !== after.transport,
        onChange: (state) => {
          if (state.type === 'done') this.#settle(undefined);
          else if (state.type === 'failed') this.#settle(state.error);
        },
      },
    );
  }

  get standing(): 'ours-alone' | 'proposed' | 'agreed' {
    return this.#standing;
  }

  get phase(): ContentState['type'] {
    return this.#runner.state.type;
  }

  /** True when it is over, however: nothing more is to be said of it. */
  get over(): boolean {
    return this.phase === 'done' || this.phase === 'failed' || this.phase === 'draining';
  }

  /** What carries the bytes, or is being agreed. */
  get transport(): TransportType {
    return this.#runner.state.transport;
  }

  get movedBytes(): number {
    return this.#components.application.movedBytes;
  }

  get sends(): boolean {
    return this.#components.application.sends;
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

  /** For the session's next action. */
  get described(): Content {
    if (!this.#described) throw new TypeError('the content is not described yet');
    return this.#described;
  }

  /**
   * Sets up our side of it, with what `decide` says of the file; what that rejects with, the content
   * fails with. Resolves when it is ready, or over.
   */
  async prepare(decide: (signal: AbortSignal) => Promise<FileDescription>): Promise<void> {
    try {
      const file = await decide(this.signal);
      const transport = await this.#transport.describe();
      this.#described = { ...this.ref, description: descriptionCodec(this.ns).toXml(file), transport };
      this.handle({ type: 'described' });
    } catch (thrown) {
      this.handle({ type: 'finish', ending: endingOf(asError(thrown)) });
    }
  }

  /** We are going to take the peer's content: where nothing else has to be decided first, the transport may begin. */
  granted(): void {
    if (this.phase === 'deciding' && this.#components.session.isLastUndecided(this)) this.#transport.reach();
  }

  /** False where the event has no place any more. */
  handle(event: ContentEvent): boolean {
    return this.#runner.handle(event);
  }

  /** Ours goes to the peer with the session's next action. */
  sent(): void {
    this.#standing = 'proposed';
    this.handle({ type: 'sent' });
  }

  /** We accept the peer's. */
  accepted(): void {
    this.#standing = 'agreed';
    this.handle({ type: 'accepted' });
  }

  /** The peer accepts our content, in whichever action. Throws `StanzaError` for the peer. */
  peerAccepted(accepted: Content): void {
    if (this.phase !== 'proposed') throw jingleError('out-of-order');
    try {
      this.#components.application.peerAccepted(descriptionCodec(this.ns).fromXml(accepted.description));
    } catch (thrown) {
      this.handle({ type: 'finish', ending: endingOf(asError(thrown)) });
      return;
    }
    this.#transport.answered(accepted.transport);
    this.accepted();
  }

  /** The peer does not take our content. Throws `StanzaError` for the peer. */
  rejected(ending: SessionEnding): void {
    if (!this.handle({ type: 'rejected', ending })) throw jingleError('out-of-order');
  }

  /** A content-modify. Throws `StanzaError` for the peer. */
  peerModified(senders: ContentRef['senders']): void {
    // XEP-0234 §4.1: a file has one direction; that the other side could send too changes nothing. XEP-0166
    // §7.2.3: whoever doesn't want another direction may refuse to move bytes.
    if (senders !== this.ref.senders && senders !== 'both') throw new StanzaError('not-acceptable');
  }

  /** Tells the peer that our answer will take a while. Resolves with whether it knows what that means. */
  async tellQueue(place: number): Promise<boolean> {
    if (this.phase !== 'deciding') return false;
    this.#hearQueue();
    const { creator, name } = this.ref;
    const payload = queuePlaceCodec.toXml({ creator, name, position: place });
    try {
      await this.#components.session.send({ action: 'session-info', payload });
      return true;
    } catch (thrown) {
      this.#components.log.debug({ error: asError(thrown).message }, 'the peer knows no queue');
      return false;
    }
  }

  /** The peer's answer will take a while. */
  takeQueue(place: number): void {
    if (this.phase !== 'proposed') return; // it may have been overtaken by what we did meanwhile
    this.#hearQueue();
    this.#components.application.takeQueue(place);
  }

  /** Whether a place in a queue was told since `who` last asked. */
  takeQueueNews(who: 'session' | 'content'): boolean {
    return this.#queueNews.delete(who);
  }

  #hearQueue(): void {
    if (this.#components.clock.monotonic() >= this.#queueEndMs) return;
    this.#queueNews.add('session').add('content');
  }

  takeInfo(info: FileInfo): void {
    this.#components.application.takeInfo(info);
    this.handle({ type: info.type });
  }

  /** A description-info. Throws `StanzaError` and `ParseError` for the peer. */
  descriptionInfo(description: Element | undefined): void {
    const missing = this.#missingIn(description);
    if (!this.#runner.accepts({ type: 'peer-position' })) throw jingleError('out-of-order');
    this.#components.application.checkMissing(missing);
    this.#missing = missing;
    this.handle({ type: 'peer-position' });
  }

  /** Sender: the bytes that a description-info says are missing. Throws `StanzaError` and `ParseError` for the peer. */
  #missingIn(description: Element | undefined): Range {
    const file = description && descriptionCodec(this.ns).fromXml(description);
    if (!file?.range || !this.sends) throw jingleError('unsupported-info');
    return file.range;
  }

  /**
   * Whether an action of the peer's on several contents has its place in this one. Throws `StanzaError` and `ParseError` for the
   * peer, as the action itself would.
   */
  check(
    action: ContentAction,
    { description, transport }: { description?: Element; transport?: Element },
  ): void {
    switch (action) {
      case 'content-accept':
        if (this.phase !== 'proposed') throw jingleError('out-of-order');
        return;
      case 'content-reject':
        this.#admit({ type: 'rejected', ending: success });
        return;
      case 'description-info':
        this.#components.application.checkMissing(this.#missingIn(description));
        this.#admit({ type: 'peer-position' });
        return;
      case 'transport-info':
        if (transport && !this.#transport.knows(transport)) throw jingleError('unsupported-info');
        return;
      case 'transport-replace':
        if (transport) this.#admit(this.#transport.proposalOf(transport));
        return;
      case 'transport-accept':
      case 'transport-reject':
        if (this.phase !== 'replacing') throw jingleError('out-of-order');
    }
  }

  #admit(event: ContentEvent): void {
    const effects = this.#runner.effectsOf(event);
    if (!effects) throw jingleError('out-of-order');
    for (const effect of effects) refuse(effect);
  }

  /** A transport-info. Throws `StanzaError` and `ParseError` for the peer. */
  transportInfo(element: Element): void {
    if (!this.#transport.info(element)) throw jingleError('unsupported-info');
  }

  /** A transport-replace. Throws `StanzaError` and `ParseError` for the peer. */
  peerReplace(element: Element): void {
    if (!this.#transport.proposedByPeer(element, (event) => this.handle(event)))
      throw jingleError('out-of-order');
  }

  /** A transport-accept. Throws `StanzaError` for the peer. */
  peerReplaceAccepted(element: Element): void {
    if (this.phase !== 'replacing') throw jingleError('out-of-order');
    const error = this.#transport.takeAnswer(element);
    this.handle(error ? { type: 'replace-failed', error } : { type: 'peer-replace-accepted' });
  }

  /** A transport-reject. Throws `StanzaError` for the peer. */
  peerReplaceRejected(): void {
    if (this.phase !== 'replacing') throw jingleError('out-of-order');
    this.handle({
      type: 'replace-failed',
      error: new TransportFailedError('the peer rejected the transport'),
    });
  }

  /** The session is over, or the peer has removed this content of it. */
  ended(ending: SessionEnding): void {
    this.handle({ type: 'ended', ending, allGiven: this.#components.application.allGiven });
  }

  #perform(effect: ContentEffect): void {
    const { session, application } = this.#components;
    switch (effect.type) {
      case 'connect':
        this.#transport.connect();
        return;
      case 'abandon':
        this.#transport.abandon();
        return;
      case 'interrupt':
        this.#interrupt();
        return;
      case 'propose':
        this.#transport.propose(effect.transport);
        return;
      case 'answer-replace':
        this.#transport.answerReplace();
        return;
      case 'reject-replace':
        session.tell({ action: 'transport-reject', contents: [this.ref] });
        return;
      case 'tie-break':
      case 'refuse-position':
        refuse(effect);
        return;
      case 'tell-position':
        this.#tellPosition();
        return;
      case 'take-position':
        if (this.#missing) application.goOn(this.#missing);
        return;
      case 'move':
        if (this.#stream) application.move(this.#stream, this.transport);
        return;
      case 'send-checksum':
        this.#sendChecksum();
        return;
      case 'end-stream':
        application.endStream();
        return;
      case 'unconfirmed':
        application.unconfirmed();
        return;
      case 'conclude':
        session.conclude(this, effect.ending, effect.by);
    }
  }

  #sendChecksum(): void {
    const { session, application } = this.#components;
    const { creator, name } = this.ref;
    const file = application.checksum();
    if (file.hashes.length === 0 && !file.range) return; // §8.2: at least one hash
    const info: FileInfo = { type: 'checksum', content: { creator, name }, file };
    session.tell({ action: 'session-info', payload: fileInfoCodec(this.ns).toXml(info) });
  }

  #tellPosition(): void {
    const { session, application } = this.#components;
    const range = { ...application.missing(), hashes: [] };
    const description = descriptionCodec(this.ns).toXml({ hashes: [], hashesUsed: [], range });
    const { creator, name } = this.ref;
    session
      .send({ action: 'description-info', contents: [{ creator, name, description }] })
      .then(
        () => this.handle({ type: 'position-taken' }),
        (thrown: unknown) => this.handle({ type: 'position-refused', error: asError(thrown) }),
      )
      .catch((thrown: unknown) => session.fail(asError(thrown)));
  }

  #connected(stream: Duplex): void {
    this.#stream = stream;
    // Of a stream that was let go nothing is to be heard.
    const raise = (event: ContentEvent) => this.#stream === stream && this.handle(event);
    const { peerResumes } = this.#components.application;
    stream.on('error', (error: Error) => raise({ type: 'stream-failed', error, peerResumes }));
    stream.on('end', () => raise({ type: 'stream-closed' }));
    stream.on('close', () => {
      // A stream that ends in good order has said so before; this one can carry nothing more.
      const error = new TransportFailedError('the stream closed before the last byte');
      if (!raise({ type: 'stream-closed' })) raise({ type: 'stream-failed', error, peerResumes });
    });
    this.handle({ type: 'connected' });
  }

  #interrupt(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#components.application.interrupt();
    stream?.destroy();
  }

  #settle(error: Error | undefined): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#runner.stop();
    this.#abort.abort();
    const { application, log } = this.#components;
    guarded(log, 'the end of a content', () => application.over(error));
    this.#transport.abandon();
    this.#stream?.destroy();
    this.#components.session.contentSettled(this);
  }
}
