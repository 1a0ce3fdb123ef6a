import assert from 'node:assert/strict';
import { Refusals } from '../../src/access/refusals.js';
import { createLog } from '../../src/log.js';
import { VirtualClock } from '../support/virtual-clock.js';

describe('refusals', () => {
  it('counts all of them by rule, and logs few', async () => {
    const lines: { rule: string; who: string; times: number }[] = [];
    const clock = new VirtualClock();
    const log = createLog('info', { write: (text) => void lines.push(JSON.parse(text)) });
    const refusals = new Refusals({ clock, log });
    refusals.count('banned', 'a@x');
    for (let at = 0; at < 5000; at += 1) refusals.count('queriesPerMinute', `${at}@x`);
    await clock.advance(31_000);
    refusals.count('queriesPerMinute', 'late@x');
    assert.deepEqual(refusals.counts(), [
      { rule: 'queriesPerMinute', count: 5001 },
      { rule: 'banned', count: 1 },
    ]);
    assert.deepEqual(
      lines.map(({ rule, who, times }) => [rule, who, times]),
      [
        ['banned', 'a@x', 1],
        ['queriesPerMinute', '0@x', 1],
        ['queriesPerMinute', 'late@x', 5000],
      ],
    );
  });
});
