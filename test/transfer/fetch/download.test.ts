/** What somebody who downloads from many may rely on. Times are those of a simulated network; 1 block is 1 KiB. */
import assert from 'node:assert/strict';
import type { DownloadEvent } from '../../../src/transfer/fetch/download-events.js';
import { FetchError } from '../../../src/transfer/fetch/fetch-request.js';
import { Strikes } from '../../../src/transfer/fetch/strikes.js';
import { BLOCK_BYTES, bytesOf, SimulatedWorld, TARGET } from '../../support/download/simulated-download.js';
import { listOf } from '../../support/download/simulated-sources.js';

const SIZE = 200 * BLOCK_BYTES - 300;

function world(size = SIZE): SimulatedWorld {
  return new SimulatedWorld(bytesOf(size, 7));
}

function assertFetched(
  all: SimulatedWorld,
  { error, events }: Awaited<ReturnType<SimulatedWorld['run']>>,
): void {
  assert.equal(error, undefined, String(error));
  assert.ok(all.isFetched, 'the target has other bytes');
  assert.equal(events.at(-1)?.type, 'done');
  assert.equal(all.sources.openSources, 0, 'a source was left open');
  assert.equal(all.clock.pendingTimers, 0, 'a timer was left');
  assert.deepEqual(all.parts.has(TARGET), { open: false, kept: false });
}

function of<T extends DownloadEvent['type']>(events: readonly DownloadEvent[], type: T) {
  return events.filter((event): event is Extract<DownloadEvent, { type: T }> => event.type === type);
}

describe('download', () => {
  it('adds up what sources of any speed give', async () => {
    const all = world(800 * BLOCK_BYTES);
    const speeds = [4, 8, 16, 32]; // bytes a ms
    const outcome = await all.run(speeds.map((bytesPerMs, i) => all.source(`s${i}`, { bytesPerMs })));
    assertFetched(all, outcome);
    const idealMs = all.content.length / speeds.reduce((sum, speed) => sum + speed);
    assert.ok(outcome.tookMs <= idealMs / 0.9, `${outcome.tookMs} ms where ${Math.round(idealMs)} would do`);
    assert.ok(all.sources.taken() <= all.content.length + 3 * 32 * 50, 'bytes were fetched twice');
  });
});
