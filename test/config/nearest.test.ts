import assert from 'node:assert/strict';
import { nearest } from '../../src/config/nearest.js';

describe('the word that was meant', () => {
  const words = ['port', 'host', 'secret', 'secretFile', 'sessions', 'sessionsPerPeer'];
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['prot', 'port'],
    ['PORT', 'port'],
    ['secert', 'secret'],
    ['secretfile', 'secretFile'],
    ['sesions', 'sessions'],
    ['xyz', undefined],
    ['', undefined],
    ['colour', undefined],
    ['p'.repeat(100_000), undefined],
  ];
  for (const [written, meant] of cases) {
    it(`for '${written.slice(0, 20)}' is ${meant ?? 'none'}`, () =>
      assert.equal(nearest(written, words), meant));
  }
});
