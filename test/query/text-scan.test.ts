import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import { type CatalogueChange, type FileEntry, keyOf } from '../../src/catalogue/file-entry.js';
import { fromBytes, type ShareRelativePath } from '../../src/catalogue/share-path.js';
import { ParseError } from '../../src/errors.js';
import { caseless } from '../../src/index/folding.js';
import { parseEre } from '../../src/query/ere-parse.js';
import { FileRow } from '../../src/query/file-row.js';
import type { FileView } from '../../src/query/file-view.js';
import { residualFilter } from '../../src/query/residual-filter.js';
import type { FileCriteria, StringTest } from '../../src/stanza/file-criteria.js';
import { finish, unhurried } from '../support/work.js';
import { executed, executedInSlices, viewOf } from './executed.js';
import { request } from './query-engine-compliance.js';

/** Letters whose case, form or bytes are a trap. */
const TRAPS = [
  ...['a', 'B', 'k', 'K', 'i', 'I', 's', 'S', 'j', 'J', '.', ' ', '-', '1', '\n', 'é', 'É', 'e', 'E'],
  ...[
    '\u0301',
    '\u030c',
    '\u0307',
    '\u0338',
    'ß',
    'ẞ',
    'ſ',
    'ﬁ',
    'İ',
    'ı',
    '\u212a',
    'Å',
    '\u212b',
    'Σ',
    'ς',
    'σ',
  ],
  ...[
    'ǰ',
    'ŉ',
    'Ⱥ',
    'ⱥ',
    'ǅ',
    'Ω',
    '\u2126',
    'Ж',
    'ж',
    '物',
    '語',
    '각',
    '\u1100',
    '\u1161',
    '\u11a8',
    'ᾳ',
    'ͅ',
    '😀',
  ],
  ...['\ufffd', fromBytes(Buffer.of(0xff)), fromBytes(Buffer.of(0xc3)), '\u0001', 'क', '\u093c', '\u{10400}'],
];
const text = fc.array(fc.constantFrom(...TRAPS), { minLength: 1, maxLength: 6 }).map((all) => all.join(''));
/** What a file system may give: never two spellings of the same bytes. */
const part = text.map((each) => fromBytes(Buffer.from(each.toWellFormed() === each ? each : rawOf(each))));
const path = fc
  .array(fc.oneof(part, fc.constantFrom('a', 'Straße', 'x.TXT', 'J\u030c.tar.gz', '.profile')), {
    minLength: 1,
    maxLength: 3,
  })
  .map((parts) => parts.join('/'));

function rawOf(text: string): Buffer {
  return Buffer.concat(
    [...text].map((each) => {
      const unit = each.charCodeAt(0);
      return unit >= 0xdc80 && unit <= 0xdcff ? Buffer.of(unit - 0xdc00) : Buffer.from(each);
    }),
  );
}

const entry = fc
  .record({
    path,
    size: fc.nat(5),
    mtimeMs: fc.nat(5),
    mediaType: fc.constantFrom('text/plain', 'Text/HTML; charset=utf-8', 'audio/flac'),
    desc: fc.option(fc.oneof(text, fc.constantFrom('', `${'é'.repeat(8190)}ENDE`)), { nil: undefined }),
  })
  .map(
    ({ path, desc, ...rest }): FileEntry => ({
      share: 'S',
      path: path as ShareRelativePath,
      ...rest,
      ...(desc !== undefined && { desc }),
    }),
  );

const atom = fc.oneof(
  fc.constantFrom(...TRAPS.filter((trap) => trap.isWellFormed() && !/[.]/.test(trap))),
  fc.constantFrom('.', '[[:alpha:]]', '[^a-z]', '[[=e=]]', '[sS]', '(a|é)', '/', '\\.', '[i-k]'),
);
const pattern = fc
  .tuple(
    fc.constantFrom('', '^'),
    fc.array(fc.tuple(atom, fc.constantFrom('', '', '*', '+', '?', '{2}')), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '$'),
  )
  .map(([begin, atoms, end]) => `${begin}${atoms.map((each) => each.join('')).join('')}${end}`)
  .filter(isPattern);

function isPattern(pattern: string): boolean {
  try {
    parseEre(pattern.normalize('NFC'));
    return true;
  } catch (error) {
    if (error instanceof ParseError) return false;
    throw error;
  }
}

const wellFormed = text.map((each) => each.toWellFormed());
const stringTest: fc.Arbitrary<StringTest> = fc.oneof(
  fc
    .oneof(
      wellFormed,
      fc.tuple(wellFormed, wellFormed).map((both) => both.join('/')),
    )
    .map((value) => ({
      type: 'contains' as const,
      value,
    })),
  pattern.map((each) => ({ type: 'regex' as const, pattern: each })),
);
const tests = fc.array(stringTest, { minLength: 1, maxLength: 2 });
const extension = wellFormed.map((each) => each.replace(/^\.+/, '')).filter((each) => each.trim() !== '');
const criteria: fc.Arbitrary<FileCriteria> = fc
  .record(
    {
      name: tests,
      path: tests,
      desc: tests,
      ext: fc.array(fc.oneof(extension, fc.constantFrom('txt', 'gz', 'TAR.GZ', 'profile')), {
        minLength: 1,
        maxLength: 3,
      }),
      mediaType: fc.constantFrom(['text/*'], ['audio/flac', 'text/html']),
      size: fc.array(fc.nat(5), { minLength: 1, maxLength: 2 }),
      sizeMin: fc.nat(3),
      sizeMax: fc.integer({ min: 3, max: 6 }),
      date: fc.constant([
        { fromMs: 1, beforeMs: 3 },
        { fromMs: 4, beforeMs: 5 },
      ]),
      dateFromMs: fc.nat(2),
      dateBeforeMs: fc.integer({ min: 3, max: 6 }),
      caseSensitive: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  .filter(({ caseSensitive, ...fields }) => Object.keys(fields).length > 0);

/** A part of what is there, as people may write it. */
function written(entries: readonly FileEntry[], seeds: Seeds): StringTest {
  const { entry: which, field, from, length, spelling, pattern: asPattern } = seeds;
  const chosen = entries[which % entries.length];
  const whole = chosen === undefined ? 'a' : textOf(chosen, field);
  const characters = [...spelling(whole).toWellFormed()];
  const first = from % Math.max(1, characters.length);
  const some = characters.slice(first, first + length);
  if (!asPattern) return { type: 'contains', value: some.join('') || 'a' };
  const escaped = some.map((each, at) => (at % 3 === 1 ? '.' : each.replace(/[.[\]{}()*+?^$|\\]/g, '[$&]')));
  const ends = first + length >= characters.length ? '$' : '';
  const pattern = `${first === 0 ? '^' : ''}${escaped.join('').replaceAll('[^]', '\\^')}${ends}`;
  return isPattern(pattern) ? { type: 'regex', pattern } : { type: 'contains', value: 'a' };
}

function textOf(entry: FileEntry, field: 'name' | 'path' | 'desc'): string {
  const full = keyOf(entry);
  if (field === 'desc') return entry.desc ?? '';
  return field === 'path' ? full : full.slice(full.lastIndexOf('/') + 1);
}

const SPELLINGS: readonly ((text: string) => string)[] = [
  (each) => each,
  (each) => each.toLowerCase(),
  (each) => each.toUpperCase(),
  (each) => each.normalize('NFD'),
  (each) => each.toLowerCase().normalize('NFD'),
  (each) => caseless(each),
];
const seed = fc.record({
  entry: fc.nat(50),
  field: fc.constantFrom('name' as const, 'path' as const, 'desc' as const),
  from: fc.oneof(fc.constant(0), fc.nat(12)),
  length: fc.integer({ min: 1, max: 12 }),
  spelling: fc.constantFrom(...SPELLINGS),
  pattern: fc.boolean(),
});
type Seeds = typeof seed extends fc.Arbitrary<infer T> ? T : never;

function catalogueOf(entries: readonly FileEntry[]): Catalogue {
  const catalogue = new Catalogue();
  catalogue.apply(entries.map((each) => ({ type: 'put', entry: each })));
  return catalogue;
}

/** File by file, as if there were nothing else. */
function oneByOne(asked: FileCriteria, entries: Iterable<FileEntry>): string[] {
  const test = finish(residualFilter(request(asked).criteria, unhurried));
  return [...entries]
    .filter((each) => test(new FileRow(each), { check: () => undefined }))
    .map(keyOf)
    .sort();
}

function found(asked: FileCriteria, view: FileView, run = executed): string[] {
  const { answer } = run(request(asked, { page: { max: 100_000 } }), view);
  assert.equal(answer.total, answer.entries.length);
  return answer.entries.map(({ entry }) => keyOf(entry)).sort();
}

describe('a scan over packed texts', () => {
  it('finds what a look at every single file finds, whatever names there are', () => {
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 30 }),
        fc.array(criteria, { minLength: 1, maxLength: 8 }),
        (entries, all) => {
          const catalogue = catalogueOf(entries);
          const view = viewOf(catalogue);
          for (const asked of all) {
            const expected = oneByOne(asked, catalogue.entries());
            assert.deepEqual(found(asked, view), expected, JSON.stringify(asked));
            assert.deepEqual(found(asked, view, executedInSlices), expected, JSON.stringify(asked));
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('finds by a part of a text, however that is written, what a look at every single file finds', () => {
    let matches = 0;
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 1, maxLength: 30 }),
        fc.array(fc.tuple(seed, fc.boolean()), { minLength: 1, maxLength: 12 }),
        (entries, seeds) => {
          const catalogue = catalogueOf(entries);
          const view = viewOf(catalogue);
          for (const [each, caseSensitive] of seeds) {
            const asked: FileCriteria = { [each.field]: [written(entries, each)], caseSensitive };
            const expected = oneByOne(asked, catalogue.entries());
            matches += expected.length;
            assert.deepEqual(found(asked, view), expected, JSON.stringify(asked));
          }
        },
      ),
      { numRuns: 200 },
    );
    assert.ok(matches > 500, `${matches} matches`);
  });

  it('finds what came after the first scan, and not what went', () => {
    const change: fc.Arbitrary<CatalogueChange> = entry.map((put) => ({ type: 'put', entry: put }));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(change, { maxLength: 10 }), fc.array(fc.nat(), { maxLength: 5 })), {
          maxLength: 6,
        }),
        criteria,
        (rounds, asked) => {
          const catalogue = new Catalogue();
          for (const [changes, gone] of rounds) {
            catalogue.apply(changes);
            const keys = [...catalogue.entries()].map(keyOf);
            const removed = new Set(keys.length === 0 ? [] : gone.map((at) => keys[at % keys.length] ?? ''));
            catalogue.apply(
              [...removed].map((key) => ({ type: 'remove', key: key as ReturnType<typeof keyOf> })),
            );
            assert.deepEqual(
              found(asked, viewOf(catalogue)),
              oneByOne(asked, catalogue.entries()),
              JSON.stringify(asked),
            );
          }
        },
      ),
      { numRuns: 80 },
    );
  });

  it('keeps to its state while texts are added and moved', () => {
    const name = (at: number) => `folder ${at % 3}/Näme ${at}.txt`;
    const make = (from: number, to: number): FileEntry[] =>
      Array.from({ length: to - from }, (_, at) => ({
        share: 's',
        path: name(from + at) as ShareRelativePath,
        size: 1,
        mtimeMs: 1,
        mediaType: 'text/plain',
      }));
    const catalogue = catalogueOf(make(0, 20_000));
    const view = viewOf(catalogue);
    const follower = catalogue.table.follow(() => undefined);
    const asked: FileCriteria = { name: [{ type: 'contains', value: 'NÄME 1' }] };
    const before = found(asked, view);
    assert.equal(before.length, 11_111);
    catalogue.apply(make(0, 15_000).map((each) => ({ type: 'remove', key: keyOf(each) })));
    catalogue.apply(make(20_000, 30_000).map((each) => ({ type: 'put', entry: each })));
    assert.deepEqual(found(asked, view), before);
    follower.release(catalogue.table.number);
    follower.end();
    const now = viewOf(catalogue);
    assert.deepEqual(found(asked, now), oneByOne(asked, catalogue.entries()));
    assert.equal(found(asked, now).length, 5000);
  });
});
