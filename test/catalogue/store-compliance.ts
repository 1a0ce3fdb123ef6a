/** What every {@link CatalogueStore} has to do. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FileTable } from '../../src/catalogue/file-table.js';
import { type CatalogueStore, type StoredShares, StoreLockedError } from '../../src/catalogue/store.js';
import { AbortedError } from '../../src/errors.js';
import { change, storedOf, type TableChange, tableChange, withoutBirth } from '../support/table-changes.js';

const ALL_THERE: StoredShares = { isThere: () => true };

export interface StoreUnderTest {
  /** One that is not started; what it is given, later ones find. */
  make(): CatalogueStore;
  cleanUp(): Promise<void>;
}

export async function loaded(store: CatalogueStore, shares: StoredShares = ALL_THERE): Promise<FileTable> {
  await store.start();
  const table = new FileTable();
  await store.load(table, shares);
  store.follow(table);
  return table;
}

const put = (folder: string, name: string): TableChange => ({ type: 'put', folder, name, value: 2 });

/** `empty` gives a place without anything in it. */
export function describeStore(empty: () => Promise<StoreUnderTest>): void {
  let place: StoreUnderTest;
  beforeEach(async () => {
    place = await empty();
  });
  afterEach(() => place.cleanUp());

  it('gives back what every batch made of the table, over restarts', async () => {
    const batches = fc.array(fc.array(tableChange(30), { maxLength: 30 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(batches, { minLength: 1, maxLength: 4 }), async (lives) => {
        const own = await empty();
        let expected: ReturnType<typeof storedOf> = [];
        let number = 0;
        for (const life of lives) {
          const store = own.make();
          const table = await loaded(store);
          assert.deepEqual(withoutBirth(storedOf(table)), withoutBirth(expected));
          for (const { slot, bornAt } of expected) {
            assert.ok(table.isShown(slot));
            if (bornAt !== undefined) assert.equal(table.columns.bornAt.get(slot), bornAt);
          }
          assert.ok(table.number >= number, 'batches are numbered on');
          for (const batch of life) {
            for (const each of batch) change(table, each);
            table.commit();
          }
          expected = storedOf(table);
          number = table.number;
          await store.written();
          await store.stop();
        }
        await own.cleanUp();
      }),
      { numRuns: 40 },
    );
  });

  it('hides the files of shares that are not there, and forgets those of shares that are not named', async () => {
    const first = place.make();
    const before = await loaded(first);
    for (const folder of ['here', 'away/f', 'gone']) change(before, put(folder, 'a'));
    before.commit();
    await first.writeRoot('here', 'root 1');
    await first.stop();

    const second = place.make();
    const asked = new Map<string, string | undefined>();
    const table = await loaded(second, {
      isThere(share, identity) {
        asked.set(share, identity);
        return share === 'gone' ? 'unknown-share' : share === 'here';
      },
    });
    assert.deepEqual([...asked].sort(), [
      ['away', undefined],
      ['gone', undefined],
      ['here', 'root 1'],
    ]);
    const states = [...table.all()].map((slot) => [table.columns.keyOf(slot), table.stateOf(slot)]);
    assert.deepEqual(states.sort(), [
      ['away/f/a', 'remembered'],
      ['here/a', 'offered'],
    ]);
    assert.equal(table.totals.files, 1);
    await second.stop();

    const third = place.make();
    const again = await loaded(third);
    assert.ok(again.find('away/f', 'a') !== undefined, 'what was hidden is kept');
    await third.stop();
  });

  it('remembers which folder a share was', async () => {
    const first = place.make();
    await first.start();
    assert.equal(await first.readRoot('books'), undefined);
    await first.writeRoot('books', '1 2 3');
    await first.writeRoot('films \ud800', '4');
    await first.stop();
    const second = place.make();
    await second.start();
    assert.equal(await second.readRoot('books'), '1 2 3');
    assert.equal(await second.readRoot('films \ud800'), '4');
    assert.equal(await second.readRoot('other'), undefined);
    await second.stop();
  });

  it('is open once', async () => {
    const first = place.make();
    await first.start();
    const second = place.make();
    await assert.rejects(second.start(), (error: unknown) => {
      assert.ok(error instanceof StoreLockedError);
      assert.match(error.message, /another node uses this data folder/);
      return true;
    });
    await first.stop();
    const third = place.make();
    await third.start();
    await third.stop();
  });

  it('stops loading when it is told to', async () => {
    const first = place.make();
    const table = await loaded(first);
    change(table, put('one', 'a'));
    table.commit();
    await first.stop();
    const second = place.make();
    await second.start();
    await assert.rejects(second.load(new FileTable(), ALL_THERE, AbortSignal.abort()), AbortedError);
    await second.stop();
  });
}
