import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCommand } from '../../src/cli/get.js';
import { runCommand } from '../../src/cli/run-command.js';
import type { FoundFile } from '../../src/node/asker.js';
import { parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { formatHash } from '../../src/stanza/xep0300-hashes.js';
import { captureIo } from '../support/captured-io.js';
import { LibraryAsker, type LibraryAskerInit } from '../support/library-asker.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { foundFile } from './found-files.js';

let folder: string;
let config: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-get-'));
  config = join(folder, 'asker.yaml');
  await writeFile(
    config,
    'jid: juliet@example.org\npassword: pw\nservice: pubsub.example.org\nchannels: [books]\n',
    { mode: 0o600 },
  );
});

after(() => rm(folder, { recursive: true }));

async function get(
  init: LibraryAskerInit,
  argv: readonly string[],
  terminal?: { columns: number; rows: number },
) {
  const io = captureIo({ env: { SHOAL_CONFIG: config }, ...(terminal !== undefined && { terminal }) });
  const asker = new LibraryAsker(init);
  const clock = new VirtualClock();
  const components = {
    clock,
    createAsker: async () => asker,
    createNode: () => assert.fail('get needs no node'),
    createServer: () => assert.fail('get needs no server'),
  };
  const running = runCommand({ version: '1', commands: [getCommand], components }, ['get', ...argv], io);
  if (init.patient === true) {
    while (asker.found.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1000);
  }
  const code = await running;
  if (asker.found.length > 0) assert.equal(asker.state, 'stopped');
  assert.equal(clock.pendingTimers, 0);
  return { code, out: io.out, err: io.err, asker };
}

const romeo = foundFile('romeo.txt', 'a.x');
const files = [
  romeo,
  foundFile('romeo.txt', 'b.x'),
  foundFile('romeo.txt.old', 'b.x'),
  foundFile('juliet.txt', 'a.x'),
];

describe('shoal get', () => {
  it('fetches by name from everybody who has that file, and from nobody else', async () => {
    const { code, out, err, asker } = await get({ files }, ['romeo.txt']);
    assert.equal(code, 0, err.text);
    const orders = asker.downloaded.map(({ onOtherSize: _, ...order }) => order);
    assert.deepEqual(orders, [
      {
        file: { hash: romeo.hashes[0], size: 9 },
        sources: [
          { jid: 'a.x', path: 'share/romeo.txt' },
          { jid: 'b.x', path: 'share/romeo.txt' },
        ],
        target: 'romeo.txt',
        overwrite: 'refuse',
        modifiedMs: romeo.dateMs,
        waitMs: 5000,
        audience: { channels: [{ service: 'pubsub.example.org', node: 'books' }], nodes: [] },
      },
    ]);
    assert.equal(out.text, 'romeo.txt: 9 B, in 0.0 s, hash verified, from a.x 44 %, b.x 44 %\n');
    assert.equal(err.text, 'a.x: receiving (SOCKS5)\nb.x: receiving (SOCKS5)\nchecking the hash\n');
  });

  it('fetches by hash and by path', async () => {
    const byHash = await get({ files }, [romeo.hashes[0]?.value ?? '', '-o', join(folder, 'x')]);
    assert.deepEqual(byHash.asker.downloaded[0]?.file.hash, romeo.hashes[0]);
    assert.equal(byHash.asker.downloaded[0]?.target, join(folder, 'x'));
    const byPath = await get({ files }, ['share/juliet.txt', '--force', '--range', '3-5', '-o', folder]);
    assert.deepEqual(byPath.asker.fetched[0]?.range, { offset: 3, length: 3 });
    assert.equal(byPath.asker.fetched[0]?.overwrite, 'replace');
    assert.equal(byPath.asker.fetched[0]?.target, join(folder, 'juliet.txt'));
    assert.match(byPath.out.text, /hash not verified/);
  });

  it('has fetched a file whose date can not be set', async () => {
    const bare = foundFile('bare.txt', 'a.x', { hashes: [] });
    const { code, err, asker } = await get({ files: [bare] }, ['bare.txt', '-o', join(folder, 'none')]);
    assert.equal(code, 0, err.text); // the asker of this test writes nothing
    assert.equal(asker.fetched.length, 1);
  });

  it('goes on with what an earlier call has begun, whoever answers first', async () => {
    const one = foundFile('a name', 'a.x', { content: 'same' });
    const other = foundFile('other name', 'b.x', { content: 'same' });
    const hash = formatHash(one.hashes[0] ?? assert.fail());
    const into = await mkdtemp(join(folder, 'begun-'));
    const targetOf = async (files: readonly FoundFile[]) =>
      (await get({ files }, [hash, '-o', into])).asker.downloaded[0]?.target.slice(into.length + 1);
    assert.equal(await targetOf([one, other]), 'a name');
    assert.equal(await targetOf([other, one]), 'a name');
    const journal = { format: 'shoal part 1', hash, syncedBytes: 1, provenBytes: 0, senders: [] };
    await writeFile(join(into, 'other name.part'), 's');
    await writeFile(join(into, 'other name.part.json'), JSON.stringify(journal));
    assert.equal(await targetOf([one, other]), 'other name');
    assert.equal(await targetOf([other, one]), 'other name');
  });

  it('fetches by hash also when somebody tells another size, and most tell it', async () => {
    const hash = romeo.hashes[0] ?? assert.fail();
    const liars = ['l.x', 'm.x', 'n.x'].map((jid) => foundFile('romeo.txt', jid, { size: 1_000_000 }));
    const { code, err, asker } = await get({ files: [...liars, ...files], liars: ['l.x', 'm.x', 'n.x'] }, [
      hash.value,
    ]);
    assert.equal(code, 0, err.text);
    assert.deepEqual(
      asker.downloaded.map(({ file, sources }) => [file.size, sources.map(({ jid }) => jid)]),
      [
        [1_000_000, ['l.x', 'm.x', 'n.x']],
        [9, ['a.x', 'b.x']],
      ],
    );
  });

  it('asks for no bytes beyond the end, and for the whole file where the range is all of it', async () => {
    const size = romeo.size ?? assert.fail();
    for (const range of [`0-${size}`, `${size + 1}-`, '0-9999999999']) {
      const { code, err, asker } = await get({ files }, ['romeo.txt', '--range', range]);
      assert.equal(code, 1, range);
      assert.match(err.text, new RegExp(`beyond the end: the file has ${size} bytes`));
      assert.deepEqual([...asker.fetched, ...asker.downloaded], []);
    }
    const whole = await get({ files }, ['romeo.txt', '--range', `0-${size - 1}`]);
    assert.equal(whole.asker.downloaded.length, 1);
  });

  it('waits only a moment for further sources once it has one', async () => {
    const { code, asker } = await get({ files, patient: true }, ['romeo.txt']);
    assert.equal(code, 0);
    assert.equal(asker.downloaded[0]?.sources.length, 2);
  });

  it('never lets a peer choose another folder', async () => {
    const evil = foundFile('../../etc/passwd', 'a.x');
    const { asker } = await get({ files: [evil] }, [evil.hashes[0]?.value ?? '']);
    assert.equal(asker.downloaded[0]?.target, 'passwd');
  });

  it('asks which one is meant when the name is not enough', async () => {
    const { code, err, asker } = await get(
      { files: [romeo, foundFile('romeo.txt', 'c.x', { content: 'another', path: 'other/romeo.txt' })] },
      ['romeo.txt'],
    );
    assert.equal(code, 1);
    assert.match(err.text, /several files have this name/);
    assert.ok(err.text.includes(`sha-256:${romeo.hashes[0]?.value}`));
    assert.deepEqual([...asker.fetched, ...asker.downloaded], []);
  });

  it('says what is not found, and takes no file with a name that is only alike', async () => {
    const { code, err, asker } = await get({ files: [foundFile('Romeo.txt', 'a.x')] }, ['romeo.txt']);
    assert.equal(code, 1);
    assert.match(err.text, /^not found: romeo\.txt\nthere is:\n.*share\/Romeo\.txt/);
    assert.deepEqual([...asker.fetched, ...asker.downloaded], []);
  });

  it('asks a node that can serve but not search', async () => {
    const from = parseJid('libervia.x/r');
    const { asker } = await get(
      { files: [], after: [{ type: 'refused', jid: from, error: new StanzaError('service-unavailable') }] },
      ['a/b.txt', '--from', from],
    );
    assert.deepEqual(asker.fetched[0]?.file, { name: 'b.txt' });
    assert.deepEqual(asker.fetched[0]?.sources, [{ jid: from, path: 'a/b.txt' }]);
  });

  it('matches names by what they are, not as patterns, in whatever normal form', async () => {
    const odd = foundFile('a+b (1) [x]{2}^$|\\.txt', 'a.x');
    assert.equal((await get({ files: [odd] }, [odd.name])).asker.downloaded.length, 1);
    assert.equal((await get({ files: [foundFile('cafe\u0301', 'a.x')] }, ['cafe\u0301'])).code, 1 - 1);
    const unsayable = foundFile('bad\ufffdname', 'a.x');
    assert.equal((await get({ files: [unsayable] }, [unsayable.name])).asker.downloaded.length, 1);
  });

  it('takes a name as find shows it, with what a terminal would obey written out', async () => {
    const odd = foundFile('two\nlines\u202e.txt', 'a.x');
    for (const word of [odd.name, 'two\\x0alines\\u{202e}.txt', 'share/two\\x0alines\\u{202e}.txt']) {
      const { asker } = await get({ files: [odd] }, [word]);
      assert.deepEqual(asker.downloaded[0]?.file.hash, odd.hashes[0], word);
    }
    const literal = foundFile('two\\x0alines.txt', 'a.x');
    assert.equal((await get({ files: [literal] }, [literal.name])).asker.downloaded.length, 1);
    assert.equal((await get({ files: [odd] }, ['two lines.txt'])).code, 1);
  });

  it('asks for a name with any end of line where XML made a line feed of it, and by a pattern that nodes take', async () => {
    const patterns = async (name: string) => {
      const { asker } = await get({ files: [] }, [name]);
      return asker.found[0]?.criteria.name?.map((test) => (test.type === 'regex' ? test.pattern : test.type));
    };
    const [pattern = ''] = (await patterns('two\nlines')) ?? [];
    for (const name of ['two\nlines', 'two\rlines', 'two\r\nlines'])
      assert.match(name, new RegExp(pattern, 'u'));
    assert.doesNotMatch('twolines', new RegExp(pattern, 'u'));
    assert.deepEqual(await patterns('각'.repeat(255)), ['contains']);
    assert.deepEqual(await patterns('\n'.repeat(200)), ['contains']);
  });

  it('leaves a terminal with the result alone, after a map and a line for each source', async () => {
    const { out, err } = await get({ files }, ['romeo.txt'], { columns: 60, rows: 24 });
    assert.deepEqual(err.screen(), []);
    assert.match(out.text, /^romeo\.txt: 9 B/);
    for (const part of [
      `romeo.txt    0 %  0 B of 9 B  1.0 kB/s\n[${'>'.repeat(58)}]\n`,
      `romeo.txt  100 %  9 B of 9 B  1.0 kB/s\n[${'#'.repeat(58)}]\n`,
      '  a.x  500 B/s   44 %\n  b.x  500 B/s   44 %\n',
    ]) {
      assert.ok(err.text.includes(part), JSON.stringify([part, err.text]));
    }
  });

  it('says who sent what wrong, who failed, and that it waits', async () => {
    const [jid, hash] = [parseJid('b.x/\u202e'), romeo.hashes[0] ?? assert.fail()];
    const { err } = await get(
      {
        files,
        happens: [
          { type: 'strike', jid, why: 'wrong-block', block: 3, strikes: 1, forGood: false },
          { type: 'source-failed', jid, error: new Error('gone\x1b'), retryMs: 2000 },
          { type: 'other-blocks', root: hash, jids: [jid] },
          { type: 'condemned', root: hash, jids: [jid] },
          { type: 'waiting', forMs: 3_600_000 },
        ],
      },
      ['romeo.txt'],
    );
    assert.deepEqual(err.text.split('\n').slice(0, 5), [
      'b.x/\\u{202e} sent wrong bytes, block 3: not asked for this file again (strike 1)',
      'b.x/\\u{202e} failed: gone\\x1b; asked again in 0:02',
      'b.x/\\u{202e}: the same file with other blocks, kept in case those of the others are wrong',
      'the blocks that b.x/\\u{202e} named do not make this file: beginning anew',
      'nobody can give anything now; waiting for 1:00:00 at most',
    ]);
  });

  it('tells what happens as JSON, a line each', async () => {
    const { code, out, err } = await get({ files }, ['romeo.txt', '--json']);
    assert.equal(code, 0);
    assert.equal(err.text, '');
    const lines = out.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['source-found', 'source-found', 'progress', 'progress', 'verifying', 'done'],
    );
    assert.deepEqual(lines[3].there, [[0, 9]]);
    assert.equal(lines[5].hash, `sha-256:${romeo.hashes[0]?.value}`);
    assert.equal(lines[5].target, 'romeo.txt');
  });

  it('asks several nodes, and channels beside them only when told to', async () => {
    const { asker } = await get({ files }, ['romeo.txt', '--to', 'a.x', '--to', 'b.x', '--to', 'a.x']);
    assert.deepEqual(
      asker.found.map(({ to, channels }) => [to, channels]),
      [
        ['a.x', []],
        ['b.x', []],
      ],
    );
    assert.deepEqual(asker.downloaded[0]?.audience, { nodes: ['a.x', 'b.x'], channels: [] });
    assert.equal(asker.downloaded[0]?.sources.length, 2);
    const both = await get({ files }, ['romeo.txt', '--to', 'a.x', '--channel', 'plays']);
    assert.deepEqual(
      both.asker.found.map(({ to, channels }) => [to, channels.length]),
      [
        [undefined, 1],
        ['a.x', 0],
      ],
    );
  });

  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /say which file/],
    [['a', 'b'], /'b' is one word too many/],
    [['a', '--range', '5'], /--range must look like/],
    [['a', '--range', '5-4'], /--range must look like/],
    [['a', '--range', '-5'], /--range needs a value: --range OFFSET-END; one with a dash/],
    [['a', '--range', '0-99999999999999999'], /--range must look like/],
    [['a', '--from', 'x@'], /--from must be an XMPP address/],
  ];
  for (const [argv, message] of wrong) {
    it(`refuses ${argv.join(' ') || 'to fetch nothing'}`, async () => {
      const { code, err, asker } = await get({ files }, argv);
      assert.equal(code, 2);
      assert.match(err.text, message);
      assert.equal(asker.state, 'new');
    });
  }
});
