import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { blockRange } from '../../../src/blocks/block-size.js';
import { systemClock } from '../../../src/clock.js';
import { type PartFileSystem, realPartFileSystem } from '../../../src/fs/part-file.js';
import { silentLog } from '../../../src/log.js';
import { BlockParts } from '../../../src/transfer/fetch/block-parts.js';
import { DiskError } from '../../../src/transfer/fetch/disk-error.js';
import type { FetchErrorCode } from '../../../src/transfer/fetch/fetch-request.js';
import type { PartInit, PartStore } from '../../../src/transfer/fetch/part-store.js';
import { RangeSet } from '../../../src/transfer/fetch/range-set.js';
import { diskError, Killed, MemoryPartFiles } from '../../support/memory-part-files.js';
import { seededBytes, sha256 } from '../../support/memory-sources.js';
import { settle, VirtualClock } from '../../support/virtual-clock.js';

const BLOCK = 64;
const CONTENT = seededBytes(9 * BLOCK + 17, 5);
const BLOCKS = 10;
const FILE = { hash: sha256(CONTENT), size: CONTENT.length };
const OTHER = { hash: sha256(Buffer.from('other')), size: CONTENT.length };
const TREE = {
  algo: 'sha-256',
  blockBytes: BLOCK,
  count: BLOCKS,
  root: sha256(Buffer.from('root')).value,
} as const;
const TARGET = '/here/romeo.epub';

const initOf = (more: Partial<PartInit> = {}): PartInit => ({
  file: FILE,
  blockBytes: BLOCK,
  tree: TREE,
  target: TARGET,
  overwrite: 'refuse',
  ...more,
});
const bytesOf = (block: number) => {
  const { offset, length } = blockRange(CONTENT.length, BLOCK, block);
  return CONTENT.subarray(offset, offset + length);
};
const code = (expected: FetchErrorCode) => (error: unknown) =>
  error instanceof DiskError && error.code === expected;

async function give(part: PartStore, block: number): Promise<void> {
  await part.write(bytesOf(block), block * BLOCK);
  part.settle(block);
}

async function giveAll(part: PartStore): Promise<void> {
  for (let block = 0; block < BLOCKS; block += 1) if (!part.settled.has(block)) await give(part, block);
}

describe('BlockPart', () => {
  let files: MemoryPartFiles;
  let clock: VirtualClock;
  let parts: BlockParts;

  beforeEach(() => {
    files = new MemoryPartFiles();
    clock = new VirtualClock();
    parts = new BlockParts({ fs: files, clock, log: silentLog });
  });
  afterEach(() => assert.equal(clock.pendingTimers, 0, 'timers are left'));

  it('takes blocks in any order and gives the whole its name, its time and nothing beside it', async () => {
    const part = await parts.open(initOf());
    assert.deepEqual(files.names, [`${TARGET}.part`, `${TARGET}.part.blocks`]);
    assert.equal(files.contentOf(part.path)?.length, CONTENT.length, 'the room is not reserved');
    for (const block of [9, 3, 0, 1, 2, 8, 7, 6, 5, 4]) await give(part, block);
    const back = Buffer.alloc(20);
    await part.read(back, 60);
    assert.deepEqual(back, CONTENT.subarray(60, 80));
    await part.commit({ modifiedMs: 1_700_000_000_000 });
    await part.close();
    assert.deepEqual(files.names, [TARGET]);
    assert.deepEqual(files.contentOf(TARGET), CONTENT);
    assert.equal(files.modifiedOf(TARGET), 1_700_000_000_000);
  });

  it('gives the name to nothing that took its place meanwhile, and leaves that alone', async () => {
    const part = await parts.open(initOf({ overwrite: 'replace' }));
    await giveAll(part);
    const other = seededBytes(CONTENT.length, 6);
    files.put(part.path, other);
    for (const _ of [1, 2]) await assert.rejects(part.commit({}), code('changed'));
    await part.discard();
    await part.close();
    assert.deepEqual(files.names, [`${TARGET}.part`]);
    assert.deepEqual(files.contentOf(part.path), other);
  });

  it('knows after a kill what was settled, and how much of the rest is there', async () => {
    const part = await parts.open(initOf());
    for (const block of [2, 9]) await give(part, block);
    await part.write(bytesOf(4).subarray(0, 30), 4 * BLOCK);
    await part.write(bytesOf(5).subarray(10, 30), 5 * BLOCK + 10); // no beginning
    await settle();
    files.killAfter(0);
    await assert.rejects(part.write(bytesOf(6), 6 * BLOCK), Killed);
    await part.close();
    files.restart();
    assert.deepEqual(await parts.kept(TARGET, FILE), { file: FILE, blockBytes: BLOCK, tree: TREE });
    assert.equal(await parts.kept(TARGET, OTHER), undefined);
    const next = await parts.open(initOf());
    assert.deepEqual(
      [...next.settled],
      [
        { start: 2, end: 3 },
        { start: 9, end: 10 },
      ],
    );
    assert.deepEqual(
      [4, 5, 2].map((block) => next.writtenOf(block)),
      [30, 0, 0],
    );
    await giveAll(next);
    await next.commit({});
    assert.deepEqual(files.contentOf(TARGET), CONTENT);
  });

  it('believes after a power cut only what was synced with its bytes', async () => {
    const part = await parts.open(initOf());
    await give(part, 1);
    await clock.advance(1000);
    await give(part, 2);
    await part.write(bytesOf(4).subarray(0, 30), 4 * BLOCK);
    await settle();
    files.killAfter(0);
    await part.close();
    files.restartWithoutPower(() => 0); // all that may be there is there
    const next = await parts.open(initOf());
    assert.deepEqual([...next.settled], [{ start: 1, end: 2 }]);
    assert.equal(next.writtenOf(4), 0);
    await next.discard();
    assert.deepEqual(files.names, []);
  });

  it('forgets what was dropped, before anything is written over it', async () => {
    const part = await parts.open(initOf());
    await give(part, 1);
    await clock.advance(1000);
    part.drop(1);
    assert.equal(part.settled.size, 0);
    await part.write(Buffer.alloc(BLOCK), BLOCK);
    files.killAfter(0);
    await part.close();
    files.restartWithoutPower(() => 0.9);
    const next = await parts.open(initOf());
    assert.equal(next.settled.size, 0);
    await next.close();
    assert.deepEqual(files.names, [], 'a part without a byte stays');
  });

  it('is begun anew for other blocks of the same file, and refused for another file', async () => {
    const part = await parts.open(initOf());
    await give(part, 1);
    await part.close();
    const root = sha256(Buffer.from('another root')).value;
    await assert.rejects(parts.open(initOf({ file: OTHER })), code('exists'));
    const again = await parts.open(initOf({ tree: { ...TREE, root } }));
    assert.equal(again.settled.size, 0);
    await give(again, 1);
    await again.close();
    const other = await parts.open(initOf({ file: OTHER, overwrite: 'replace' }));
    assert.equal(other.settled.size, 0);
    await other.close();
  });

  it('is kept aside while another size of the hash is tried, and gone when one of them is the file', async () => {
    const part = await parts.open(initOf());
    for (const block of [1, 2]) await give(part, block);
    await part.close();
    const lie = initOf({ file: { ...FILE, size: 3 * BLOCK }, tree: { ...TREE, count: 3 } });
    const other = await parts.open(lie);
    assert.equal(other.settled.size, 0);
    assert.deepEqual((await parts.kept(TARGET, FILE))?.file, FILE);
    await give(other, 0);
    await other.close();
    const again = await parts.open(initOf());
    assert.equal(again.settled.size, 2);
    await giveAll(again);
    await again.commit({});
    assert.deepEqual(files.contentOf(TARGET), CONTENT);
    assert.deepEqual(files.names, [TARGET]);
  });

  it('is kept aside of three sizes at most, of which most was right', async () => {
    for (const [count, right] of [
      [9, 3],
      [8, 1],
      [7, 2],
      [6, 4],
      [5, 0],
      [4, 5],
    ] as const) {
      const size = count * BLOCK;
      const part = await parts.open(initOf({ file: { ...FILE, size }, tree: { ...TREE, count } }));
      for (let block = 0; block < Math.min(right, count); block += 1) await give(part, block);
      await part.close();
    }
    const kept = (count: number) => parts.kept(TARGET, { ...FILE, size: count * BLOCK });
    const sizes = [9, 8, 7, 6, 5, 4];
    const there = await Promise.all(sizes.map(async (count) => ((await kept(count)) ? [count] : [])));
    assert.deepEqual(there.flat(), [9, 7, 6, 4]);
  });

  it('keeps what other blocks of the same file may be right in, but does not say that it is right', async () => {
    const part = await parts.open(initOf());
    for (const block of [1, 2, 9]) await give(part, block);
    await part.close();
    files.freeSpace = CONTENT.length - BLOCK - 17; // they have their room
    const root = sha256(Buffer.from('another root')).value;
    const perhaps = new RangeSet([
      { start: BLOCK, end: 2 * BLOCK },
      { start: 2 * BLOCK, end: 3 * BLOCK - 1 },
      { start: 9 * BLOCK, end: 10 * BLOCK },
    ]);
    const again = await parts.open(initOf({ tree: { ...TREE, root }, perhaps }));
    assert.equal(again.settled.size, 0);
    assert.deepEqual(
      [0, 1, 2, 9].map((block) => again.writtenOf(block)),
      [0, BLOCK, 0, 17],
    );
    const back = Buffer.alloc(BLOCK);
    await again.read(back, BLOCK);
    assert.deepEqual(back, Buffer.from(bytesOf(1)));
    again.settle(1);
    await giveAll(again);
    await again.commit({});
    assert.deepEqual(files.contentOf(TARGET), CONTENT);
  });

  it('leaves alone what it did not make', async () => {
    files.put(`${TARGET}.part`, Buffer.from('a browser’s'));
    await assert.rejects(parts.open(initOf()), code('exists'));
    files.put(`${TARGET}.part.blocks`, Buffer.from('{"format":"shoal part 2"} 0\n'));
    await assert.rejects(parts.open(initOf()), code('exists'));
    assert.equal(await parts.kept(TARGET, FILE), undefined);
    const part = await parts.open(initOf({ overwrite: 'replace' }));
    await part.discard();
  });

  it('can’t be had twice at once', async () => {
    const part = await parts.open(initOf());
    await assert.rejects(parts.open(initOf()), code('in-use'));
    await part.close();
    await (await parts.open(initOf())).close();
  });

  it('refuses at once where there is no room, other downloads of ours counted', async () => {
    files.freeSpace = CONTENT.length + 10;
    const part = await parts.open(initOf());
    await assert.rejects(parts.open(initOf({ target: '/here/juliet.epub' })), code('no-space'));
    assert.deepEqual(files.names, [`${TARGET}.part`, `${TARGET}.part.blocks`]);
    await giveAll(part);
    files.freeSpace = 10;
    await part.commit({});
    files.freeSpace = CONTENT.length;
    await (await parts.open(initOf({ target: '/here/juliet.epub' }))).close();
  });

  it('needs no more room than is missing', async () => {
    const part = await parts.open(initOf());
    for (const block of [0, 1, 2, 3]) await give(part, block);
    await part.close();
    files.freeSpace = 5 * BLOCK + 16;
    await assert.rejects(parts.open(initOf()), code('no-space'));
    files.freeSpace += 1;
    const again = await parts.open(initOf());
    await giveAll(again);
    await again.commit({});
  });

  for (const [name, step, expected] of [
    ['ENOSPC', 'write', 'no-space'],
    ['EIO', 'sync', 'not-writable'],
    ['EROFS', 'create', 'not-writable'],
    ['EACCES', 'text', 'not-writable'],
  ] as const) {
    it(`ends with ${expected} at ${name} of a ${step}, and can go on later`, async () => {
      const run = async () => {
        const part = await parts.open(initOf());
        try {
          if (!part.settled.has(0)) await give(part, 0);
          await clock.advance(1000);
          await giveAll(part);
          await part.commit({});
        } finally {
          await part.close();
        }
      };
      files.fault = (at, path) => {
        if (at === step && (at === 'text' || path.endsWith('.part'))) throw diskError(name);
      };
      await assert.rejects(run(), code(expected));
      assert.equal(files.contentOf(TARGET), undefined);
      files.fault = () => undefined;
      await run();
      assert.deepEqual(files.contentOf(TARGET), CONTENT);
      assert.deepEqual(files.names, [TARGET]);
    });
  }

  it('does not believe another time what could not be synced', async () => {
    const part = await parts.open(initOf());
    await give(part, 1);
    await clock.advance(1000);
    await give(part, 2);
    files.fault = (step) => {
      if (step === 'sync') throw diskError('EIO');
    };
    await clock.advance(1000);
    await assert.rejects(part.write(bytesOf(3), 3 * BLOCK), code('not-writable'));
    await part.close();
    files.fault = () => undefined;
    const next = await parts.open(initOf());
    assert.deepEqual([...next.settled], [{ start: 1, end: 2 }]);
    await next.discard();
  });

  it('does not take a name that was taken meanwhile, and can try again', async () => {
    const part = await parts.open(initOf());
    await giveAll(part);
    files.put(TARGET, Buffer.from('somebody else’s'));
    await assert.rejects(part.commit({}), code('exists'));
    assert.equal(files.contentOf(TARGET)?.toString(), 'somebody else’s');
    await files.remove(TARGET);
    await part.commit({});
    assert.deepEqual(files.names, [TARGET]);
  });

  it('of an empty file is a file', async () => {
    const file = { hash: sha256(Buffer.alloc(0)), size: 0 };
    const { tree, ...rest } = initOf({ file });
    const part = await parts.open(rest);
    part.settle(0);
    await part.commit({});
    assert.equal(files.contentOf(TARGET)?.length, 0);
    assert.ok(tree);
  });

  /** What somebody does who downloads: two blocks at a time, in pieces. */
  async function download(random: () => number, seen: { written: number }): Promise<void> {
    const part = await parts.open(initOf());
    try {
      const left = Array.from({ length: BLOCKS }, (_, block) => block).filter(
        (block) => !part.settled.has(block),
      );
      left.sort(() => random() - 0.5);
      const one = async () => {
        for (let block = left.pop(); block !== undefined; block = left.pop()) {
          const bytes = bytesOf(block);
          for (let at = part.writtenOf(block); at < bytes.length; ) {
            const piece = bytes.subarray(at, at + 1 + Math.floor(random() * BLOCK));
            seen.written += piece.length;
            await part.write(piece, block * BLOCK + at);
            at += piece.length;
          }
          const back = Buffer.alloc(bytes.length);
          await part.read(back, block * BLOCK);
          assert.deepEqual(back, bytes, `what is said to be there of block ${block} is not`);
          part.settle(block);
          if (random() < 0.3) await clock.advance(600);
        }
      };
      const done = await Promise.allSettled([one(), one()]);
      for (const each of done) if (each.status === 'rejected') throw each.reason;
      await part.commit({});
    } finally {
      await part.close();
    }
  }

  it('loses nothing that it claims, wherever it is killed or the power goes, until it is whole', async () => {
    const crash = fc.record({ after: fc.nat(60), power: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(crash, { minLength: 1, maxLength: 8 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        async (crashes, numbers) => {
          const random = () => numbers.next().value ?? 0;
          files = new MemoryPartFiles();
          parts = new BlockParts({ fs: files, clock, log: silentLog });
          const seen = { written: 0 };
          let kills = 0;
          for (const { after, power } of crashes) {
            files.killAfter(after);
            try {
              await download(random, seen);
            } catch (error) {
              if (!files.isDead) throw error;
            }
            await settle();
            const named = files.contentOf(TARGET);
            if (named) assert.deepEqual(named, CONTENT, 'a wrong byte under the final name');
            if (power) {
              kills += BLOCKS; // bytes are lost then
              files.restartWithoutPower(random);
            } else {
              kills += 1;
              files.restart();
            }
            const after2 = files.contentOf(TARGET);
            if (after2) assert.deepEqual(after2, CONTENT, 'a wrong byte under the final name');
            if (after2) break;
          }
          if (!files.contentOf(TARGET)) await download(random, seen);
          assert.deepEqual(files.contentOf(TARGET), CONTENT);
          // Two blocks are under way at a time.
          assert.ok(seen.written <= CONTENT.length + kills * 2 * BLOCK, `${seen.written} bytes written`);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('reads any journal without harm', async () => {
    const part = await parts.open(initOf());
    await give(part, 3);
    await give(part, 4);
    await clock.advance(1000);
    await part.close();
    const journal = files.contentOf(`${TARGET}.part.blocks`) ?? Buffer.alloc(0);
    const bytes = files.contentOf(`${TARGET}.part`) ?? Buffer.alloc(0);
    await fc.assert(
      fc.asyncProperty(fc.nat(journal.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const damaged = Buffer.from(journal);
        damaged.writeUInt8(damaged.readUInt8(at) ^ flip, at);
        files = new MemoryPartFiles();
        files.put(`${TARGET}.part.blocks`, damaged);
        files.put(`${TARGET}.part`, bytes);
        parts = new BlockParts({ fs: files, clock, log: silentLog });
        const next = await parts.open(initOf({ overwrite: 'replace' }));
        for (const block of [0, 1, 2, 5, 6, 7, 8, 9]) assert.ok(!next.settled.has(block));
        await next.discard();
      }),
      { numRuns: 200 },
    );
  });

  describe('on a real disk', () => {
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'shoal-block-part-'));
    });
    afterEach(() => rm(folder, { recursive: true }));

    const real = (fs: PartFileSystem = realPartFileSystem) =>
      new BlockParts({ fs, clock: systemClock, log: silentLog }, { syncMs: 1 });

    it('works', async () => {
      const target = join(folder, 'romeo.epub');
      const first = await real().open(initOf({ target }));
      for (const block of [1, 2]) await give(first, block);
      await assert.rejects(real().open(initOf({ target })), code('in-use'));
      await first.close();
      const second = await real().open(initOf({ target }));
      assert.deepEqual([...second.settled], [{ start: 1, end: 3 }]);
      await giveAll(second);
      await second.commit({ modifiedMs: 1_700_000_000_000 });
      assert.deepEqual(await readFile(target), CONTENT);
      assert.equal((await stat(target)).mtimeMs, 1_700_000_000_000);
      assert.deepEqual(await readdir(folder), ['romeo.epub']);
      await assert.rejects(real().open(initOf({ target })), code('exists'));
    });

    it('begins anew where another program made the part shorter', async () => {
      const target = join(folder, 'romeo.epub');
      const first = await real().open(initOf({ target }));
      await give(first, 1);
      await first.close();
      await writeFile(`${target}.part`, CONTENT.subarray(0, 100));
      const second = await real().open(initOf({ target }));
      assert.equal(second.settled.size, 0);
      await second.discard();
      assert.deepEqual(await readdir(folder), []);
    });
  });
});
