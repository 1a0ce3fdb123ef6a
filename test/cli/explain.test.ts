import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArguments } from '../../src/cli/arguments.js';
import type { Components } from '../../src/cli/command.js';
import { explainCommand } from '../../src/cli/explain.js';
import { systemClock } from '../../src/clock.js';
import { silentLog } from '../../src/log.js';
import { explain } from '../../src/node/explained.js';
import { answerOf, type NodeQuestion, type Questioned } from '../../src/node/node-question.js';
import { NotRunningError, StatusSocket, statusSocketPath } from '../../src/node/status-socket.js';
import { LocalQueryEngine } from '../../src/query/local-query-engine.js';
import { captureIo } from '../support/captured-io.js';
import { put } from '../support/file-entries.js';
import { noBans } from '../support/no-bans.js';
import { SearchedCatalogue } from '../support/searched-catalogue.js';

const components = { clock: systemClock } as Components; // all that it needs
let data: string;
let files: SearchedCatalogue;
let socket: StatusSocket;

before(async () => {
  data = await mkdtemp(join(tmpdir(), 'shoal-explain-'));
  files = new SearchedCatalogue(
    (table) => new LocalQueryEngine({ clock: systemClock, log: silentLog, table }),
  );
  await files.start();
  await files.apply([
    put('books/Romeo and Juliet.epub', { size: 5 }),
    put('books/Hamlet.pdf', { size: 5 }),
    put('music/Romeo.flac', { size: 7 }),
    ...Array.from({ length: 4200 }, (_, at) => put(`x/x${at.toString(2).replaceAll('1', 'q')}`)),
  ]);
  const parts = { engine: files.engine, clock: systemClock };
  const node: Questioned = {
    explain: (criteria, signal) => explain(parts, { max: 100, deadlineMs: 5000 }, criteria, signal),
    banKeeper: noBans,
    transfers: () => [],
  };
  const answer = (question: unknown, signal: AbortSignal) => answerOf(node, question as NodeQuestion, signal);
  socket = new StatusSocket(
    { clock: systemClock, log: silentLog },
    { path: statusSocketPath(data), read: () => 'status', answer },
  );
  await socket.start();
});

after(async () => {
  await socket.stop();
  await files.stop();
  await rm(data, { recursive: true });
});

async function shoalExplain(...argv: readonly string[]) {
  const io = captureIo();
  const args = parseArguments(explainCommand.spec, ['--data', data, ...argv]);
  const code = await explainCommand.run(components, args, io);
  return { code, out: io.out.text };
}

describe('shoal explain', () => {
  it('tells what drove a search, what each step left, and how long it took', async () => {
    const { code, out } = await shoalExplain('romeo', '--ext', 'flac', '--size-min', '6');
    assert.equal(code, 0);
    const lines = out.replaceAll(/ +[0-9.]+ ms/g, ' N ms').split('\n');
    assert.deepEqual(lines, [
      'driven by the index of words: 2 of 4,203 files',
      '  words  4,203 →     2 N ms',
      '  size       2 →     1 N ms',
      '  ext        1 →     1 N ms',
      '  page       1 →     1 N ms',
      '1 found, N ms in all',
      '',
    ]);
  });

  it('names numbers, hashes and names as drivers', async () => {
    const driver = async (...argv: readonly string[]) => {
      const { out } = await shoalExplain('--json', ...argv);
      return JSON.parse(out).explanation.driver;
    };
    assert.equal(await driver('--size-min', '6'), 'column');
    assert.equal(await driver('--regex', 'ro.*o'), 'scan');
    assert.equal(await driver('--hash', `sha-256:${Buffer.alloc(32).toString('base64')}`, 'romeo'), 'hash');
  });

  it('names the bound where one is reached, and ends with 1', async () => {
    const { code, out } = await shoalExplain('x*');
    assert.equal(code, 1);
    assert.match(
      out,
      /^refused after [0-9.]+ ms: a word stands for more than 4096 different ones \(terms\)\n./,
    );
  });

  it('says so when no node runs', async () => {
    const args = parseArguments(explainCommand.spec, ['--data', join(data, 'elsewhere'), 'romeo']);
    await assert.rejects(explainCommand.run(components, args, captureIo()), NotRunningError);
  });
});
