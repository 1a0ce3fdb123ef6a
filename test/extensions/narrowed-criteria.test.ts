import assert from 'node:assert/strict';
import fc from 'fast-check';
import { keyOf } from '../../src/catalogue/file-entry.js';
import { systemClock } from '../../src/clock.js';
import { narrowed } from '../../src/extensions/narrowed-criteria.js';
import { silentLog } from '../../src/log.js';
import { parseCriteria } from '../../src/query/criteria.js';
import { LocalQueryEngine } from '../../src/query/local-query-engine.js';
import type { FileCriteria, StringTest } from '../../src/stanza/file-criteria.js';
import { entryOf } from '../support/file-entries.js';
import { SearchedCatalogue } from '../support/searched-catalogue.js';

const DAY_MS = 86_400_000;
const FROM_MS = Date.UTC(2026, 0, 1);
const TYPES = ['audio/ogg', 'audio/flac', 'text/plain'];

/** One of each kind that the criteria below can tell from the others. */
const FILES = ['public/a', 'public/B', 'private/a'].flatMap((folder) =>
  ['ogg', 'FLAC', 'txt'].flatMap((ext, type) =>
    [1, 2, 3].map((size) =>
      entryOf(`${folder}/file ${size}.${ext}`, {
        size,
        mediaType: TYPES[type] ?? '',
        mtimeMs: FROM_MS + size * DAY_MS,
        ...(size === 2 && { desc: 'Two' }),
      }),
    ),
  ),
);

const list = <T>(...values: T[]) => fc.subarray(values, { minLength: 1 });
const contains = (value: string): StringTest => ({ type: 'contains', value });
const interval = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 3 }))
  .map(([from, days]) => ({ fromMs: FROM_MS + from * DAY_MS, beforeMs: FROM_MS + (from + days) * DAY_MS }));

const fields = {
  text: list('flac', '-ogg', 'file'),
  name: list(contains('F'), contains('2'), { type: 'regex', pattern: '(txt|ogg)$' } as const),
  path: list(contains('public/'), contains('PUBLIC/'), { type: 'regex', pattern: '^private/' } as const),
  desc: list(contains('two'), contains('Two')),
  ext: list('ogg', '.Flac', 'txt'),
  mediaType: list('audio/*', 'audio/ogg', 'Text/Plain'),
  size: list(1, 2, 3),
  sizeMin: fc.integer({ min: 0, max: 4 }),
  sizeMax: fc.integer({ min: 0, max: 4 }),
  date: fc.array(interval, { minLength: 1, maxLength: 2 }),
  dateFromMs: fc.integer({ min: 0, max: 4 }).map((day) => FROM_MS + day * DAY_MS),
  dateBeforeMs: fc.integer({ min: 0, max: 4 }).map((day) => FROM_MS + day * DAY_MS),
  caseSensitive: fc.boolean(),
};

/** One to three fields. */
const criteria: fc.Arbitrary<FileCriteria> = fc
  .subarray(Object.keys(fields) as (keyof typeof fields)[], { minLength: 1, maxLength: 3 })
  .chain((keys) => fc.record(Object.fromEntries(keys.map((key) => [key, fields[key]])) as object))
  .filter((each) => {
    try {
      parseCriteria(each);
      return true;
    } catch {
      return false;
    }
  });

const TEXTS = ['text', 'name', 'path', 'desc'] as const;

describe('criteria that are narrowed', () => {
  const engine = new SearchedCatalogue(
    (table) => new LocalQueryEngine({ clock: systemClock, log: silentLog, table }),
  );
  before(async () => {
    await engine.start();
    await engine.apply(FILES.map((entry) => ({ type: 'put', entry })));
  });
  after(() => engine.stop());

  async function found(asked: FileCriteria): Promise<Set<string>> {
    const page = { max: FILES.length };
    const { entries } = await engine.search({ criteria: parseCriteria(asked), page, deadlineMs: 10_000 });
    return new Set(entries.map(({ entry }) => keyOf(entry)));
  }

  it('find what both find, and nothing else', async () => {
    let joined = 0;
    await fc.assert(
      fc.asyncProperty(criteria, criteria, async (asked, by) => {
        const both = narrowed(asked, by);
        // With its case a test finds less than without; what both find is then meant with it.
        const caseSensitive = (asked.caseSensitive ?? false) || (by.caseSensitive ?? false);
        const one = await found({ ...asked, caseSensitive });
        const other = await found({ ...by, caseSensitive });
        const expected = [...one].filter((key) => other.has(key)).sort();
        if (both !== undefined) {
          joined += 1;
          assert.deepEqual([...(await found(both))].sort(), expected);
        } else if (!TEXTS.some((field) => asked[field] && by[field])) assert.deepEqual(expected, []);
      }),
      { numRuns: 400 },
    );
    assert.ok(joined > 50, `only ${joined}`);
  });

  it('can not join two tests of one text, unless they are the same', () => {
    const path = [contains('public/')];
    assert.equal(narrowed({ path: [contains('x')] }, { path }), undefined);
    assert.deepEqual(narrowed({ path, ext: ['ogg'] }, { path: [{ value: 'public/', type: 'contains' }] }), {
      path,
      ext: ['ogg'],
      caseSensitive: false,
    });
    assert.equal(narrowed({ text: ['a'] }, { text: ['b'] }), undefined);
  });

  it('ask no more than may be asked, whatever the two overlap in', () => {
    const sizes = Array.from({ length: 60 }, () => 7);
    assert.deepEqual(narrowed({ size: sizes }, { size: [7, 7] })?.size, [7]);
    const mediaType = Array.from({ length: 100 }, (_, at) => `audio/x-${at}`);
    assert.deepEqual(narrowed({ mediaType }, { mediaType: ['audio/*', 'AUDIO/*'] })?.mediaType, mediaType);
    const date = Array.from({ length: 100 }, (_, at) => ({ fromMs: at, beforeMs: DAY_MS + at }));
    const by = [DAY_MS / 2, DAY_MS / 3].map((beforeMs) => ({ fromMs: 0, beforeMs }));
    assert.equal(narrowed({ date }, { date: by }), undefined);
  });

  it('keep only hashes that both name', () => {
    const hash = (value: string) => ({ algo: 'sha-256', value }) as const;
    assert.deepEqual(narrowed({ hash: [hash('a'), hash('b')] }, { hash: [hash('b')] })?.hash, [hash('b')]);
    assert.equal(narrowed({ hash: [hash('a')] }, { hash: [hash('b')] }), undefined);
  });
});
