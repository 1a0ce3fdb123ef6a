import assert from 'node:assert/strict';
import { allowAll } from '../../src/access/access-policy.js';
import { QueryBudget, type QueryBudgetInit } from '../../src/access/query-budget.js';
import { LimitError } from '../../src/errors.js';
import { Answerer } from '../../src/query/answer.js';
import type { QueryEngine } from '../../src/query/query-engine.js';
import { MeteredAnswers, MeteredEngine } from '../../src/service/metered-answers.js';
import { parseJid } from '../../src/stanza/jid.js';
import { VirtualClock } from '../support/virtual-clock.js';

const JULIET = parseJid('juliet@example.org/balcony');
const QUESTION = { criteria: { text: ['romeo'] }, page: {}, hashWaitMs: 0, asker: JULIET };

/** Finds nothing, which takes 300 ms of work, or needs more time than it has. */
function engineOf(outcome: 'nothing' | 'deadline'): QueryEngine {
  const explain: QueryEngine['explain'] = async () => {
    if (outcome === 'deadline') throw new LimitError('queryDeadlineMs', 'it takes too long');
    return {
      answer: { entries: [], total: 0, offset: 0 },
      explanation: {
        driver: 'scan',
        files: 10,
        candidates: 10,
        matches: 0,
        steps: [
          { step: 'name', before: 10, after: 0, ms: 200 },
          { step: 'page', before: 0, after: 0, ms: 100 },
        ],
      },
    };
  };
  return {
    explain,
    search: async (...request) => (await explain(...request)).answer,
    start: async () => undefined,
    stop: async () => undefined,
    settled: async () => undefined,
  };
}

function metered(outcome: 'nothing' | 'deadline', limits: Partial<QueryBudgetInit>, extraCost = 0) {
  const clock = new VirtualClock();
  const budget = new QueryBudget({ clock }, { concurrentQueriesPerAsker: 4, ...limits });
  const engine = new MeteredEngine({ engine: engineOf(outcome) });
  const hashes = { hashNow: () => Promise.reject(new Error('nothing is to be hashed')) };
  const answerer = new Answerer(
    { access: allowAll, engine, hashes, clock },
    { maxFiles: 10, defaultFiles: 10, maxAnswerBytes: 48_000, deadlineMs: 2000 },
  );
  const suspicion = { extraCost: () => extraCost };
  return { budget, answers: new MeteredAnswers({ answerer, engine, budget, suspicion }) };
}

function refusedBy(bound: string) {
  return (error: unknown) => error instanceof LimitError && error.bound === bound;
}

describe('metered answers', () => {
  it('charge the asker for the work of the search', async () => {
    const { answers, budget } = metered('nothing', { searchMsPerAskerPerMinute: 500 });
    const { signal } = new AbortController();
    await answers.answer(QUESTION, signal);
    budget.charge('juliet@example.org');
    await answers.answer(QUESTION, signal);
    assert.throws(() => budget.charge('juliet@example.org'), refusedBy('searchMsPerAskerPerMinute'));
    budget.charge('romeo@example.org');
  });

  it('charge for a search that ran out of its time', async () => {
    const { answers, budget } = metered('deadline', { searchMsPerAskerPerMinute: 2000 });
    await assert.rejects(
      answers.answer(QUESTION, new AbortController().signal),
      refusedBy('queryDeadlineMs'),
    );
    assert.throws(() => budget.charge('juliet@example.org'), refusedBy('searchMsPerAskerPerMinute'));
  });

  it('count a suspicious question for several, and news for none', async () => {
    const { answers, budget } = metered('nothing', { queriesPerAskerPerMinute: 4 }, 2);
    const { signal } = new AbortController();
    await answers.answer({ ...QUESTION, among: new Uint32Array() }, signal);
    await answers.answer(QUESTION, signal);
    budget.charge('juliet@example.org');
    budget.charge('juliet@example.org');
    assert.throws(() => budget.charge('juliet@example.org'), refusedBy('queriesPerAskerPerMinute'));
  });
});
