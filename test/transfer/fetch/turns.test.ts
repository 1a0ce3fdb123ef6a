import assert from 'node:assert/strict';
import { Turns } from '../../../src/transfer/fetch/turns.js';

const LONG_MS = 1e9;

describe('turns', () => {
  it('give everybody a place once, then twice as long, while nobody gives anything', () => {
    const turns = new Turns<string>({ places: 1, turnMs: 10 });
    const all = ['a', 'b', 'c'];
    const had: string[] = [];
    let holder = 'a';
    for (let i = 0; i < 9; i++) {
      had.push(`${holder} ${turns.lengthMs(holder)}`);
      turns.ended(holder, 0);
      const waiting = all.filter((each) => each !== holder);
      holder = turns.next(holder, waiting, Infinity) ?? holder;
    }
    for (const [round, ms] of [10, 20, 40].entries()) {
      const turnsOfRound = had.slice(3 * round, 3 * round + 3).sort();
      assert.deepEqual(turnsOfRound, [`a ${ms}`, `b ${ms}`, `c ${ms}`]);
    }
  });

  for (const [what, holder, waiting, leftMs, next] of [
    ['one who has not shown anything yet', [1, 5], { a: [0, 0] }, LONG_MS, 'a'],
    ['nobody, when all is here before a turn would be worth it', [1, 5], { a: [0, 0] }, 99, undefined],
    ['nobody, when nobody waits', [1, 0], {}, LONG_MS, undefined],
    ['nobody, when all others had as many turns and gave less', [1, 5], { a: [1, 4] }, LONG_MS, undefined],
    ['nobody, when another is not much faster', [1, 5], { a: [1, 9] }, LONG_MS, undefined],
    ['who was much faster', [1, 5], { a: [1, 6], b: [1, 11], c: [1, 8] }, LONG_MS, 'b'],
    ['who was much faster, also when little is left', [1, 5], { a: [1, 11], b: [0, 0] }, 10, 'a'],
    ['who had fewer turns', [2, 5], { a: [2, 11], b: [1, 0] }, LONG_MS, 'b'],
  ] as const) {
    it(`give the place of one whose turn is over to ${what}`, () => {
      const turns = new Turns<string>({ places: 1, turnMs: 10 });
      const shown = { holder, ...waiting } as Readonly<Record<string, readonly [number, number]>>;
      for (const [name, [count, pace]] of Object.entries(shown)) {
        for (let i = 0; i < count; i++) turns.ended(name, pace);
      }
      assert.equal(turns.next('holder', Object.keys(waiting), leftMs), next);
    });
  }

  it('of any number who give nothing take no more than a tenth of what is left', () => {
    const turns = new Turns<number>({ places: 1, turnMs: 10 });
    turns.ended(-1, 5);
    const liars = Array.from({ length: 100 }, (_, i) => i);
    let taken = 0;
    for (const liar of liars) {
      if (turns.next(-1, [liar], 1000) === liar) taken += 10;
    }
    assert.equal(taken, 100);
  });
});
