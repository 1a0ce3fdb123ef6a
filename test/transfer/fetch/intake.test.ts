import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { blockCountOf, blockRange } from '../../../src/blocks/block-size.js';
import { realPartFileSystem } from '../../../src/fs/part-file.js';
import { silentLog } from '../../../src/log.js';
import { BlockParts } from '../../../src/transfer/fetch/block-parts.js';
import { DiskError } from '../../../src/transfer/fetch/disk-error.js';
import type { Intake, IntakeInit } from '../../../src/transfer/fetch/intake.js';
import type { PartStore } from '../../../src/transfer/fetch/part-store.js';
import { SLOT_BYTES } from '../../../src/transfer/fetch/piece-ring.js';
import { inlineIntakes } from '../../../src/transfer/fetch/range-intake.js';
import { threadIntakes } from '../../../src/transfer/fetch/thread-intake.js';
import { eventually } from '../../support/eventually.js';
import { seededBytes, sha256 } from '../../support/memory-sources.js';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const BLOCK = 300_000; // of two pieces
const CONTENT = seededBytes(4 * BLOCK + 17, 3);
const BLOCKS = 5;
const sumOf = (block: number) => {
  const { offset, length } = blockRange(CONTENT.length, BLOCK, block);
  return createHash('sha256')
    .update(CONTENT.subarray(offset, offset + length))
    .digest('hex');
};

for (const [name, intakesOf] of Object.entries({ inline: inlineIntakes, thread: threadIntakes })) {
  describe(`what comes of a read (${name})`, () => {
    let folder: TemporaryFolder;
    let part: PartStore;
    const clock = new VirtualClock();
    const parts = new BlockParts({ fs: realPartFileSystem, clock, log: silentLog });
    const target = () => join(folder.path, 'file');

    const open = () =>
      parts.open({
        file: { hash: sha256(CONTENT), size: CONTENT.length },
        blockBytes: BLOCK,
        target: target(),
        overwrite: 'replace',
      });
    beforeEach(async () => {
      folder = await temporaryFolder();
      part = await open();
    });
    afterEach(async () => {
      await part.discard();
      await folder.remove();
    });

    const initOf = (block: number, more: Partial<IntakeInit> = {}): IntakeInit => ({
      block,
      lengthOf: (each) => blockRange(CONTENT.length, BLOCK, each).length,
      mayRunAhead: () => true,
      onBytes: () => undefined,
      onBlock: () => undefined,
      onFailure: (error) => {
        throw error;
      },
      ...more,
    });
    const give = async (intake: Intake, from: number, to: number, step: number) => {
      for (let at = from; at < to; at += step) {
        const lent = Buffer.from(CONTENT.subarray(at, Math.min(to, at + step)));
        const taken = intake.take(lent);
        lent.fill(0); // it was only lent
        await taken;
      }
    };

    it('is written and hashed, however it is cut, and whoever else reads', async () => {
      assert.equal(blockCountOf(CONTENT.length, BLOCK), BLOCKS);
      const intakes = intakesOf(part, clock);
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 0, max: BLOCKS }),
          fc.integer({ min: 7000, max: 700_000 }),
          fc.integer({ min: 7000, max: 700_000 }),
          async (middle, stepOne, stepTwo) => {
            const found = new Map<number, string>();
            const bytes: number[] = [];
            const onBlock = (block: number, sum: Uint8Array) => {
              assert.equal(found.has(block), false);
              found.set(block, Buffer.from(sum).toString('hex'));
            };
            const onBytes = (block: number, count: number) => {
              bytes[block] = (bytes[block] ?? 0) + count;
            };
            const one = intakes.begin(initOf(0, { onBlock, onBytes }));
            const two = intakes.begin(initOf(middle, { onBlock, onBytes }));
            const cut = Math.min(CONTENT.length, middle * BLOCK);
            await Promise.all([give(one, 0, cut, stepOne), give(two, cut, CONTENT.length, stepTwo)]);
            await Promise.all([one.settled(), two.settled()]);
            for (let block = 0; block < BLOCKS; block += 1) {
              assert.equal(found.get(block), sumOf(block));
              assert.equal(bytes[block], blockRange(CONTENT.length, BLOCK, block).length);
              assert.equal(part.writtenOf(block), bytes[block]);
              part.drop(block);
            }
          },
        ),
        { numRuns: 25 },
      );
      await intakes.close();
      assert.deepEqual(await readFile(part.path), CONTENT);
      assert.equal(clock.pendingTimers, 0);
    });

    it('is kept when it ends in the middle of a block, and gone on with', async () => {
      const first = intakesOf(part, clock);
      const intake = first.begin(initOf(1));
      await give(intake, BLOCK, BLOCK + 270_000, 999);
      assert.deepEqual([intake.block, intake.into], [1, 270_000]);
      await intake.settled();
      await first.close();
      assert.equal(part.writtenOf(1), 270_000);
      const found: string[] = [];
      const second = intakesOf(part, clock);
      const rest = second.begin(
        initOf(1, { onBlock: (block, sum) => found.push(`${block} ${Buffer.from(sum).toString('hex')}`) }),
      );
      await rest.goOn(270_000);
      assert.deepEqual([rest.block, rest.into], [1, 270_000]);
      await give(rest, BLOCK + 270_000, 2 * BLOCK, 4000);
      await rest.settled();
      await second.close();
      assert.deepEqual(found, [`1 ${sumOf(1)}`]);
    });

    it('is written after a moment when no more comes', async () => {
      const intakes = intakesOf(part, clock);
      const intake = intakes.begin(initOf(0));
      await give(intake, 0, 100, 100);
      await clock.advance(100);
      await eventually(
        () => part.writtenOf(0),
        (bytes) => bytes === 100,
      );
      await intake.settled();
      await intakes.close();
    });

    it('waits for the verdict on each block of a source that is not known yet', async () => {
      const intakes = intakesOf(part, clock);
      let found = 0;
      const intake = intakes.begin(
        initOf(0, {
          mayRunAhead: () => false,
          onBlock: () => {
            found += 1;
          },
        }),
      );
      for (let block = 0; block < BLOCKS; block += 1) {
        const { offset, length } = blockRange(CONTENT.length, BLOCK, block);
        await give(intake, offset, offset + length, BLOCK);
        assert.equal(found, block + 1);
      }
      await intake.settled();
      await intakes.close();
    });

    it('goes nowhere before the journal says that what was there is worthless', async () => {
      const intakes = intakesOf(part, clock);
      const before = intakes.begin(initOf(0));
      await give(before, 0, BLOCK, 50_000);
      await before.settled();
      part.settle(0);
      part.drop(0);
      const again = intakes.begin(initOf(0));
      await give(again, 0, BLOCK, 50_000);
      await again.settled();
      assert.equal(part.writtenOf(0), BLOCK);
      await intakes.close();
    });
  });
}

describe('a thread that writes what comes', () => {
  const clock = new VirtualClock();
  let folder: TemporaryFolder;
  let part: PartStore;

  beforeEach(async () => {
    folder = await temporaryFolder();
    part = await new BlockParts({ fs: realPartFileSystem, clock, log: silentLog }).open({
      file: { hash: sha256(CONTENT), size: CONTENT.length },
      blockBytes: BLOCK,
      target: join(folder.path, 'file'),
      overwrite: 'replace',
    });
  });
  afterEach(async () => {
    await part.discard();
    await folder.remove();
  });

  /** Intakes of the part, but whose bytes go to another file of this process. */
  const writingTo = (descriptor: number) => {
    const { direct } = part;
    assert.ok(direct);
    const elsewhere: PartStore = Object.create(part, {
      layout: { value: part.layout },
      direct: { value: Object.create(direct, { descriptor: { value: descriptor } }) },
    });
    return threadIntakes(elsewhere, clock);
  };
  const failureOf = async (descriptor: number) => {
    const intakes = writingTo(descriptor);
    const failures: unknown[] = [];
    const intake = intakes.begin({
      block: 0,
      lengthOf: (each) => blockRange(CONTENT.length, BLOCK, each).length,
      mayRunAhead: () => true,
      onBytes: () => undefined,
      onBlock: () => assert.fail('it was not written'),
      onFailure: (error) => failures.push(error),
    });
    for (let at = 0; at < 3 * BLOCK; at += 50_000) await intake.take(CONTENT.subarray(at, at + 50_000));
    await intake.settled();
    await intakes.close();
    assert.equal(failures.length, 1);
    return failures[0];
  };

  it('says that the disk is full, once', async () => {
    const full = openSync('/dev/full', 'w');
    const error = await failureOf(full);
    closeSync(full);
    assert.ok(error instanceof DiskError);
    assert.equal(error.code, 'no-space');
  });

  it('is given nothing more of a read that has ended, though there was no room before', async () => {
    const size = 33 * SLOT_BYTES;
    const large = await new BlockParts({ fs: realPartFileSystem, clock, log: silentLog }).open({
      file: { hash: sha256(CONTENT), size },
      blockBytes: SLOT_BYTES,
      target: join(folder.path, 'large'),
      overwrite: 'replace',
    });
    const intakes = threadIntakes(large, clock);
    let bytes = 0;
    const intake = intakes.begin({
      block: 0,
      lengthOf: () => SLOT_BYTES,
      mayRunAhead: () => true,
      onBytes: (_, count) => {
        bytes += count;
      },
      onBlock: () => undefined,
      onFailure: (error) => assert.fail(String(error)),
    });
    const taking = intake.take(Buffer.alloc(32 * SLOT_BYTES + 100)); // all slots are taken
    assert.equal(bytes, 32 * SLOT_BYTES);
    await intake.settled();
    await taking;
    assert.equal(clock.pendingTimers, 0);
    await clock.advance(1000);
    assert.equal(bytes, 32 * SLOT_BYTES);
    assert.equal(large.writtenOf(32), 0);
    await intakes.close();
    await large.discard();
  });

  it('says what went wrong with an answer, and goes on', async () => {
    const { direct } = part;
    assert.ok(direct);
    const wrote = () => {
      throw new RangeError('written over a settled block');
    };
    const strict: PartStore = Object.create(part, {
      layout: { value: part.layout },
      direct: { value: Object.create(direct, { wrote: { value: wrote } }) },
    });
    const intakes = threadIntakes(strict, clock);
    const failures: unknown[] = [];
    const intake = intakes.begin({
      block: 0,
      lengthOf: () => BLOCK,
      mayRunAhead: () => true,
      onBytes: () => undefined,
      onBlock: () => undefined,
      onFailure: (error) => failures.push(error),
    });
    await intake.take(CONTENT.subarray(0, BLOCK));
    await intake.settled();
    await intakes.close();
    assert.deepEqual(failures.map(String), ['RangeError: written over a settled block']);
  });

  it('says that it has ended, and keeps nobody waiting', async () => {
    const intakes = threadIntakes(part, clock);
    const failures: unknown[] = [];
    const intake = intakes.begin({
      block: 0,
      lengthOf: (each) => blockRange(CONTENT.length, BLOCK, each).length,
      mayRunAhead: () => true,
      onBytes: () => undefined,
      onBlock: () => undefined,
      onFailure: (error) => failures.push(error),
    });
    await intakes.close();
    await intake.take(CONTENT.subarray(0, 2 * BLOCK));
    await intake.settled();
    assert.match(String(failures[0]), /has ended/);
    assert.equal(failures.length, 1);
  });
});
