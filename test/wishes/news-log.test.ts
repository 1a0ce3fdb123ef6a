import assert from 'node:assert/strict';
import { NewsLog } from '../../src/wishes/news-log.js';

describe('the log of news', () => {
  it('is read from any position, in pieces', () => {
    const log = new NewsLog(8);
    for (const slot of [5, 6, 7]) log.append(slot);
    assert.deepEqual(log.read(0, 2), { slots: Uint32Array.of(5, 6), next: 2 });
    assert.deepEqual(log.read(2, 2), { slots: Uint32Array.of(7), next: 3 });
    assert.deepEqual(log.read(3, 2), { slots: Uint32Array.of(), next: 3 });
  });

  it('forgets the oldest: who is far behind goes on with what is there', () => {
    const log = new NewsLog(4);
    for (let slot = 0; slot < 11; slot += 1) log.append(slot);
    assert.deepEqual(log.read(1, 100), { slots: Uint32Array.of(7, 8, 9, 10), next: 11 });
    assert.deepEqual(log.read(9, 100), { slots: Uint32Array.of(9, 10), next: 11 });
  });
});
