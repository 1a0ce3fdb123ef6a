import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArguments } from '../../src/cli/arguments.js';
import type { Components } from '../../src/cli/command.js';
import { transfersCommand } from '../../src/cli/transfers.js';
import { transferLines } from '../../src/cli/transfers-lines.js';
import { systemClock } from '../../src/clock.js';
import { silentLog } from '../../src/log.js';
import { answerOf, type NodeQuestion } from '../../src/node/node-question.js';
import type { TransferStatus } from '../../src/node/node-status.js';
import { NotRunningError, StatusSocket, statusSocketPath } from '../../src/node/status-socket.js';
import { parseJid } from '../../src/stanza/jid.js';
import { captureIo } from '../support/captured-io.js';
import { eventually } from '../support/eventually.js';
import { noBans } from '../support/no-bans.js';

const out: TransferStatus = {
  direction: 'out',
  peer: parseJid('juliet@x/y'),
  path: 'books/two\nlines.txt',
  state: 'active',
  bytes: 400_000,
  fileBytes: 1_000_000,
  bytesPerSecond: 100_000,
};
const waiting: TransferStatus = {
  ...out,
  peer: parseJid('nurse@x/y'),
  state: 'waiting',
  bytes: 0,
  bytesPerSecond: 0,
};
const into: TransferStatus = { ...out, direction: 'in', path: 'mirror/b', strikes: 1 };

let data: string;
let socket: StatusSocket | undefined;
let transfers: readonly TransferStatus[] = [];

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'shoal-transfers-'));
  const node = {
    banKeeper: noBans,
    explain: () => assert.fail('nobody asks for that'),
    transfers: () => transfers,
  };
  socket = new StatusSocket(
    { clock: systemClock, log: silentLog },
    {
      path: statusSocketPath(data),
      read: () => assert.fail('the status begins the lateness anew'),
      answer: (question, signal) => answerOf(node, question as NodeQuestion, signal),
    },
  );
  await socket.start();
});

afterEach(async () => {
  await socket?.stop();
  await rm(data, { recursive: true });
});

function show(argv: readonly string[], terminal?: { columns: number; rows: number }) {
  const told = new AbortController();
  const io = captureIo({ signal: told.signal, ...(terminal && { terminal }) });
  const args = parseArguments(transfersCommand.spec, ['--data', data, ...argv]);
  const components = { clock: systemClock } as Components; // all that it needs
  return { io, told, code: transfersCommand.run(components, args, io) };
}

describe('shoal transfers', () => {
  it('shows in aligned lines what goes where, without control characters', async () => {
    transfers = [out, waiting, into];
    const { io, code } = show([]);
    assert.equal(await code, 0);
    assert.deepEqual(io.out.text.split('\n'), [
      '1 going out, 100 kB/s, 1 waiting',
      '1 going in, 100 kB/s',
      'out  books/two\\x0alines.txt   40 % of 1.0 MB  100 kB/s  0:06  to juliet@x/y',
      'out  books/two\\x0alines.txt    0 % of 1.0 MB  waiting         to nurse@x/y',
      'in   mirror/b                 40 % of 1.0 MB  100 kB/s  0:06  from juliet@x/y, 1 strike',
      '',
    ]);
  });

  it('gives the same as JSON, and says when there is nothing', async () => {
    transfers = [out];
    const { io, code } = show(['--json']);
    assert.equal(await code, 0);
    assert.deepEqual(JSON.parse(io.out.text), [out]);
    assert.deepEqual(transferLines([]), ['no transfers']);
  });

  it('is painted again while it is watched, never higher than the screen, until it is interrupted', async () => {
    transfers = Array.from({ length: 9 }, () => out);
    const { io, told, code } = show(['--watch'], { columns: 60, rows: 6 });
    await eventually(
      () => io.out.screen(),
      (lines) => lines.at(-1) === 'and 6 more',
    );
    assert.equal(io.out.screen().length, 5);
    transfers = [];
    await eventually(
      () => io.out.screen(),
      (lines) => lines.length === 1 && lines[0] === 'no transfers',
    );
    told.abort();
    assert.equal(await code, 0);
  });

  it('says that no node runs', async () => {
    await socket?.stop();
    socket = undefined;
    await assert.rejects(show([]).code, NotRunningError);
  });
});
