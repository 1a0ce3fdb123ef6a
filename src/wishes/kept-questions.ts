/** The standing questions of a node: how many there are and for how long is bounded, for each asker, each domain and for all. */
import type { Clock, Timer } from '../clock.js';
import { LimitError } from '../errors.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import { bareOf, domainOf, type Jid } from '../stanza/jid.js';
import { wantCodec } from '../stanza/standing-question.js';

export interface KeptQuestion {
  /** Where answers go. */
  readonly asker: Jid;
  /** Names it in answers. */
  readonly id: string;
  /** Where it was asked, if not of us alone. */
  readonly channel?: ChannelAddress | undefined;
  readonly criteria: FileCriteria;
  /** Milliseconds since 1970. */
  readonly untilMs: number;
}

/** A question of a channel has its name there, whoever gets the answers. */
export interface QuestionName {
  readonly asker?: Jid;
  readonly channel?: ChannelAddress | undefined;
  readonly id: string;
}

/** The names are those of the configured limits: a refusal tells which it was. */
export interface KeptQuestionsInit {
  readonly keptQuestions: number;
  readonly keptQuestionsPerAsker: number;
  readonly keptQuestionsPerDomain: number;
  readonly keptQuestionMs: number;
}

export interface KeptQuestionsListener {
  /** `before` is the one whose place it takes. */
  kept(question: KeptQuestion, before: KeptQuestion | undefined): void;
  gone(question: KeptQuestion): void;
}

/** As it is written: what a person asks has a few hundred; only lists of values make more. */
const MAX_QUESTION_BYTES = 8192;

export class KeptQuestions {
  readonly #clock: Clock;
  #init: KeptQuestionsInit;
  readonly #listener: KeptQuestionsListener;
  readonly #questions = new Map<string, KeptQuestion>();
  /** Of each account, and of each domain, of which one may be an account. */
  readonly #counts = { asker: new Map<string, number>(), domain: new Map<string, number>() };
  #expiry: Timer | undefined;

  constructor(
    { clock }: { readonly clock: Clock },
    init: KeptQuestionsInit,
    listener: KeptQuestionsListener,
  ) {
    this.#clock = clock;
    this.#init = init;
    this.#listener = listener;
  }

  /** Holds for questions that come from now on: none is forgotten. */
  setLimits(init: KeptQuestionsInit): void {
    this.#init = init;
  }

  get size(): number {
    return this.#questions.size;
  }

  *[Symbol.iterator](): Generator<KeptQuestion> {
    yield* this.#questions.values();
  }

  /**
   * Keeps a question, in place of one of the same name of the same asker or channel. Returns until when; that may be
   * sooner than asked for. Throws `LimitError`.
   */
  keep(asked: KeptQuestion): number {
    const { keptQuestions, keptQuestionsPerAsker, keptQuestionsPerDomain, keptQuestionMs } = this.#init;
    const key = keyOf(asked);
    const before = this.#questions.get(key);
    const bytes = Buffer.byteLength(wantCodec.toXml(asked).toString());
    if (bytes > MAX_QUESTION_BYTES) {
      throw new LimitError(
        'keptQuestionBytes',
        `a question that is kept has at most ${MAX_QUESTION_BYTES} bytes`,
      );
    }
    const { asker, domain } = this.#counts;
    const others = (counts: ReadonlyMap<string, number>, keyFor: (jid: Jid) => string) => {
      const key = keyFor(asked.asker);
      return (counts.get(key) ?? 0) - (before && keyFor(before.asker) === key ? 1 : 0);
    };
    if (others(asker, bareOf) >= keptQuestionsPerAsker)
      throw tooMany('keptQuestionsPerAsker', 'of one asker');
    if (others(domain, domainOf) >= keptQuestionsPerDomain)
      throw tooMany('keptQuestionsPerDomain', 'of one domain');
    if (!before && this.#questions.size >= keptQuestions) throw tooMany('keptQuestions', 'at all');
    if (before) this.#remove(before);
    const untilMs = Math.min(asked.untilMs, this.#clock.now() + keptQuestionMs);
    const question = { ...asked, untilMs };
    this.#questions.set(key, question);
    this.#count(question, 1);
    this.#arm();
    this.#listener.kept(question, before);
    return untilMs;
  }

  /** False when there is no such question. */
  forget(name: QuestionName): boolean {
    const question = this.#questions.get(keyOf(name));
    if (!question) return false;
    this.#remove(question);
    this.#listener.gone(question);
    this.#arm();
    return true;
  }

  stop(): void {
    this.#expiry?.cancel();
    this.#expiry = undefined;
  }

  #remove(question: KeptQuestion): void {
    this.#questions.delete(keyOf(question));
    this.#count(question, -1);
  }

  #count({ asker }: KeptQuestion, change: number): void {
    for (const [counts, key] of [
      [this.#counts.asker, bareOf(asker)],
      [this.#counts.domain, domainOf(asker)],
    ] as const) {
      const count = (counts.get(key) ?? 0) + change;
      if (count === 0) counts.delete(key);
      else counts.set(key, count);
    }
  }

  #arm(): void {
    this.#expiry?.cancel();
    this.#expiry = undefined;
    let firstMs = Number.POSITIVE_INFINITY;
    for (const { untilMs } of this.#questions.values()) firstMs = Math.min(firstMs, untilMs);
    if (this.#questions.size === 0) return;
    const delayMs = Math.max(0, firstMs - this.#clock.now());
    this.#expiry = this.#clock.after(delayMs, () => this.#expire());
  }

  #expire(): void {
    const nowMs = this.#clock.now();
    for (const question of [...this.#questions.values()]) {
      if (question.untilMs > nowMs) continue;
      this.#remove(question);
      this.#listener.gone(question);
    }
    this.#arm();
  }
}

export function keyOf({ asker, channel, id }: QuestionName): string {
  return channel ? `${channel.service}\n${channel.nodeId}\n${id}` : `\n${asker ?? ''}\n${id}`;
}

function tooMany(bound: keyof KeptQuestionsInit, whose: string): LimitError {
  return new LimitError(bound, `over the limit '${bound}': no more questions ${whose} are kept`);
}
