import assert from 'node:assert/strict';
import { downloadLines, map } from '../../src/cli/download-lines.js';
import { widthOf } from '../../src/cli/printable.js';
import { parseJid } from '../../src/stanza/jid.js';
import type { DownloadProgress, SourceProgress } from '../../src/transfer/fetch/download-events.js';

const source: SourceProgress = {
  jid: parseJid('a.x'),
  state: 'receiving',
  bytesPerSecond: 10_000_000,
  keptBytes: 25_000_000,
  wastedBytes: 0,
  strikes: 0,
};
const progress: DownloadProgress = {
  type: 'progress',
  totalBytes: 100_000_000,
  receivedBytes: 41_900_000,
  settledBytes: 40_000_000,
  resumedBytes: 0,
  wastedBytes: 0,
  bytesPerSecond: 20_000_000,
  leftMs: 2900,
  blockBytes: 262_144,
  there: [
    { start: 0, end: 20_000_000 },
    { start: 35_000_000, end: 45_000_000 },
  ],
  underWay: [{ start: 90_000_000, end: 100_000_000 }],
  sources: [
    { ...source, jid: parseJid('liar.x'), state: 'banned', strikes: 2, error: new Error('wrong bytes') },
    source,
    { ...source, jid: parseJid('b.x/r'), state: 'queued', position: 3, keptBytes: 0 },
    { ...source, jid: parseJid('c.x'), state: 'resting', error: new Error('gone\x1b') },
  ],
};

describe('a download on a terminal', () => {
  it('is a total, a map of what is there, and a line for each source, those at work first', () => {
    assert.deepEqual(downloadLines(progress, { name: 'romeo.iso', columns: 72, rows: 24 }), [
      'romeo.iso   41 %  41.9 MB of 100 MB  20.0 MB/s  0:03 left',
      map(progress, 70),
      '  a.x     10.0 MB/s                   25 %',
      '  b.x/r   waiting, place 3             0 %',
      '  c.x     failed, asked again later   25 %  gone\\x1b',
      '  liar.x  sent wrong bytes            25 %  2 strikes',
    ]);
  });

  it('shows which parts are there, are coming, and are missing', () => {
    assert.equal(map(progress, 10), '[##-::---->]');
    assert.equal(map({ ...progress, totalBytes: 0, there: [], underWay: [] }, 4), '[####]');
    assert.equal(
      map({ ...progress, totalBytes: 3, there: [{ start: 1, end: 2 }], underWay: [] }, 6),
      '[--##--]',
    );
  });

  it('fits the screen, however many sources there are', () => {
    const sources = Array.from({ length: 1000 }, () => ({ ...source, jid: parseJid(`${'x'.repeat(50)}.x`) }));
    const lines = downloadLines({ ...progress, sources }, { name: 'n'.repeat(500), columns: 40, rows: 10 });
    assert.ok(lines.length < 10);
    assert.equal(lines.at(-1), '  and 995 more');
    for (const line of lines) assert.ok(widthOf(line) <= 40, line);
  });
});
