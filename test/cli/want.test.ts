import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../src/cli/run-command.js';
import { wantCommand } from '../../src/cli/want.js';
import { OfflineError } from '../../src/entity/entity.js';
import type { FoundFile, WantEvent } from '../../src/node/asker.js';
import { parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { formatHash } from '../../src/stanza/xep0300-hashes.js';
import { captureIo } from '../support/captured-io.js';
import { eventually } from '../support/eventually.js';
import { LibraryAsker } from '../support/library-asker.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { foundFile } from './found-files.js';

const HOUR_MS = 3_600_000;

describe('shoal want', () => {
  let folder: string;
  let config: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-want-'));
    config = join(folder, 'asker.yaml');
    await writeFile(
      config,
      'jid: juliet@example.org\npassword: pw\nservice: pubsub.example.org\nchannels: [books]\n',
      { mode: 0o600 },
    );
  });
  afterEach(() => rm(folder, { recursive: true }));

  const news = (...files: readonly FoundFile[]) => files.map((file): WantEvent => ({ type: 'file', file }));

  /** Runs it until an hour is over. */
  async function want(events: readonly WantEvent[], argv: readonly string[]) {
    const io = captureIo({ env: { SHOAL_CONFIG: config, XDG_STATE_HOME: join(folder, 'state') } });
    let remembersIn: string | undefined;
    const asker = new LibraryAsker({ files: [], news: events });
    const clock = new VirtualClock();
    const components = {
      clock,
      createAsker: async (_: unknown, __: unknown, options?: { readonly stateFolder?: string }) => {
        remembersIn = options?.stateFolder;
        return asker;
      },
      createNode: () => assert.fail('want needs no node'),
      createServer: () => assert.fail('want needs no server'),
    };
    const line = ['want', ...argv, '--for', '1h'];
    let code: number | undefined;
    const running = runCommand({ version: '1', commands: [wantCommand], components }, line, io).then(
      (ended) => {
        code = ended;
      },
    );
    await eventually(
      async () => {
        if (asker.wanted.length > 0) await clock.advance(HOUR_MS);
        return code;
      },
      (ended) => ended !== undefined,
    );
    await running;
    assert.equal(clock.pendingTimers, 0);
    return { code, out: io.out.text, err: io.err.text, asker, remembersIn };
  }

  it('shows each file once, whoever has it and however often it is told', async () => {
    const { code, out, err, asker } = await want(
      news(
        foundFile('romeo.txt', 'a.x'),
        foundFile('romeo.txt', 'b.x'),
        foundFile('other name.txt', 'b.x', { content: 'romeo.txt' }),
        foundFile('juliet.txt', 'b.x'),
        foundFile('romeo.txt', 'a.x'),
      ),
      ['romeo'],
    );
    assert.equal(code, 0);
    assert.deepEqual(
      out.split('\n').map((line) =>
        line
          .trim()
          .split(/\s{2,}/)
          .at(2),
      ),
      ['share/romeo.txt', 'share/juliet.txt', undefined],
    );
    assert.equal(err, 'asked; what comes is shown until Ctrl-C\n2 files\n');
    const channels = [{ service: 'pubsub.example.org', node: 'books' }];
    assert.deepEqual(asker.wanted, [{ criteria: { text: ['romeo'] }, channels, max: 1000 }]);
    assert.deepEqual([asker.fetched, asker.downloaded], [[], []]);
  });

  it('says when nobody can be asked, and when somebody refuses', async () => {
    const refused = {
      type: 'refused',
      jid: parseJid('a.x'),
      error: new StanzaError('forbidden', 'no'),
    } as const;
    const { code, err } = await want(
      [
        { type: 'unreached', error: new OfflineError('not connected'), againMs: 5000 },
        { type: 'asking', againMs: 1000 },
        refused,
        refused,
      ],
      ['--name', 'romeo'],
    );
    assert.equal(code, 1);
    assert.deepEqual(err.trimEnd().split('\n').slice(1), [
      'could not ask: not connected; again in 0:05',
      'asked again',
      'a.x refused: forbidden: no',
      'nothing came',
    ]);
  });

  it('fetches each file that comes, once, to a name of its own', async () => {
    const { code, out, asker } = await want(
      news(
        foundFile('../romeo.txt', 'a.x', { content: 'one' }),
        foundFile('romeo.txt', 'b.x', { content: 'one' }),
        foundFile('romeo.txt', 'b.x', { content: 'two' }),
      ),
      ['romeo', '--get', '--into', folder],
    );
    assert.equal(code, 0);
    assert.deepEqual(
      asker.downloaded.map(({ target }) => target).sort(), // they come together
      [join(folder, 'romeo (2).txt'), join(folder, 'romeo.txt')],
    );
    assert.match(out, /romeo \(2\)\.txt: 3 B/);
  });

  it('fetches a file of which somebody told another size before', async () => {
    const lie = foundFile('romeo.txt', 'l.x', { size: 1_000_000 });
    const { asker } = await want(news(lie, foundFile('romeo.txt', 'a.x')), [
      'romeo',
      '--get',
      '--into',
      folder,
    ]);
    assert.deepEqual(
      asker.downloaded.map(({ file }) => file.size),
      [1_000_000, 9],
    );
  });

  it('does not fetch what is there already, but what has its name alone', async () => {
    await writeFile(join(folder, 'romeo.txt'), 'one');
    const { code, asker } = await want(
      news(
        foundFile('romeo.txt', 'a.x', { content: 'one' }),
        foundFile('romeo.txt', 'b.x', { content: 'two' }),
      ),
      ['romeo', '--get', '--into', folder],
    );
    assert.equal(code, 0);
    assert.deepEqual(
      asker.downloaded.map(({ target }) => target),
      [join(folder, 'romeo (2).txt')],
    );
    assert.deepEqual((await readdir(folder)).sort(), ['asker.yaml', 'romeo.txt']);
  });

  it('remembers who sent wrong bytes, where get does', async () => {
    const { remembersIn } = await want([], ['romeo', '--get', '--into', folder]);
    assert.equal(remembersIn, join(folder, 'state', 'shoal'));
  });

  it('takes another name where a .part of somebody else is in the way, and goes on with its own', async () => {
    await writeFile(join(folder, 'romeo.txt.part'), 'of a browser');
    await writeFile(join(folder, 'nurse.txt.part'), 'x');
    const nurse = foundFile('nurse.txt', 'a.x');
    const [hash] = nurse.hashes;
    const journal = {
      format: 'shoal part 1',
      hash: hash && formatHash(hash),
      syncedBytes: 0,
      provenBytes: 0,
    };
    await writeFile(join(folder, 'nurse.txt.part.json'), JSON.stringify({ ...journal, senders: [] }));
    const { code, asker, err } = await want(news(foundFile('romeo.txt', 'a.x'), nurse), [
      'e',
      '--get',
      '--into',
      folder,
    ]);
    assert.equal(code, 0, err);
    assert.deepEqual(
      asker.downloaded.map(({ target }) => target.slice(folder.length + 1)),
      ['romeo (2).txt', 'nurse.txt'],
    );
  });

  it('prints one JSON object a line, without control characters', async () => {
    const { out } = await want(news(foundFile('ro\x1b[2Jmeo.txt', 'a.x', { content: 'one' })), [
      'romeo',
      '--get',
      '--into',
      folder,
      '--json',
    ]);
    assert.doesNotMatch(out, /\x1b/);
    const [found, fetched] = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(found?.name, 'ro\x1b[2Jmeo.txt');
    assert.deepEqual(Object.keys(fetched ?? {}), ['fetched', 'bytes', 'sha-256']);
    assert.equal(fetched?.bytes, 3);
  });

  it('refuses what can not be meant', async () => {
    for (const argv of [[], ['x', '--into', folder], ['x', '--get', '--into', join(folder, 'none')]]) {
      const io = captureIo({ env: { SHOAL_CONFIG: config } });
      const components = {
        clock: new VirtualClock(),
        createAsker: () => assert.fail('nothing is asked'),
        createNode: () => assert.fail('want needs no node'),
        createServer: () => assert.fail('want needs no server'),
      };
      assert.equal(
        await runCommand({ version: '1', commands: [wantCommand], components }, ['want', ...argv], io),
        2,
      );
    }
  });
});
