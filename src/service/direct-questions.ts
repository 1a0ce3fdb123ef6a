/**
 * Questions that somebody asks us directly, whichever door they come through: checked, paid for, answered. What
 * one asker may cost is bounded for all doors together.
 */
import type { QueryBudget, QueryCosts } from '../access/query-budget.js';
import { ParseError } from '../errors.js';
import type { Answer, Answering } from '../query/answer.js';
import type { FileCriteria, Order } from '../stanza/file-criteria.js';
import { bareOf, type Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import type { PageRequest } from '../stanza/xep0059-rsm.js';

export interface DirectQuestion {
  readonly criteria: FileCriteria;
  readonly page: PageRequest;
  readonly order?: Order;
}

export interface DirectQuestionsComponents {
  readonly answerer: Answering;
  readonly budget: QueryBudget;
}

/** What somebody was told of files. */
export type ToldCosts = Pick<QueryCosts, 'answerFiles' | 'answerBytes'>;

export interface DirectQuestionsInit {
  /** How long an answer waits for hashes that are not known yet. */
  readonly hashWaitMs: number;
}

export class DirectQuestions {
  readonly #components: DirectQuestionsComponents;
  readonly #init: DirectQuestionsInit;
  #answered = 0;
  #refused = 0;

  constructor(components: DirectQuestionsComponents, init: DirectQuestionsInit) {
    this.#components = components;
    this.#init = init;
  }

  /** Questions answered and refused so far. */
  counts(): { readonly answered: number; readonly refused: number } {
    return { answered: this.#answered, refused: this.#refused };
  }

  /**
   * `asker` is the full address that asks. Throws ParseError, LimitError and AbortedError, and `item-not-found`
   * where the page asked for begins at something that is not ours.
   */
  async ask(asker: Jid, question: DirectQuestion, signal: AbortSignal): Promise<Answer> {
    const { answerer } = this.#components;
    const { hashWaitMs } = this.#init;
    answerer.check(question.criteria);
    return await this.paid(asker, () => answerer.answer({ ...question, asker, hashWaitMs }, signal));
  }

  /** Counts a question as answered or refused; around all that a door does for it, reading it too. */
  async counted<T>(answer: () => Promise<T>): Promise<T> {
    try {
      const answered = await answer();
      this.#answered += 1;
      return answered;
    } catch (error) {
      this.#refused += 1;
      throw error;
    }
  }

  /** Counts time that went into work for an asker, beside searches. */
  took(asker: Jid, workMs: number): void {
    this.#components.budget.spend(bareOf(asker), undefined, {
      searchMs: workMs,
      answerFiles: 0,
      answerBytes: 0,
    });
  }

  /**
   * Work for an asker that costs about what a question costs, such as a look into a folder; and what it is told, where
   * that is not counted elsewhere. Throws LimitError.
   */
  async paid<T>(asker: Jid, work: () => Promise<T>, told?: (result: T) => ToldCosts): Promise<T> {
    const { budget } = this.#components;
    budget.charge(bareOf(asker));
    const admission = budget.enter(bareOf(asker));
    try {
      const result = await work();
      if (told) budget.spend(bareOf(asker), undefined, { searchMs: 0, ...told(result) });
      return result;
    } catch (error) {
      throw isUnknownCursor(error) ? new StanzaError('item-not-found', error.message) : error;
    } finally {
      admission.leave();
    }
  }
}

/** XEP-0059 §2.4: who is asked for the page at an item that it does not know answers `item-not-found`. */
function isUnknownCursor(error: unknown): error is ParseError {
  return error instanceof ParseError && (error.field === 'after' || error.field === 'before');
}
