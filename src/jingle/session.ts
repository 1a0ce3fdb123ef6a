/**
 * One Jingle session with its contents: performs what `session-machine.ts` decides, hands the
 * contents what concerns them, and sends what either wants said. Every event, ours or the peer's,
 * is handled to its end before the next.
 */
import { setMaxListeners } from 'node:events';
import { AbortedError, LimitError, TimeoutError } from '../errors.js';
import type { Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import {
  type Content,
  type Jingle,
  type JingleRole,
  jingleError,
  type ReasonCondition,
} from '../stanza/xep0166-jingle.js';
import { type FileDescription, fileInfoCodec } from '../stanza/xep0234-file-transfer.js';
import type { ContentApplication } from './content-application.js';
import type { ContentSession } from './content-init.js';
import { ContentMaker } from './content-maker.js';
import { success } from './content-state.js';
import type { FileContent } from './file-content.js';
import { FileReceiving } from './file-receiving.js';
import { FileSending } from './file-sending.js';
import type { FileDownload, FileSession, FileSource, FileUpload, SessionOutcome } from './file-session.js';
import { MachineRunner } from './machine-runner.js';
import { OpenLink } from './open-link.js';
import { PeerWatch } from './peer-watch.js';
import { chosenContents, type ProposedContent } from './proposed-content.js';
import { asError, ending, endingOf, peersEnding, type SessionEnding } from './reason.js';
import { acknowledged, SessionActions } from './session-actions.js';
import { SessionContents } from './session-contents.js';
import { sessionEventOf } from './session-event.js';
import type { SessionComponents, SessionInit } from './session-init.js';
import {
  type SessionEffect,
  type SessionEvent,
  type SessionState,
  sessionMachine,
  sessionWaits,
} from './session-machine.js';

export class Session implements FileSession {
  /** Resolves when the session is over, its bytes are done with, and the peer knows or can't be told. */
  readonly closed: Promise<SessionEnding>;
  readonly ended: Promise<SessionOutcome>;
  readonly contents = new SessionContents();
  readonly #components: SessionComponents;
  readonly #init: SessionInit;
  readonly #runner: MachineRunner<SessionState, SessionEvent, SessionEffect>;
  readonly #actions: SessionActions;
  /** Aborts what is under way for the session when it is over. */
  readonly #work = new AbortController();
  #close: (ending: SessionEnding) => void = () => undefined;
  /** Resolves when the session is over and the peer knows or can't be told; last bytes may still be coming. */
  readonly #told: Promise<void>;
  #tell: () => void = () => undefined;
  /** `begin` was called, or the peer began it. */
  #begun: boolean;
  readonly #waiting: (() => void)[] = [];
  readonly #maker: ContentMaker;
  readonly #watch: PeerWatch;

  constructor(components: SessionComponents, init: SessionInit) {
    this.#components = components;
    this.#init = init;
    const { clock, log } = components;
    const { role, sid, timeouts } = init;
    this.#begun = role === 'responder';
    setMaxListeners(init.maxUnacknowledged, this.#work.signal); // one for each action under way
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
    this.#told = new Promise((resolve) => {
      this.#tell = resolve;
    });
    this.ended = this.closed.then(({ reason, error }) => ({
      reason: reason.condition,
      ...(error && { error }),
    }));
    this.#actions = new SessionActions(components, {
      ...init,
      signal: this.#work.signal,
      stopSignal: init.signal,
      onUnknown: (error) => this.lose(error),
      onSettled: () => this.#closeIfDone(),
    });
    this.#maker = new ContentMaker(components, {
      ...init,
      session: this.#contentSession,
      contents: this.contents,
    });
    this.#watch = new PeerWatch(components, {
      goneMs: timeouts.goneMs,
      movedBytes: () => this.#movedBytes(),
      onGone: (error) => void this.finish(endingOf(error)),
    });
    this.#runner = new MachineRunner<SessionState, SessionEvent, SessionEffect>(
      { machine: sessionMachine, clock, log },
      {
        id: sid,
        initial: { type: role === 'initiator' ? 'preparing' : 'deciding' },
        waitMs: (state) => {
          const wait = sessionWaits[state];
          return wait && timeouts[wait];
        },
        perform: (effect) => this.#perform(effect),
        moved: () => [...this.contents].filter((each) => each.takeQueueNews('session')).length > 0,
      },
    );
  }

  get sid(): string {
    return this.#init.sid;
  }

  get peer(): Jid {
    return this.#init.peer;
  }

  get role(): JingleRole {
    return this.#init.role;
  }

  /** True until the session has been accepted or is over. */
  get pending(): boolean {
    return ['preparing', 'initiating', 'offered', 'deciding'].includes(this.#runner.state.type);
  }

  request(file: Partial<FileDescription>): FileDownload {
    const link = new OpenLink(this.sid, this.#finish, this.#components.log);
    const receiving = new FileReceiving(link, file.range);
    this.#propose(receiving, link, () => ({ hashes: [], hashesUsed: [], ...file, resumes: true }));
    return receiving;
  }

  offer(source: FileSource): FileUpload {
    const link = new OpenLink(this.sid, this.#finish, this.#components.log);
    const sending = new FileSending(link);
    sending.use(source);
    this.#propose(sending, link, () => sending.offer);
    return sending;
  }

  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    for (const start of this.#waiting.splice(0)) start();
    if (this.contents.live.length === 0) this.lose(new AbortedError('nothing to begin with'));
  }

  async end(condition: ReasonCondition, text?: string): Promise<void> {
    const reason = { condition, ...(text !== undefined && { text }) };
    const error = condition === 'success' ? undefined : new AbortedError('we ended the session');
    await this.finish(ending(reason, error));
  }

  /** Ends the session from our side. Resolves when the peer knows or can't be told. */
  async finish(end: SessionEnding): Promise<void> {
    this.#runner.handle({ type: 'end', ending: end });
    // Of what the peer has ended in good order, last bytes may be coming for as long as it likes.
    for (const content of [...this.contents]) content.handle({ type: 'finish', ending: end });
    await this.closed;
  }

  /** Ends it without telling the peer, to whom its sid means another session now, or none. */
  lose(error: Error): void {
    this.#runner.handle({ type: 'unanswered', error, late: false });
  }

  /** Responder: takes the peer's session-initiate. Throws `ParseError` and `StanzaError` for the peer. */
  takeInitiate(contents: readonly Content[]): void {
    this.#take(contents);
  }

  /** The peer is said to be offline: unless it is heard, or bytes move, that ends the session. */
  peerGone(): void {
    if (this.#begun) this.#watch.gone();
  }

  /** Takes an action of the peer's. Throws `StanzaError` and `ParseError` for the peer. */
  handle(jingle: Jingle): void {
    this.#watch.heard();
    switch (jingle.action) {
      case 'session-accept':
        this.#onAccept(jingle.contents);
        return;
      case 'transport-info':
      case 'transport-replace':
      case 'transport-accept':
      case 'transport-reject':
        this.contents.takeTransport(jingle);
        return;
      default:
        this.#handleFromPeer(sessionEventOf(jingle));
    }
  }

  #handleFromPeer(event: SessionEvent): void {
    if (!this.#runner.handle(event)) throw jingleError('out-of-order');
  }

  #onAccept(contents: readonly Content[]): void {
    const event: SessionEvent = { type: 'peer-accept', contents };
    if (!this.#runner.accepts(event)) {
      // COMPAT: a transport-replace answered with session-accept, a known fault of several clients.
      this.contents.takeTransport({ action: 'transport-accept', contents });
      return;
    }
    if (!contents.some((each) => this.contents.find(each))) throw jingleError('out-of-order');
    this.#handleFromPeer(event);
  }

  #perform(effect: SessionEffect): void {
    switch (effect.type) {
      case 'send-initiate':
        this.#sendInitiate();
        return;
      case 'send-accept':
        this.#sendAccept();
        return;
      case 'send-terminate':
        this.#actions.tell({ action: 'session-terminate', reason: effect.reason });
        return;
      case 'advance':
        this.#advance();
        return;
      case 'take-accepted':
        this.#takeAccepted(effect.contents, effect.of);
        return;
      case 'take-added':
        this.#actions.check();
        this.#take(effect.contents);
        return;
      case 'take-rejected':
        this.contents.each(effect.contents, (content) => content.rejected(effect.ending), 'content-reject');
        return;
      case 'take-removed':
        this.contents.each(effect.contents, (content) => content.ended(effect.ending));
        this.#endIfEmpty(effect.ending);
        return;
      case 'take-modified':
        this.contents.each(effect.contents, (content, { senders }) => content.peerModified(senders));
        return;
      case 'take-hints':
        this.contents.each(
          effect.contents,
          (content, { description }) => content.descriptionInfo(description),
          'description-info',
        );
        return;
      case 'take-info': {
        const { info } = effect;
        const sends = info.type === 'received';
        const content = this.contents.findForInfo(info.content, (each) => each.sends === sends);
        content?.takeInfo(info);
        // Among others nothing more is said of it (XEP-0234 §8.1); the last one ends with the session.
        if (content?.phase === 'closing' && this.contents.live.length > 1) content.ended(success);
        return;
      }
      case 'take-queue':
        this.contents.find(effect.place)?.takeQueue(effect.place.position);
        return;
      case 'refuse':
        throw jingleError(effect.error);
      case 'over':
        this.#over(effect.ending);
    }
  }

  /** Takes up what the peer proposes: all of it, or nothing where one is malformed. */
  #take(contents: readonly Content[]): void {
    const { policy } = this.#components;
    const role: JingleRole = this.role === 'initiator' ? 'responder' : 'initiator';
    if (contents.some(({ creator }) => creator !== role)) {
      throw new StanzaError('bad-request', 'whoever proposes a content is its creator');
    }
    if (contents.some((each) => this.contents.has(each))) {
      throw new StanzaError('conflict', 'there is, or was, a content of that name');
    }
    const chosen = chosenContents(contents, policy);
    if (this.contents.size + chosen.length > this.#init.maxContents) {
      throw new LimitError('contents', 'too many contents in one session');
    }
    const made: (readonly [FileContent, ProposedContent])[] = [];
    try {
      for (const content of chosen) made.push(this.#taken(content));
    } catch (error) {
      for (const [content] of made) content.ended(endingOf(asError(error)));
      throw error;
    }
    for (const [content, proposed] of made) {
      this.contents.add(content);
      void this.#prepare(content, async (signal) => {
        await acknowledged();
        const file = await proposed.decide(signal);
        // Not before: whom we refuse is told nothing of where we are, and nobody has us connect for nothing.
        content.granted();
        return file;
      });
    }
  }

  #taken(content: Content): readonly [FileContent, ProposedContent] {
    const link = new OpenLink(this.sid, this.#finish, this.#components.log);
    const proposed = this.#components.policy.proposed(content, this, link);
    const { creator, name, senders = 'both' } = content;
    const { transport, application, ns } = proposed;
    const offer = transport && { transport, element: content.transport };
    link.content = this.#maker.make({ application, ref: { creator, name, senders }, ns, offer });
    return [link.content, proposed];
  }

  /** Proposes a content of ours: with the session, or added to it. */
  #propose(application: ContentApplication, link: OpenLink, describe: () => FileDescription): void {
    const refusal = this.#refusal();
    if (refusal) {
      application.over(refusal);
      return;
    }
    const other: JingleRole = this.role === 'initiator' ? 'responder' : 'initiator';
    const senders = application.sends ? this.role : other;
    const ref = { creator: this.role, name: this.contents.nextName(), senders };
    const content = this.#maker.make({ application, ref, ns: this.#init.ns });
    link.content = content;
    this.contents.add(content);
    const start = () => void this.#prepare(content, async () => describe());
    if (this.#begun) start();
    else this.#waiting.push(start);
  }

  /** Why no further content can be proposed. */
  #refusal(): Error | undefined {
    const { state } = this.#runner;
    if ('ending' in state) return state.ending.error ?? new AbortedError('the session is over');
    if (this.contents.size < this.#init.maxContents) return undefined;
    return new LimitError('contents', 'too many contents in one session');
  }

  readonly #contentSession: ContentSession = {
    send: (body) => this.#actions.send(body),
    tell: (body) => this.#actions.tell(body),
    // §7.2.8: what is accepted is accepted together.
    isLastUndecided: (content) =>
      ![...this.contents].some((each) => each !== content && each.phase === 'deciding'),
    conclude: (content, end, by) => this.#conclude(content, end, by),
    contentSettled: (content) => {
      this.#maker.learn(content);
      this.contents.remove(content);
      this.#advance();
      this.#closeIfDone();
    },
    fail: (error) => void this.finish(endingOf(error)),
  };

  async #prepare(
    content: FileContent,
    decide: (signal: AbortSignal) => Promise<FileDescription>,
  ): Promise<void> {
    await content.prepare(decide);
    this.#advance();
  }

  /** Sends on what is ready, as far as the session is. */
  #advance(): void {
    const contents = [...this.contents];
    const ready = contents.filter(({ phase }) => phase === 'ready');
    if (ready.length === 0) return;
    switch (this.#runner.state.type) {
      case 'preparing':
        if (!contents.some(({ phase }) => phase === 'preparing')) this.#runner.handle({ type: 'prepared' });
        return;
      case 'deciding':
        // §7.2.8: what is accepted is accepted together.
        if (contents.some(({ phase }) => phase === 'deciding')) return;
        if (ready.some(({ isPeers }) => isPeers)) this.#runner.handle({ type: 'accept' });
        return;
      case 'initiating':
      case 'offered':
        this.#acceptAdded(ready);
        return;
      case 'active':
        this.#acceptAdded(ready);
        for (const content of ready.filter(({ isPeers }) => !isPeers)) this.#add(content);
    }
  }

  #acceptAdded(ready: readonly FileContent[]): void {
    for (const content of ready.filter(({ isPeers }) => isPeers)) {
      this.#actions.tell({ action: 'content-accept', contents: [content.described] });
      content.accepted();
    }
  }

  #add(content: FileContent): void {
    const added = this.#actions.insist(
      { action: 'content-add', contents: [content.described] },
      content.signal,
    );
    content.sent();
    added.catch((thrown: unknown) => content.handle({ type: 'finish', ending: endingOf(asError(thrown)) }));
  }

  #sendInitiate(): void {
    const ready = [...this.contents].filter(({ phase }) => phase === 'ready');
    const contents = ready.map(({ described }) => described);
    for (const content of ready) content.sent();
    this.#open({ action: 'session-initiate', initiator: this.#init.self, contents });
  }

  #sendAccept(): void {
    const ready = [...this.contents].filter(({ phase, isPeers }) => phase === 'ready' && isPeers);
    const contents = ready.map(({ described }) => described);
    this.#open({ action: 'session-accept', responder: this.#init.self, contents });
    for (const content of ready) content.accepted();
  }

  /** Sends an action whose answer the session waits for. */
  #open(body: Parameters<SessionActions['send']>[0]): void {
    this.#actions.send(body).then(
      () => this.#runner.handle({ type: 'acknowledged' }),
      (thrown: unknown) => {
        const error = asError(thrown);
        this.#runner.handle({ type: 'unanswered', error, late: error instanceof TimeoutError });
      },
    );
  }

  #takeAccepted(accepted: readonly Content[], of: 'session' | 'contents'): void {
    if (of === 'contents') {
      this.contents.each(accepted, (content, answer) => content.peerAccepted(answer), 'content-accept');
      return;
    }
    const proposed = [...this.contents].filter(({ phase }) => phase === 'proposed');
    for (const content of proposed) {
      const { creator, name } = content.ref;
      const answer = accepted.find((each) => each.creator === creator && each.name === name);
      if (answer) content.peerAccepted(answer);
      else content.handle({ type: 'rejected', ending: peersEnding({ condition: 'decline' }) });
    }
  }

  /** A content is over. The peer hears of it here or, where it was the last one, with the session's end. */
  #conclude(content: FileContent, end: SessionEnding, by: 'us' | 'peer'): void {
    if (this.contents.live.every((each) => each === content)) {
      this.#endIfEmpty(end);
      return;
    }
    if (by === 'peer' || content.standing === 'ours-alone' || this.#work.signal.aborted) return;
    const { creator, name, senders } = content.ref;
    if (end.error) {
      const rejects = content.isPeers && content.standing === 'proposed';
      const action = rejects ? 'content-reject' : 'content-remove'; // XEP-0234 §6.5, §9
      this.#actions.tell({ action, contents: [{ creator, name, senders }], reason: end.reason });
    } else if (!content.sends) {
      const payload = fileInfoCodec(content.ns).toXml({ type: 'received', content: { creator, name } });
      this.#actions.tell({ action: 'session-info', payload });
    }
  }

  /** §7.2.5: a session without contents is void. */
  #endIfEmpty({ reason, error }: SessionEnding): void {
    if (this.contents.live.length > 0) return;
    this.#runner.handle({ type: 'end', ending: ending(reason, error) });
  }

  /** Ends one content with our verdict, and with it the session if it was the last one. */
  readonly #finish = async (content: FileContent | undefined, end: SessionEnding): Promise<void> => {
    content?.handle({ type: 'finish', ending: end });
    if (this.contents.live.length === 0 && this.#begun) await this.#told;
  };

  #movedBytes(): number {
    let bytes = this.contents.summary.bytes;
    for (const content of this.contents) bytes += content.movedBytes;
    return bytes;
  }

  #over(end: SessionEnding): void {
    this.#runner.stop();
    this.#watch.stop();
    this.#waiting.length = 0;
    this.#work.abort();
    for (const content of [...this.contents]) content.ended(end);
    this.#init.onOver(end);
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    const { state } = this.#runner;
    if (!('ending' in state) || this.#actions.unacknowledged > 0) return;
    if (this.contents.size === 0) this.#close(state.ending);
    this.#tell();
  }
}
