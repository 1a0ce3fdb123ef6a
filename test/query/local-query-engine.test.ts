import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { systemClock } from '../../src/clock.js';
import { createLog, silentLog } from '../../src/log.js';
import { LocalQueryEngine } from '../../src/query/local-query-engine.js';
import { put } from '../support/file-entries.js';
import { SearchedCatalogue } from '../support/searched-catalogue.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { queryEngineCompliance, request } from './query-engine-compliance.js';

describe('LocalQueryEngine', () => {
  queryEngineCompliance(
    (table, init) => new LocalQueryEngine({ clock: systemClock, log: silentLog, table }, init),
  );

  it('needs no time to pass', async () => {
    const engine = new SearchedCatalogue(
      (table) => new LocalQueryEngine({ clock: new VirtualClock(), log: silentLog, table }),
    );
    await engine.start();
    await engine.apply([put('books/romeo.txt')]);
    assert.equal((await engine.search(request({ text: ['romeo'] }, { deadlineMs: 1 }))).total, 1);
    await engine.stop();
  });

  it('logs what drove a search, on how many files', async () => {
    const lines = new PassThrough();
    const engine = new SearchedCatalogue(
      (table) => new LocalQueryEngine({ clock: systemClock, log: createLog('debug', lines), table }),
    );
    await engine.start();
    await engine.apply([
      put('books/romeo.txt', { size: 5 }),
      put('books/romeo.pdf'),
      put('books/hamlet.txt'),
    ]);
    await engine.search(request({ text: ['romeo'], ext: ['txt'] }));
    await engine.search(request({ hash: [{ algo: 'sha-256', value: 'x' }] }));
    await engine.search(request({ size: [5] }));
    await engine.stop();
    const logged = String(lines.read())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      logged.map(({ msg, driver, candidates, matches }) => [msg, driver, candidates, matches]),
      [
        ['search', 'words', 2, 1],
        ['search', 'hash', 0, 0],
        ['search', 'column', 1, 1],
      ],
    );
    assert.ok(logged.every(({ ms }) => typeof ms === 'number'));
  });
});
