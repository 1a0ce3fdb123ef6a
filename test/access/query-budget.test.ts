import assert from 'node:assert/strict';
import { QueryBudget } from '../../src/access/query-budget.js';
import { LimitError } from '../../src/errors.js';
import { VirtualClock } from '../support/virtual-clock.js';

const INIT = {
  queriesPerMinutePerAsker: 3,
  queriesPerMinutePerChannel: 5,
  concurrentQueriesPerAsker: 2,
  concurrentQueries: 3,
};

function refusedBy(bound: string) {
  return (error: unknown) => error instanceof LimitError && error.bound === bound;
}

describe('query budget', () => {
  it('lets an asker ask so often a minute, and again later', async () => {
    const clock = new VirtualClock();
    const budget = new QueryBudget({ clock }, INIT);
    for (let asked = 0; asked < 3; asked += 1) budget.admit('a@x').leave();
    assert.throws(() => budget.admit('a@x'), refusedBy('queriesPerMinutePerAsker'));
    budget.admit('b@x').leave();
    await clock.advance(19_000);
    assert.throws(
      () => budget.admit('a@x'),
      (error: unknown) => error instanceof LimitError && Math.round(error.retryAfterMs ?? 0) === 1000,
    );
    await clock.advance(1_000);
    budget.admit('a@x').leave();
  });

  it('bounds what runs at the same time, for one and for all', () => {
    const budget = new QueryBudget({ clock: new VirtualClock() }, INIT);
    const first = budget.admit('a@x');
    budget.admit('a@x');
    assert.throws(() => budget.admit('a@x'), refusedBy('concurrentQueriesPerAsker'));
    budget.admit('b@x');
    assert.throws(() => budget.admit('c@x'), refusedBy('concurrentQueries'));
    first.leave();
    budget.admit('c@x');
  });

  it('bounds what a channel asks in a minute, whoever asks on it', () => {
    const budget = new QueryBudget({ clock: new VirtualClock() }, INIT);
    for (let asker = 0; asker < 5; asker += 1) budget.admit(`${asker}@x`, 'books').leave();
    assert.throws(() => budget.admit('9@x', 'books'), refusedBy('queriesPerMinutePerChannel'));
    budget.admit('9@x', 'music').leave();
  });
});
