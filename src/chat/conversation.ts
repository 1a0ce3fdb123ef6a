/** One asker who types: performs what `conversation-machine.ts` decides, and answers in the way the asker writes. */

import { type Entity, OfflineError } from '../entity/entity.js';
import { AbortedError, LimitError, messageOf, ParseError } from '../errors.js';
import type { Log } from '../log.js';
import type { Answer } from '../query/answer.js';
import type { Seen, SharedFolders } from '../service/shared-folders.js';
import {
  type ChatMessage,
  chatAnswerToXml,
  chatStateMessage,
  receiptMessage,
} from '../stanza/chat-message.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import type { Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import type { PageRequest } from '../stanza/xep0059-rsm.js';
import type { Element } from '../stanza/xml.js';
import type { Command } from './command.js';
import {
  type ConversationEffect,
  type ConversationEvent,
  type ConversationState,
  conversationMachine,
  type FoundPage,
  type ListedItem,
  type Subject,
} from './conversation-machine.js';
import { type GivenLink, HandOver, type HandOverComponents } from './hand-over.js';
import { limitReason, textOf } from './saying.js';

/** Questions that are paid for by who asks them, whichever door they come through. */
export interface Questions {
  /** Throws ParseError, LimitError, StanzaError and AbortedError. */
  ask(
    asker: Jid,
    question: { readonly criteria: FileCriteria; readonly page: PageRequest },
    signal: AbortSignal,
  ): Promise<Answer>;
}

export interface ConversationComponents extends HandOverComponents {
  readonly entity: Pick<Entity, 'request' | 'send'>;
  readonly questions: Questions;
  readonly folders: Pick<SharedFolders, 'look'>;
  readonly log: Log;
}

export interface ConversationInit {
  /** Who writes; a full address, as people's programs have them. */
  readonly peer: Jid;
  /** Which address of ours it writes to. */
  readonly self: Jid;
}

/** Lines of a list: what a telephone shows. */
export const PAGE_ITEMS = 10;

export class Conversation {
  readonly #components: ConversationComponents;
  readonly #init: ConversationInit;
  readonly #handOver: HandOver;
  #state: ConversationState = { type: 'fresh' };
  /** What was said last: how it was written is how it is answered. */
  #heard: ChatMessage | undefined;
  #looking: AbortController | undefined;

  constructor(components: ConversationComponents, init: ConversationInit) {
    this.#components = components;
    this.#init = init;
    const tell = (text: string, link?: GivenLink) => this.#say(text, link);
    this.#handOver = new HandOver(components, { ...init, tell });
  }

  get self(): Jid {
    return this.#init.self;
  }

  hear(message: ChatMessage, command: Command): void {
    this.#heard = message;
    if (message.asksForReceipt && message.id !== undefined) {
      this.#send(receiptMessage(this.#address(message), message.id));
    }
    this.#step(message.isEncrypted ? { type: 'encrypted' } : command);
  }

  /** Forgets the list; files that are on their way go on. */
  expire(): void {
    this.#step({ type: 'expire' });
  }

  /** As `expire`, and withdraws the files too. */
  end(): void {
    this.expire();
    this.#handOver.withdraw();
  }

  #step(event: ConversationEvent): void {
    const next = conversationMachine.step(this.#state, event);
    if (next === undefined) return; // it is over, or what was found is wanted no more
    const from = this.#state.type;
    this.#state = next.state;
    if (from !== next.state.type) {
      const { log } = this.#components;
      log.debug({
        machine: conversationMachine.name,
        id: this.#init.peer,
        from,
        to: next.state.type,
        event: event.type,
      });
    }
    for (const effect of next.effects) this.#perform(effect);
  }

  #perform(effect: ConversationEffect): void {
    switch (effect.type) {
      case 'say':
        this.#say(textOf(effect.saying));
        break;
      case 'look':
        void this.#look(effect.subject, effect.after); // ends in an event
        break;
      case 'abandon':
        this.#looking?.abort();
        break;
      case 'hand-over':
        this.#compose();
        void this.#handOver.give(effect.files); // says how it went
        break;
      case 'withdraw':
        this.#handOver.withdraw();
        break;
    }
  }

  async #look(subject: Subject, after: string | undefined): Promise<void> {
    const looking = new AbortController();
    this.#looking = looking;
    this.#compose();
    const event = await this.#found(subject, after, looking.signal);
    if (!looking.signal.aborted) this.#step(event);
  }

  /** Never rejects. */
  async #found(subject: Subject, after: string | undefined, signal: AbortSignal): Promise<ConversationEvent> {
    const { folders, questions, log } = this.#components;
    const { peer } = this.#init;
    const page = { max: PAGE_ITEMS, ...(after !== undefined && { after }) };
    try {
      if (subject.type === 'find') {
        const criteria = { text: [subject.words] };
        return { type: 'found', page: pageOfAnswer(await questions.ask(peer, { criteria, page }, signal)) };
      }
      const seen = await folders.look(peer, subject.folder, page, signal);
      return seen.type === 'file' ? { type: 'not-there' } : { type: 'found', page: pageOfFolder(seen) };
    } catch (error) {
      if (error instanceof StanzaError && error.condition === 'item-not-found') return { type: 'not-there' };
      if (error instanceof LimitError) this.#components.refusals?.count(error.bound, peer);
      const reason = reasonOf(error);
      if (reason === undefined) log.error({ err: error, from: peer }, 'a question in a chat failed');
      return { type: 'failed', reason: reason ?? 'it is my fault. Please try again later.' };
    }
  }

  /** XEP-0085 §5.1: to those alone who have shown that they know chat states. */
  get #knowsStates(): boolean {
    return this.#heard?.state !== undefined;
  }

  #compose(): void {
    const heard = this.#heard;
    if (heard !== undefined && this.#knowsStates) {
      this.#send(chatStateMessage(this.#address(heard), 'composing'));
    }
  }

  #say(body: string, link?: GivenLink): void {
    const heard = this.#heard;
    if (heard === undefined) return;
    this.#send(
      chatAnswerToXml({
        ...this.#address(heard),
        body,
        ...(this.#knowsStates && { state: 'active' }),
        ...(link && { outOfBand: { url: link.url }, sharing: link.sharing }),
      }),
    );
  }

  #address({ type, thread }: ChatMessage) {
    const { peer: to, self: from } = this.#init;
    return { to, from, type, ...(thread !== undefined && { thread }) };
  }

  /** Where there is no stream nobody listens any more. */
  #send(stanza: Element): void {
    try {
      this.#components.entity.send(stanza);
    } catch (error) {
      if (!(error instanceof OfflineError)) {
        this.#components.log.warn(
          { to: this.#init.peer, error: messageOf(error) },
          'could not say something',
        );
      }
    }
  }
}

function pageOfAnswer({ files, total, more, page, pending }: Answer): FoundPage {
  const items = files.map(
    ({ path, name = '', size }): ListedItem => ({ type: 'file', path: path ?? name, name, size }),
  );
  return { items, total, pending, ...(more && page.last !== undefined && { next: page.last }) };
}

function pageOfFolder({ entries, page, total }: Extract<Seen, { type: 'folder' }>): FoundPage {
  const items = entries.map((entry): ListedItem => {
    if (entry.type === 'folder') return { type: 'folder', path: entry.path };
    const { path, name = '', size } = entry.file;
    return { type: 'file', path: path ?? name, name, size };
  });
  const hasMore = (page.index ?? 0) + entries.length < total;
  return { items, total, pending: 0, ...(hasMore && page.last !== undefined && { next: page.last }) };
}

/** For the asker; undefined where it is none of its making. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof LimitError) return limitReason(error);
  if (error instanceof ParseError || error instanceof StanzaError) return `${error.message}.`;
  return error instanceof AbortedError ? 'it was stopped.' : undefined;
}
