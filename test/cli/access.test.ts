import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { accessCommand } from '../../src/cli/access.js';
import { parseArguments } from '../../src/cli/arguments.js';
import type { Components } from '../../src/cli/command.js';
import { UsageError } from '../../src/cli/usage-error.js';
import { systemClock } from '../../src/clock.js';
import { captureIo } from '../support/captured-io.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const components = { clock: systemClock } as Components; // all that it needs

describe('shoal access check', () => {
  let folder: TemporaryFolder;
  let file: string;

  beforeEach(async () => {
    folder = await temporaryFolder();
    file = join(folder.path, 'node.yaml');
    await mkdir(join(folder.path, 'books'));
  });
  afterEach(() => folder.remove());

  const configure = (access: string, xmpp = 'jid: files.example.org, secret: s') =>
    folder.write(
      'node.yaml',
      `xmpp: { ${xmpp} }
shares: [{ name: books, path: ./books }]
channels: [{ service: pubsub.example.org, node: plays }]
${access}`,
    );
  async function check(...argv: string[]) {
    const io = captureIo();
    const args = parseArguments(accessCommand.spec, ['--config', file, 'check', ...argv]);
    const code = await accessCommand.run(components, args, io);
    return { code, lines: io.out.text.trimEnd().replaceAll(folder.path, '').split('\n') };
  }

  it('says what one may do, and which line says so', async () => {
    await configure(`access:
  - { who: ['@example.org'], what: [books/private], may: nothing }
  - { who: [juliet@example.org, 'channel:pubsub.example.org/plays'], what: ['type:application/pdf'], may: take }
  - { who: [everyone], what: [books/open], may: see }
`);
    assert.deepEqual(await check('juliet@example.org/balcony', 'books/private/1.pdf'), {
      code: 1,
      lines: [
        'juliet@example.org/balcony may not see books/private/1.pdf',
        '/node.yaml:5: { who: [@example.org], what: [books/private], may: nothing }',
      ],
    });
    assert.deepEqual((await check('juliet@example.org', 'books/1.pdf')).lines, [
      'juliet@example.org may take books/1.pdf',
      '/node.yaml:6: { who: [juliet@example.org, channel:pubsub.example.org/plays], what: [type:application/pdf], may: take }',
    ]);
    assert.deepEqual(await check('romeo@example.net', 'books/open/1.pdf'), {
      code: 0,
      lines: [
        'romeo@example.net may see, and not take, books/open/1.pdf',
        '/node.yaml:7: { who: [everyone], what: [books/open], may: see }',
      ],
    });
    const asked = await check(
      'romeo@example.net',
      'books/open/1.pdf',
      '--channel',
      'pubsub.example.org/plays',
      '--json',
    );
    assert.deepEqual(JSON.parse(asked.lines[0] ?? ''), {
      jid: 'romeo@example.net',
      path: 'books/open/1.pdf',
      may: 'take',
      line: 6,
      rule: '{ who: [juliet@example.org, channel:pubsub.example.org/plays], what: [type:application/pdf], may: take }',
    });
    assert.deepEqual(await check('romeo@example.net', 'books/x', '--type', 'a/b'), {
      code: 1,
      lines: ['romeo@example.net may not see books/x', 'no rule of /node.yaml is about both'],
    });
  });

  it('knows what holds where no rules are written, and groups', async () => {
    await configure('');
    const byDefault =
      "without 'access' in /node.yaml: { who: [channels, @files.example.org, @example.org], what: [**], may: take }";
    assert.deepEqual((await check('juliet@example.org', 'books/1')).lines[1], byDefault);
    assert.equal((await check('romeo@example.net', 'books/1')).code, 1);
    assert.equal(
      (await check('romeo@example.net', 'books/1', '--channel', 'pubsub.example.org/plays')).code,
      0,
    );
    await configure(
      "access: [{ who: ['group:friends'], may: see }]",
      'mode: client, jid: files@example.org, password: s',
    );
    assert.equal((await check('romeo@example.net', 'books/1')).code, 1);
    assert.equal((await check('romeo@example.net', 'books/1', '--group', 'friends')).code, 0);
  });

  it('refuses what it can say nothing about', async () => {
    await configure('');
    for (const argv of [
      ['juliet@example.org'],
      ['@', 'books/1'],
      ['juliet@example.org', 'bokos/1'],
      ['juliet@example.org', 'books'],
      ['juliet@example.org', 'books/../1'],
      ['juliet@example.org', 'books/1', '--channel', 'plays'],
    ]) {
      await assert.rejects(check(...argv), UsageError, argv.join(' '));
    }
  });
});
