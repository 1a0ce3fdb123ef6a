/**
 * A node's standing questions as a whole: who asked on a channel or by iq is answered again when a matching file
 * has got its hash, until the question's time is over. They outlive a restart of the node.
 */
import type { QueryBudget } from '../access/query-budget.js';
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import type { DataFolder } from '../catalogue/data-folder.js';
import { SavedText } from '../catalogue/saved-text.js';
import type { QuestionKeeper, QuestionToKeep } from '../channel/query-responder.js';
import type { Clock } from '../clock.js';
import type { Entity } from '../entity/entity.js';
import { LimitError } from '../errors.js';
import type { Log } from '../log.js';
import type { Answering } from '../query/answer.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import { type BareJid, bareOf } from '../stanza/jid.js';
import type { Startable } from '../startable.js';
import { hashedIn } from './hashed-news.js';
import { formatKept, parseKept } from './kept-file.js';
import { type KeptQuestion, KeptQuestions, type KeptQuestionsInit } from './kept-questions.js';
import { NewsAnswers, type NewsAnswersInit } from './news-answers.js';
import { NewsLog } from './news-log.js';
import { WantService } from './want-service.js';

export interface StandingQuestionsComponents {
  readonly entity: Entity;
  readonly clock: Clock;
  readonly log: Log;
  readonly answerer: Answering;
  readonly budget: QueryBudget;
  readonly catalogue: Pick<ReadonlyCatalogue, 'onBatch' | 'table'>;
  /** Files that are found before are no news. */
  readonly ready: Promise<unknown>;
  /** Resolves when searches see all that the table has told. */
  readonly settled: () => Promise<void>;
  /** Where they are kept from one run to the next. */
  readonly folder: DataFolder;
}

export interface StandingQuestionsInit extends KeptQuestionsInit {
  readonly answers?: Partial<NewsAnswersInit>;
}

const MAX_FILE_BYTES = 64 << 20; // more than all that may be kept take

export class StandingQuestions implements Startable, QuestionKeeper {
  readonly #components: StandingQuestionsComponents;
  readonly #news = new NewsLog();
  readonly #questions: KeptQuestions;
  readonly #answers: NewsAnswers;
  readonly #service: WantService;
  readonly #file: SavedText;
  #unsubscribe: (() => void) | undefined;
  #state: 'new' | 'started' | 'stopped' = 'new';
  #isOn: (channel: ChannelAddress) => boolean = () => true;

  constructor(components: StandingQuestionsComponents, init: StandingQuestionsInit) {
    this.#components = components;
    this.#answers = new NewsAnswers({ ...components, news: this.#news }, init.answers);
    this.#questions = new KeptQuestions(components, init, {
      kept: (question, before) => {
        this.#answers.follow(question, before);
        this.#saveSoon();
      },
      gone: (question) => {
        this.#answers.unfollow(question);
        this.#saveSoon();
      },
    });
    this.#file = new SavedText(components, {
      name: 'questions.jsonl',
      maxBytes: MAX_FILE_BYTES,
      text: () => formatKept(this.#questions),
    });
    this.#service = new WantService({ ...components, questions: this.#questions });
  }

  /** How many are kept now, and how many answers they have got since the start. */
  counts(): { readonly kept: number; readonly answered: number } {
    return { kept: this.#questions.size, answered: this.#answers.answered };
  }

  async start(): Promise<void> {
    const { catalogue, ready } = this.#components;
    await this.#restore();
    this.#state = 'started';
    this.#answers.start();
    await this.#service.start();
    void ready.then(
      () => {
        if (this.#state === 'started') this.#unsubscribe = catalogue.onBatch((batch) => this.#take(batch));
      },
      () => undefined, // the node does not start, and says so itself
    );
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#unsubscribe?.();
    await this.#service.stop();
    await this.#answers.stop();
    this.#questions.stop();
    await this.#file.stop();
  }

  /** See {@link KeptQuestions.setLimits}. */
  setLimits(limits: KeptQuestionsInit): void {
    this.#questions.setLimits(limits);
  }

  keep(question: QuestionToKeep): void {
    if (this.#isOn(question.channel)) this.#questions.keep(question);
  }

  /** Of channels, questions of these alone are kept from now on. Until then: of all. */
  setChannels(isOn: (channel: ChannelAddress) => boolean): void {
    this.#isOn = isOn;
    for (const { channel, id } of [...this.#questions])
      if (channel && !isOn(channel)) this.withdraw(channel, id);
  }

  /** Of all addresses of an account, the oldest first. */
  of(account: BareJid): KeptQuestion[] {
    return [...this.#questions].filter(({ asker }) => bareOf(asker) === account);
  }

  /** False when it is not kept any more. */
  forget(question: KeptQuestion): boolean {
    return this.#questions.forget(question);
  }

  withdraw(channel: ChannelAddress, id: string): void {
    this.#questions.forget({ channel, id });
  }

  #take(batch: Parameters<Parameters<ReadonlyCatalogue['onBatch']>[0]>[0]): void {
    if (this.#questions.size === 0) return;
    const { table } = this.#components.catalogue;
    const before = this.#news.end;
    const untold = batch.removed.length > 0 ? this.#news.slotsFrom(this.#answers.position) : undefined;
    const isUntold = (slot: number) => untold?.has(slot) ?? false;
    hashedIn(batch, table, isUntold, (slot) => this.#news.append(slot));
    if (this.#news.end > before) this.#answers.told();
  }

  async #restore(): Promise<void> {
    const { clock } = this.#components;
    for (const question of parseKept(await this.#file.read())) {
      if (question.untilMs <= clock.now() || (question.channel && !this.#isOn(question.channel))) continue;
      try {
        this.#questions.keep(question);
      } catch (error) {
        if (!(error instanceof LimitError)) throw error; // the limits are lower than they were
      }
    }
  }

  #saveSoon(): void {
    if (this.#state === 'started') this.#file.changed();
  }
}
