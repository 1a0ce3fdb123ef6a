/** Searches that look at a few files alone, as for news: by every way in which files are found. */
import assert from 'node:assert/strict';
import { keyOf } from '../../src/catalogue/file-entry.js';
import type { FileTable } from '../../src/catalogue/file-table.js';
import type { FullPath } from '../../src/catalogue/share-path.js';
import { systemClock } from '../../src/clock.js';
import { silentLog } from '../../src/log.js';
import { LocalQueryEngine } from '../../src/query/local-query-engine.js';
import type { QueryEngine, SearchAnswer } from '../../src/query/query-engine.js';
import { WorkerQueryEngine } from '../../src/query/worker-query-engine.js';
import type { FileCriteria } from '../../src/stanza/file-criteria.js';
import { entryOf } from '../support/file-entries.js';
import { SearchedCatalogue } from '../support/searched-catalogue.js';
import { request } from './query-engine-compliance.js';

const HASH = Buffer.alloc(32, 7).toString('base64');
const LIBRARY = [
  entryOf('books/Romeo and Juliet.epub', { size: 300, sha256: HASH }),
  entryOf('books/Juliet.pdf'),
  entryOf('books/archive.tar.gz'),
  entryOf('music/Romeo.flac', { size: 70_000, sha256: HASH }),
  entryOf('music/Juliet.MP3', { size: 5000 }),
];

const FEW = ['books/Romeo and Juliet.epub', 'books/archive.tar.gz', 'music/Juliet.MP3'];
const FINDS: readonly (readonly [string, FileCriteria, readonly string[]])[] = [
  ['words', { text: ['juliet'] }, ['books/Romeo and Juliet.epub', 'music/Juliet.MP3']],
  ['words left out', { text: ['-juliet'], dateFromMs: 0 }, ['books/archive.tar.gz']],
  ['a pattern', { name: [{ type: 'regex', pattern: '^r' }] }, ['books/Romeo and Juliet.epub']],
  ['an extension', { ext: ['gz', 'flac'] }, ['books/archive.tar.gz']],
  ['a number', { sizeMin: 5000 }, ['music/Juliet.MP3']],
  ['a hash', { hash: [{ algo: 'sha-256', value: HASH }] }, ['books/Romeo and Juliet.epub']],
];

const engines: Readonly<Record<string, (table: FileTable) => QueryEngine>> = {
  LocalQueryEngine: (table) => new LocalQueryEngine({ clock: systemClock, log: silentLog, table }),
  WorkerQueryEngine: (table) => new WorkerQueryEngine({ clock: systemClock, log: silentLog, table }),
};

for (const [name, make] of Object.entries(engines)) {
  describe(`among a few files: ${name}`, () => {
    let engine: SearchedCatalogue;
    let few: Uint32Array;

    before(async () => {
      engine = new SearchedCatalogue(make);
      await engine.start();
      await engine.apply(LIBRARY.map((entry) => ({ type: 'put', entry })));
      few = Uint32Array.from(FEW, (path) => engine.catalogue.slotOf(path as FullPath) ?? assert.fail(path));
    });
    after(() => engine.stop());

    const pathsOf = ({ entries }: SearchAnswer) => entries.map(({ entry }) => keyOf(entry)).sort();

    for (const [what, asked, expected] of FINDS) {
      it(`${what} are looked for at no others`, async () => {
        const answer = await engine.search(request(asked, { among: few }));
        assert.deepEqual(pathsOf(answer), [...expected].sort());
        assert.equal(answer.total, expected.length);
      });
    }

    it('there are none among none, nor where there is no file', async () => {
      for (const among of [Uint32Array.of(), Uint32Array.of(1_000_000)]) {
        for (const [, asked] of FINDS)
          assert.equal((await engine.search(request(asked, { among }))).total, 0);
      }
    });
  });
}
