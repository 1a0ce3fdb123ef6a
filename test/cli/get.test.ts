import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCommand } from '../../src/cli/get.js';
import { runCommand } from '../../src/cli/run-command.js';
import { parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
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
    createAsker: () => asker,
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
    assert.deepEqual(asker.fetched, [
      {
        file: { name: 'romeo.txt', hash: romeo.hashes[0], size: 9 },
        sources: [
          { jid: 'a.x', path: 'share/romeo.txt' },
          { jid: 'b.x', path: 'share/romeo.txt' },
        ],
        target: 'romeo.txt',
        overwrite: 'refuse',
      },
    ]);
    assert.equal(out.text, 'romeo.txt: 9 B, in 0.0 s, hash verified\n');
    assert.equal(err.text, 'asking a.x\nreceiving from a.x (SOCKS5)\nchecking the hash\n');
  });

  it('fetches by hash and by path', async () => {
    const byHash = await get({ files }, [romeo.hashes[0]?.value ?? '', '-o', join(folder, 'x')]);
    assert.equal(byHash.asker.fetched[0]?.file.name, 'romeo.txt');
    assert.equal(byHash.asker.fetched[0]?.target, join(folder, 'x'));
    const byPath = await get({ files }, ['share/juliet.txt', '--force', '--range', '3-5', '-o', folder]);
    assert.deepEqual(byPath.asker.fetched[0]?.range, { offset: 3, length: 3 });
    assert.equal(byPath.asker.fetched[0]?.overwrite, 'replace');
    assert.equal(byPath.asker.fetched[0]?.target, join(folder, 'juliet.txt'));
    assert.match(byPath.out.text, /hash not verified/);
  });

  it('asks for no bytes beyond the end, and for the whole file where the range is all of it', async () => {
    const size = romeo.size ?? assert.fail();
    for (const range of [`0-${size}`, `${size + 1}-`, '0-9999999999']) {
      const { code, err, asker } = await get({ files }, ['romeo.txt', '--range', range]);
      assert.equal(code, 1, range);
      assert.match(err.text, new RegExp(`beyond the end: the file has ${size} bytes`));
      assert.deepEqual(asker.fetched, []);
    }
    const whole = await get({ files }, ['romeo.txt', '--range', `0-${size - 1}`]);
    assert.equal(whole.asker.fetched[0]?.range, undefined);
  });

  it('waits only a moment for further sources once it has one', async () => {
    const { code, asker } = await get({ files, patient: true }, ['romeo.txt']);
    assert.equal(code, 0);
    assert.equal(asker.fetched[0]?.sources.length, 2);
  });

  it('never lets a peer choose another folder', async () => {
    const evil = foundFile('../../etc/passwd', 'a.x');
    const { asker } = await get({ files: [evil] }, [evil.hashes[0]?.value ?? '']);
    assert.equal(asker.fetched[0]?.target, 'passwd');
  });

  it('asks which one is meant when the name is not enough', async () => {
    const { code, err, asker } = await get(
      { files: [romeo, foundFile('romeo.txt', 'c.x', { content: 'another', path: 'other/romeo.txt' })] },
      ['romeo.txt'],
    );
    assert.equal(code, 1);
    assert.match(err.text, /several files have this name/);
    assert.ok(err.text.includes(`sha-256:${romeo.hashes[0]?.value}`));
    assert.deepEqual(asker.fetched, []);
  });

  it('says what is not found, and takes no file with a name that is only alike', async () => {
    const { code, err, asker } = await get({ files: [foundFile('Romeo.txt', 'a.x')] }, ['romeo.txt']);
    assert.equal(code, 1);
    assert.match(err.text, /^not found: romeo\.txt\nthere is:\n.*share\/Romeo\.txt/);
    assert.deepEqual(asker.fetched, []);
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
    assert.equal((await get({ files: [odd] }, [odd.name])).asker.fetched.length, 1);
    assert.equal((await get({ files: [foundFile('cafe\u0301', 'a.x')] }, ['cafe\u0301'])).code, 1 - 1);
    const unsayable = foundFile('bad\ufffdname', 'a.x');
    assert.equal((await get({ files: [unsayable] }, [unsayable.name])).asker.fetched.length, 1);
  });

  it('takes a name as find shows it, with what a terminal would obey written out', async () => {
    const odd = foundFile('two\nlines\u202e.txt', 'a.x');
    for (const word of [odd.name, 'two\\x0alines\\u{202e}.txt', 'share/two\\x0alines\\u{202e}.txt']) {
      assert.equal((await get({ files: [odd] }, [word])).asker.fetched[0]?.file.name, odd.name, word);
    }
    const literal = foundFile('two\\x0alines.txt', 'a.x');
    assert.equal((await get({ files: [literal] }, [literal.name])).asker.fetched.length, 1);
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

  it('leaves a terminal with the result alone, above it who was asked', async () => {
    const { err } = await get({ files }, ['romeo.txt'], { columns: 80, rows: 24 });
    assert.deepEqual(err.screen(), ['asking a.x', 'receiving from a.x (SOCKS5)']);
    assert.match(err.text, /romeo\.txt {2}\[#{10,}\] {2}100 % {2}9 B of 9 B/);
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
