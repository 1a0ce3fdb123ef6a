import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { findCommand } from '../../src/cli/find.js';
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
  folder = await mkdtemp(join(tmpdir(), 'shoal-find-'));
  config = join(folder, 'asker.yaml');
  await writeFile(
    config,
    'jid: juliet@example.org\npassword: pw\nservice: pubsub.example.org\nchannels: [books]\n',
    { mode: 0o600 },
  );
});

after(() => rm(folder, { recursive: true }));

/** Runs `shoal find` with this library behind it. */
async function find(
  init: LibraryAskerInit,
  argv: readonly string[],
  ioInit: Parameters<typeof captureIo>[0] = {},
  clock = new VirtualClock(),
) {
  const io = captureIo({ env: { SHOAL_CONFIG: config }, ...ioInit });
  const asker = new LibraryAsker(init);
  const components = {
    clock,
    createAsker: async () => asker,
    createNode: () => assert.fail('find needs no node'),
    createServer: () => assert.fail('find needs no server'),
  };
  const code = await runCommand({ version: '1', commands: [findCommand], components }, ['find', ...argv], io);
  if (asker.found.length > 0) assert.equal(asker.state, 'stopped');
  assert.equal(components.clock.pendingTimers, 0);
  return { code, out: io.out, err: io.err.text, asker };
}

const files = [
  foundFile('romeo.txt', 'a.x'),
  foundFile('juliet.txt', 'a.x'),
  foundFile('romeo.txt', 'b.x'),
  foundFile('romeo2.txt', 'b.x'),
];

describe('shoal find', () => {
  it('prints each file once with all its sources, and a summary that is no answer', async () => {
    const { code, out, err, asker } = await find({ files }, ['romeo']);
    assert.equal(code, 0);
    assert.equal(
      out.text,
      '    9 B  2026-11-23  share/romeo.txt   a.x, b.x\n   10 B  2026-11-23  share/romeo2.txt  b.x\n',
    );
    assert.equal(err, '2 files from 2 nodes\n');
    assert.deepEqual(asker.found, [
      {
        criteria: { text: ['romeo'] },
        channels: [{ service: 'pubsub.example.org', node: 'books' }],
        max: 100,
        waitMs: 5000,
      },
    ]);
  });

  it('prints one JSON object a line', async () => {
    const { out } = await find({ files }, ['romeo', '--json']);
    const objects = out.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      objects.map(({ name, sources }) => [name, sources.length]),
      [
        ['romeo.txt', 2],
        ['romeo2.txt', 1],
      ],
    );
  });

  it('shows rows at once on a terminal, and changes them', async () => {
    const { code, out, err } = await find({ files }, ['romeo'], { terminal: { columns: 60, rows: 10 } });
    assert.equal(code, 0);
    assert.deepEqual(out.screen(), [
      '    9 B  2026-11-23  share/romeo.txt   a.x, b.x',
      '   10 B  2026-11-23  share/romeo2.txt  b.x',
    ]);
    assert.equal(err, '2 files from 2 nodes\n');
  });

  it('says on a terminal that it waits, and takes that away', async () => {
    const { out } = await find({ files: [], patient: true }, ['romeo'], {
      terminal: { columns: 60, rows: 10 },
      signal: AbortSignal.timeout(20),
    });
    assert.match(out.text, /waiting for answers; Ctrl-C ends it/);
    assert.deepEqual(out.screen(), []);
  });

  it('ends with 1 when nothing was found', async () => {
    const { code, out, err } = await find({ files }, ['hamlet']);
    assert.deepEqual([code, out.text, err], [1, '', 'nothing found\n']);
  });

  it('ends as soon as it has as many as were wanted', async () => {
    const { code, out, err } = await find({ files, patient: true }, ['--ext', 'txt', '--max', '1']);
    assert.equal(code, 0);
    assert.equal(out.text.split('\n').length - 1, 1);
    assert.match(err, /stopped at 1, --max N shows more/);
  });

  it('ends when nobody else has answered for two seconds', async () => {
    const clock = new VirtualClock();
    const after = ['a.x', 'b.x'].map((jid) => ({ type: 'answer', jid: parseJid(jid), total: 1 }) as const);
    const found = find({ files, patient: true, after }, ['romeo'], {}, clock);
    while (clock.pendingTimers === 0) await setImmediate();
    await clock.advance(1999);
    assert.equal(clock.pendingTimers, 1);
    await clock.advance(1);
    assert.equal((await found).err, '2 files from 2 nodes\n');
  });

  it('does not end in the middle of an answer', async () => {
    const clock = new VirtualClock();
    const after = [{ type: 'answer', jid: parseJid('a.x'), total: 1 }] as const;
    const signal = AbortSignal.timeout(50);
    const found = find({ files, patient: true, after }, ['romeo'], { signal }, clock);
    while (!signal.aborted) {
      await setImmediate();
      assert.equal(clock.pendingTimers, 0, 'b.x has more');
    }
    assert.equal((await found).code, 0);
  });

  for (const argv of [
    ['--wait', '5'],
    ['--to', 'a.x'],
  ]) {
    it(`has all its time with ${argv.join(' ')}`, async () => {
      const clock = new VirtualClock();
      const signal = AbortSignal.timeout(20);
      const found = find({ files, patient: true }, ['romeo', ...argv], { signal }, clock);
      while (!signal.aborted) {
        await setImmediate();
        assert.equal(clock.pendingTimers, 0);
      }
      assert.equal((await found).code, 0);
    });
  }

  it('shows what was found until it was interrupted', async () => {
    const { code, out } = await find({ files, patient: true }, ['romeo'], {
      signal: AbortSignal.timeout(20),
    });
    assert.equal(code, 0);
    assert.equal(out.text.split('\n').length - 1, 2);
  });

  it('tells who refused, and what is not hashed yet', async () => {
    const { err } = await find(
      {
        files,
        after: [
          { type: 'answer', jid: parseJid('a.x'), total: 1, pending: 3 },
          {
            type: 'refused',
            jid: parseJid('c.x'),
            error: new StanzaError('resource-constraint', 'busy\x1b[2J'),
          },
        ],
      },
      ['romeo'],
    );
    assert.match(err, /3 more not hashed yet/);
    assert.match(err, /c\.x refused: resource-constraint: busy\\x1b\[2J/);
  });

  it('asks one node, or other channels, when told', async () => {
    const one = await find({ files }, ['romeo', '--to', 'b.x']);
    assert.deepEqual(one.asker.found[0]?.channels, []);
    assert.equal(one.asker.found[0]?.to, 'b.x');
    assert.match(one.err, /^2 files from 1 node\n/);
    const other = await find({ files }, [
      'r',
      '--channel',
      'music',
      '--channel',
      'film',
      '--service',
      'p.x',
      '--wait',
      '0.5',
    ]);
    assert.deepEqual(other.asker.found[0]?.channels, [
      { service: 'p.x', node: 'music' },
      { service: 'p.x', node: 'film' },
    ]);
    assert.equal(other.asker.found[0]?.waitMs, 500);
  });

  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /say what to look for/],
    [['romeo', '--wait', '0'], /--wait must be a number of seconds/],
    [['romeo', '--wait', '301'], /--wait must be/],
    [['romeo', '--max', '0'], /--max must be a whole number from 1 to 10000/],
    [['romeo', '--to', '@'], /--to must be an XMPP address/],
    [['romeo', '--tls', 'maybe'], /--tls: tls: "maybe" must be one of/],
    [['romeo', '--config', '/nowhere/x.yaml'], /\/nowhere\/x\.yaml: can't be read/],
  ];
  for (const [argv, message] of wrong) {
    it(`refuses ${argv.join(' ') || 'an empty question'} before it connects`, async () => {
      const { code, err, asker } = await find({ files }, argv);
      assert.equal(code, 2);
      assert.match(err, message);
      assert.equal(asker.state, 'new');
    });
  }
});
