import assert from 'node:assert/strict';
import { minuteLimits, payersOf, ScopedBudget } from '../../src/access/scoped-budget.js';
import { LimitError } from '../../src/errors.js';
import { VirtualClock } from '../support/virtual-clock.js';

const JULIET = payersOf('juliet@example.org');
const ROMEO = payersOf('romeo@example.org');
const MALLORY = payersOf('mallory@elsewhere.example');

function refusedBy(bound: string, retryAfterMs?: number) {
  return (error: unknown) =>
    error instanceof LimitError &&
    error.bound === bound &&
    (retryAfterMs === undefined || Math.round(error.retryAfterMs ?? 0) === retryAfterMs);
}

function budget(limits: Readonly<Record<string, number>>) {
  const clock = new VirtualClock();
  return { clock, budget: new ScopedBudget({ clock }, minuteLimits(limits, 'things')) };
}

describe('scoped budget', () => {
  it('is used up by an asker, by a domain and by everybody, and the refusal names which', () => {
    const { budget: given } = budget({
      thingsPerAskerPerMinute: 10,
      thingsPerDomainPerMinute: 15,
      thingsPerMinute: 20,
    });
    given.spend(JULIET, 10);
    assert.throws(() => given.check(JULIET), refusedBy('thingsPerAskerPerMinute'));
    given.check(ROMEO);
    given.spend(ROMEO, 5);
    assert.throws(() => given.check(ROMEO), refusedBy('thingsPerDomainPerMinute'));
    given.check(MALLORY);
    given.spend(MALLORY, 5);
    assert.throws(() => given.check(MALLORY), refusedBy('thingsPerMinute'));
  });

  it('has who used more than there was wait until it is made good, two minutes at most', async () => {
    const { clock, budget: given } = budget({ thingsPerAskerPerMinute: 60 });
    given.spend(JULIET, 90);
    assert.throws(() => given.check(JULIET), refusedBy('thingsPerAskerPerMinute', 31_000));
    await clock.advance(31_000);
    given.check(JULIET);
    given.spend(JULIET, 1e9);
    assert.throws(() => given.check(JULIET), refusedBy('thingsPerAskerPerMinute', 61_000));
  });

  it('does not bound a scope that has no number', () => {
    const { budget: given } = budget({ thingsPerMinute: 5 });
    given.spend(JULIET, 4);
    given.check(JULIET);
    given.check({ channel: 'books' });
  });

  it('has other bounds at once, and gives nobody back what is used up', async () => {
    const { budget: given, clock } = budget({ thingsPerAskerPerMinute: 10, thingsPerMinute: 100 });
    const left = (most: number) => {
      let count = 0;
      for (; count < most; count += 1) {
        try {
          given.check(JULIET);
        } catch {
          return count;
        }
        given.spend(JULIET, 1);
      }
      return count;
    };
    given.spend(JULIET, 8);
    given.setLimits(minuteLimits({ thingsPerAskerPerMinute: 20, thingsPerMinute: 100 }, 'things'));
    assert.equal(left(100), 12);
    given.setLimits(minuteLimits({ thingsPerAskerPerMinute: 5, thingsPerMinute: 100 }, 'things'));
    // Of the 20 that she had, a minute's worth is held against her at most.
    assert.throws(() => given.check(JULIET), refusedBy('thingsPerAskerPerMinute', 72_000));
    given.check(ROMEO);
    await clock.advance(120_000);
    assert.equal(left(100), 5);
    given.setLimits(minuteLimits({ thingsPerDomainPerMinute: 3 }, 'things'));
    assert.equal(left(100), 3);
    assert.throws(() => given.check(ROMEO), refusedBy('thingsPerDomainPerMinute'));
  });
});
