import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-main-'));
});

after(() => rm(folder, { recursive: true }));

/** Runs the real program, in a folder and a home that have no configuration. */
async function shoal(...argv: readonly string[]) {
  const env = { PATH: process.env.PATH, HOME: folder };
  const child = spawn(process.execPath, [PROGRAM, ...argv], { cwd: folder, env });
  const [out, err]: [string[], string[]] = [[], []];
  child.stdout.setEncoding('utf8').on('data', (piece: string) => out.push(piece));
  child.stderr.setEncoding('utf8').on('data', (piece: string) => err.push(piece));
  const [code] = await once(child, 'close');
  return { code, out: out.join(''), err: err.join('') };
}

describe('the program shoal', () => {
  it('tells its version', async () => {
    const { code, out } = await shoal('--version');
    assert.equal(code, 0);
    assert.match(out, /^\d+\.\d+\.\d+\n$/);
  });

  it('lists its commands, as an answer when asked and as an error when not', async () => {
    const asked = await shoal('--help');
    assert.equal(asked.code, 0);
    for (const name of [
      'access',
      'ban',
      'bans',
      'explain',
      'find',
      'get',
      'reload',
      'serve',
      'start',
      'status',
      'transfers',
      'unban',
      'want',
    ])
      assert.match(asked.out, new RegExp(`^ {2}${name} `, 'm'));
    const not = await shoal();
    assert.deepEqual([not.code, not.out, not.err], [2, '', asked.out]);
  });

  it('has help for each command, two ways', async () => {
    const [flag, word] = await Promise.all([shoal('get', '--help'), shoal('help', 'get')]);
    assert.equal(flag.code, 0);
    assert.match(flag.out, /^usage: shoal get /);
    assert.deepEqual(word, flag);
  });

  it('ends with 2 for what it does not know', async () => {
    for (const argv of [['fnd'], ['find', '--nme', 'x'], ['serve'], ['start', '--share', 'x']]) {
      const { code, out, err } = await shoal(...argv);
      assert.equal(code, 2, argv.join(' '));
      assert.equal(out, '');
      assert.notEqual(err, '');
    }
  });

  it('shows no control characters of its own command line', async () => {
    const { err } = await shoal('\x1b[2J');
    assert.match(err, /there is no command '\\x1b\[2J'/);
  });

  it('names all faults of a configuration, and does not start', async () => {
    const file = join(folder, 'bad.yaml');
    await writeFile(file, 'xmpp: { jid: a@b, port: 0 }\nshares: [{ name: x }]\n');
    const { code, out, err } = await shoal('serve', '--config', file);
    assert.equal(code, 2);
    assert.equal(out, '');
    assert.deepEqual(
      err
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(file, '').split(' ')[1]),
      ['xmpp.port:', 'shares[0].path:', 'xmpp.jid:', 'xmpp.secretFile:'],
    );
  });

  it('says that no node runs, where it looked for one and who said so, and ends with 1', async () => {
    const config = join(folder, 'good.yaml');
    await mkdir(join(folder, 'books'));
    const xmpp = 'xmpp: { jid: files.example.org, secret: s3cret }';
    await writeFile(config, `${xmpp}\nshares: [{ name: x, path: ./books }]\ndata: ./kept\n`);
    for (const [argv, where] of [
      [['--data', 'kept'], `${folder}/kept (of --data)`],
      [['--config', config], `${folder}/kept (of ${config})`],
      [[], `${folder}/data (as there is no shoal-data/node.yaml here)`],
    ] as const)
      for (const command of ['status', 'reload']) {
        const { code, err } = await shoal(command, ...argv);
        assert.equal(code, 1);
        assert.equal(err, `shoal ${command}: no node runs with the data folder ${where}\n`);
      }
  });

  it('takes a folder at home where a share is named, whatever the shell makes of it', async () => {
    const { code, err } = await shoal('start', '--share', 'music=~/missing');
    assert.equal(code, 2);
    assert.equal(err, `--share: '${folder}/missing' must be a folder that is there\n`);
  });

  it('looks for a configuration, in this order, and says when there is none', async () => {
    const none = await shoal('find', 'x');
    assert.equal(none.code, 2);
    assert.match(none.err, /^there is no configuration: name one with --config FILE/);
    // Each is wrong in its own way, which tells that it was taken.
    const write = async (name: string) => {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), 'wrong: 1\n');
      return (await shoal('find', 'x')).err;
    };
    assert.match(await write('.config/shoal/asker.yaml'), /\.config\/shoal\/asker\.yaml:1: wrong:/);
    assert.match(await write('shoal-data/asker.yaml'), /^shoal-data\/asker\.yaml:1: wrong:/);
  });

  it('prints an example to begin with', async () => {
    const { code, out } = await shoal('serve', '--example');
    assert.equal(code, 0);
    assert.match(out, /^xmpp:\n/m);
  });
});
