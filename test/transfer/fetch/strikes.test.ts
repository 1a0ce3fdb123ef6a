import assert from 'node:assert/strict';
import { parseJid } from '../../../src/stanza/jid.js';
import type { Hash } from '../../../src/stanza/xep0300-hashes.js';
import { Strikes } from '../../../src/transfer/fetch/strikes.js';

const LIAR = parseJid('liar@a.example/one');
const SAME = parseJid('liar@a.example/two');
const OTHER = parseJid('other@a.example/one');

function file(digit: number): Hash {
  return { algo: 'sha-256', value: Buffer.alloc(32, digit).toString('base64') };
}

describe('strikes', () => {
  it('bar an address from the file, whatever its resource, and nobody else from anything', () => {
    const strikes = new Strikes();
    strikes.strike(LIAR, file(1), 'wrong-block', 0);
    assert.equal(strikes.isBarred(SAME, file(1)), true);
    assert.equal(strikes.isBarred(SAME, file(2)), false);
    assert.equal(strikes.isBarred(OTHER, file(1)), false);
  });

  it('are one for a file, however much of it was wrong', () => {
    const strikes = new Strikes({ forGood: 2 });
    for (let i = 0; i < 5; i++) strikes.strike(LIAR, file(1), 'wrong-block', i);
    assert.equal(strikes.countOf(LIAR), 1);
    assert.equal(strikes.isBarredForGood(LIAR), false);
  });

  it('bar from everything when there are as many as are configured, or never', () => {
    for (const forGood of [0, 3]) {
      const strikes = new Strikes({ forGood });
      for (let i = 0; i < 3; i++) {
        assert.equal(strikes.isBarredForGood(LIAR), false);
        strikes.strike(LIAR, file(i), 'wrong-block', i);
      }
      assert.equal(strikes.isBarred(LIAR, file(9)), forGood === 3);
    }
  });

  it('can be forgiven, and tell of every change', () => {
    const strikes = new Strikes({ forGood: 1 });
    let changes = 0;
    strikes.onChange = () => {
      changes += 1;
    };
    strikes.strike(LIAR, file(1), 'too-many', 0);
    strikes.strike(LIAR, file(1), 'too-many', 0);
    strikes.forgive(SAME);
    strikes.forgive(OTHER);
    assert.equal(changes, 2);
    assert.equal(strikes.isBarred(LIAR, file(1)), false);
    assert.deepEqual(strikes.all, []);
  });

  it('are bounded: the oldest are forgotten', () => {
    const strikes = new Strikes({ forGood: 2, maxStrikes: 3 });
    for (let i = 0; i < 3; i++) strikes.strike(LIAR, file(i), 'wrong-block', i);
    for (let i = 0; i < 2; i++) strikes.strike(OTHER, file(i), 'wrong-block', i);
    assert.equal(strikes.all.length, 3);
    assert.equal(strikes.countOf(LIAR), 1);
    assert.equal(strikes.isBarred(LIAR, file(2)), true);
    assert.equal(strikes.isBarred(LIAR, file(0)), false);
    assert.equal(strikes.isBarredForGood(OTHER), true);
  });
});
