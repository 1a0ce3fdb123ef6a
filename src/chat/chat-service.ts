/**
 * The door for people who type: a message to us is a command, and is answered by a message. Each address that writes
 * has its conversation, which is forgotten when nothing was said in it for a while.
 */
import type { Clock, Timer } from '../clock.js';
import type { Disco } from '../entity/disco.js';
import type { Entity, IncomingMessage, Unsubscribe } from '../entity/entity.js';
import { CHAT_BODY, chatMessageOf } from '../stanza/chat-message.js';
import { bareOf, domainOf, type Jid } from '../stanza/jid.js';
import { CHAT_STATES_FEATURE } from '../stanza/xep0085-chat-states.js';
import { RECEIPTS_FEATURE } from '../stanza/xep0184-receipts.js';
import type { Startable } from '../startable.js';
import { ChatAllowance, type ChatAllowanceInit } from './chat-allowance.js';
import { parseCommand } from './command.js';
import { Conversation, type ConversationComponents } from './conversation.js';

export interface ChatServiceComponents extends ConversationComponents {
  readonly entity: Entity;
  /** Where it is said that chat states and receipts are understood (XEP-0085 §6, XEP-0184 §4). */
  readonly disco: Pick<Disco, 'addFeature'>;
  readonly clock: Clock;
}

export interface ChatServiceInit extends ChatAllowanceInit {
  /** Conversations at once; of the domain that has most, the one in which nothing was said for longest gives way to another. */
  readonly conversations: number;
  /** A conversation is forgotten after so long without a word. */
  readonly conversationIdleMs: number;
}

interface Held {
  readonly conversation: Conversation;
  heardAtMs: number;
}

export class ChatService implements Startable {
  readonly #components: ChatServiceComponents;
  readonly #init: ChatServiceInit;
  readonly #allowance: ChatAllowance;
  /** By the peer's address; the one that was heard last comes last. */
  readonly #held = new Map<Jid, Held>();
  readonly #registrations: Unsubscribe[] = [];
  #timer: Timer | undefined;
  #answered = 0;
  #ignored = 0;

  constructor(components: ChatServiceComponents, init: ChatServiceInit) {
    this.#components = components;
    this.#init = init;
    this.#allowance = new ChatAllowance(components, init);
  }

  async start(): Promise<void> {
    const { entity, disco } = this.#components;
    this.#registrations.push(
      disco.addFeature(CHAT_STATES_FEATURE),
      disco.addFeature(RECEIPTS_FEATURE),
      entity.handleMessage(CHAT_BODY, undefined, (message) => this.#onMessage(message)),
    );
  }

  async stop(): Promise<void> {
    for (const unregister of this.#registrations.splice(0)) unregister();
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const { conversation } of this.#held.values()) conversation.end();
    this.#held.clear();
  }

  /** How often who is answered, from now on. */
  setLimits(limits: ChatAllowanceInit): void {
    this.#allowance.setLimits(limits);
  }

  /** Messages so far, and conversations now. */
  counts(): { readonly answered: number; readonly ignored: number; readonly conversations: number } {
    return { answered: this.#answered, ignored: this.#ignored, conversations: this.#held.size };
  }

  #onMessage({ from, to, stanza }: IncomingMessage): void {
    const message = chatMessageOf(stanza);
    if (message === undefined || !this.#isPerson(from)) return;
    const command = parseCommand(message.body);
    const kind = message.isEncrypted ? 'encrypted' : command.type;
    if (!this.#allowance.admits(bareOf(from), message.body, kind)) {
      this.#ignored += 1;
      return;
    }
    this.#answered += 1;
    this.#conversation(from, to).hear(message, command);
  }

  /** Servers and components have no name before their domain; what comes from them is no person's. */
  #isPerson(from: Jid): boolean {
    const { entity } = this.#components;
    return from.includes('@') && !entity.isOurs(from) && bareOf(from) !== bareOf(entity.jid);
  }

  #conversation(peer: Jid, to: Jid): Conversation {
    const { clock, entity } = this.#components;
    // A client is known by its session, wherever the message was sent to.
    const self = entity.jid.includes('@') || !entity.isOurs(to) ? entity.jid : to;
    const heardAtMs = clock.monotonic();
    const known = this.#held.get(peer);
    if (known !== undefined && known.conversation.self === self) {
      this.#held.delete(peer);
      this.#held.set(peer, known);
      known.heardAtMs = heardAtMs;
      return known.conversation;
    }
    this.#forget(peer);
    while (this.#held.size > 0 && this.#held.size >= this.#init.conversations)
      this.#forget(this.#dispensable(peer));
    const conversation = new Conversation(this.#components, { peer, self });
    this.#held.set(peer, { conversation, heardAtMs });
    this.#timer ??= clock.after(this.#init.conversationIdleMs, this.#forgetIdle);
    return conversation;
  }

  /**
   * Who gives way to a newcomer: of those that have most, with it, the one that was quiet longest. So however many come from
   * one domain, or from one account, they push out each other.
   */
  #dispensable(newcomer: Jid): Jid {
    const all = [...this.#held.keys()];
    const ofDomain = ofFullest(all, domainOf, newcomer);
    const [oldest = newcomer] = ofFullest(ofDomain, bareOf, newcomer);
    return oldest;
  }

  #forget(peer: Jid): void {
    this.#held.get(peer)?.conversation.expire();
    this.#held.delete(peer);
  }

  readonly #forgetIdle = (): void => {
    const { clock } = this.#components;
    const { conversationIdleMs } = this.#init;
    this.#timer = undefined;
    const beforeMs = clock.monotonic() - conversationIdleMs;
    for (const [peer, { heardAtMs }] of this.#held) {
      if (heardAtMs > beforeMs) {
        this.#timer = clock.after(heardAtMs - beforeMs, this.#forgetIdle);
        return;
      }
      this.#forget(peer);
    }
  };
}

/** Those of `peers` in the largest group; where several are, in that of the first. The newcomer makes its group larger. */
function ofFullest(peers: readonly Jid[], groupOf: (jid: Jid) => string, newcomer: Jid): Jid[] {
  const counts = new Map<string, number>();
  for (const each of [...peers, newcomer]) counts.set(groupOf(each), (counts.get(groupOf(each)) ?? 0) + 1);
  let fullest: string | undefined;
  for (const group of peers.map(groupOf))
    if (fullest === undefined || (counts.get(group) ?? 0) > (counts.get(fullest) ?? 0)) fullest = group;
  return peers.filter((each) => groupOf(each) === fullest);
}
