import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isSameTree } from '../../src/blocks/block-tree.js';
import type { BlockListStore, HashedBlocks } from '../../src/catalogue/block-list-store.js';
import { DiskBlockLists } from '../../src/catalogue/disk-block-lists.js';
import { RealDataFolder } from '../../src/fs/real-data-folder.js';
import { createLog, silentLog } from '../../src/log.js';
import { hashedBlocks } from '../support/block-lists.js';
import { type Files, MemoryFolder } from '../support/memory-folder.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const MIB = 2 ** 20;
const FILES = Array.from({ length: 12 }, (_, at) => hashedBlocks(`file ${at}`, MIB * (at + 1) + at));
const fileAt = (at: number): HashedBlocks => FILES[at % FILES.length] as HashedBlocks;
const keyOf = ({ sha256 }: HashedBlocks) => Buffer.from(sha256, 'base64');
/** Evenly from 0 to 1; a double of fast-check is mostly next to 0. */
const part = fc.nat(1000).map((value) => value / 1000);

async function started(folder: MemoryFolder, minWasteBytes?: number): Promise<DiskBlockLists> {
  const init = minWasteBytes === undefined ? {} : { minWasteBytes };
  const store = new DiskBlockLists({ folder, log: silentLog }, init);
  await store.start();
  return store;
}

/** Whether it has the list; where it has one, it is the right one. */
async function holds(store: BlockListStore, file: HashedBlocks): Promise<boolean> {
  const tree = await store.treeOf(file.sha256);
  const list = await store.listOf(file.sha256);
  if (tree !== undefined) assert.ok(isSameTree(tree, file.blocks.tree));
  if (list === undefined) return false;
  assert.ok(isSameTree(list, file.blocks.tree));
  assert.deepEqual(list.hashes, file.blocks.hashes);
  assert.equal(list.fileBytes, file.fileBytes);
  assert.ok(tree !== undefined && !store.lacks(keyOf(file)));
  return true;
}

async function held(store: BlockListStore): Promise<HashedBlocks[]> {
  const all = await Promise.all(FILES.map((file) => holds(store, file)));
  return FILES.filter((_, at) => all[at]);
}

interface Life {
  readonly adds: readonly (readonly number[])[];
  /** Which are not wanted any more at the end. */
  readonly unwanted: readonly number[];
}

const life: fc.Arbitrary<Life> = fc.record({
  adds: fc.array(fc.array(fc.nat(FILES.length - 1), { minLength: 1, maxLength: 4 }), { maxLength: 6 }),
  unwanted: fc.array(fc.nat(FILES.length - 1)),
});

interface Lived {
  readonly folder: MemoryFolder;
  /** From so many steps on, this file was kept. */
  readonly kept: readonly { readonly steps: number; readonly file: HashedBlocks }[];
  readonly wanted: (file: HashedBlocks) => boolean;
}

async function live(files: Files, { adds, unwanted }: Life): Promise<Lived> {
  const folder = new MemoryFolder(files);
  const store = await started(folder, 0);
  const kept = (await held(store)).map((file) => ({ steps: 0, file }));
  for (const add of adds) {
    const added = add.map(fileAt);
    await store.add(added);
    for (const file of added) kept.push({ steps: folder.steps.length, file });
  }
  const gone = new Set(unwanted.map((at) => fileAt(at).sha256));
  await store.tidy((sha256) => !gone.has(Buffer.from(sha256).toString('base64')));
  await store.stop();
  return { folder, kept, wanted: ({ sha256 }) => !gone.has(sha256) };
}

describe('block hashes on disk', () => {
  it('are there after a restart', async () => {
    const folder = await temporaryFolder();
    try {
      const open = () =>
        new DiskBlockLists({ folder: new RealDataFolder(`${folder.path}/blocks`), log: silentLog });
      const lives = [FILES.slice(0, 5), FILES.slice(3, 9), []];
      for (const [at, added] of lives.entries()) {
        const store = open();
        await store.start();
        assert.deepEqual(await held(store), [FILES.slice(0, 0), FILES.slice(0, 5), FILES.slice(0, 9)][at]);
        const adding = store.add(added);
        for (const file of added) assert.ok(await holds(store, file), 'also while they are written');
        await adding;
        for (const file of added) assert.ok(await holds(store, file));
        assert.ok(store.lacks(keyOf(fileAt(11))));
        await store.stop();
      }
    } finally {
      await folder.remove();
    }
  });

  it('are right or not there, none of those kept missing, at whatever byte the process is killed', async () => {
    const moments = fc.array(fc.tuple(part, part), { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(life, moments), { minLength: 1, maxLength: 3 }), async (lives) => {
        let files: Files = new Map();
        for (const [each, kills] of lives) {
          const lived = await live(files, each);
          for (const [when, half] of kills) {
            const steps = Math.floor(when * lived.folder.steps.length);
            files = lived.folder.killedAfter(steps, half);
            const store = await started(new MemoryFolder(files));
            const found = await held(store);
            for (const { steps: since, file } of lived.kept)
              if (since <= steps && lived.wanted(file)) assert.ok(found.includes(file), 'a list was lost');
            await store.stop();
          }
        }
      }),
      { numRuns: 60 },
    );
  }).timeout(60_000);

  it('are right or not there when the power is cut, and can be added again', async () => {
    const moment = fc.tuple(part, fc.array(part, { minLength: 1 }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(life, moment), { minLength: 1, maxLength: 3 }), async (lives) => {
        let files: Files = new Map();
        for (const [each, [when, parts]] of lives) {
          const lived = await live(files, each);
          let at = 0;
          const kept = () => parts[at++ % parts.length] as number;
          files = lived.folder.cutAfter(Math.floor(when * lived.folder.steps.length), kept);
          const folder = new MemoryFolder(files);
          const store = await started(folder);
          const lost: string[] = [];
          store.onLost((sha256) => void lost.push(sha256));
          const found = await held(store);
          for (const file of FILES) {
            assert.equal(store.lacks(keyOf(file)), !found.includes(file));
            if (lost.includes(file.sha256)) assert.ok(!found.includes(file));
          }
          await store.add(FILES);
          assert.deepEqual(await held(store), FILES);
          await store.stop();
          const again = await started(new MemoryFolder(folder.killedAfter(folder.steps.length)));
          assert.deepEqual(await held(again), FILES);
          await again.stop();
        }
      }),
      { numRuns: 60 },
    );
  }).timeout(60_000);

  it('are never wrong, whatever happens to the files', async () => {
    const damage = fc.record({
      file: fc.nat(1),
      at: part,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    });
    const whole = new MemoryFolder();
    const store = await started(whole);
    for (const file of FILES) await store.add([file]);
    await store.stop();
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), async (damages) => {
        const files = new Map(whole.killedAfter(whole.steps.length));
        for (const { file, at, bytes } of damages) {
          const name = [...files.keys()][file] as string;
          const content = Uint8Array.from(files.get(name) ?? []);
          content.set(bytes.subarray(0, content.length), Math.floor(at * (content.length - bytes.length)));
          files.set(name, content);
        }
        const damaged = await started(new MemoryFolder(files));
        const lost: string[] = [];
        damaged.onLost((sha256) => void lost.push(sha256));
        const found = await held(damaged);
        for (const file of FILES)
          if (!found.includes(file)) assert.ok(damaged.lacks(keyOf(file)), 'would never be computed again');
        for (const sha256 of lost) assert.ok(!found.some((file) => file.sha256 === sha256));
        await damaged.stop();
      }),
      { numRuns: 60 },
    );
  });

  it('are given up when nobody wants them, and only then', async () => {
    const folder = new MemoryFolder();
    const store = await started(folder, 0);
    await store.add(FILES);
    const bytesOf = async () =>
      (
        await Promise.all((await folder.list()).map(async (name) => (await folder.open(name))?.size ?? 0))
      ).reduce((sum, each) => sum + each, 0);
    const before = await bytesOf();
    await store.tidy(() => true);
    assert.equal(await bytesOf(), before);
    const [wanted] = FILES;
    await store.stop();
    const later = await started(folder, 0);
    const reading = later.listOf(fileAt(5).sha256);
    await later.tidy((sha256) => wanted !== undefined && keyOf(wanted).equals(sha256));
    assert.ok(await reading, 'who was reading could go on');
    assert.deepEqual(await held(later), [wanted]);
    assert.ok((await bytesOf()) < before / 4);
    assert.equal((await folder.list()).length, 2);
    await later.add([fileAt(3)]);
    assert.deepEqual(await held(later), [fileAt(0), fileAt(3)]);
    await later.stop();
  });

  it('are kept again when the disk has room again', async () => {
    const folder = new MemoryFolder();
    const messages: string[] = [];
    const log = createLog('info', { write: (line) => void messages.push(JSON.parse(line).msg) });
    const store = new DiskBlockLists({ folder, log });
    await store.start();
    await store.add([fileAt(0)]);
    let appends = 0;
    folder.fault = (step) => {
      appends += step.type === 'append' ? 1 : 0;
      if (appends >= 2) throw new Error('no space left on device');
    };
    await store.add([fileAt(1)]); // its hashes are written, its record is not
    await store.add([fileAt(2)]);
    assert.deepEqual(await held(store), [fileAt(0)]);
    assert.ok(store.lacks(keyOf(fileAt(1))));
    folder.fault = () => undefined;
    await store.add([fileAt(2), fileAt(1)]);
    assert.deepEqual(await held(store), FILES.slice(0, 3));
    assert.deepEqual(
      messages.map((each) => each.split(';')[0]),
      ['block hashes cannot be kept', 'block hashes are kept again'],
    );
    await store.stop();
    const later = await started(folder);
    assert.deepEqual(await held(later), FILES.slice(0, 3));
    await later.stop();
  });

  it('are done without where the folder cannot be used', async () => {
    const folder = new MemoryFolder();
    folder.fault = () => {
      throw new Error('read-only file system');
    };
    const store = await started(folder);
    assert.equal(store.lacks(keyOf(fileAt(0))), false); // or all files would be read for nothing
    await store.add(FILES);
    assert.deepEqual(await held(store), []);
    await store.tidy(() => true);
    await store.stop();
  });
});
