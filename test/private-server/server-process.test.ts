import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { systemClock } from '../../src/clock.js';
import { PrivateServerError, ServerProcess } from '../../src/private-server/server-process.js';
import { eventually } from '../support/eventually.js';

const shell = (script: string, read: (line: string) => boolean | string, startTimeoutMs?: number) =>
  new ServerProcess(
    { clock: systemClock },
    {
      name: 'the server',
      command: '/bin/sh',
      args: ['-c', script],
      cwd: '/',
      read,
      ...(startTimeoutMs !== undefined && { startTimeoutMs }),
    },
  );

/** False for a process that has ended, also when its parent has not looked yet. */
async function runs(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) [ZX] /.test(stat);
}

describe('ServerProcess', () => {
  it('is started when the program says so, and gone when stopped', async () => {
    const server = shell('echo up; exec sleep 100', (line) => line === 'up');
    await server.start();
    const pid = server.pid ?? 0;
    assert.ok(await runs(pid));
    await server.stop();
    assert.ok(!(await runs(pid)));
    assert.equal(server.pid, undefined);
  });

  for (const [what, script, message] of [
    ['ends', 'echo why; exit 3', /it ended at once \(exit code 3\)\n {2}why/],
    ['says that it can’t', 'echo no room; exec sleep 100', /could not be started: no room/],
    ['says nothing', 'exec sleep 100', /did not come up in time/],
  ] as const) {
    it(`fails when the program ${what}, and leaves nothing running`, async () => {
      const server = shell(script, (line) => (line === 'no room' ? line : false), 300);
      await assert.rejects(server.start(), (error: unknown) => {
        assert.ok(error instanceof PrivateServerError);
        assert.match(error.message, message);
        return true;
      });
      assert.equal(server.pid, undefined);
    });
  }

  it('insists when the program does not want to end', async () => {
    const server = shell('trap "" TERM; echo up; while :; do sleep 0.1; done', (line) => line === 'up');
    await server.start();
    await server.kill();
    assert.equal(server.pid, undefined);
  });

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    it(`leaves no server behind when its own process gets ${signal}`, async () => {
      const program = new URL('../support/own-a-server.js', import.meta.url).pathname;
      const owner: ChildProcess = spawn(process.execPath, [program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      assert.ok(owner.stdout);
      const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
      const pid = Number(line);
      assert.ok(await runs(pid));
      owner.kill(signal);
      await eventually(
        () => runs(pid),
        (running) => !running,
      );
    });
  }
});
