import assert from 'node:assert/strict';
import { QueryBudget } from '../../src/access/query-budget.js';
import { AbortedError, LimitError } from '../../src/errors.js';
import { VirtualClock } from '../support/virtual-clock.js';

const INIT = {
  queriesPerAskerPerMinute: 3,
  queriesPerChannelPerMinute: 5,
  queriesPerMinute: 7,
  concurrentQueriesPerAsker: 2,
};

function refusedBy(bound: string) {
  return (error: unknown) => error instanceof LimitError && error.bound === bound;
}

describe('query budget', () => {
  it('lets an asker ask so often a minute, and again later', async () => {
    const clock = new VirtualClock();
    const budget = new QueryBudget({ clock }, INIT);
    for (let asked = 0; asked < 3; asked += 1) budget.charge('a@x');
    assert.throws(() => budget.charge('a@x'), refusedBy('queriesPerAskerPerMinute'));
    budget.charge('b@x');
    await clock.advance(19_000);
    assert.throws(
      () => budget.charge('a@x'),
      (error: unknown) => error instanceof LimitError && Math.round(error.retryAfterMs ?? 0) === 1000,
    );
    await clock.advance(1_000);
    budget.charge('a@x');
  });

  it('bounds what one asker runs at the same time', () => {
    const budget = new QueryBudget({ clock: new VirtualClock() }, INIT);
    const first = budget.enter('a@x');
    budget.enter('a@x');
    assert.throws(() => budget.enter('a@x'), refusedBy('concurrentQueriesPerAsker'));
    first.leave();
    budget.enter('a@x');
  });

  it('lets who can wait have the next free place, in turn', async () => {
    const budget = new QueryBudget({ clock: new VirtualClock() }, INIT);
    const { signal } = new AbortController();
    const given: string[] = [];
    const first = await budget.enterInTurn('a@x', signal);
    const second = await budget.enterInTurn('a@x', signal);
    const third = budget.enterInTurn('a@x', signal).then((place) => {
      given.push('third');
      return place;
    });
    const gone = new AbortController();
    const withdrawn = budget.enterInTurn('a@x', gone.signal);
    const fifth = budget.enterInTurn('a@x', signal).then(() => given.push('fifth'));
    await budget.enterInTurn('b@x', signal);
    gone.abort();
    await assert.rejects(withdrawn, AbortedError);
    assert.deepEqual(given, []);
    first.leave();
    second.leave();
    await Promise.all([third, fifth]);
    assert.deepEqual(given, ['third', 'fifth']);
    assert.throws(() => budget.enter('a@x'), refusedBy('concurrentQueriesPerAsker'));
  });

  it('bounds what all ask in a minute, however many they are', () => {
    const budget = new QueryBudget({ clock: new VirtualClock() }, INIT);
    for (let asker = 0; asker < 7; asker += 1) budget.charge(`${asker}@x`);
    assert.throws(() => budget.charge('9@x'), refusedBy('queriesPerMinute'));
  });

  it('bounds what a channel asks in a minute, whoever asks on it', () => {
    const budget = new QueryBudget({ clock: new VirtualClock() }, INIT);
    for (let query = 0; query < 5; query += 1) budget.chargeChannel('books');
    assert.throws(() => budget.chargeChannel('books'), refusedBy('queriesPerChannelPerMinute'));
    budget.chargeChannel('music');
  });

  it('has who let much be searched, or was told much, wait', async () => {
    const clock = new VirtualClock();
    const bounds = { searchMsPerAskerPerMinute: 600, answerBytesPerMinute: 1000 };
    const budget = new QueryBudget({ clock }, { concurrentQueriesPerAsker: 2, ...bounds });
    budget.charge('a@x');
    budget.spend('a@x', undefined, { searchMs: 600, answerFiles: 5, answerBytes: 100 });
    assert.throws(() => budget.charge('a@x'), refusedBy('searchMsPerAskerPerMinute'));
    budget.charge('b@x');
    await clock.advance(1000);
    budget.charge('a@x');
    budget.spend('b@x', undefined, { searchMs: 0, answerFiles: 5, answerBytes: 1000 });
    assert.throws(() => budget.charge('c@y'), refusedBy('answerBytesPerMinute'));
  });

  it('counts what answers on a channel took for the channel too', () => {
    const clock = new VirtualClock();
    const bounds = { concurrentQueriesPerAsker: 2, answerFilesPerChannelPerMinute: 100 };
    const budget = new QueryBudget({ clock }, bounds);
    budget.spend('a@x', 'books', { searchMs: 0, answerFiles: 60, answerBytes: 0 });
    budget.chargeChannel('books');
    budget.spend('b@y', 'books', { searchMs: 0, answerFiles: 60, answerBytes: 0 });
    assert.throws(() => budget.chargeChannel('books'), refusedBy('answerFilesPerChannelPerMinute'));
    budget.chargeChannel('music');
  });

  it('bounds what a domain and a channel have at once; a place goes to who can take it', async () => {
    const budget = new QueryBudget(
      { clock: new VirtualClock() },
      { concurrentQueriesPerAsker: 1, concurrentQueriesPerDomain: 2, concurrentQueriesPerChannel: 2 },
    );
    const { signal } = new AbortController();
    const first = budget.enter('a@x');
    const second = budget.enter('b@x');
    assert.throws(() => budget.enter('c@x'), refusedBy('concurrentQueriesPerDomain'));
    // a waits for two things, and is before c; what becomes free is only of use to c.
    const order: string[] = [];
    const again = budget.enterInTurn('a@x', signal).then(() => order.push('a'));
    const third = budget.enterInTurn('c@x', signal).then(() => order.push('c'));
    second.leave();
    await third;
    assert.deepEqual(order, ['c']);
    first.leave();
    await again;

    const channel = await Promise.all(
      ['d@y', 'e@z'].map((each) => budget.enterInTurn(each, signal, 'books')),
    );
    const late = budget.enterInTurn('f@w', signal, 'books').then(() => order.push('f'));
    await budget.enterInTurn('g@v', signal, 'music');
    assert.deepEqual(order, ['c', 'a']);
    channel[0]?.leave();
    await late;
  });

  it('lets in who waits when there may be more at once', async () => {
    const budget = new QueryBudget({ clock: new VirtualClock() }, INIT);
    const { signal } = new AbortController();
    const order: string[] = [];
    const places = [budget.enter('a@x'), budget.enter('a@x')];
    const waiting = ['first', 'second', 'third'].map((each) =>
      budget.enterInTurn('a@x', signal).then((place) => {
        order.push(each);
        return place;
      }),
    );
    budget.setLimits({ ...INIT, concurrentQueriesPerAsker: 4 });
    await Promise.all(waiting.slice(0, 2));
    assert.deepEqual(order, ['first', 'second']);
    budget.setLimits({ ...INIT, concurrentQueriesPerAsker: 1 });
    for (const place of places) place.leave();
    for (const place of waiting.slice(0, 2)) (await place).leave();
    await waiting[2];
    assert.throws(() => budget.enter('a@x'), refusedBy('concurrentQueriesPerAsker'));
  });
});
