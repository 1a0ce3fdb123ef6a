import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ban, type BanKeeper, Bans } from '../../src/access/bans.js';
import { banCommand, unbanCommand } from '../../src/cli/ban.js';
import { bansCommand } from '../../src/cli/bans.js';
import type { Components } from '../../src/cli/command.js';
import { runCommand } from '../../src/cli/run-command.js';
import { systemClock } from '../../src/clock.js';
import { silentLog } from '../../src/log.js';
import { answerOf, type NodeQuestion } from '../../src/node/node-question.js';
import { StatusSocket, statusSocketPath } from '../../src/node/status-socket.js';
import { captureIo } from '../support/captured-io.js';

describe('shoal ban, unban, bans', () => {
  let data: string;
  let socket: StatusSocket;

  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'shoal-bans-'));
    const bans = new Bans({ clock: systemClock });
    const nobody = () => assert.fail('nobody asks for that');
    const banKeeper = {
      bans: () => bans.list(),
      ban: async (...[who, { forMs, reason }]: Parameters<BanKeeper['ban']>): Promise<Ban> =>
        bans.add(who, {
          ...(forMs !== undefined && { untilMs: systemClock.now() + forMs }),
          ...(reason !== undefined && { reason }),
        }),
      unban: async (...[who]: Parameters<BanKeeper['unban']>) => bans.lift(who),
    };
    const node = { banKeeper, explain: nobody, transfers: nobody };
    socket = new StatusSocket(
      { clock: systemClock, log: silentLog },
      {
        path: statusSocketPath(data),
        read: nobody,
        answer: (question, signal) => answerOf(node, question as NodeQuestion, signal),
      },
    );
    await socket.start();
  });

  afterEach(async () => {
    await socket.stop();
    await rm(data, { recursive: true });
  });

  async function shoal(...argv: string[]) {
    const io = captureIo();
    const components = { clock: systemClock } as Components;
    const commands = [banCommand, bansCommand, unbanCommand];
    const code = await runCommand({ version: '1', commands, components }, [...argv, '--data', data], io);
    return { code, out: io.out.text, err: io.err.text };
  }

  it('keeps away, shows whom, and lifts it', async () => {
    assert.equal((await shoal('bans')).out, 'nobody is banned\n');
    const banned = await shoal('ban', 'Mallory@example.org/pda', '--for', '2h', '--reason', 'flooded us');
    assert.match(
      banned.out,
      /^mallory@example\.org {2}since [0-9-]{10} {2}for another [12]:[0-9:]+ {2}flooded us\n$/,
    );
    assert.equal((await shoal('ban', 'bad.example')).code, 0);
    const shown = (await shoal('bans')).out.trimEnd().split('\n');
    assert.equal(shown.length, 2);
    assert.match(shown[1] ?? '', /^bad\.example {10}since \S+ {2}for good$/);
    const json = (await shoal('bans', '--json')).out.trimEnd().split('\n');
    assert.deepEqual(
      json.map((line) => (JSON.parse(line) as Ban).who),
      ['mallory@example.org', 'bad.example'],
    );
    assert.equal((await shoal('unban', 'mallory@example.org')).code, 0);
    const again = await shoal('unban', 'mallory@example.org');
    assert.deepEqual([again.code, again.err], [1, 'shoal unban: mallory@example.org is not banned\n']);
  });

  it('says what is wrong with a command line', async () => {
    assert.equal((await shoal('ban')).code, 2);
    assert.match((await shoal('ban', 'a b@c')).err, /neither an account/);
    assert.match((await shoal('ban', 'x@y', '--for', 'ever')).err, /--for must be a time/);
  });
});
