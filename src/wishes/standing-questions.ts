/**
 * A node's standing questions as a whole: who asked on a channel or by iq is answered again when a matching file
 * has got its hash, until the question's time is over. They outlive a restart of the node.
 */
import type { QueryBudget } from '../access/query-budget.js';
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import type { DataFolder } from '../catalogue/data-folder.js';
import type { QuestionKeeper, QuestionToKeep } from '../channel/query-responder.js';
import type { Clock, Timer } from '../clock.js';
import type { Entity } from '../entity/entity.js';
import { LimitError, messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { Answering } from '../query/answer.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import type { Startable } from '../startable.js';
import { hashedIn } from './hashed-news.js';
import { readKept, writeKept } from './kept-file.js';
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

/** Many questions come and go together; a crash costs those of the last moment, until they are asked again. */
const SAVE_AFTER_MS = 2000;

export class StandingQuestions implements Startable, QuestionKeeper {
  readonly #components: StandingQuestionsComponents;
  readonly #news = new NewsLog();
  readonly #questions: KeptQuestions;
  readonly #answers: NewsAnswers;
  readonly #service: WantService;
  #unsubscribe: (() => void) | undefined;
  #saving: Promise<void> = Promise.resolve();
  #save: Timer | undefined;
  #state: 'new' | 'started' | 'stopped' = 'new';

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
    if (this.#save) this.#write();
    await this.#saving;
  }

  keep(question: QuestionToKeep): void {
    this.#questions.keep(question);
  }

  withdraw(channel: ChannelAddress, id: string): void {
    this.#questions.forget({ channel, id });
  }

  #take(batch: Parameters<Parameters<ReadonlyCatalogue['onBatch']>[0]>[0]): void {
    if (this.#questions.size === 0) return;
    const { table } = this.#components.catalogue;
    const before = this.#news.end;
    const isShown = (slot: number) => table.isShown(slot);
    for (const slot of hashedIn(batch, { columns: table.columns, isShown })) this.#news.append(slot);
    if (this.#news.end > before) this.#answers.told();
  }

  async #restore(): Promise<void> {
    const { clock, folder, log } = this.#components;
    let kept: readonly KeptQuestion[] = [];
    try {
      await folder.make();
      kept = await readKept(folder);
    } catch (error) {
      log.warn({ err: error }, `standing questions can't be read: ${messageOf(error)}`);
    }
    for (const question of kept) {
      if (question.untilMs <= clock.now()) continue;
      try {
        this.#questions.keep(question);
      } catch (error) {
        if (!(error instanceof LimitError)) throw error; // the limits are lower than they were
      }
    }
  }

  #saveSoon(): void {
    if (this.#state !== 'started') return;
    this.#save ??= this.#components.clock.after(SAVE_AFTER_MS, () => this.#write());
  }

  #write(): void {
    const { folder, log } = this.#components;
    this.#save?.cancel();
    this.#save = undefined;
    const questions = [...this.#questions];
    this.#saving = this.#saving
      .then(() => writeKept(folder, questions))
      .catch((error: unknown) =>
        log.warn({ err: error }, `standing questions can't be saved: ${messageOf(error)}`),
      );
  }
}
