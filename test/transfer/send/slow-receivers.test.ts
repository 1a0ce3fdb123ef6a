/** What a file server does for the others: room for who waits, and no end of guesses. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { allowAll } from '../../../src/access/access-policy.js';
import { FileRequestBudget } from '../../../src/access/file-request-budget.js';
import { Refusals } from '../../../src/access/refusals.js';
import { FileNotAvailableError, type FileRequest } from '../../../src/jingle/file-session.js';
import { silentLog } from '../../../src/log.js';
import { type Jid, parseJid } from '../../../src/stanza/jid.js';
import type { FileDescription } from '../../../src/stanza/xep0234-file-transfer.js';
import { FileServer } from '../../../src/transfer/send/file-server.js';
import { MemoryFiles } from '../../support/memory-files.js';
import { settle, VirtualClock } from '../../support/virtual-clock.js';

const PEER = parseJid('juliet@example.org/pda');
const SUCCESS = { type: 'success', bytes: 0 } as const;

describe('FileServer among many', () => {
  let files: MemoryFiles;
  let server: FileServer;
  let clock: VirtualClock;

  beforeEach(() => {
    files = new MemoryFiles();
    clock = new VirtualClock();
  });

  afterEach(async () => {
    await settle();
    assert.equal(server.uploads, 0, 'slots are left taken');
    assert.equal(clock.pendingTimers, 0, 'timers are left');
    assert.equal(files.openFiles, 0, 'files are left open');
  });

  const request = (
    file: Partial<FileDescription>,
    peer = PEER,
    signal = new AbortController().signal,
    more: Partial<FileRequest> = {},
  ) =>
    server.handle(
      { peer, sid: randomUUID(), ...more, file: { hashes: [], hashesUsed: [], ...file } },
      signal,
    );

  describe('where receivers are slow', () => {
    const LEAST = 4096;
    const OTHER = parseJid('romeo@example.org/pda');

    beforeEach(() => {
      files.offer('a/large', Buffer.alloc(1_000_000));
      server = new FileServer(
        { access: allowAll, catalogue: files.catalogue, files, clock, log: silentLog },
        { maxUploads: 1, maxUploadsPerPeer: 1, leastBytesPerSecond: LEAST, waits: { unknownMs: 600_000 } },
      );
    });

    /** Begins to read, at so much a second; `ended` has the reasons with which the session was ended. */
    async function receiver(peer: Jid, chunkMs: number) {
      const ended: string[] = [];
      const session = { end: async (reason: string) => void ended.push(reason) };
      const source = await request({ name: 'large' }, peer, undefined, {
        session: session as unknown as NonNullable<FileRequest['session']>,
      });
      const reading = (async () => {
        for await (const _ of source.open(source.range)) {
          await new Promise<void>((resolve) => clock.after(chunkMs, resolve));
        }
      })();
      const over = reading.then(
        () => source.release(SUCCESS),
        (error: Error) => source.release({ type: 'failed', bytes: 0, error }),
      );
      return { ended, over };
    }

    it('has who hardly takes anything make room for who waits, and nobody else', async () => {
      const slow = await receiver(PEER, 200_000);
      await clock.advance(190_000);
      assert.deepEqual(slow.ended, [], 'nobody waited');
      const waits = receiver(OTHER, 10);
      await clock.advance(6_000);
      assert.deepEqual(slow.ended, ['timeout']);
      await clock.advance(10_000); // its next chunk
      await slow.over;
      const next = await waits;
      await clock.advance(1_000);
      await next.over;
      assert.deepEqual(next.ended, []);
    });

    it('goes by another least from when it is set, for what is under way too', async () => {
      const limits = { maxUploads: 1, maxUploadsPerPeer: 1 };
      server.setLimits({ ...limits, leastBytesPerSecond: 0 });
      const slow = await receiver(PEER, 200_000);
      const waits = receiver(OTHER, 10);
      await clock.advance(190_000);
      assert.deepEqual(slow.ended, [], 'nobody was too slow');
      server.setLimits({ ...limits, leastBytesPerSecond: LEAST });
      await clock.advance(6_000);
      assert.deepEqual(slow.ended, ['timeout']);
      await clock.advance(10_000);
      await slow.over;
      const next = await waits;
      await clock.advance(1_000);
      await next.over;
    });

    it('leaves the slot to who is fast enough', async () => {
      const steady = await receiver(PEER, 40_000); // 6.5 kB/s
      const waits = receiver(OTHER, 10);
      await clock.advance(170_000);
      await steady.over;
      assert.deepEqual(steady.ended, []);
      const next = await waits;
      await clock.advance(1_000);
      await next.over;
    });
  });

  it('counts requests, and those for what is not there several times', async () => {
    const budget = new FileRequestBudget(
      { clock },
      {
        fileRequestsPerAskerPerMinute: 40,
        fileRequestsPerDomainPerMinute: 1000,
        fileRequestsPerMinute: 1000,
      },
    );
    const refusals = new Refusals({ clock, log: silentLog });
    server = new FileServer(
      { access: allowAll, catalogue: files.catalogue, files, clock, log: silentLog, budget, refusals },
      { maxUploads: 3, maxUploadsPerPeer: 2 },
    );
    for (const name of ['a', 'b']) await assert.rejects(request({ name }), FileNotAvailableError);
    await assert.rejects(request({ name: 'c' }), { bound: 'fileRequestsPerAskerPerMinute' });
    assert.deepEqual(refusals.counts(), [
      { rule: 'file-not-available', count: 2 },
      { rule: 'fileRequestsPerAskerPerMinute', count: 1 },
    ]);
  });
});
