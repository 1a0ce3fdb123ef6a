import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DiskStore } from '../../src/catalogue/disk-store.js';
import type { FileTable } from '../../src/catalogue/file-table.js';
import { systemClock } from '../../src/clock.js';
import { silentLog } from '../../src/log.js';
import { IndexFolder } from '../../src/query/index-folder.js';
import { SearchFeed } from '../../src/query/search-feed.js';
import { TableSearch } from '../../src/query/table-search.js';
import { loaded } from '../catalogue/store-compliance.js';
import { type Files, MemoryFolder } from '../support/memory-folder.js';
import { SubFolder } from '../support/sub-folder.js';
import { change, type TableChange, tableChange } from '../support/table-changes.js';
import { request } from './query-engine-compliance.js';

const part = fc.nat(1000).map((value) => value / 1000);

interface Life {
  readonly batches: readonly (readonly TableChange[])[];
  /** After so many batches it is waited until everything is written, merged and saved. */
  readonly patience: number;
  readonly when: number;
  readonly half: number;
  readonly kept: readonly number[];
  readonly isCut: boolean;
}

const life: fc.Arbitrary<Life> = fc.record({
  batches: fc.array(fc.array(tableChange(30), { minLength: 1, maxLength: 12 }), { maxLength: 10 }),
  patience: fc.integer({ min: 1, max: 4 }),
  when: part,
  half: part,
  kept: fc.array(part, { minLength: 1, maxLength: 4 }),
  isCut: fc.boolean(),
});

/** A table with its store and its words, as a node has them. */
class Run {
  readonly store: DiskStore;
  readonly #search: TableSearch;
  #feed: SearchFeed | undefined;

  constructor(folder: MemoryFolder) {
    const index = () => new IndexFolder({ folder: new SubFolder(folder, 'index') });
    this.store = new DiskStore(
      { folder: new SubFolder(folder, 'catalogue'), derived: index(), clock: systemClock, log: silentLog },
      { smallestFullLogBytes: 3000, blockRows: 8 },
    );
    const listener = {
      reached: (number: number) => this.#feed?.reached(number),
      released: (number: number) => this.#feed?.released(number),
      failed: (error: unknown) => assert.fail(String(error)),
      unsaved: (error: unknown) => assert.fail(String(error)),
    };
    this.#search = new TableSearch(
      { clock: systemClock, listener, files: index() },
      { saveAfter: 4, maxSegmentDocuments: 32, mergeFactor: 2 },
    );
  }

  start(): Promise<FileTable> {
    return loaded(this.store);
  }

  async follow(table: FileTable): Promise<void> {
    this.#feed = new SearchFeed(table, {
      begin: (state) => this.#search.begin(state),
      send: (batch) => this.#search.apply(batch),
    });
    await this.tidy(table);
  }

  async tidy(table: FileTable): Promise<void> {
    await this.store.written();
    await this.#feed?.when(table.number);
    await this.#search.tidy();
  }

  /** Finds what is there by its words, no more and no less. */
  async check(table: FileTable): Promise<void> {
    const files = [...table.shown()].map((slot) => table.columns.entryOf(slot));
    for (const [word, isMeant] of [
      ['one', (file: (typeof files)[number]) => file.share === 'one'],
      ['two', (file) => file.share === 'two'],
      ['file', (file) => file.path.includes('file ')],
      ['desc:words', (file) => file.desc !== undefined],
    ] satisfies [string, (file: (typeof files)[number]) => boolean][]) {
      const { answer } = await this.#search.execute(request({ text: [word] }, { page: { max: 1000 } }));
      const found = answer.entries.map(({ entry }) => JSON.stringify(entry)).sort();
      const expected = files.filter(isMeant).map((file) => JSON.stringify(file));
      assert.deepEqual(found, expected.sort(), word);
    }
  }

  async stop(): Promise<void> {
    await this.#search.stop();
    this.#feed?.end(new Error('stopped'));
    await this.store.stop();
  }
}

describe('the words of a store that is killed', () => {
  it('are those of its files, whatever was saved of which, when it is there again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 2, maxLength: 6 }), async (lives) => {
        let disk: Files = new Map();
        for (const { batches, patience, when, half, kept, isCut } of lives) {
          const folder = new MemoryFolder(disk);
          const run = new Run(folder);
          const table = await run.start();
          // A scan is under way before there is a search.
          for (const each of batches[0] ?? []) change(table, each);
          table.commit();
          await run.follow(table);
          await run.check(table);
          for (const [at, batch] of batches.slice(1).entries()) {
            for (const each of batch) change(table, each);
            table.commit();
            if (at % patience === 0) await run.tidy(table);
          }
          await run.tidy(table);
          await run.check(table);
          await run.stop();
          const end = Math.floor(when * folder.steps.length);
          let piece = 0;
          disk = isCut
            ? folder.cutAfter(end, () => kept[piece++ % kept.length] as number)
            : folder.killedAfter(end, half);
        }
      }),
      { numRuns: 60 },
    );
  }).timeout(60_000);
});
