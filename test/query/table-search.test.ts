import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import { type CatalogueChange, keyOf } from '../../src/catalogue/file-entry.js';
import { FileTable } from '../../src/catalogue/file-table.js';
import { systemClock } from '../../src/clock.js';
import { SearchFeed } from '../../src/query/search-feed.js';
import { TableSearch, type TableSearchInit } from '../../src/query/table-search.js';
import { put, remove } from '../support/file-entries.js';
import { MemoryIndexFiles } from '../support/memory-index-files.js';
import { request } from './query-engine-compliance.js';

/** A node's table and its words for one run, from what the run before left. */
class Run {
  readonly catalogue: Catalogue;
  readonly #search: TableSearch;
  readonly #feed: SearchFeed;
  readonly unsaved: unknown[] = [];

  constructor(table: FileTable, files: MemoryIndexFiles, init: Partial<TableSearchInit> = {}) {
    this.catalogue = new Catalogue(table);
    const listener = {
      reached: (number: number) => this.#feed.reached(number),
      released: (number: number) => this.#feed.released(number),
      failed: (error: unknown) => assert.fail(String(error)),
      unsaved: (error: unknown) => this.unsaved.push(error),
    };
    this.#search = new TableSearch({ clock: systemClock, listener, files }, init);
    this.#feed = new SearchFeed(table, {
      begin: (state) => this.#search.begin(state),
      send: (batch) => this.#search.apply(batch),
    });
  }

  async apply(changes: readonly CatalogueChange[]): Promise<void> {
    this.catalogue.apply(changes);
    await this.#feed.when(this.catalogue.table.number);
  }

  /** Until there is nothing more to do. */
  async tidy(): Promise<void> {
    await this.#feed.when(this.catalogue.table.number);
    await this.#search.tidy();
  }

  async found(text: string): Promise<string[]> {
    await this.#feed.when(this.catalogue.table.number);
    const { answer } = await this.#search.execute(request({ text: [text] }, { page: { max: 1000 } }));
    return answer.entries.map(({ entry }) => keyOf(entry)).sort();
  }

  async stop(): Promise<void> {
    await this.#search.stop();
    this.#feed.end(new Error('stopped'));
  }
}

/** The table as it is read again from the disk, in another process. */
function restored(table: FileTable, number = table.number): FileTable {
  const again = new FileTable();
  const { columns } = table;
  for (const slot of table.shown()) {
    const file = {
      folder: columns.folderOf(slot),
      name: columns.nameOf(slot),
      mediaType: columns.typeOf(slot),
      desc: columns.descOf(slot),
      stamp: table.stampOf(slot),
      state: 'offered' as const,
    };
    again.restore(slot, file, columns.bornAt.get(slot));
  }
  again.restored(number);
  return again;
}

const change = fc
  .tuple(fc.nat(30), fc.constantFrom('juliet', 'tybalt', undefined), fc.boolean())
  .map(([at, desc, goes]) =>
    goes ? remove(`a/romeo ${at}`) : put(`a/romeo ${at}`, desc === undefined ? {} : { desc }),
  );
const batches = fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 4 });

describe('TableSearch, with words that are saved', () => {
  it('finds what one finds that reads them anew, whenever they were saved and whatever came meanwhile', async () => {
    const runs = fc.array(
      fc.record({
        before: batches,
        after: batches,
        killed: fc.boolean(),
        saveAfter: fc.constantFrom(1, 5, 1000),
      }),
      { minLength: 1, maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(runs, async (runs) => {
        const files = new MemoryIndexFiles();
        let table = new FileTable();
        for (const { before, after, killed, saveAfter } of runs) {
          // Changes that nobody was told of, as between reading the table and the start of the search.
          const early = new Catalogue(table);
          for (const changes of before) early.apply(changes);
          const run = new Run(table, files, { saveAfter, maxSegmentDocuments: 64, mergeFactor: 3 });
          for (const changes of after) await run.apply(changes);
          const expected = [...run.catalogue.entries()];
          assert.deepEqual(await run.found('romeo'), expected.map(keyOf).sort());
          for (const desc of ['juliet', 'tybalt']) {
            const having = expected.filter((entry) => entry.desc === desc);
            assert.deepEqual(await run.found(`desc:${desc}`), having.map(keyOf).sort());
          }
          if (killed) await run.tidy();
          const kept = restored(table);
          if (!killed) await run.stop();
          assert.deepEqual(run.unsaved, []);
          table = kept;
        }
      }),
      { numRuns: 60 },
    );
  });

  const files25 = Array.from({ length: 25 }, (_, at) => put(`a/romeo ${at}`));

  it('saves when enough has changed, and at the end', async () => {
    const files = new MemoryIndexFiles();
    const run = new Run(new FileTable(), files, { saveAfter: 20 });
    await run.apply(files25.slice(0, 10));
    await run.tidy();
    assert.equal(files.saves, 0);
    await run.apply(files25.slice(10));
    await run.tidy();
    assert.equal(files.saves, 1);
    await run.apply([remove('a/romeo 3')]);
    await run.stop();
    assert.equal(files.saves, 2);
    assert.equal((await files.load(run.catalogue.table.number))?.number, run.catalogue.table.number);
  });

  it('does not believe words of a table that is lost', async () => {
    const files = new MemoryIndexFiles();
    const first = new Run(new FileTable(), files);
    await first.apply(files25);
    await first.apply([put('a/romeo and juliet')]);
    await first.stop();
    // The last batch never reached the disk; another file has come into its place since.
    const old = new Catalogue();
    old.apply(files25);
    const again = restored(old.table, 1);
    new Catalogue(again).apply([put('a/tybalt')]);
    const second = new Run(again, files);
    assert.deepEqual(await second.found('juliet'), []);
    assert.deepEqual(await second.found('tybalt'), ['a/tybalt']);
    assert.equal((await second.found('romeo')).length, 25);
    await second.stop();
  });

  it('goes on when they can be neither read nor written, and tries again at the end', async () => {
    const files = new MemoryIndexFiles();
    files.failure = new RangeError('unreadable');
    const run = new Run(new FileTable(), files, { saveAfter: 20 });
    await run.apply([]);
    files.failure = new RangeError('the disk is full');
    await run.apply(files25);
    await run.tidy();
    assert.equal(files.saves, 0);
    assert.equal((await run.found('romeo')).length, 25);
    await run.stop();
    assert.equal(files.saves, 1);
    assert.deepEqual(run.unsaved.map(String), ['RangeError: unreadable', 'RangeError: the disk is full']);
  });
});
