/**
 * Answers standing questions as files come: looks at the files that are new since the last look, and at no
 * others, one question at a time. What comes within a moment goes in one answer; further pages follow by
 * themselves. However many questions there are, they take a quarter of one search worker at most.
 */
import { randomUUID } from 'node:crypto';
import { type Clock, sleep } from '../clock.js';
import { type Entity, OfflineError } from '../entity/entity.js';
import { AbortedError, LimitError, messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { Answer, Answering } from '../query/answer.js';
import { foundMessage } from '../stanza/file-discovery.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { type KeptQuestion, keyOf } from './kept-questions.js';
import type { NewsLog } from './news-log.js';

export interface NewsAnswersComponents {
  readonly entity: Entity;
  readonly clock: Clock;
  readonly log: Log;
  readonly answerer: Answering;
  readonly news: NewsLog;
  /** Resolves when searches see all that the table has told. */
  readonly settled: () => Promise<void>;
}

export interface NewsAnswersInit {
  /** How long files gather before a question is answered. */
  readonly gatherMs: number;
  /** From one answer to the next of one question, while files keep coming: doubles up to the longest. */
  readonly shortestGapMs: number;
  readonly longestGapMs: number;
}

export const NEWS_ANSWERS_DEFAULTS: NewsAnswersInit = {
  gatherMs: 1000,
  shortestGapMs: 5000,
  longestGapMs: 60_000,
};

/** Files looked at for one question at a time. */
const SLOTS_A_LOOK = 16_384;
const PAGE_GAP_MS = 1000;
const OFFLINE_GAP_MS = 10_000;
/** Of a search that took too long, as on a machine that has too much to do. */
const MAX_RETRIES = 3;
/** After a look that took some time, so many times as long the worker is left to others. */
const REST = 3;

/** How far a question is answered. */
interface Progress {
  readonly question: KeptQuestion;
  /** In the log of news. */
  position: number;
  /** Between two pages of one look: what comes meanwhile may stand before the cursor, and is for the next look. */
  page: { readonly endPosition: number; readonly after: string } | undefined;
  /** In a row. */
  failures: number;
  notBeforeMs: number;
  gapMs: number;
  answeredAtMs: number;
}

export class NewsAnswers {
  readonly #components: NewsAnswersComponents;
  readonly #init: NewsAnswersInit;
  readonly #progress = new Map<string, Progress>();
  readonly #stopping = new AbortController();
  #answered = 0;
  #gatherUntilMs = 0;
  #wake: () => void = () => undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(components: NewsAnswersComponents, init: Partial<NewsAnswersInit> = {}) {
    this.#components = components;
    this.#init = { ...NEWS_ANSWERS_DEFAULTS, ...init };
  }

  /** Answers sent so far. */
  get answered(): number {
    return this.#answered;
  }

  start(): void {
    this.#work = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#work;
  }

  /** Files that come from now on are news to it; to one that takes the place of another, those that were not told yet too. */
  follow(question: KeptQuestion, before: KeptQuestion | undefined): void {
    const known = before && this.#progress.get(keyOf(before));
    const same = known && JSON.stringify(before?.criteria) === JSON.stringify(question.criteria);
    const fresh = {
      position: this.#components.news.end,
      page: undefined,
      failures: 0,
      notBeforeMs: 0,
      gapMs: this.#init.shortestGapMs,
      answeredAtMs: Number.NEGATIVE_INFINITY,
    };
    this.#progress.set(keyOf(question), { ...(same ? known : fresh), question });
  }

  unfollow(question: KeptQuestion): void {
    this.#progress.delete(keyOf(question));
  }

  /** The position in the log before which every question has been answered. */
  get position(): number {
    let first = this.#components.news.end;
    for (const { position } of this.#progress.values()) first = Math.min(first, position);
    return first;
  }

  /** There is news. */
  told(): void {
    const nowMs = this.#components.clock.monotonic();
    if (this.#gatherUntilMs <= nowMs) this.#gatherUntilMs = nowMs + this.#init.gatherMs;
    this.#wake();
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#components;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const dueMs = this.#nextDueMs();
        if (dueMs <= clock.monotonic()) await this.#answerAll(signal);
        else await this.#woken(dueMs - clock.monotonic());
      } catch (error) {
        if (signal.aborted) return;
        log.error({ err: error }, `standing questions could not be answered: ${messageOf(error)}`);
        await sleep(clock, OFFLINE_GAP_MS, signal).catch(() => undefined); // stopping
      }
    }
  }

  /** When a question is to be answered next. */
  #nextDueMs(): number {
    let firstMs = Number.POSITIVE_INFINITY;
    for (const progress of this.#progress.values()) {
      if (this.#isBehind(progress)) firstMs = Math.min(firstMs, progress.notBeforeMs);
    }
    return Math.max(firstMs, this.#gatherUntilMs);
  }

  /** Resolves when there is news, or the time is over. */
  #woken(afterMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = Number.isFinite(afterMs) ? this.#components.clock.after(afterMs, resolve) : undefined;
      this.#wake = () => {
        timer?.cancel();
        resolve();
      };
    });
  }

  #isBehind({ position }: Progress): boolean {
    return position < this.#components.news.end;
  }

  async #answerAll(signal: AbortSignal): Promise<void> {
    const { clock, settled } = this.#components;
    await settled();
    for (const [key, progress] of [...this.#progress]) {
      if (this.#progress.get(key) !== progress || !this.#isBehind(progress)) continue;
      const beganMs = clock.monotonic();
      if (progress.notBeforeMs > beganMs) continue;
      await this.#answer(progress, signal);
      const tookMs = clock.monotonic() - beganMs;
      if (tookMs > 0) await sleep(clock, tookMs * REST, signal);
    }
  }

  async #answer(progress: Progress, signal: AbortSignal): Promise<void> {
    const { answerer, clock, entity, log, news } = this.#components;
    const { question } = progress;
    if (!entity.online) {
      progress.notBeforeMs = clock.monotonic() + OFFLINE_GAP_MS;
      return;
    }
    const { position, page } = progress;
    const { slots, next } = news.read(position, page ? page.endPosition - position : SLOTS_A_LOOK);
    try {
      const answer = await answerer.answer(
        {
          criteria: question.criteria,
          order: { field: 'path', descending: false },
          page: page ? { after: page.after } : {},
          among: slots,
          hashWaitMs: 0,
          asker: question.asker,
          ...(question.channel && { channel: question.channel }),
        },
        signal,
      );
      if (this.#progress.get(keyOf(question)) !== progress) return; // withdrawn meanwhile
      if (answer.files.length > 0) this.#send(question, answer);
      this.#advance(progress, answer, next);
    } catch (error) {
      if (signal.aborted) throw error;
      if (error instanceof OfflineError) {
        progress.notBeforeMs = clock.monotonic() + OFFLINE_GAP_MS;
        return;
      }
      const isBusy = error instanceof LimitError || error instanceof AbortedError;
      const isExpected = isBusy || error instanceof StanzaError; // an extension would not have it
      log[isExpected ? 'debug' : 'warn']({ err: error }, `a standing question failed: ${messageOf(error)}`);
      progress.failures += 1;
      progress.notBeforeMs = clock.monotonic() + this.#init.shortestGapMs * 2 ** progress.failures;
      if (isBusy && progress.failures <= MAX_RETRIES) return;
      // These files it misses. Who asked finds them when it asks again.
      this.#moveOn(progress, next);
    }
  }

  #moveOn(progress: Progress, position: number): void {
    progress.position = position;
    progress.page = undefined;
    progress.failures = 0;
  }

  #send({ asker, id, channel }: KeptQuestion, { files, total, more, pending }: Answer): void {
    const { entity } = this.#components;
    const found = {
      id,
      ...(channel && { channel }),
      files,
      total,
      more,
      pending,
      news: true,
      page: {},
    } as const;
    entity.send(foundMessage(asker, entity.jid, randomUUID(), found));
    this.#answered += 1;
  }

  #advance(progress: Progress, { files, more, page }: Answer, next: number): void {
    const { shortestGapMs, longestGapMs } = this.#init;
    const nowMs = this.#components.clock.monotonic();
    const after = more && page.last !== progress.page?.after ? page.last : undefined;
    if (after !== undefined) {
      progress.failures = 0;
      progress.page = { endPosition: next, after };
      progress.notBeforeMs = nowMs + PAGE_GAP_MS;
      return;
    }
    this.#moveOn(progress, next);
    if (files.length === 0) return;
    const isBusy = nowMs - progress.answeredAtMs < 2 * progress.gapMs;
    progress.gapMs = isBusy ? Math.min(progress.gapMs * 2, longestGapMs) : shortestGapMs;
    progress.answeredAtMs = nowMs;
    progress.notBeforeMs = nowMs + progress.gapMs;
  }
}
