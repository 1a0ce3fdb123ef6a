/** What tests of downloads share: a file of 200 blocks, four sources of it, and what must hold in the end. */
import assert from 'node:assert/strict';
import type { DownloadEvent } from '../../../src/transfer/fetch/download-events.js';
import { BLOCK_BYTES, bytesOf, SimulatedWorld, TARGET } from './simulated-download.js';
import type { Behaviour } from './simulated-sources.js';

export const SIZE = 200 * BLOCK_BYTES - 300;

export function world(size = SIZE): SimulatedWorld {
  return new SimulatedWorld(bytesOf(size, 7));
}

export function assertFetched(
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

export function of<T extends DownloadEvent['type']>(events: readonly DownloadEvent[], type: T) {
  return events.filter((event): event is Extract<DownloadEvent, { type: T }> => event.type === type);
}

/** Four at 10 bytes a ms, so that a file of 200 blocks takes 5 s. */
export function four(all: SimulatedWorld, last: Partial<Behaviour> = {}) {
  const names = ['a', 'b', 'c', 'd'];
  return names.map((name) => all.source(name, { bytesPerMs: 10, ...(name === 'd' && last) }));
}

/** Without the one that fails. */
export const THREE_MS = SIZE / 30;
/** What is on its way when a read is broken off. */
export const CHUNK_BYTES = 500;
