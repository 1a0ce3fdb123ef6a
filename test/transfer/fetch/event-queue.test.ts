import assert from 'node:assert/strict';
import { parseJid } from '../../../src/stanza/jid.js';
import type { DownloadEvent, DownloadProgress } from '../../../src/transfer/fetch/download-events.js';
import { EventQueue } from '../../../src/transfer/fetch/event-queue.js';

function progress(receivedBytes: number): DownloadProgress {
  return {
    type: 'progress',
    totalBytes: 100,
    receivedBytes,
    settledBytes: receivedBytes,
    resumedBytes: 0,
    wastedBytes: 0,
    bytesPerSecond: 0,
    blockBytes: 10,
    there: [],
    underWay: [],
    sources: [],
  };
}

const found: DownloadEvent = { type: 'source-found', jid: parseJid('a.example/n') };
const done: DownloadEvent = {
  type: 'done',
  path: 'x',
  bytes: 100,
  hash: { algo: 'sha-256', value: '' },
  sources: [],
};

async function heard(queue: EventQueue): Promise<(string | number)[]> {
  const all: (string | number)[] = [];
  for await (const event of queue) all.push(event.type === 'progress' ? event.receivedBytes : event.type);
  return all;
}

describe('what a download says', () => {
  it('is heard in order, of progress only the latest, and done last', async () => {
    const queue = new EventQueue();
    queue.push(progress(1));
    queue.push(found);
    queue.push(progress(2));
    queue.push({ type: 'verifying' });
    queue.push(progress(100));
    queue.push(done);
    queue.end();
    assert.deepEqual(await heard(queue), ['source-found', 'verifying', 100, 'done']);
  });

  it('comes as it is said to who listens already', async () => {
    const queue = new EventQueue();
    const hearing = heard(queue);
    for (const bytes of [1, 2]) {
      queue.push(progress(bytes));
      await new Promise((resolve) => setImmediate(resolve));
    }
    queue.end();
    assert.deepEqual(await hearing, [1, 2]);
  });

  it('has said how far it was before it says that it waits', async () => {
    const queue = new EventQueue();
    queue.push(progress(1));
    queue.push({ type: 'waiting', forMs: 1 });
    queue.push(progress(2));
    queue.end();
    assert.deepEqual(await heard(queue), [1, 'waiting', 2]);
  });
});
