/**
 * Tells a budget what each answer took, whichever door asked: the work of its search, its files, its bytes. Stands
 * around the `Answerer` and the engine in it.
 */
import type { QueryBudget } from '../access/query-budget.js';
import { LimitError } from '../errors.js';
import type { Answer, Answering, AskedQuestion, Question } from '../query/answer.js';
import type { Executed } from '../query/execute.js';
import { wireBytes } from '../query/file-describer.js';
import type { QueryEngine, SearchAnswer, SearchRequest } from '../query/query-engine.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import { bareOf } from '../stanza/jid.js';

/** Says for how many queries a question counts beside itself; see `access/enumeration.ts`. */
export interface Suspicion {
  extraCost(asker: string, criteria: FileCriteria): number;
}

/** An engine that remembers, until it is asked, what the search with a signal took. */
export class MeteredEngine implements QueryEngine {
  readonly #engine: QueryEngine;
  readonly #workMs = new WeakMap<AbortSignal, number>();

  constructor(components: { readonly engine: QueryEngine }) {
    this.#engine = components.engine;
  }

  start(): Promise<void> {
    return this.#engine.start();
  }

  stop(): Promise<void> {
    return this.#engine.stop();
  }

  settled(): Promise<void> {
    return this.#engine.settled();
  }

  async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchAnswer> {
    return (await this.explain(request, signal)).answer;
  }

  async explain(request: SearchRequest, signal?: AbortSignal): Promise<Executed> {
    try {
      const executed = await this.#engine.explain(request, signal);
      this.#took(
        signal,
        executed.explanation.steps.reduce((sum, { ms = 0 }) => sum + ms, 0),
      );
      return executed;
    } catch (error) {
      // It had all of its time, or used up another bound on the way there.
      if (error instanceof LimitError && error.bound !== 'queuedQueries')
        this.#took(signal, request.deadlineMs);
      throw error;
    }
  }

  #took(signal: AbortSignal | undefined, workMs: number): void {
    if (signal) this.#workMs.set(signal, (this.#workMs.get(signal) ?? 0) + workMs);
  }

  /** Milliseconds since it was asked for last. */
  takeWorkMs(signal: AbortSignal): number {
    const workMs = this.#workMs.get(signal) ?? 0;
    this.#workMs.delete(signal);
    return workMs;
  }
}

export interface MeteredAnswersComponents {
  /** With `engine` in it. */
  readonly answerer: {
    check(criteria: FileCriteria): void;
    answer(question: Question, signal: AbortSignal): Promise<Answer>;
  };
  readonly engine: MeteredEngine;
  readonly budget: Pick<QueryBudget, 'spend'>;
  readonly suspicion?: Suspicion;
}

export class MeteredAnswers implements Answering {
  readonly #components: MeteredAnswersComponents;

  constructor(components: MeteredAnswersComponents) {
    this.#components = components;
  }

  check(criteria: FileCriteria): void {
    this.#components.answerer.check(criteria);
  }

  async answer(question: AskedQuestion, signal: AbortSignal): Promise<Answer> {
    const { answerer, suspicion } = this.#components;
    // News are not asked for anew: they are told at our pace.
    const queries = question.among
      ? 0
      : (suspicion?.extraCost(bareOf(question.asker), question.criteria) ?? 0);
    let answer: Answer | undefined;
    try {
      answer = await answerer.answer(question, signal);
      return answer;
    } finally {
      this.#spend(question, signal, queries, answer);
    }
  }

  #spend(question: AskedQuestion, signal: AbortSignal, queries: number, answer: Answer | undefined): void {
    const { budget, engine } = this.#components;
    const { asker, channel } = question;
    const files = answer?.files ?? [];
    budget.spend(bareOf(asker), channel && `${channel.service}\n${channel.nodeId}\n`, {
      queries,
      searchMs: engine.takeWorkMs(signal),
      answerFiles: files.length,
      answerBytes: files.reduce((sum, file) => sum + wireBytes(file), 0),
    });
  }
}
