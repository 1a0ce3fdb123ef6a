import assert from 'node:assert/strict';
import { silentLog } from '../../../src/log.js';
import { parseJid } from '../../../src/stanza/jid.js';
import { Strikes } from '../../../src/transfer/fetch/strikes.js';
import { formatStrikes, parseStrikes, StrikesFile } from '../../../src/transfer/fetch/strikes-file.js';
import { MemoryFolder } from '../../support/memory-folder.js';

const liar = parseJid('liar.x/r');
const hash = (byte: number) =>
  ({ algo: 'sha-256', value: Buffer.alloc(32, byte).toString('base64') }) as const;

async function opened(folder: MemoryFolder) {
  const strikes = new Strikes();
  const file = new StrikesFile({ folder, strikes, log: silentLog });
  await file.start();
  return { strikes, file };
}

describe('strikes', () => {
  it('are remembered by the next run', async () => {
    const folder = new MemoryFolder();
    const first = await opened(folder);
    first.strikes.strike(liar, hash(1), 'wrong-block', 1000);
    first.strikes.strike(liar, hash(2), 'too-many', 2000);
    await first.file.stop();
    const next = await opened(folder);
    assert.deepEqual(next.strikes.all, first.strikes.all);
    assert.ok(next.strikes.isBarred(parseJid('liar.x/other'), hash(1)));
    assert.ok(!next.strikes.isBarredForGood(liar));
    next.strikes.strike(liar, hash(3), 'bad-list', 3000);
    await next.file.stop();
    const last = await opened(folder);
    assert.ok(last.strikes.isBarredForGood(liar));
    await last.file.stop();
  });

  it('of two processes at once are all kept', async () => {
    const folder = new MemoryFolder();
    const [one, other] = [await opened(folder), await opened(folder)];
    one.strikes.strike(liar, hash(1), 'wrong-block', 1000);
    await one.file.stop();
    other.strikes.strike(parseJid('b.x'), hash(1), 'wrong-block', 2000);
    await other.file.stop();
    const next = await opened(folder);
    assert.deepEqual(
      next.strikes.all.map(({ jid }) => jid),
      ['liar.x', 'b.x'],
    );
    await next.file.stop();
  });

  it('that can not be read are left out', () => {
    const [good] = [{ jid: 'liar.x', file: `sha-256:${hash(1).value}`, why: 'wrong-block', atMs: 5 }];
    const lines = [
      good,
      { ...good, jid: '@' },
      { ...good, why: 'spite' },
      { ...good, atMs: 'now' },
      5,
      null,
      [good],
    ];
    const text = `${lines.map((each) => JSON.stringify(each)).join('\n')}\n{"jid":\n`;
    const parsed = parseStrikes(text);
    assert.deepEqual(parsed, [good]);
    assert.deepEqual(parseStrikes(formatStrikes(parsed)), parsed);
  });
});
