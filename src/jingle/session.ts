/**
 * One Jingle session with one content: performs what `session-machine.ts` decides, hands the
 * transport's actions to the content, and sends what either wants said. Every event, ours or the
 * peer's, is handled to its end before the next.
 */
import type { Clock } from '../clock.js';
import type { Entity } from '../entity/entity.js';
import { LimitError, messageOf, TimeoutError } from '../errors.js';
import type { Log } from '../log.js';
import type { Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import {
  type Content,
  type ContentRef,
  type Jingle,
  jingleCodec,
  jingleError,
  jingleErrorOf,
} from '../stanza/xep0166-jingle.js';
import {
  descriptionCodec,
  type FileDescription,
  type FileInfo,
  type FileTransferNamespace,
  fileInfoCodec,
  isFileInfo,
} from '../stanza/xep0234-file-transfer.js';
import type { Element } from '../stanza/xml.js';
import type { Transport } from '../transport/transport.js';
import type { ContentApplication } from './content-application.js';
import { FileContent } from './file-content.js';
import { MachineRunner } from './machine-runner.js';
import { endingOf, type SessionEnding } from './reason.js';
import {
  type SessionEffect,
  type SessionEvent,
  type SessionState,
  sessionMachine,
  sessionWaits,
} from './session-machine.js';
import type { JingleTimeouts } from './timeouts.js';

export interface SessionComponents {
  readonly entity: Pick<Entity, 'request'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly transports: readonly Transport[];
  readonly application: ContentApplication;
}

export interface SessionInit {
  readonly self: Jid;
  readonly peer: Jid;
  readonly sid: string;
  readonly role: 'initiator' | 'responder';
  readonly ns: FileTransferNamespace;
  readonly content: Required<ContentRef>;
  readonly timeouts: JingleTimeouts;
  readonly maxReplaces: number;
  /** Actions of ours that wait for the peer's acknowledgement at once; what it provokes beyond that, it is refused. */
  readonly maxUnacknowledged: number;
  /** Responder: the transport that the peer offers. */
  readonly offer?: { readonly transport: Transport; readonly element: Element };
  /** Aborted when the acknowledgement of a session-terminate is no longer waited for. */
  readonly signal: AbortSignal;
  /** Called once, as soon as the session is over: its sid means nothing from then on. */
  readonly onOver: (ending: SessionEnding) => void;
}

export class Session {
  /** Resolves when the session is over, its bytes are done with, and the peer knows or can't be told. */
  readonly closed: Promise<SessionEnding>;
  readonly content: FileContent;
  readonly #components: SessionComponents;
  readonly #init: SessionInit;
  readonly #runner: MachineRunner<SessionState, SessionEvent, SessionEffect>;
  /** Aborts what is under way for the session when it is over. */
  readonly #work = new AbortController();
  #close: (ending: SessionEnding) => void = () => undefined;
  #unacknowledged = 0;
  /** What goes into our session-initiate or session-accept. */
  #ours: Pick<Content, 'description' | 'transport'> | undefined;

  /** Throws `ParseError` when the peer's offer is malformed. */
  constructor(components: SessionComponents, init: SessionInit) {
    this.#components = components;
    this.#init = init;
    const { clock, log, transports, application } = components;
    const { self, peer, role, sid: id, timeouts, maxReplaces, offer } = init;
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
    const session = {
      sendTransport: (action: 'transport-replace' | 'transport-accept', transport: Element) =>
        this.#send({ action, sid: id, contents: [{ ...this.#ref, transport }] }),
      sendTransportReject: () => this.#tell({ action: 'transport-reject', sid: id, contents: [this.#ref] }),
      sendChecksum: () => this.#sendChecksum(),
      end: (ending: SessionEnding) => this.end(ending),
      contentSettled: () => this.#closeIfDone(),
    };
    const context = {
      self,
      peer,
      role,
      sendInfo: (transport: Element) => this.#sendTransportInfo(transport),
    };
    this.content = new FileContent(
      { clock, log, transports, session, application },
      { id, context, timeouts, maxReplaces, ...(offer && { offer }) },
    );
    this.#runner = new MachineRunner<SessionState, SessionEvent, SessionEffect>(
      { machine: sessionMachine, clock, log },
      {
        id,
        initial: { type: role === 'initiator' ? 'preparing' : 'deciding' },
        waitMs: (state) => {
          const wait = sessionWaits[state];
          return wait && timeouts[wait];
        },
        perform: (effect) => this.#perform(effect),
      },
    );
  }

  get peer(): Jid {
    return this.#init.peer;
  }

  get role(): 'initiator' | 'responder' {
    return this.#init.role;
  }

  /** True until the session has been accepted or is over. */
  get pending(): boolean {
    return ['preparing', 'initiating', 'offered', 'deciding'].includes(this.#runner.state.type);
  }

  /** Initiator: sets up our side of the transport and asks for the file. */
  initiate(file: FileDescription): void {
    this.#prepare(file)
      .then(() => this.#runner.handle({ type: 'prepared' }))
      .catch((thrown: unknown) => this.end(endingOf(asError(thrown))));
  }

  /** Responder: lets `decide` find what to answer with; what it throws becomes the reason of the refusal. */
  respond(decide: (signal: AbortSignal) => Promise<FileDescription>): void {
    decide(this.#work.signal)
      .then((file) => this.#prepare(file))
      .then(() => this.#runner.handle({ type: 'accept' }))
      .catch((thrown: unknown) => this.end(endingOf(asError(thrown))));
  }

  /** Ends the session from our side. Does nothing when it is over. */
  end(ending: SessionEnding): void {
    this.#runner.handle({ type: 'end', ending });
  }

  /** Ends it with the receiver's verdict, in whatever state the content is. */
  async finish(ending: SessionEnding): Promise<void> {
    if (!this.content.handle({ type: 'finish', ending })) this.end(ending);
    await this.closed;
  }

  /** Ends it without telling the peer, to whom its sid means another session now. */
  lose(error: Error): void {
    this.#runner.handle({ type: 'unanswered', error, late: false });
  }

  /** Takes an action of the peer's. Throws `StanzaError` and `ParseError` for the peer. */
  handle(jingle: Jingle): void {
    switch (jingle.action) {
      case 'session-initiate':
        this.#handleFromPeer({ type: 'peer-initiate' });
        return;
      case 'session-accept':
        this.#onAccept(this.#find(jingle.contents));
        return;
      case 'session-terminate':
        this.#handleFromPeer({ type: 'peer-terminate', reason: jingle.reason });
        return;
      case 'session-info':
        this.#onInfo(jingle.payload);
        return;
      case 'content-add':
        this.#handleFromPeer({ type: 'peer-content-add', contents: jingle.contents });
        return;
      case 'content-accept':
      case 'content-reject':
        this.#handleFromPeer({ type: `peer-${jingle.action}` });
        return;
      case 'content-modify':
        this.#find(jingle.contents);
        this.#handleFromPeer({ type: 'peer-content-modify' });
        return;
      case 'content-remove':
        this.#find(jingle.contents);
        this.#handleFromPeer({ type: 'peer-content-remove', reason: jingle.reason });
        return;
      case 'description-info':
      case 'security-info':
        this.#handleFromPeer({ type: 'peer-unknown-info' });
        return;
      case 'transport-info':
        this.content.transportInfo(this.#find(jingle.contents).transport);
        return;
      case 'transport-replace':
        this.content.peerReplace(this.#find(jingle.contents).transport);
        return;
      case 'transport-accept':
        this.content.peerReplaceAccepted(this.#find(jingle.contents).transport);
        return;
      case 'transport-reject':
        this.#find(jingle.contents);
        this.content.peerReplaceRejected();
    }
  }

  get #ref(): ContentRef {
    return this.#init.content;
  }

  /** The content of an action that is ours; there is only the one. */
  #find<T extends ContentRef>(contents: readonly T[]): T {
    const found = contents.find(
      ({ creator, name }) => creator === this.#ref.creator && name === this.#ref.name,
    );
    if (!found) throw new StanzaError('item-not-found', 'no such content');
    return found;
  }

  #handleFromPeer(event: SessionEvent): void {
    if (!this.#runner.handle(event)) throw jingleError('out-of-order');
  }

  #onAccept(content: Content): void {
    if (!this.#runner.accepts({ type: 'peer-accept' })) {
      // COMPAT: a transport-replace answered with session-accept, a known fault of several clients.
      this.content.peerReplaceAccepted(content.transport);
      return;
    }
    const { application } = this.#components;
    try {
      application.peerAccepted(descriptionCodec(this.#init.ns).fromXml(content.description));
    } catch (thrown) {
      this.end(endingOf(asError(thrown)));
      return;
    }
    this.content.answered(content.transport);
    this.#handleFromPeer({ type: 'peer-accept' });
  }

  #onInfo(payload: Element | undefined): void {
    if (!payload) {
      this.#handleFromPeer({ type: 'peer-ping' });
      return;
    }
    if (!isFileInfo(payload, this.#init.ns)) {
      this.#handleFromPeer({ type: 'peer-unknown-info' });
      return;
    }
    const info = fileInfoCodec(this.#init.ns).fromXml(payload);
    const { creator = this.#ref.creator, name = this.#ref.name } = info.content;
    this.#find([{ creator, name }]);
    this.#handleFromPeer({ type: 'peer-info', info });
  }

  #perform(effect: SessionEffect): void {
    const { self, sid } = this.#init;
    switch (effect.type) {
      case 'send-initiate':
        this.#open({ action: 'session-initiate', sid, initiator: self, contents: [this.#whole()] });
        return;
      case 'send-accept':
        this.#open({ action: 'session-accept', sid, responder: self, contents: [this.#whole()] });
        return;
      case 'send-terminate':
        this.#tell({ action: 'session-terminate', sid, reason: effect.reason });
        return;
      case 'send-content-reject': {
        const reason = { condition: 'failed-application' } as const;
        if (this.#unacknowledged >= this.#init.maxUnacknowledged) throw this.#tooMany();
        const contents = effect.contents.map(({ creator, name }) => ({ creator, name }));
        this.#tell({ action: 'content-reject', sid, contents, reason });
        return;
      }
      case 'activate':
        this.content.handle({ type: 'accepted' });
        return;
      case 'take-info':
        this.content.takeInfo(effect.info);
        return;
      case 'refuse':
        if (effect.error === 'unsupported-info') throw jingleError(effect.error);
        throw new StanzaError(effect.error);
      case 'over':
        this.#over(effect.ending);
    }
  }

  async #prepare(file: FileDescription): Promise<void> {
    const transport = await this.content.describe();
    this.#ours = { description: descriptionCodec(this.#init.ns).toXml(file), transport };
  }

  #whole(): Content {
    if (!this.#ours) throw new TypeError('the content is not described yet');
    return { ...this.#ref, ...this.#ours };
  }

  /** Sends an action whose answer the session waits for. */
  #open(jingle: Jingle): void {
    this.#send(jingle).then(
      () => this.#runner.handle({ type: 'acknowledged' }),
      (thrown: unknown) => {
        const error = asError(thrown);
        this.#runner.handle({ type: 'unanswered', error, late: error instanceof TimeoutError });
      },
    );
  }

  #sendChecksum(): void {
    const file = this.#components.application.checksum();
    const content = { creator: this.#ref.creator, name: this.#ref.name };
    const info: FileInfo = { type: 'checksum', content, file };
    const payload = fileInfoCodec(this.#init.ns).toXml(info);
    this.#tell({ action: 'session-info', sid: this.#init.sid, payload });
  }

  async #sendTransportInfo(transport: Element): Promise<void> {
    const { creator, name } = this.#ref;
    await this.#send({
      action: 'transport-info',
      sid: this.#init.sid,
      contents: [{ creator, name, transport }],
    });
  }

  /** Sends what nobody waits for. A peer that won't hear it changes nothing. */
  #tell(jingle: Jingle): void {
    this.#send(jingle).catch((thrown: unknown) =>
      this.#components.log.debug(
        { sid: jingle.sid, action: jingle.action, error: messageOf(thrown) },
        'action not acknowledged',
      ),
    );
  }

  async #send(jingle: Jingle): Promise<void> {
    const { self, peer, signal, timeouts, maxUnacknowledged } = this.#init;
    const last = jingle.action === 'session-terminate';
    if (!last && this.#unacknowledged >= maxUnacknowledged) throw this.#tooMany();
    this.#unacknowledged += 1;
    try {
      await this.#components.entity.request({
        to: peer,
        from: self,
        type: 'set',
        payload: jingleCodec.toXml(jingle),
        timeoutMs: last ? timeouts.terminateMs : timeouts.ackMs,
        signal: last ? signal : this.#work.signal,
      });
    } catch (thrown) {
      if (thrown instanceof StanzaError && jingleErrorOf(thrown) === 'unknown-session') {
        this.#runner.handle({ type: 'unanswered', error: thrown, late: false });
      }
      throw thrown;
    } finally {
      this.#unacknowledged -= 1;
      this.#closeIfDone();
    }
  }

  #tooMany(): LimitError {
    return new LimitError('unacknowledged', 'too many actions of this session are unacknowledged');
  }

  #over(ending: SessionEnding): void {
    this.#runner.stop();
    this.#work.abort();
    this.content.sessionEnded(ending);
    this.#init.onOver(ending);
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    const { state } = this.#runner;
    if ('ending' in state && this.content.settled && this.#unacknowledged === 0) this.#close(state.ending);
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
