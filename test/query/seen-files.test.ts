/** Searches of those who may not see everything, by every way in which files are found. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ViewRules } from '../../src/access/access-policy.js';
import { RuleView } from '../../src/access/rule-view.js';
import { type CatalogueChange, type FileEntry, keyOf } from '../../src/catalogue/file-entry.js';
import type { FileTable } from '../../src/catalogue/file-table.js';
import { systemClock } from '../../src/clock.js';
import { silentLog } from '../../src/log.js';
import { LocalQueryEngine } from '../../src/query/local-query-engine.js';
import type { QueryEngine } from '../../src/query/query-engine.js';
import { WorkerQueryEngine } from '../../src/query/worker-query-engine.js';
import type { FileCriteria } from '../../src/stanza/file-criteria.js';
import { permissionOf, ruledFiles, ruleLists } from '../support/access-oracle.js';
import { entryOf, remove } from '../support/file-entries.js';
import { SearchedCatalogue } from '../support/searched-catalogue.js';
import { request } from './query-engine-compliance.js';

const HASH = Buffer.alloc(32, 7).toString('base64');
const LIBRARY = [
  entryOf('books/Romeo and Juliet.epub', { size: 300, sha256: HASH }),
  entryOf('books/Juliet.pdf'),
  entryOf('books/archive.tar.gz'),
  entryOf('music/Romeo.flac', { size: 70_000, sha256: HASH, mediaType: 'audio/flac' }),
  entryOf('music/Juliet.MP3', { size: 5000, mediaType: 'audio/mpeg' }),
];
const RULES = rulesOf('few', [
  { what: [{ type: 'path', glob: '*/Juliet.*' }], may: 'nothing' },
  { what: [{ type: 'path', glob: 'books' }], may: 'see' },
  { what: [{ type: 'media-type', mediaType: 'audio/mpeg' }], may: 'take' },
]);
const EVERYTHING: FileCriteria = { sizeMin: 1 };
const FINDS: readonly (readonly [string, FileCriteria, readonly string[]])[] = [
  ['everything', EVERYTHING, ['books/Romeo and Juliet.epub', 'books/archive.tar.gz']],
  ['words', { text: ['juliet'] }, ['books/Romeo and Juliet.epub']],
  ['words left out', { text: ['-juliet'], sizeMin: 1 }, ['books/archive.tar.gz']],
  ['a part of a name', { name: [{ type: 'contains', value: 'rom' }] }, ['books/Romeo and Juliet.epub']],
  [
    'a pattern',
    { path: [{ type: 'regex', pattern: '^[bm]' }] },
    ['books/Romeo and Juliet.epub', 'books/archive.tar.gz'],
  ],
  ['an extension', { ext: ['gz', 'flac'] }, ['books/archive.tar.gz']],
  ['a number', { sizeMin: 300 }, ['books/Romeo and Juliet.epub']],
  ['a hash', { hash: [{ algo: 'sha-256', value: HASH }] }, ['books/Romeo and Juliet.epub']],
];

function rulesOf(key: string, rules: unknown): ViewRules {
  return { key, text: JSON.stringify(rules) };
}

const engines: Readonly<Record<string, (table: FileTable) => QueryEngine>> = {
  LocalQueryEngine: (table) => new LocalQueryEngine({ clock: systemClock, log: silentLog, table }),
  WorkerQueryEngine: (table) => new WorkerQueryEngine({ clock: systemClock, log: silentLog, table }),
};

for (const [name, make] of Object.entries(engines)) {
  describe(`by the rules of access: ${name}`, () => {
    let engine: SearchedCatalogue;

    beforeEach(async () => {
      engine = new SearchedCatalogue(make);
      await engine.start();
      await engine.apply(LIBRARY.map((entry) => ({ type: 'put', entry })));
    });
    afterEach(() => engine.stop());

    const found = async (criteria: FileCriteria, view?: ViewRules) => {
      const asked = request(criteria, { order: { field: 'path', descending: false }, ...(view && { view }) });
      const answer = await engine.search(asked);
      assert.equal(answer.total, answer.entries.length);
      return answer.entries.map(({ entry }) => keyOf(entry));
    };

    for (const [what, criteria, expected] of FINDS) {
      it(`finds by ${what} only what may be seen, and counts nothing else`, async () => {
        assert.deepEqual(await found(criteria, RULES), expected);
        assert.deepEqual(await found(criteria, RULES), expected); // known by now
        assert.deepEqual(await found(criteria, rulesOf('none', [])), []);
      });
    }

    it('shows what comes and changes as the rules have it', async () => {
      const expected = new Map(LIBRARY.map((entry) => [keyOf(entry) as string, entry]));
      assert.deepEqual(await found(EVERYTHING, RULES), [
        'books/Romeo and Juliet.epub',
        'books/archive.tar.gz',
      ]);
      const change = async (changes: readonly CatalogueChange[], paths: readonly string[]) => {
        await engine.apply(changes);
        assert.deepEqual(await found(EVERYTHING, RULES), paths);
      };
      await change([remove('books/archive.tar.gz')], ['books/Romeo and Juliet.epub']);
      // What comes now takes the places of those that went.
      await change([remove('books/Romeo and Juliet.epub')], []);
      await change(
        [...expected.values()].map((entry) => ({ type: 'put', entry: { ...entry, share: 'films' } })),
        [],
      );
      const mp3 = entryOf('films/a.mp3', { mediaType: 'audio/mpeg; rate=44100' });
      await change([{ type: 'put', entry: mp3 }], ['films/a.mp3']);
      await change([{ type: 'put', entry: { ...mp3, mediaType: 'audio/flac' } }], []);
    });
  });
}

describe('SeenFiles', () => {
  it('lets through what a plain reading of the rules does, whatever came and went before', async () => {
    const entries = fc.array(ruledFiles, { maxLength: 12 });
    const everyone = ruleLists.map((rules) =>
      rules.map((each) => ({ ...each, who: [{ type: 'everyone' as const }] })),
    );
    await fc.assert(
      fc.asyncProperty(
        everyone,
        everyone,
        fc.array(entries, { minLength: 1, maxLength: 3 }),
        async (one, other, steps) => {
          const engine = new SearchedCatalogue(engines.LocalQueryEngine ?? assert.fail());
          await engine.start();
          const there = new Map<string, FileEntry>();
          for (const step of steps) {
            const gone = [...there.keys()].filter((_, at) => at % 2 === 0);
            for (const key of gone) there.delete(key);
            const come = step.map((each) =>
              entryOf(`${each.share}/${each.path}`, { mediaType: each.mediaType }),
            );
            for (const entry of come) there.set(keyOf(entry), entry);
            await engine.apply([
              ...gone.map(remove),
              ...come.map((entry) => ({ type: 'put', entry }) as const),
            ]);
            for (const [key, rules] of [one, other].entries()) {
              const view = rulesOf(String(key), rules);
              const asked = { jid: 'x@example.org' as never, channels: [], groups: [] };
              const expected = [...there.values()].filter(
                (each) => permissionOf(rules, asked, each) !== 'nothing',
              );
              assert.deepEqual(
                (await engine.search(request(EVERYTHING, { view }))).entries
                  .map(({ entry }) => keyOf(entry))
                  .sort(),
                expected.map((entry) => keyOf(entry)).sort(),
              );
              assert.ok(expected.every((each) => new RuleView(view).maySee(each)));
            }
          }
          await engine.stop();
        },
      ),
      { numRuns: 300 },
    );
  });
});
