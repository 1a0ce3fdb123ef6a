import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DiskStore } from '../../src/catalogue/disk-store.js';
import { silentLog } from '../../src/log.js';
import { type Files, MemoryFolder } from '../support/memory-folder.js';
import { change, storedOf, type TableChange, tableChange, withoutBirth } from '../support/table-changes.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { loaded } from './store-compliance.js';

/** Evenly from 0 to 1; a double of fast-check is mostly next to 0. */
const part = fc.nat(1000).map((value) => value / 1000);

interface Life {
  readonly batches: readonly (readonly TableChange[])[];
  /** How many batches come before somebody waits until they are written. */
  readonly patience: number;
  readonly smallestFullLogBytes: number;
}

const life: fc.Arbitrary<Life> = fc.record({
  batches: fc.array(fc.array(tableChange(40), { minLength: 1, maxLength: 25 }), { maxLength: 12 }),
  patience: fc.integer({ min: 1, max: 4 }),
  smallestFullLogBytes: fc.constantFrom(1, 500, 4000, 1 << 20),
});

interface Lived {
  readonly folder: MemoryFolder;
  /** What was stored after each batch. */
  readonly states: ReadonlyMap<number, ReturnType<typeof storedOf>>;
  /** From so many steps on, this batch was written. */
  readonly written: readonly { readonly steps: number; readonly batch: number }[];
}

function storeIn(folder: MemoryFolder, smallestFullLogBytes: number): DiskStore {
  return new DiskStore(
    { folder, clock: new VirtualClock(), log: silentLog },
    { smallestFullLogBytes, blockRows: 5 },
  );
}

async function live(files: Files, { batches, patience, smallestFullLogBytes }: Life): Promise<Lived> {
  const folder = new MemoryFolder(files);
  const store = storeIn(folder, smallestFullLogBytes);
  const table = await loaded(store);
  const states = new Map([[table.number, storedOf(table)]]);
  const written = [{ steps: 0, batch: table.number }];
  for (const [at, batch] of batches.entries()) {
    for (const each of batch) change(table, each);
    // While a snapshot is written changes are made that are told later, or never.
    if (at % 3 === 1) await new Promise((resolve) => setImmediate(resolve));
    if (table.commit() !== undefined) states.set(table.number, storedOf(table));
    if (at % patience === 0) {
      const { number } = table;
      await store.written();
      written.push({ steps: folder.steps.length, batch: number });
    }
  }
  await store.stop();
  return { folder, states, written };
}

async function check(files: Files, { states }: Lived, least: number): Promise<void> {
  const store = storeIn(new MemoryFolder(files), 1 << 20);
  const table = await loaded(store);
  const expected = states.get(table.number);
  assert.ok(expected, `there was no batch ${table.number}`);
  assert.deepEqual(withoutBirth(storedOf(table)), withoutBirth(expected));
  for (const { slot, bornAt } of expected)
    if (bornAt !== undefined) assert.equal(table.columns.bornAt.get(slot), bornAt);
  assert.ok(table.number >= least, `batch ${least} was written, but ${table.number} is the last`);
  await store.stop();
}

describe('store on disk, killed', () => {
  it('is what it was after some batch, none of those written missing, at whatever byte', async () => {
    const moments = fc.array(fc.tuple(part, part), {
      minLength: 8,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(life, moments), { minLength: 1, maxLength: 3 }), async (lives) => {
        let files: Files = new Map();
        for (const [each, kills] of lives) {
          const lived = await live(files, each);
          for (const [when, half] of kills) {
            const steps = Math.floor(when * lived.folder.steps.length);
            const least = lived.written.findLast((mark) => mark.steps <= steps)?.batch ?? 0;
            files = lived.folder.killedAfter(steps, half);
            await check(files, lived, least);
          }
        }
      }),
      { numRuns: 60 },
    );
  }).timeout(60_000);

  it('is what it was after some batch when the power is cut, too', async () => {
    const moment = fc.tuple(part, fc.array(part, { minLength: 1 }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(life, moment), { minLength: 1, maxLength: 3 }), async (lives) => {
        let files: Files = new Map();
        for (const [each, [when, parts]] of lives) {
          const lived = await live(files, each);
          let at = 0;
          const kept = () => parts[at++ % parts.length] as number;
          files = lived.folder.cutAfter(Math.floor(when * lived.folder.steps.length), kept);
          await check(files, lived, 0);
        }
      }),
      { numRuns: 150 },
    );
  }).timeout(60_000);
});
