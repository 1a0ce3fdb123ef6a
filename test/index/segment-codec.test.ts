import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ParseError } from '../../src/errors.js';
import { buildSegments } from '../../src/index/packed-builder.js';
import type { PackedSegment } from '../../src/index/packed-segment.js';
import { decodeSegment, encodeSegment } from '../../src/index/segment-codec.js';
import type { TextDocument } from '../../src/index/text-index.js';
import { makeDocuments } from '../support/text-corpus.js';
import { finish, unhurried } from '../support/work.js';

function segmentOf(documents: readonly TextDocument[], firstId = 0): PackedSegment {
  const ids = documents.map((_, at) => firstId + at);
  const source = { document: (id: number) => documents[id - firstId] as TextDocument };
  const [segment] = finish(buildSegments(ids, source, unhurried));
  assert.ok(segment);
  return segment;
}

function bytesOf(segment: PackedSegment): Uint8Array {
  return Buffer.concat(encodeSegment(segment));
}

/** The same bytes in shared memory, `before` bytes after its beginning. */
function sharedBytes(bytes: Uint8Array, before: number): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(before + bytes.length), before);
  shared.set(bytes);
  return shared;
}

function arraysOf(segment: PackedSegment) {
  const { vocabulary, postings, starts, ids, nameLengths } = segment.parts;
  return { units: vocabulary.units, termStarts: vocabulary.starts, postings, starts, ids, nameLengths };
}

const names = fc.array(fc.string({ unit: 'binary', maxLength: 12 }), { minLength: 1, maxLength: 30 });

describe('segment codec', () => {
  it('gives back every segment as it was', () => {
    fc.assert(
      fc.property(names, fc.nat(100_000), (texts, firstId) => {
        const segment = segmentOf(
          texts.map((name) => ({ name, path: 'share/folder', desc: name.slice(3), type: '' })),
          firstId,
        );
        const bytes = bytesOf(segment);
        assert.equal(bytes.length % 4, 0);
        assert.deepEqual(arraysOf(decodeSegment(bytes)), arraysOf(segment));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps a segment with no term', () => {
    const segment = segmentOf([{ name: '--', path: '', desc: '', type: '' }]);
    assert.equal(segment.vocabulary.size, 0);
    assert.deepEqual(arraysOf(decodeSegment(bytesOf(segment))), arraysOf(segment));
  });

  it('copies nothing that is in shared memory already', () => {
    const segment = segmentOf(makeDocuments(50, 1));
    for (const piece of encodeSegment(segment).slice(1, -1)) {
      assert.ok(Object.values(arraysOf(segment)).some(({ buffer }) => buffer === piece.buffer));
    }
    const bytes = sharedBytes(bytesOf(segment), 16);
    for (const { buffer } of Object.values(arraysOf(decodeSegment(bytes))))
      assert.equal(buffer, bytes.buffer);
  });

  it('puts into one shared memory what is not there, or not at a multiple of 4', () => {
    const segment = segmentOf(makeDocuments(50, 2));
    for (const bytes of [bytesOf(segment), sharedBytes(bytesOf(segment), 3)]) {
      const arrays = arraysOf(decodeSegment(bytes));
      assert.deepEqual(arrays, arraysOf(segment));
      const buffers = new Set(Object.values(arrays).map(({ buffer }) => buffer));
      assert.equal(buffers.size, 1);
      assert.ok(
        [...buffers].every((buffer) => buffer instanceof SharedArrayBuffer && buffer !== bytes.buffer),
      );
    }
  });

  const bytes = bytesOf(segmentOf(makeDocuments(40, 3)));

  it('refuses bytes of which one is another', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(bytes);
        changed[at] = (changed[at] as number) ^ change;
        assert.throws(() => decodeSegment(changed), ParseError);
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses bytes that end early, and more than there were', () => {
    for (let length = 0; length < bytes.length; length += length < 100 ? 1 : 37) {
      assert.throws(() => decodeSegment(bytes.subarray(0, length)), ParseError, `${length}`);
    }
    assert.throws(() => decodeSegment(Buffer.concat([bytes, Buffer.alloc(4)])), ParseError);
  });

  it('refuses any bytes at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (tail, marked) => {
        const any = marked ? Buffer.concat([bytes.subarray(0, 36), tail]) : tail;
        assert.throws(() => decodeSegment(any), ParseError);
      }),
    );
  });

  it('says what is wrong', () => {
    const other = Uint8Array.from(bytes);
    other[4] = 99;
    assert.throws(() => decodeSegment(other), /version 99, and 1 is known/);
    assert.throws(() => decodeSegment(new Uint8Array(100)), /begins like something else/);
    assert.throws(() => decodeSegment(bytes.subarray(0, -4)), /not as long as it says/);
  });
});
