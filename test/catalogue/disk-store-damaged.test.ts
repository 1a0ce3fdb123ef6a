import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { DiskStore } from '../../src/catalogue/disk-store.js';
import type { FileTable } from '../../src/catalogue/file-table.js';
import { StoreUnusableError } from '../../src/catalogue/store.js';
import { RealDataFolder } from '../../src/fs/real-data-folder.js';
import { createLog, silentLog } from '../../src/log.js';
import { MemoryFolder } from '../support/memory-folder.js';
import { change, storedOf, type TableChange } from '../support/table-changes.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { loaded } from './store-compliance.js';

const put = (at: number): TableChange => ({
  type: 'put',
  folder: `share/${at % 7}`,
  name: `${at}`,
  value: at * 2,
});

/** A store with so many files, of which `log` are in the log only. */
async function filled(files: number, log: number): Promise<MemoryFolder> {
  const folder = new MemoryFolder();
  const init = { smallestFullLogBytes: 1, blockRows: 10 };
  const store = new DiskStore({ folder, clock: new VirtualClock(), log: silentLog }, init);
  const table = await loaded(store);
  for (let at = 0; at < files - log; at++) change(table, put(at));
  table.commit();
  await store.stop();
  const later = new DiskStore(
    { folder, clock: new VirtualClock(), log: silentLog },
    { ...init, smallestFullLogBytes: 1 << 20 },
  );
  const again = await loaded(later);
  for (let at = files - log; at < files; at++) {
    change(again, put(at));
    again.commit();
  }
  await later.stop();
  return folder;
}

interface Reopened {
  readonly table: FileTable;
  readonly warnings: readonly string[];
  /** What is in it when it is opened once more. */
  readonly later: FileTable;
}

async function reopened(files: ReadonlyMap<string, Uint8Array>): Promise<Reopened> {
  const warnings: string[] = [];
  const log = createLog('warn', { write: (line) => void warnings.push(JSON.parse(line).msg) });
  const folder = new MemoryFolder(files);
  const open = () => new DiskStore({ folder, clock: new VirtualClock(), log }, { blockRows: 10 });
  const store = open();
  const table = await loaded(store);
  await store.stop();
  const next = open();
  const later = await loaded(next);
  await next.stop();
  return { table, later, warnings };
}

const now = (folder: MemoryFolder) => folder.killedAfter(folder.steps.length);
const bytesOf = (files: Map<string, Uint8Array>, name: RegExp) => {
  const found = [...files].find(([each]) => name.test(each));
  assert.ok(found, `no ${name} among ${[...files.keys()]}`);
  return Buffer.from(found[1]);
};

describe('store on disk, damaged', () => {
  let folder: TemporaryFolder;
  const real = () =>
    new DiskStore({ folder: new RealDataFolder(folder.path), clock: new VirtualClock(), log: silentLog });
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('loses the rows of one block when a byte of it is wrong, and says so', async () => {
    const files = now(await filled(100, 0));
    const [name] = [...files.keys()].filter((each) => each.startsWith('snapshot'));
    const bytes = bytesOf(files, /^snapshot/);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    const { table, later, warnings } = await reopened(files.set(name as string, bytes));
    assert.equal(table.totals.files, 90);
    assert.match(warnings.join(), /damaged/);
    assert.deepEqual(storedOf(later), storedOf(table), 'a snapshot of what is left was made');
    assert.equal(warnings.length, 1, 'told once');
  });

  it('never throws and invents nothing, whatever bytes have become others', async () => {
    const whole = await filled(60, 20);
    const rows = new Map(storedOf((await reopened(now(whole))).table).map((row) => [row.key, row]));
    assert.equal(rows.size, 60);
    const flip = fc.record({ file: fc.nat(9), at: fc.nat(1 << 20), to: fc.nat(255), cut: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 3 }), async (flips) => {
        const files = now(whole);
        for (const { file, at, to, cut } of flips) {
          const name = [...files.keys()][file % files.size] as string;
          const bytes = Buffer.from(files.get(name) as Uint8Array);
          if (bytes.length === 0) continue;
          bytes[at % bytes.length] = to;
          files.set(name, cut ? bytes.subarray(0, at % bytes.length) : bytes);
        }
        const { table, later } = await reopened(files);
        for (const row of storedOf(table)) assert.deepEqual(row, rows.get(row.key));
        assert.deepEqual(storedOf(later), storedOf(table));
      }),
      { numRuns: 150 },
    );
  }).timeout(30_000);

  it('goes on with the snapshot before when the last one is damaged and that is still there', async () => {
    const whole = new MemoryFolder();
    const store = new DiskStore(
      { folder: whole, clock: new VirtualClock(), log: silentLog },
      { smallestFullLogBytes: 1, blockRows: 10 },
    );
    const table = await loaded(store);
    const renames = () => whole.steps.flatMap(({ type }, at) => (type === 'rename' ? [at] : []));
    for (let at = 0; renames().length < 2; at++) {
      change(table, put(at));
      table.commit();
      await store.written();
    }
    await store.stop();
    // As when the process was killed after the second rename and before anything was removed.
    const files = whole.killedAfter((renames()[1] as number) + 1);
    const [last, first] = [...files.keys()]
      .filter((each) => each.startsWith('snapshot'))
      .sort()
      .reverse();
    assert.ok(first !== undefined && last !== undefined);
    const whatItWas = (await reopened(files)).table;
    const bytes = Buffer.from(files.get(last) as Uint8Array);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    const { table: after, warnings } = await reopened(files.set(last, bytes));
    assert.deepEqual(storedOf(after), storedOf(whatItWas));
    assert.match(warnings.join(), /using the one before/);
  });

  it('knows a layout that it does not know, and what an older version left, for what they are', async () => {
    const first = real();
    const table = await loaded(first);
    change(table, put(1));
    table.commit();
    await first.stop();
    const [name] = (await readdir(folder.path)).filter((each) => each.startsWith('log'));
    const path = `${folder.path}/${name}`;
    const { encodeHeader } = await import('../../src/catalogue/block-file.js');
    await writeFile(path, encodeHeader({ layout: 99, kind: 'log', batch: 0, slots: 0 }));
    await assert.rejects(real().start(), /layout 99.*Move it away and start again/);
    await writeFile(path, 'garbage');
    const second = real();
    assert.equal((await loaded(second)).totals.files, 0);
    await second.stop();
    await writeFile(`${folder.path}/CURRENT`, 'MANIFEST-000001\n');
    await assert.rejects(real().start(), (error: unknown) => {
      assert.ok(error instanceof StoreUnusableError);
      assert.match(error.message, /older version of this program\. Move it away/);
      return true;
    });
  });

  it('says so when the place is no folder', async () => {
    await writeFile(`${folder.path}/file`, '');
    const store = new DiskStore({
      folder: new RealDataFolder(`${folder.path}/file`),
      clock: new VirtualClock(),
      log: silentLog,
    });
    await assert.rejects(store.start(), StoreUnusableError);
    await store.stop();
  });

  it('is not kept shut by a process that was killed', async () => {
    await mkdir(`${folder.path}/x`);
    await writeFile(`${folder.path}/lock-999999-1-0123456789ab`, '');
    const store = real();
    await loaded(store);
    await store.stop();
    assert.deepEqual(
      (await readdir(folder.path)).filter((name) => name.startsWith('lock')),
      [],
    );
  });

  it('starts without the roots when their file is no such file', async () => {
    await writeFile(`${folder.path}/roots`, '{"share": 1');
    const store = real();
    await loaded(store);
    assert.equal(await store.readRoot('share'), undefined);
    await store.writeRoot('share', 'root');
    assert.equal(await readFile(`${folder.path}/roots`, 'utf8'), '[["share","root"]]');
    await store.stop();
  });
});

describe('store on a disk that fails', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

  it('says so once, goes on, and has everything when there is room again', async () => {
    const folder = new MemoryFolder();
    const clock = new VirtualClock();
    const logged: string[] = [];
    const log = createLog('info', { write: (line) => void logged.push(JSON.parse(line).msg) });
    const store = new DiskStore({ folder, clock, log }, { smallestFullLogBytes: 1 << 20, blockRows: 10 });
    const table = await loaded(store);
    let at = 0;
    const more = async () => {
      for (let i = 0; i < 30; i++) change(table, put(at++));
      table.commit();
      await store.written();
    };
    await more();
    folder.fault = (step) => {
      if (step.type === 'append') throw full;
    };
    for (let i = 0; i < 5; i++) await more();
    await store.writeRoot('share', 'root');
    await clock.advance(600_000);
    assert.deepEqual(logged.filter((each) => /cannot be written/.test(each)).length, 1);

    folder.fault = () => undefined;
    await more();
    await clock.advance(120_000);
    for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.match(logged.at(-1) ?? '', /is written again/);
    await more();
    const files = folder.killedAfter(folder.steps.length);
    const { table: after } = await reopened(files);
    assert.deepEqual(storedOf(after), storedOf(table));
    await store.stop();
    assert.equal(clock.pendingTimers, 0);
    const again = new DiskStore({ folder, clock, log });
    await again.start();
    assert.equal(await again.readRoot('share'), 'root');
    await again.stop();
  });

  it('is right at whatever write it begins to fail, and stays so', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(120), fc.nat(120), async (from, length) => {
        const folder = new MemoryFolder();
        const clock = new VirtualClock();
        const store = new DiskStore(
          { folder, clock, log: silentLog },
          { smallestFullLogBytes: 1500, blockRows: 10 },
        );
        const table = await loaded(store);
        let steps = 0;
        folder.fault = () => {
          steps += 1;
          if (steps > from && steps <= from + length) throw full;
        };
        const states = new Map([[0, storedOf(table)]]);
        for (let at = 0; at < 60; at++) {
          change(table, put(at % 25));
          change(table, { ...put((at * 7) % 25), type: at % 3 === 0 ? 'remove' : 'hash' });
          table.commit();
          states.set(table.number, storedOf(table));
          if (at % 4 === 0) await store.written();
          if (at % 20 === 19) await clock.advance(60_000);
        }
        const killed = await reopened(folder.killedAfter(folder.steps.length));
        assert.deepEqual(storedOf(killed.table), states.get(killed.table.number));
        folder.fault = () => undefined;
        await store.stop();
        assert.equal(clock.pendingTimers, 0);
        const stopped = await reopened(folder.killedAfter(folder.steps.length));
        assert.deepEqual(storedOf(stopped.table), storedOf(table));
      }),
      { numRuns: 60 },
    );
  }).timeout(30_000);
});
