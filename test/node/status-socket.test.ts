import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.js';
import { AbortedError } from '../../src/errors.js';
import { silentLog } from '../../src/log.js';
import {
  AlreadyRunningError,
  askStatusSocket,
  NotRunningError,
  readStatusSocket,
  StatusSocket,
  statusSocketPath,
} from '../../src/node/status-socket.js';

const clock = systemClock;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-status-'));
});

afterEach(() => rm(folder, { recursive: true }));

function socketAt(path: string, read: () => unknown = () => ({ at: path })): StatusSocket {
  return new StatusSocket({ clock, log: silentLog }, { path, read });
}

describe('the status socket', () => {
  it('says what the program says now, to its owner only', async () => {
    const path = statusSocketPath(join(folder, 'data'));
    let files = 1;
    const socket = socketAt(path, () => ({ files }));
    await socket.start();
    try {
      assert.deepEqual(await readStatusSocket({ clock }, path), { files: 1 });
      files = 2;
      assert.deepEqual(
        await Promise.all([readStatusSocket({ clock }, path), readStatusSocket({ clock }, path)]),
        [{ files: 2 }, { files: 2 }],
      );
      assert.equal((await stat(path)).mode & 0o077, 0);
    } finally {
      await socket.stop();
    }
    await assert.rejects(readStatusSocket({ clock }, path), NotRunningError);
    assert.deepEqual(await readdir(join(folder, 'data')), []);
  });

  it('answers a question, and hangs up on one that it cannot answer', async () => {
    const path = join(folder, 's');
    const socket = new StatusSocket(
      { clock, log: silentLog },
      {
        path,
        read: () => 'status',
        answer: async (question) => {
          if (question === 'what?') return { answer: 42 };
          throw new TypeError('no idea');
        },
      },
    );
    await socket.start();
    try {
      assert.deepEqual(await askStatusSocket({ clock }, path, 'what?'), { answer: 42 });
      await assert.rejects(askStatusSocket({ clock }, path, 'why?'));
      await assert.rejects(askStatusSocket({ clock }, path, 'w'.repeat(1_000_000)));
      assert.equal(await readStatusSocket({ clock }, path), 'status');
    } finally {
      await socket.stop();
    }
  });

  it('gives up a question when it stops', async () => {
    const path = join(folder, 's');
    let asked: () => void = () => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    let givenUp: () => void = () => {};
    const isGivenUp = new Promise<void>((resolve) => {
      givenUp = resolve;
    });
    const socket = new StatusSocket(
      { clock, log: silentLog },
      {
        path,
        read: () => 'status',
        answer: (_question, signal) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              givenUp();
              reject(new AbortedError('nobody waits'));
            });
            asked();
          }),
      },
    );
    await socket.start();
    const refused = assert.rejects(askStatusSocket({ clock }, path, 'question'));
    await isAsked;
    await socket.stop();
    await Promise.all([refused, isGivenUp]);
  });

  it('tells a second one that the first is there', async () => {
    const first = socketAt(join(folder, 's'));
    await first.start();
    const second = socketAt(join(folder, 's'));
    await assert.rejects(second.start(), AlreadyRunningError);
    await second.stop();
    assert.deepEqual(await readStatusSocket({ clock }, join(folder, 's')), { at: join(folder, 's') });
    await first.stop();
  });

  it('takes over what a killed process left behind', async () => {
    const path = join(folder, 's');
    const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok((await stat(path)).isSocket());
    const socket = socketAt(path);
    await socket.start();
    assert.deepEqual(await readStatusSocket({ clock }, path), { at: path });
    await socket.stop();
  });

  it('stops although somebody holds a connection', async () => {
    const path = join(folder, 's');
    const socket = socketAt(path, () => 'x'.repeat(3_000_000));
    await socket.start();
    const reader = connect(path);
    await once(reader, 'connect');
    reader.on('error', () => {});
    await socket.stop();
    reader.destroy();
  });

  it('works in folders too deep for the name of a socket', async () => {
    const path = statusSocketPath(join(folder, 'x'.repeat(200)));
    assert.ok(Buffer.byteLength(path) < 108);
    assert.notEqual(path, statusSocketPath(join(folder, 'y'.repeat(200))));
    const socket = socketAt(path);
    await socket.start();
    assert.deepEqual(await readStatusSocket({ clock }, path), { at: path });
    await socket.stop();
  });
});
