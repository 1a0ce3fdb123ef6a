import assert from 'node:assert/strict';
import { FileRequestBudget } from '../../src/access/file-request-budget.js';
import { LimitError } from '../../src/errors.js';
import { VirtualClock } from '../support/virtual-clock.js';

const INIT = {
  fileRequestsPerAskerPerMinute: 100,
  fileRequestsPerDomainPerMinute: 300,
  fileRequestsPerMinute: 500,
};

function served(budget: FileRequestBudget, asker: string, isThere: boolean): number {
  for (let requests = 0; ; requests += 1) {
    try {
      budget.charge(asker);
    } catch (error) {
      assert.ok(error instanceof LimitError);
      return requests;
    }
    if (!isThere) budget.missed(asker);
  }
}

describe('file request budget', () => {
  it('lets who fetches files have far more requests than who tries names', () => {
    const budget = new FileRequestBudget({ clock: new VirtualClock() }, INIT);
    assert.equal(served(budget, 'fetcher@example.org', true), 100);
    assert.equal(served(budget, 'guesser@example.org', false), 5);
  });

  it('is shared by a domain', () => {
    const budget = new FileRequestBudget({ clock: new VirtualClock() }, INIT);
    for (const name of ['a', 'b', 'c']) assert.equal(served(budget, `${name}@example.org`, true), 100);
    assert.equal(served(budget, 'd@example.org', true), 0);
    assert.equal(served(budget, 'd@elsewhere.example', true), 100);
  });
});
