/**
 * Who is answered, and how often. A conversation between two programs ends at the first message that is left without
 * an answer, so what no person goes on saying is: things that mean nothing to us, and the same thing again and again.
 */
import { Accounts } from '../access/accounts.js';
import type { Refusals } from '../access/refusals.js';
import type { Clock } from '../clock.js';
import { type BareJid, domainOf } from '../stanza/jid.js';
import type { Command } from './command.js';

export interface ChatAllowanceComponents {
  readonly clock: Clock;
  /** Is told of who is not answered. */
  readonly refusals?: Pick<Refusals, 'count'>;
}

export interface ChatAllowanceInit {
  readonly chatAnswersPerPeerPerMinute: number;
  readonly chatAnswersPerDomainPerMinute: number;
  readonly chatAnswersPerMinute: number;
}

/** Messages in a row that are no use, and are answered all the same. */
export const MAX_USELESS = 3;
/** Whoever was over the limit is not answered for so long. */
export const QUIET_MS = 5 * 60_000;
/** Peers that are remembered: a megabyte or two. The one that was heard longest ago goes first. */
const MAX_PEERS = 10_000;
/** As much of a message as is compared with the next. */
const COMPARED_CHARS = 64;

interface Peer {
  last: string;
  useless: number;
  quietUntilMs: number;
}

export class ChatAllowance {
  readonly #clock: Clock;
  readonly #refusals: Pick<Refusals, 'count'> | undefined;
  readonly #peers = new Map<BareJid, Peer>();
  readonly #answers: Accounts;
  readonly #domains: Accounts;
  readonly #everybody: Accounts;

  constructor({ clock, refusals }: ChatAllowanceComponents, init: ChatAllowanceInit) {
    this.#clock = clock;
    this.#refusals = refusals;
    this.#answers = new Accounts(clock, init.chatAnswersPerPeerPerMinute);
    this.#domains = new Accounts(clock, init.chatAnswersPerDomainPerMinute);
    this.#everybody = new Accounts(clock, init.chatAnswersPerMinute);
  }

  /** Holds at once; what has been used up so far stays used up. */
  setLimits(init: ChatAllowanceInit): void {
    this.#answers.setPerMinute(init.chatAnswersPerPeerPerMinute);
    this.#domains.setPerMinute(init.chatAnswersPerDomainPerMinute);
    this.#everybody.setPerMinute(init.chatAnswersPerMinute);
  }

  /** Whether this message of the peer is answered; then it is counted. */
  admits(from: BareJid, text: string, command: Command['type'] | 'encrypted'): boolean {
    const refusedBy = this.#refusedBy(from, text, command);
    if (refusedBy !== undefined) this.#refusals?.count(refusedBy, from);
    return refusedBy === undefined;
  }

  #refusedBy(
    from: BareJid,
    text: string,
    command: Command['type'] | 'encrypted',
  ): keyof ChatAllowanceInit | 'chat-useless' | undefined {
    const peer = this.#peer(from);
    const nowMs = this.#clock.monotonic();
    const said = text.slice(0, COMPARED_CHARS);
    // Who turns pages says the same again and means it.
    const isUseless =
      command === 'strange' || command === 'encrypted' || (command !== 'more' && said === peer.last);
    peer.last = said;
    if (!isUseless) peer.useless = 0;
    else if (peer.useless < MAX_USELESS) peer.useless += 1;
    else return 'chat-useless';
    if (nowMs < peer.quietUntilMs) return 'chatAnswersPerPeerPerMinute';
    const answers = this.#answers.get(from);
    const domain = this.#domains.get(domainOf(from));
    const everybody = this.#everybody.get('');
    if (everybody.tokens < 1) return 'chatAnswersPerMinute';
    if (domain.tokens < 1) return 'chatAnswersPerDomainPerMinute';
    if (answers.tokens < 1) {
      peer.quietUntilMs = nowMs + QUIET_MS;
      return 'chatAnswersPerPeerPerMinute';
    }
    answers.tokens -= 1;
    domain.tokens -= 1;
    everybody.tokens -= 1;
    return undefined;
  }

  #peer(from: BareJid): Peer {
    const peer = this.#peers.get(from) ?? { last: '', useless: 0, quietUntilMs: 0 };
    this.#peers.delete(from);
    this.#peers.set(from, peer);
    for (const oldest of this.#peers.keys()) {
      if (this.#peers.size <= MAX_PEERS) break;
      this.#peers.delete(oldest);
    }
    return peer;
  }
}
