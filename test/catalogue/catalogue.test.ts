import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import { FileColumns } from '../../src/catalogue/file-columns.js';
import { type CatalogueChange, type FileEntry, keyOf } from '../../src/catalogue/file-entry.js';
import type { TableFollower } from '../../src/catalogue/file-table.js';
import { mediaTypeOf } from '../../src/catalogue/media-type.js';
import { type FullPath, fromBytes, type ShareRelativePath } from '../../src/catalogue/share-path.js';
import type { TableBatch } from '../../src/catalogue/table-feed.js';

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

const names = ['a', 'b', 'c/d', 'c/e', 'c/é', 'c/e\u0301', 'война', fromBytes(Buffer.of(0x61, 0xff))];
const entry = fc
  .record({
    path: fc.constantFrom(...names),
    size: fc.nat(100),
    desc: fc.option(fc.constantFrom('words', 'слова'), { nil: undefined }),
    hash: fc.option(fc.constantFrom(hash('x'), hash('y')), { nil: undefined }),
  })
  .map(
    ({ path, size, desc, hash }): FileEntry => ({
      share: 's',
      path: path as ShareRelativePath,
      size,
      mtimeMs: 0,
      mediaType: 'text/plain',
      ...(desc !== undefined && { desc }),
      ...(hash !== undefined && { sha256: hash }),
    }),
  );
const change: fc.Arbitrary<CatalogueChange> = fc.oneof(
  { weight: 3, arbitrary: entry.map((put) => ({ type: 'put' as const, entry: put })) },
  { weight: 2, arbitrary: entry.map((removed) => ({ type: 'remove' as const, key: keyOf(removed) })) },
);

/** What a thread that follows sees, kept by what it is told alone. */
class Reader {
  readonly columns = FileColumns.reader();
  readonly shown = new Set<number>();
  readonly follower: TableFollower;
  readonly waiting: TableBatch[] = [];

  constructor(catalogue: Catalogue) {
    this.follower = catalogue.table.follow((batch) => this.waiting.push(batch));
    this.columns.attach(this.follower.state.growth);
    for (const [word, bits] of this.follower.state.shown.entries()) {
      for (let bit = 0; bit < 32; bit++) if ((bits & (1 << bit)) !== 0) this.shown.add(word * 32 + bit);
    }
  }

  /** Some of the batches; releases those before. */
  read(count: number): void {
    for (const batch of this.waiting.splice(0, count)) {
      this.columns.attach(batch.growth);
      for (const slot of batch.removed) this.shown.delete(slot);
      for (const slot of batch.added) this.shown.add(slot);
      this.columns.drop(batch.growth);
      this.follower.release(batch.number);
    }
  }

  entries(): Map<FullPath, FileEntry> {
    return new Map([...this.shown].map((slot) => [this.columns.keyOf(slot), this.columns.entryOf(slot)]));
  }
}

function sorted(entries: Iterable<FileEntry>): FileEntry[] {
  return [...entries].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

describe('catalogue', () => {
  it('is after any changes what a plain map would be, here and for those who follow late', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.array(change), fc.nat(3))), (batches) => {
        const catalogue = new Catalogue();
        const model = new Map<FullPath, FileEntry>();
        const reader = new Reader(catalogue);
        const states = [new Map(model)];
        for (const [changes, read] of batches) {
          catalogue.apply(changes);
          for (const each of changes) {
            if (each.type === 'put') model.set(keyOf(each.entry), each.entry);
            else model.delete(each.key);
          }
          if (reader.waiting.length === states.length) states.push(new Map(model));
          states[states.length - 1] = new Map(model);
          assert.equal(catalogue.size, model.size);
          assert.deepEqual(sorted(catalogue.entries()), sorted(model.values()));
          assert.equal(
            catalogue.totals.bytes,
            [...model.values()].reduce((sum, { size }) => sum + size, 0),
          );
          for (const key of model.keys()) assert.deepEqual(catalogue.get(key), model.get(key));
          for (const sha256 of [hash('x'), hash('y')]) {
            const expected = [...model.values()].filter((each) => each.sha256 === sha256);
            const { table } = catalogue;
            const slots = table.withHash(sha256).filter((slot) => table.isShown(slot));
            assert.deepEqual(sorted(slots.map((slot) => table.columns.entryOf(slot))), sorted(expected));
          }
          // Behind by some batches, it sees the state of that time, whatever was made of slots since.
          states.splice(0, Math.min(read, reader.waiting.length));
          reader.read(read);
          assert.deepEqual(sorted(reader.entries().values()), sorted(states[0]?.values() ?? []));
        }
        const late = new Reader(catalogue);
        assert.deepEqual(sorted(late.entries().values()), sorted(model.values()));
      }),
    );
  });

  it('uses slots and memory of texts again once nobody looks at them', () => {
    const catalogue = new Catalogue();
    const reader = new Reader(catalogue);
    const put = (at: number, round: number): CatalogueChange => ({
      type: 'put',
      entry: {
        share: 's',
        path: `folder ${at % 7}/${'name '.repeat(20)}${at} ${round % 3}` as ShareRelativePath,
        size: round,
        mtimeMs: round,
        mediaType: 'text/plain',
        ...(at % 5 === 0 && { desc: `${'about '.repeat(30)}${at}` }),
      },
    });
    const count = 3000;
    for (let round = 0; round < 30; round++) {
      const changes = Array.from({ length: count }, (_, at) => put(at, round));
      if (round > 0) {
        for (let at = 0; at < count; at++) {
          const { entry: old } = put(at, round - 1) as Extract<CatalogueChange, { type: 'put' }>;
          changes.push({ type: 'remove', key: keyOf(old) });
        }
      }
      catalogue.apply(changes);
      reader.read(1);
      assert.equal(reader.shown.size, count);
      assert.deepEqual(sorted(reader.entries().values()), sorted(catalogue.entries()));
    }
    assert.ok(catalogue.table.slotCount <= 3 * count, `${catalogue.table.slotCount} slots`);
    const pieces = catalogue.table.columns.names.pieces().length;
    assert.ok(pieces <= 12, `${pieces} pieces of names`);
    assert.ok(reader.columns.names.pieces().length <= 12, 'readers let go of pieces too');
  });

  it('moves texts together while readers are late, and frees each once', () => {
    const seed = fc.sample(fc.integer(), 1)[0] ?? 0;
    let state = seed >>> 0;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const catalogue = new Catalogue();
    const reader = new Reader(catalogue);
    const there = new Map<number, FileEntry>();
    const made = (number: number): FileEntry => ({
      share: 's',
      path: `${'long name '.repeat(12)}${number}` as ShareRelativePath,
      size: number,
      mtimeMs: 0,
      mediaType: 'text/plain',
    });
    let last = 0;
    for (let round = 0; round < 250; round++) {
      const changes: CatalogueChange[] = [];
      for (let at = 0; at < 300; at++) {
        last += 1;
        there.set(last, made(last));
        changes.push({ type: 'put', entry: made(last) });
      }
      for (const [number, entry] of there) {
        if (there.size <= 6000 || random(3) === 0) continue;
        there.delete(number);
        changes.push({ type: 'remove', key: keyOf(entry) });
      }
      catalogue.apply(changes);
      reader.read(reader.waiting.length > 8 ? 2 : random(3));
      if (round % 50 === 49)
        assert.deepEqual(sorted(catalogue.entries()), sorted(there.values()), `seed ${seed}`);
    }
    reader.read(reader.waiting.length);
    assert.deepEqual(sorted(reader.entries().values()), sorted(there.values()), `seed ${seed}`);
  });

  it('tells nobody who has gone, and nothing of no changes', () => {
    const catalogue = new Catalogue();
    let told = 0;
    const stop = catalogue.onBatch(() => {
      told += 1;
    });
    catalogue.apply([]);
    catalogue.apply([{ type: 'remove', key: 'a' as FullPath }]);
    stop();
    catalogue.apply([{ type: 'put', entry: fc.sample(entry, 1)[0] as FileEntry }]);
    assert.equal(told, 0);
  });
});

describe('media type', () => {
  it('goes by the extension', () => {
    assert.equal(mediaTypeOf('a/Song.FLAC'), 'audio/x-flac');
    assert.equal(mediaTypeOf('notes.txt'), 'text/plain');
    for (const path of ['mp3', 'a/README', '.mp3', 'x.unheard-of', 'x.']) {
      assert.equal(mediaTypeOf(path), 'application/octet-stream', path);
    }
  });
});
