import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { getCommand } from '../../src/cli/get.js';
import { runCommand } from '../../src/cli/run-command.js';
import { type Clock, systemClock } from '../../src/clock.js';
import type { DownloadOrder, FoundFile } from '../../src/node/asker.js';
import { formatHash } from '../../src/stanza/xep0300-hashes.js';
import { DiskError } from '../../src/transfer/fetch/disk-error.js';
import { captureIo } from '../support/captured-io.js';
import { LibraryAsker, type LibraryAskerInit } from '../support/library-asker.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { foundFile } from './found-files.js';

let folder: string;
let config: string;
let into: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-get-many-'));
  config = join(folder, 'asker.yaml');
  into = join(folder, 'into');
  await writeFile(
    config,
    'jid: juliet@example.org\npassword: pw\nservice: pubsub.example.org\nchannels: [books]\n',
    { mode: 0o600 },
  );
});

afterEach(() => rm(folder, { recursive: true }));

async function get(
  init: LibraryAskerInit,
  argv: readonly string[],
  signal?: AbortSignal,
  {
    asker = new LibraryAsker(init),
    clock = systemClock,
  }: { readonly asker?: LibraryAsker; readonly clock?: Clock } = {},
) {
  const io = captureIo({ env: { SHOAL_CONFIG: config }, ...(signal !== undefined && { signal }) });
  const components = {
    clock,
    createAsker: async () => asker,
    createNode: () => assert.fail('get needs no node'),
    createServer: () => assert.fail('get needs no server'),
  };
  const code = await runCommand({ version: '1', commands: [getCommand], components }, ['get', ...argv], io);
  const targets = asker.downloaded.map(({ target }) => target.slice(folder.length + 1)).sort();
  return { code, out: io.out.text, err: io.err.text, asker, targets };
}

function shared(path: string, facts: Partial<FoundFile> & { content?: string } = {}, jid = 'a.x'): FoundFile {
  return foundFile(path.split('/').at(-1) ?? '', jid, { content: path, ...facts, path });
}

const play = [shared('books/plays/a.txt'), shared('books/plays/more/b.txt'), shared('books/other.txt')];

describe('shoal get of a folder', () => {
  it('fetches all that is below it, from the node that was named', async () => {
    const { code, targets, asker, out, err } = await get({ files: play }, [
      'books/plays/',
      '--to',
      'a.x',
      '-o',
      into,
    ]);
    assert.equal(code, 0, err);
    assert.deepEqual(targets, ['into/a.txt', 'into/more/b.txt']);
    assert.deepEqual(await readdir(into), ['more']); // the asker of this test writes nothing else
    assert.deepEqual(
      asker.downloaded.map(({ audience, modifiedMs }) => [audience, modifiedMs]),
      asker.downloaded.map(() => [{ nodes: ['a.x'], channels: [] }, play[0]?.dateMs]),
    );
    assert.deepEqual(out.trimEnd().split('\n').sort(), [join(into, 'a.txt'), join(into, 'more/b.txt')]);
    assert.equal(err, '2 files fetched\n');
  });

  it('goes into a folder that is there, as cp does', async () => {
    await mkdir(into);
    const { targets } = await get({ files: play }, ['books/plays/', '--to', 'a.x', '-o', into]);
    assert.deepEqual(targets, ['into/plays/a.txt', 'into/plays/more/b.txt']);
  });

  it('leaves what is there already, by its content and not by its name', async () => {
    await mkdir(into);
    await mkdir(join(into, 'plays'));
    await writeFile(join(into, 'plays', 'a.txt'), 'books/plays/a.txt');
    await writeFile(join(into, 'plays', 'c.txt'), 'BOOKS/plays/c.txt'); // as long, and another
    const files = [...play, shared('books/plays/c.txt')];
    const { code, out, err, targets } = await get({ files }, ['books/plays/', '--to', 'a.x', '-o', into]);
    assert.equal(code, 0);
    assert.deepEqual(targets, ['into/plays/c.txt', 'into/plays/more/b.txt']);
    assert.match(out, /a\.txt: was there already\n/);
    assert.equal(err, '2 files fetched, 1 there already\n');
  });

  it('says which names it changed, and takes nothing from outside the folder', async () => {
    const files = [
      ...play,
      shared('books/plays/con.txt'),
      shared('books/plays/../../x'),
      shared('etc/passwd'),
    ];
    const { code, targets, err } = await get({ files }, ['books/plays/', '--to', 'a.x', '-o', into]);
    assert.equal(code, 0);
    assert.deepEqual(targets, ['into/_con.txt', 'into/a.txt', 'into/file/file/x', 'into/more/b.txt']);
    assert.match(err, /books\/plays\/con\.txt becomes _con\.txt: its name is not safe here\n/);
  });

  it('says in a line what the disk refuses, and fetches what it can', async () => {
    const none = await get({ files: play }, ['books/plays/', '--to', 'a.x', '-o', '/proc']);
    assert.equal(none.code, 1);
    assert.match(none.err, /^shoal get: \/proc: [^\n]*\n$/);
    await mkdir(join(into, 'plays'), { recursive: true });
    await symlink('/proc/self/mem', join(into, 'plays', 'c.txt')); // a plain file, empty, that can't be read
    const files = [...play, shared('books/plays/c.txt', { size: 0 })];
    const some = await get({ files }, ['books/plays/', '--to', 'a.x', '-o', into]);
    assert.equal(some.code, 1);
    assert.deepEqual(some.targets, ['into/plays/a.txt', 'into/plays/more/b.txt']);
    assert.match(some.err, /plays\/c\.txt: what is there can't be read: .*\n2 files fetched, 1 failed\n$/);
    assert.doesNotMatch(some.err, /\n {4}at /);
  });

  it('says when there is nothing, and what the node has not hashed', async () => {
    const none = await get({ files: play }, ['books/nothing/', '--to', 'a.x', '-o', into, '--wait', '1']);
    assert.equal(none.code, 1);
    assert.equal(
      none.err,
      'books/nothing/: a.x has no files below books/nothing/\n0 files fetched, 1 failed\n',
    );
    const jid = play[0]?.source.jid ?? assert.fail();
    const after = [{ type: 'answer', jid, total: 3, pending: 1 } as const];
    const some = await get({ files: play, after }, ['books/plays/', '--to', 'a.x', '-o', into]);
    assert.equal(some.code, 1);
    assert.match(some.err, /1 files are left out, which a\.x has not hashed yet/);
  });
});

describe('shoal get of a list', () => {
  async function list(text: string): Promise<string> {
    const file = join(folder, 'list.txt');
    await writeFile(file, text);
    return file;
  }

  it('fetches what each line says, and tells in a line what it could not', async () => {
    const files = [
      ...play,
      shared('x/long.bin', { size: 20_000_000 }),
      shared('x/long.bin', { size: 20_000_000 }, 'b.x'),
    ];
    const hash = files[3]?.hashes[0]?.value ?? assert.fail();
    const file = await list(
      [`# mine`, hash, 'a.x books/plays/more/', 'a.x books/other.txt', 'a.x books/none.txt', 'nonsense'].join(
        '\n',
      ),
    );
    const { code, err, asker, targets } = await get({ files }, ['--list', file, '-o', into, '--wait', '1']);
    assert.equal(code, 1);
    assert.deepEqual(targets, ['into/long.bin', 'into/more/b.txt', 'into/other.txt']);
    assert.deepEqual(err.split('\n'), [
      'line 5, a.x books/none.txt: a.x has no such file',
      'line 6, nonsense: neither a hash nor an address and a path',
      '3 files fetched, 2 failed',
      '',
    ]);
    const long = asker.downloaded.find(({ target }) => target.endsWith('long.bin'));
    assert.deepEqual(
      long?.sources.map(({ jid }) => jid),
      ['a.x', 'b.x'],
    );
    assert.equal(long.audience.channels.length, 1);
  });

  it('asks for many hashes at a time', async () => {
    const files = Array.from({ length: 45 }, (_, at) => shared(`x/${at}.txt`));
    const file = await list(files.map(({ hashes }) => hashes[0]?.value).join('\n'));
    const { code, asker } = await get({ files }, ['--list', file, '-o', into]);
    assert.equal(code, 0);
    assert.equal(asker.downloaded.length, 45);
    assert.equal(asker.found.length, 3);
  });

  it('gives files of the same name different ones', async () => {
    const files = [shared('x/same.txt'), shared('y/same.txt')];
    const file = await list(files.map(({ hashes }) => hashes[0]?.value).join('\n'));
    const { targets } = await get({ files }, ['--list', file, '-o', into]);
    assert.deepEqual(targets, ['into/same (2).txt', 'into/same.txt']);
  });

  it('does not fetch a file together with one that has the name of its part', async () => {
    const files = [shared('x/a'), shared('x/a.part'), shared('x/b')];
    const file = await list(['a.x x/a.part', 'a.x x/a', 'a.x x/b'].join('\n'));
    const running = new Set<string>();
    let otherIsOver: () => void = () => undefined;
    const other = new Promise<void>((resolve) => {
      otherIsOver = resolve;
    });
    class Watched extends LibraryAsker {
      override async *download(order: DownloadOrder) {
        const name = basename(order.target);
        running.add(name);
        if (name === 'a.part') {
          await other;
          for (let round = 0; round < 50; round += 1) await setImmediate(); // time enough to begin
          assert.deepEqual([...running], ['a.part']);
        }
        yield* super.download(order);
        running.delete(name);
        if (name === 'b') otherIsOver();
      }
    }
    const asker = new Watched({ files });
    const { code, err } = await get({ files }, ['--list', file, '-o', into, '--force'], undefined, { asker });
    assert.equal(code, 0, err);
    assert.equal(asker.downloaded.length, 3);
  });

  it('goes on with what an earlier run has begun, in whatever order answers come', async () => {
    const named = (name: string, jid: string) => foundFile('x', jid, { content: name });
    const [a, b] = [named('one', 'a.x'), named('two', 'b.x')];
    const hashes = [a, b].map(({ hashes }) => formatHash(hashes[0] ?? assert.fail()));
    const file = await list(hashes.join('\n'));
    await mkdir(into);
    const journal = { format: 'shoal part 1', hash: hashes[0], syncedBytes: 1, provenBytes: 0, senders: [] };
    await writeFile(join(into, 'x (2).part'), 'o'); // two was found before one the last time
    await writeFile(join(into, 'x (2).part.json'), JSON.stringify(journal));
    const { asker } = await get({ files: [a, b] }, ['--list', file, '-o', into]);
    assert.deepEqual(
      asker.downloaded.map(({ file, target }) => [file.hash, target.slice(into.length + 1)]),
      [
        [a.hashes[0], 'x (2)'],
        [b.hashes[0], 'x'],
      ],
    );
  });

  it('fetches what there is while others are waited for', async () => {
    const gone = Array.from({ length: 9 }, (_, i) => foundFile(`gone ${i}`, 'gone.x'));
    const good = foundFile('good', 'a.x');
    const hashes = [...gone, good].map(({ hashes }) => formatHash(hashes[0] ?? assert.fail()));
    const file = await list(hashes.join('\n'));
    const stop = new AbortController();
    const ended = get(
      { files: [...gone, good], gone: ['gone.x'], onDone: () => stop.abort() },
      ['--list', file, '-o', into, '--wait', '1h'],
      stop.signal,
    );
    const { asker, out } = await ended;
    assert.equal(asker.downloaded.length, 10);
    assert.equal(out.trim(), join(into, 'good'));
  });

  it('ends when the disk is full, also while it would wait for others', async () => {
    const large = foundFile('large', 'a.x');
    const hashes = [large, foundFile('missing', 'a.x')].map(({ hashes }) =>
      formatHash(hashes[0] ?? assert.fail()),
    );
    const file = await list(hashes.join('\n'));
    const clock = new VirtualClock();
    const { code, err } = await get(
      { files: [large], ends: new Map([[large.size ?? 0, new DiskError('no-space', 'the disk is full')]]) },
      ['--list', file, '-o', into, '--wait', '1h'],
      undefined,
      { clock },
    );
    assert.equal(code, 1);
    assert.match(err, /the disk is full/);
    assert.equal(clock.pendingTimers, 0);
  });

  it('says as JSON what became of each, and of all', async () => {
    const file = await list(`${play[0]?.hashes[0]?.value}\nnonsense`);
    const { out } = await get({ files: play }, ['--list', file, '-o', into, '--json', '--wait', '1']);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(lines.at(-1), { event: 'summary', files: 2, done: 1, there: 0, failed: 1 });
    const failed = lines.find(({ event }) => event === 'failed');
    assert.deepEqual(failed, {
      event: 'failed',
      wish: 'nonsense',
      error: 'neither a hash nor an address and a path',
    });
  });

  it('ends when it is interrupted, and says what is left', async () => {
    const told = new AbortController();
    told.abort();
    const file = await list(play.map(({ hashes }) => hashes[0]?.value).join('\n'));
    const { code, err } = await get({ files: play }, ['--list', file, '-o', into], told.signal);
    assert.equal(code, 1);
    assert.match(err, /stopped: the same command goes on from there\n$/);
  });

  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['--list', '/nowhere/list'], /--list: \/nowhere\/list can't be read/],
    [['--list', '/dev/null'], /--list: \/dev\/null holds no wishes/],
    [['--list', '/dev/null', 'x'], /'x' is one word too many beside --list/],
    [['books/'], /a folder is fetched from one node: name it with --to JID/],
    [['books/', '--to', 'a.x', '--to', 'b.x'], /a folder is fetched from one node/],
    [['books/', '--to', 'a.x', '--range', '0-1'], /--range is for one file/],
    [['/', '--to', 'a.x'], /a path begins with the name of a share/],
    [['x', '--wait', '3y'], /--wait must be a time such as 30, which are seconds, 10m, 3h or 3d/],
    [['x', '--wait', '9999d'], /at most 366 days/],
  ];
  for (const [argv, message] of wrong) {
    it(`refuses ${argv.join(' ')}`, async () => {
      const { code, err } = await get({ files: [] }, argv);
      assert.equal(code, 2);
      assert.match(err, message);
    });
  }
});
