import assert from 'node:assert/strict';
import { statusLines } from '../../src/cli/status-lines.js';
import type { NodeStatus } from '../../src/node/node-status.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';

const status: NodeStatus = {
  jid: parseJid('files.example.org'),
  online: true,
  uptimeMs: 65_000,
  scan: 'done',
  shares: [
    { name: 'books', files: 2000, bytes: 1_234_567, available: true },
    { name: 'disk', files: 3, bytes: 10, available: false },
  ],
  hashing: { filesDone: 9, filesLeft: 12, bytesLeft: 2_000_000, bytesPerSecond: 1_000_000 },
  channels: [
    { service: parseBareJid('pubsub.example.org'), node: 'books\x1b', state: 'failed', text: 'forbidden' },
  ],
  transfers: [],
  wishes: [
    {
      name: 'plays',
      share: 'books',
      state: 'fetching',
      fetchedFiles: 3,
      fetchedBytes: 5_000_000,
      waitingFiles: 2,
      current: { name: 'Romeo.epub', receivedBytes: 1000, totalBytes: 4000 },
    },
    {
      name: 'music',
      share: 'disk',
      state: 'disk-short',
      unreached: 'not connected',
      fetchedFiles: 0,
      fetchedBytes: 0,
      waitingFiles: 0,
    },
  ],
  keptQuestions: 4,
  queries: { received: 5, answered: 3, refused: 1, dropped: 1 },
  refusals: [],
  bans: 0,
  ignored: 0,
  load: 'calm',
  eventLoopDelayMs: { p50: 0.12, p99: 4.5, max: 30 },
};

describe('the status of a node', () => {
  it('is shown in aligned lines, without control characters', () => {
    assert.deepEqual(statusLines(status), [
      'files.example.org  online, up 1:05',
      '',
      'shares',
      '  books  2000 files  1.2 MB',
      '  disk   3 files     10 B    not there',
      '',
      'channels',
      '  books\\x1b at pubsub.example.org  failed  forbidden',
      '',
      'transfers  none',
      '',
      'wishes',
      '  plays  to books  fetching Romeo.epub, 1.0 kB of 4.0 kB  3 files, 5.0 MB fetched  2 to come',
      '  music  to disk   waiting: the disk is nearly full       0 files, 0 B fetched     not asked: not connected',
      '',
      'hashing   12 files, 2.0 MB left, 1.0 MB/s, 0:02',
      'queries   5 received, 3 answered, 1 refused, 1 dropped, 4 kept',
      'lateness  0.12 ms half of the time, 4.5 ms at 99 %, 30 ms at most',
    ]);
  });

  it('tells whom it turned away by which rule, and whom it does not hear', () => {
    const refusals = Array.from({ length: 14 }, (_, at) => ({ rule: `rule${at}`, count: 20 - at }));
    const lines = statusLines({ ...status, refusals, bans: 2, ignored: 1, load: 'busy' });
    const at = lines.indexOf('refused');
    assert.deepEqual(lines.slice(at, at + 3), ['refused', '  rule0          20', '  rule1          19']);
    assert.ok(lines.includes('  2 other rules  15'));
    assert.ok(lines.includes('load      busy: questions of channels are left out'));
    assert.ok(lines.includes('kept out  2 banned, 1 not answered for a while'));
  });

  it('says when all is hashed, or nothing is known of the speed', () => {
    const hashing = (filesLeft: number) => ({ filesDone: 9, filesLeft, bytesLeft: 5, bytesPerSecond: 0 });
    assert.ok(statusLines({ ...status, hashing: hashing(0) }).includes('hashing   done'));
    assert.ok(
      statusLines({ ...status, hashing: hashing(0), scan: 'first' }).includes(
        'hashing   begins after the first scan, which is under way',
      ),
    );
    assert.ok(statusLines({ ...status, hashing: hashing(1) }).includes('hashing   1 files, 5 B left'));
  });
});
