import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import { type CatalogueChange, type FileEntry, keyOf } from '../../src/catalogue/file-entry.js';
import { PackedTextIndex } from '../../src/index/packed-text-index.js';
import type { Work } from '../../src/index/text-index.js';
import type { FileView } from '../../src/query/file-view.js';
import { FollowedTable, type OpenView } from '../../src/query/followed-table.js';
import { SearchFeed } from '../../src/query/search-feed.js';
import { SearchedSlot } from '../../src/query/searched-slot.js';
import { parseWordQuery } from '../../src/query/word-query.js';
import { put, remove } from '../support/file-entries.js';
import { finish, hurried, unhurried } from '../support/work.js';

type Files = ReadonlyMap<string, FileEntry>;

function entriesOf({ shown, columns }: FileView): Files {
  return new Map([...shown].map((slot) => [columns.keyOf(slot), columns.entryOf(slot)]));
}

/** Paths found by words. */
function found({ words, columns }: FileView, text: string): string[] {
  const source = { document: (slot: number) => new SearchedSlot(columns, slot) };
  const parts = finish(words.search([parseWordQuery(text)], source, unhurried));
  return parts.flatMap(({ ids }) => [...ids].map((slot) => columns.keyOf(slot))).sort();
}

/** A search thread without the thread: batches are made when the test says so. */
class Follower {
  readonly table: FollowedTable;
  readonly #feed: SearchFeed;
  /** Under way, with its number. */
  #work: { readonly number: number; readonly work: Work<void> } | undefined;
  readonly #views: { readonly view: OpenView; readonly expected: Files }[] = [];
  reached = 0;

  constructor(catalogue: Catalogue) {
    const words = new PackedTextIndex({ maxSegmentDocuments: 16, mergeFactor: 3, maxExpandedTerms: 100 });
    this.table = new FollowedTable(words, { onRelease: (number) => this.#feed.released(number) });
    this.#feed = new SearchFeed(catalogue.table, {
      begin: (state) => {
        this.#work = { number: state.number, work: this.table.begin(state, hurried) };
      },
      send: (batch) => {
        assert.equal(this.#work, undefined, 'one at a time');
        this.#work = { number: batch.number, work: this.table.apply(batch, hurried) };
      },
    });
    this.finish();
  }

  /** A slice of what is under way. */
  goOn(): void {
    if (this.#work?.work.next().done) this.#done();
  }

  /** What is under way. */
  finish(): void {
    if (this.#work === undefined) return;
    finish(this.#work.work);
    this.#done();
    while (finish(this.table.maintain(unhurried)));
  }

  look(expected: Files): void {
    this.#views.push({ view: this.table.view(), expected });
  }

  closeOne(): void {
    this.#views.shift()?.view.close();
  }

  check(): void {
    for (const { view, expected } of this.#views) {
      assert.deepEqual(new Map([...entriesOf(view)].sort()), new Map([...expected].sort()));
      assert.deepEqual(found(view, 'romeo'), [...expected.keys()].sort());
      for (const desc of ['juliet', 'tybalt']) {
        const having = [...expected.values()].filter((entry) => entry.desc === desc);
        assert.deepEqual(found(view, `desc:${desc}`), having.map(keyOf).sort());
      }
    }
  }

  #done(): void {
    const number = this.#work?.number ?? 0;
    this.#work = undefined;
    this.reached = number;
    this.#feed.reached(number);
  }
}

const key = fc
  .tuple(fc.constantFrom('a', 'a/deep/folder', 'ü'), fc.nat(12))
  .map(([folder, at]) => `${folder}/romeo ${at}${at % 5 === 0 ? ' \ud83d broken \udce9' : ''}.txt`);
const change: fc.Arbitrary<CatalogueChange> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(key, fc.nat(3), fc.constantFrom(undefined, 'juliet', 'tybalt'))
      .map(([path, size, desc]) => put(path, { size, ...(desc !== undefined && { desc }) })),
  },
  { weight: 2, arbitrary: key.map(remove) },
);
const round = fc.record({
  changes: fc.array(change, { maxLength: 10 }),
  does: fc.subarray(['goOn', 'finish', 'look', 'closeOne'] as const),
  hides: fc.nat(20),
});

describe('FollowedTable', () => {
  it('is what the table was at some batch, however many came as one, and views stay as they were', () => {
    fc.assert(
      fc.property(fc.array(round, { maxLength: 15 }), (rounds) => {
        const catalogue = new Catalogue();
        const { table } = catalogue;
        const states = new Map<number, Files>([[0, new Map()]]);
        const follower = new Follower(catalogue);
        const note = () =>
          states.set(table.number, new Map([...catalogue.entries()].map((entry) => [keyOf(entry), entry])));
        for (const { changes, does, hides } of rounds) {
          catalogue.apply(changes);
          note();
          const slot = [...table.shown()][hides];
          if (slot !== undefined) {
            table.hide(slot);
            table.commit();
            note();
            table.show(slot);
            table.commit();
            note();
          }
          for (const each of does) {
            if (each === 'look') follower.look(states.get(follower.reached) ?? new Map());
            else follower[each]();
          }
          follower.check();
        }
        follower.finish();
        follower.finish();
        assert.equal(follower.reached, table.number);
        follower.look(states.get(table.number) ?? new Map());
        follower.check();
        const late = new Follower(catalogue);
        late.look(states.get(table.number) ?? new Map());
        late.check();
      }),
      { numRuns: 150 },
    );
  });

  it('lets go of what went as soon as nobody looks at it, and not before', () => {
    const catalogue = new Catalogue();
    const follower = new Follower(catalogue);
    const files = (from: number) => Array.from({ length: 100 }, (_, at) => `a/romeo ${from + at}.txt`);
    catalogue.apply(files(0).map((path) => put(path)));
    follower.finish();
    const first = new Map([...catalogue.entries()].map((entry) => [keyOf(entry), entry]));
    follower.look(first);
    for (let times = 1; times <= 10; times++) {
      catalogue.apply([
        ...files((times - 1) * 100).map(remove),
        ...files(times * 100).map((path) => put(path)),
      ]);
      follower.finish();
    }
    follower.check();
    assert.equal(catalogue.table.slotCount, 1100, 'all are still looked at');
    follower.closeOne();
    for (let times = 11; times <= 30; times++) {
      catalogue.apply([
        ...files((times - 1) * 100).map(remove),
        ...files(times * 100).map((path) => put(path)),
      ]);
      follower.finish();
    }
    assert.equal(catalogue.table.slotCount, 1100, 'room is used again');
  });
});
