import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { blockBytesOf, blockCountOf, MIN_BLOCK_BYTES } from '../../src/blocks/block-size.js';
import { BlockHasher } from '../../src/hashing/block-hasher.js';
import { READ_BYTES } from '../../src/hashing/block-lane.js';
import { type BlockRing, newRing, RingWriter, runRing } from '../../src/hashing/block-ring.js';

const content = Buffer.alloc(12 * MIN_BLOCK_BYTES, 'bytes of which no block is like another one');
const entry = new URL('../../workers/block-hash.js', import.meta.url);

function hashesOf(fileBytes: number): Uint8Array {
  const hasher = new BlockHasher(fileBytes);
  hasher.update(content.subarray(0, fileBytes));
  return hasher.end().hashes;
}

/** Hands over the first `bytes` of a file in pieces. */
function put(writer: RingWriter, bytes: number, pieces: readonly number[]): void {
  for (let at = 0, piece = 0; at < bytes; piece += 1) {
    const length = Math.min(bytes - at, pieces[piece % pieces.length] ?? READ_BYTES);
    const buffer = writer.buffer();
    assert.ok(buffer, 'the reader is alive');
    buffer.set(content.subarray(at, at + length));
    writer.put(length);
    at += length;
  }
}

describe('block ring', () => {
  let ring: BlockRing;
  let thread: Worker | undefined;

  beforeEach(() => {
    ring = newRing();
  });
  afterEach(async () => {
    await thread?.terminate();
    thread = undefined;
  });

  it('gives the hashes of one file after another, also after some that were given up', () => {
    thread = new Worker(entry, { workerData: ring });
    const writer = new RingWriter(ring, { patienceMs: 10_000 });
    const file = fc.record({
      bytes: fc.integer({ min: 1, max: content.length }),
      pieces: fc.array(fc.integer({ min: 1000, max: READ_BYTES }), { minLength: 1, maxLength: 5 }),
      part: fc.option(fc.nat(100), { freq: 3 }),
    });
    fc.assert(
      fc.property(fc.array(file, { minLength: 1, maxLength: 4 }), (files) => {
        for (const { bytes, pieces, part } of files) {
          assert.ok(writer.begin(bytes, 10_000));
          if (part !== null) {
            put(writer, Math.floor((bytes * part) / 101), pieces);
            writer.release();
            continue;
          }
          put(writer, bytes, pieces);
          assert.deepEqual(writer.end(blockCountOf(bytes, blockBytesOf(bytes))), hashesOf(bytes));
        }
      }),
      { numRuns: 20 },
    );
  });

  it('waits for nobody who is not there', () => {
    assert.equal(new RingWriter(ring, { patienceMs: 10_000 }).begin(1, 0), false);
  });

  it('does not wait for ever for a reader that died', () => {
    thread = undefined;
    ring.control[0] = 1; // as one that was ready
    const writer = new RingWriter(ring, { patienceMs: 10 });
    assert.ok(writer.begin(content.length, 0));
    let given = 0;
    for (; given < 100 && writer.buffer() !== undefined; given += 1) writer.put(READ_BYTES);
    assert.ok(given > 0 && given < 100);
    assert.equal(writer.end(1), undefined);
    assert.equal(writer.begin(1, 0), false, 'nor is anything given to it again');
  });

  it('lets a reader go that has nothing to do', async () => {
    runRing(ring, { idleMs: 5 });
    assert.equal(new RingWriter(ring, { patienceMs: 10 }).begin(1, 0), false);
    thread = new Worker(entry, { workerData: ring });
    await once(thread, 'online');
    assert.ok(new RingWriter(ring, { patienceMs: 10_000 }).begin(1, 10_000), 'another may come');
  });
});
