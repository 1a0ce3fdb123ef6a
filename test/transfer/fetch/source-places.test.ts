import assert from 'node:assert/strict';
import { parseJid } from '../../../src/stanza/jid.js';
import type { RangeSource, RangeSourceState } from '../../../src/transfer/fetch/range-source.js';
import { SourcePlaces } from '../../../src/transfer/fetch/source-places.js';
import { type PooledSource, SourcePool } from '../../../src/transfer/fetch/source-pool.js';

const LARGE = 1e12;

/** Sources `s0`, `s1`, … of which each gives so many bytes a ms. */
function sourcesOf(paces: readonly number[], state: RangeSourceState = { type: 'idle' }) {
  const pool = new SourcePool({ maxSources: 99, maxFailures: 3, retryDelayMs: 1000, isPatient: false });
  return paces.map((pace, i): PooledSource => {
    const source = pool.found({ jid: parseJid(`s${i}.example/n`) }, undefined, 0);
    assert.ok(source);
    source.source = { state } as RangeSource;
    source.rate.add(0, 0);
    source.rate.add(pace * 1000, 1000);
    source.rate.pause(1000);
    return source;
  });
}

function namesOf(sources: readonly PooledSource[]): string {
  return sources.map(({ jid }) => jid.replace('.example/n', '')).join(' ');
}

describe('places of sources', () => {
  it('are kept by all, when there are enough', () => {
    const sources = sourcesOf([0, 1, 2]);
    const places = new SourcePlaces({ places: 3 });
    for (let nowMs = 0; nowMs < 1e6; nowMs += 1000)
      assert.equal(places.holders(sources, LARGE, nowMs).length, 3);
  });

  it('are kept by the faster half; the others make room after their turn', () => {
    const [a, b, c, d, e, f, g] = sourcesOf([9, 0, 8, 0, 0, 0, 0]);
    assert.ok(a && b && c && d && e && f && g);
    const places = new SourcePlaces({ places: 4 });
    const had = (nowMs: number) => namesOf(places.holders([a, b, c, d, e, f, g], LARGE, nowMs));
    assert.equal(had(0), 's0 s2 s1 s3');
    assert.equal(had(7999), 's0 s2 s1 s3');
    assert.equal(had(8000), 's0 s2 s4 s5');
    assert.equal(had(16_000), 's0 s2 s4 s6'); // the others had as many turns
  });

  it('are given up soon by those who put us into a queue, but not by those who did so longest', () => {
    const sources = sourcesOf([0, 0, 0, 0, 0, 0, 0, 0], { type: 'queued' });
    const places = new SourcePlaces({ places: 4 });
    assert.equal(namesOf(places.holders(sources, LARGE, 0)), 's0 s1 s2 s3');
    for (let nowMs = 0; nowMs < 1e6; nowMs += 200)
      assert.ok(namesOf(places.holders(sources, LARGE, nowMs)).startsWith('s0 s1 '));
  });

  it('are given to others at once, when a holder can not be asked any more', () => {
    const [a, b, c] = sourcesOf([1, 1, 0]);
    assert.ok(a && b && c);
    const places = new SourcePlaces({ places: 2 });
    assert.equal(namesOf(places.holders([a, b, c], LARGE, 0)), 's0 s1');
    assert.equal(namesOf(places.holders([a, c], LARGE, 0)), 's0 s2');
  });

  it('stay as they are when the file is nearly here', () => {
    const sources = sourcesOf([9, 0, 0]);
    const places = new SourcePlaces({ places: 2 });
    for (let nowMs = 0; nowMs < 1e6; nowMs += 1000)
      assert.equal(namesOf(places.holders(sources, 100_000, nowMs)), 's0 s1');
  });
});
