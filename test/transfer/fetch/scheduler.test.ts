import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RangeSet, type Span } from '../../../src/transfer/fetch/range-set.js';
import {
  type Move,
  type Picture,
  plan,
  type ReadPicture,
  type SourcePicture,
} from '../../../src/transfer/fetch/scheduler.js';

const BLOCK = 100;
const SLOW = 1; // bytes a ms: a block in 100 ms
const FAST = 10;

function picture(blocks: number, free: readonly Span[], ...sources: readonly SourcePicture[]): Picture {
  return {
    fileBytes: blocks * BLOCK,
    blockBytes: BLOCK,
    firstBytes: 4 * BLOCK,
    free: new RangeSet(free),
    begun: new Set(),
    sources,
  };
}

function source(id: number, bytesPerMs: number | undefined, ...reads: readonly ReadPicture[]): SourcePicture {
  return { id, ...(bytesPerMs !== undefined && { bytesPerMs }), latencyMs: 50, maxReads: 2, reads };
}

function read(id: number, start: number, end: number, more: Partial<ReadPicture> = {}): ReadPicture {
  return { id, start, end, into: 0, startsInMs: 0, ...more };
}

/** `0 reads 2-6`, `9 ends at 4`. */
function told(moves: readonly Move[]): string[] {
  return moves.map((move) =>
    move.type === 'read'
      ? `${move.source} reads ${move.blocks.start}-${move.blocks.end}`
      : `${move.read} ends at ${move.end}`,
  );
}

const all = (end: number): Span[] => [{ start: 0, end }];

const TABLE: readonly {
  readonly when: string;
  readonly picture: Picture;
  readonly moves: readonly string[];
}[] = [
  { when: 'nobody is there', picture: picture(9, all(9)), moves: [] },
  { when: 'nothing is left', picture: picture(9, [], source(0, FAST)), moves: [] },
  {
    when: 'a source is not known yet: little',
    picture: picture(99, all(99), source(0, undefined), source(1, undefined)),
    moves: ['0 reads 0-4', '1 reads 4-8'],
  },
  {
    when: 'blocks are there in part: each is the first of a read',
    picture: {
      ...picture(99, all(99), source(0, undefined), source(1, undefined), source(2, undefined)),
      begun: new Set([0, 2, 3]),
    },
    moves: ['0 reads 0-2', '1 reads 2-3', '2 reads 3-7'],
  },
  {
    when: 'its first bytes come: more, before they end',
    picture: picture(99, [{ start: 4, end: 99 }], source(0, undefined, read(1, 1, 4))),
    moves: ['0 reads 4-20'],
  },
  {
    when: 'it has been asked and has not begun: nothing more',
    picture: picture(99, [{ start: 4, end: 99 }], source(0, undefined, read(1, 0, 4, { startsInMs: 200 }))),
    moves: [],
  },
  {
    when: 'its speed is known: as much as takes seconds',
    picture: picture(9999, all(9999), source(0, FAST), source(1, SLOW)),
    moves: ['0 reads 0-300', '1 reads 300-330'],
  },
  {
    when: 'it has enough to do',
    picture: picture(9999, [{ start: 300, end: 9999 }], source(0, FAST, read(1, 0, 300))),
    moves: [],
  },
  {
    when: 'it will soon have nothing to do: the next, so that there is no gap',
    picture: picture(9999, [{ start: 300, end: 9999 }], source(0, FAST, read(1, 290, 300))),
    moves: ['0 reads 300-600'],
  },
  {
    when: 'little is left: to each what lets them end together',
    picture: picture(110, all(110), source(0, FAST), source(1, SLOW)),
    moves: ['0 reads 0-100', '1 reads 100-110'],
  },
  {
    when: 'free blocks lie apart: those of one gap',
    picture: picture(
      99,
      [
        { start: 3, end: 5 },
        { start: 50, end: 99 },
      ],
      source(0, FAST),
    ),
    moves: ['0 reads 3-5'],
  },
  {
    when: 'nothing is free: the tail of what ends last, so that both end together',
    picture: picture(100, [], source(0, SLOW, read(7, 78, 100)), source(1, FAST)),
    moves: ['7 ends at 80', '1 reads 80-100'],
  },
  {
    when: 'a source has stalled: all but the block that it is reading',
    picture: picture(100, [], source(0, FAST, read(7, 50, 100, { startsInMs: Infinity })), source(1, FAST)),
    moves: ['7 ends at 51', '1 reads 51-100'],
  },
  {
    when: 'a source waits in a queue: it keeps its place as long as others have work',
    picture: picture(
      100,
      [{ start: 60, end: 100 }],
      source(0, undefined, read(7, 50, 60, { startsInMs: Infinity })),
      source(1, SLOW),
    ),
    moves: ['1 reads 60-90'],
  },
  {
    when: 'only the block is left that a stalled source is reading: that one',
    picture: picture(
      100,
      [],
      source(0, FAST, read(7, 99, 100, { into: 30, startsInMs: Infinity })),
      source(1, SLOW),
    ),
    moves: ['7 ends at 99', '1 reads 99-100'],
  },
  {
    when: 'the last block is nearly there: it stays where it is',
    picture: picture(100, [], source(0, SLOW, read(7, 99, 100, { into: 30 })), source(1, FAST)),
    moves: [],
  },
  {
    when: 'the last block has only just been asked for: it stays where it is',
    picture: picture(100, [], source(0, 0.01, read(7, 99, 100, { startsInMs: 100 })), source(1, FAST)),
    moves: [],
  },
  {
    when: 'the last block is a short one: it can be taken as well',
    picture: {
      ...picture(100, [], source(0, FAST, read(7, 98, 100, { startsInMs: Infinity })), source(1, FAST)),
      fileBytes: 9901,
    },
    moves: ['7 ends at 99', '1 reads 99-100'],
  },
  {
    when: 'taking would save next to nothing',
    picture: picture(100, [], source(0, FAST, read(7, 97, 100)), source(1, FAST)),
    moves: [],
  },
  {
    when: 'all of a read is here and waits for our disk: there is nothing to take',
    picture: picture(9, [], source(0, SLOW, read(7, 9, 9, { startsInMs: Infinity })), source(1, FAST)),
    moves: [],
  },
  {
    when: 'a source is to get no more',
    picture: picture(9, all(9), { ...source(0, FAST), maxReads: 0 }),
    moves: [],
  },
];

describe('scheduler', () => {
  for (const { when, picture: of, moves } of TABLE) {
    it(when, () => assert.deepEqual(told(plan(of)), moves));
  }

  it('never gives a block to two, and always gives somebody something as long as there is something', () => {
    const speed = fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined });
    const sources = fc.array(
      fc.record({
        speed,
        latencyMs: fc.double({ min: 0, max: 1e5, noNaN: true }),
        maxReads: fc.constantFrom(0, 1, 2),
        reads: fc.array(
          fc.record({
            blocks: fc.integer({ min: 0, max: 9 }), // 0: all is here, and waits for our disk
            gap: fc.integer({ min: 0, max: 9 }),
            startsInMs: fc.constantFrom(0, 1, 500, Number.POSITIVE_INFINITY),
          }),
          { maxLength: 2 },
        ),
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(
        sources,
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 0, max: 99 }),
        (specs, tail, lack) => {
          const free = new RangeSet();
          let at = 0;
          let ids = 0;
          const pictures = specs.map(
            (spec, id): SourcePicture => ({
              id,
              ...(spec.speed !== undefined && { bytesPerMs: spec.speed }),
              latencyMs: spec.latencyMs,
              maxReads: spec.maxReads,
              reads: spec.reads.map(({ blocks, gap, startsInMs }) => {
                free.add(at, at + gap);
                const start = at + gap;
                at = start + blocks;
                return { id: ids++, start, end: at, into: 0, startsInMs };
              }),
            }),
          );
          free.add(at, at + tail);
          at += tail;
          const of = {
            fileBytes: Math.max(0, at * BLOCK - lack),
            blockBytes: BLOCK,
            firstBytes: 4 * BLOCK,
            free,
            begun: new Set([...free].map(({ start, end }) => (start + end) >> 1)),
            sources: pictures,
          };
          const before = free.size;
          const moves = plan(of);
          assert.equal(free.size, before, 'the picture was changed');
          const reads = new Map(pictures.flatMap((each) => each.reads).map((each) => [each.id, { ...each }]));
          const count = new Map(pictures.map((each) => [each.id, each.reads.length]));
          const open = free.copy();
          for (const move of moves) {
            if (move.type === 'shorten') {
              const victim = reads.get(move.read);
              assert.ok(victim !== undefined && move.end >= victim.start && move.end < victim.end);
              open.add(move.end, victim.end);
              victim.end = move.end;
            } else {
              const { start, end } = move.blocks;
              assert.ok(Number.isInteger(start) && Number.isInteger(end) && start < end, `${start}-${end}`);
              assert.deepEqual(open.missing(start, end), [], 'blocks that are not free');
              open.remove(start, end);
              const given = (count.get(move.source) ?? 0) + 1;
              assert.ok(given <= (pictures[move.source]?.maxReads ?? 0), 'more reads than it takes');
              count.set(move.source, given);
            }
          }
          const isIdle = pictures.some(({ id, maxReads }) => maxReads > 0 && count.get(id) === 0);
          assert.ok(!(isIdle && open.size > 0), 'somebody has nothing to do while blocks are free');
        },
      ),
      { numRuns: 2000 },
    );
  });
});
