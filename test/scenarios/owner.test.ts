/** What the owner of a node does from a client that knows commands (XEP-0050): slixmpp with its own plugin. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Entity } from '../../src/entity/entity.js';
import { FileDiscoveryElement, findCodec, foundCodec } from '../../src/stanza/file-discovery.js';
import { parseJid } from '../../src/stanza/jid.js';
import { child } from '../../src/stanza/xml.js';
import { attachClient } from '../support/attached.js';
import { projectRoot } from '../support/codec-fixtures.js';
import { eventually } from '../support/eventually.js';
import { ServedNode } from '../support/served-node.js';
import { ACCOUNTS, COMPONENT_SECRET, DOMAIN, type TestServer } from '../support/server.js';
import { sharedServer } from '../support/server-fixture.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const NODE = 'files.localhost';
const ROOT = projectRoot(path.dirname(fileURLToPath(import.meta.url)));
const CLIENT = path.join(ROOT, 'test/scenarios/owner-client.py');
const [ALICE, BOB] = ACCOUNTS;

type Step = readonly [action: 'next' | 'complete', values: Readonly<Record<string, string>>];

interface Asked {
  readonly command: string;
  readonly steps?: readonly Step[];
}

interface Page {
  readonly status: string;
  readonly notes: readonly (readonly [type: string, text: string])[];
  readonly options?: Readonly<Record<string, readonly string[]>>;
  readonly rows?: readonly Readonly<Record<string, string>>[];
}

describe('the owner of a node, from a client', function () {
  this.timeout(60_000);
  let server: TestServer;
  let folder: TemporaryFolder;
  let node: ServedNode;
  let asker: Entity;

  before(async () => {
    server = await sharedServer('prosody');
    folder = await temporaryFolder();
    await folder.write('books/romeo.txt');
    await folder.write('files/music/song.mp3');
    await folder.write('private/letter.txt');
    node = await ServedNode.make(path.join(folder.path, 'node'), {
      xmpp: { jid: NODE, secret: COMPONENT_SECRET, port: server.componentPort },
      shares: [{ name: 'books', path: path.join(folder.path, 'books') }],
      access: [{ who: ['everyone'], may: 'take' }],
      owners: [`${BOB.user}@${DOMAIN}`],
      ownersMayShare: [path.join(folder.path, 'files')],
      scan: { quietMs: 100 },
      limits: { refusalsPerAskerPerMinute: 1000 },
    });
    await writeFile(node.configFile, `# Ours.\n${await readFile(node.configFile, 'utf8')}`);
    await node.start();
    asker = attachClient(server, ALICE.user);
    await asker.start();
  });

  after(async () => {
    await asker?.stop();
    await node?.stop();
    await folder?.remove();
  });

  async function run(
    ...commands: Asked[]
  ): Promise<{ readonly menu: readonly string[]; readonly pages: Page[] }> {
    const { host, c2sPort } = server;
    const jid = `${BOB.user}@${DOMAIN}/owner`;
    const said = await new Promise<string>((resolve, reject) => {
      const args = [CLIENT, jid, BOB.password, host, String(c2sPort), NODE];
      const child = execFile('/usr/bin/python3', args, (error, stdout) =>
        error ? reject(error) : resolve(stdout),
      );
      child.stdin?.end(JSON.stringify(commands));
    });
    const [menu = [], ...pages] = JSON.parse(said) as [string[], ...Page[]];
    return { menu, pages };
  }

  async function found(signal?: AbortSignal): Promise<string[]> {
    const payload = findCodec.toXml({ criteria: { sizeMin: 0 }, page: {} });
    const to = parseJid(NODE);
    const result = await asker.request({ to, type: 'get', payload, ...(signal && { signal }) });
    const { name, ns } = FileDiscoveryElement.found;
    const { files } = foundCodec.fromXml(child(result, name, ns) ?? assert.fail('no answer'));
    return files.map(({ path: at = '' }) => at).sort();
  }
  const finds = (...paths: string[]) =>
    eventually(found, (each) => JSON.stringify(each) === JSON.stringify(paths));

  it('adds a folder, and only where that is allowed; it is found, and stays after a restart', async () => {
    const share = (at: string, name: string): Asked => ({
      command: 'add-share',
      steps: [['complete', { path: path.join(folder.path, at), name }]],
    });
    const before = await readFile(node.configFile, 'utf8');
    const { menu, pages } = await run(share('private', 'private'), share('files/music', 'music'));
    assert.deepEqual(
      ['add-share', 'bans', 'reload', 'remove-share'].filter((name) => !menu.includes(name)),
      [],
    );
    const [refused, done] = pages;
    assert.equal(refused?.status, 'executing');
    assert.match(
      refused.notes[0]?.[1] ?? '',
      /^Nothing was changed: '.*\/private' is no folder in .*\/files$/,
    );
    assert.equal(done?.status, 'completed');
    assert.deepEqual(done.notes[1], ['info', 'Changed: shares.']);
    await finds('books/romeo.txt', 'music/song.mp3');
    const after = await readFile(node.configFile, 'utf8');
    assert.equal(
      after
        .split('\n')
        .filter((line) => !/name: music|path: .*\/files\/music$/.test(line))
        .join('\n'),
      before,
    );
    await node.stop();
    await node.start();
    await finds('books/romeo.txt', 'music/song.mp3');
  });

  it('bans an address, which is not answered until it is taken back', async () => {
    const who = `${ALICE.user}@${DOMAIN}`;
    const { pages } = await run(
      {
        command: 'bans',
        steps: [
          ['next', { topic: 'ban' }],
          ['complete', { who, for: '1h', reason: 'too loud' }],
        ],
      },
      { command: 'bans', steps: [['next', { topic: 'bans' }]] },
    );
    assert.equal(pages[0]?.status, 'completed');
    assert.match(pages[1]?.options?.lift?.join() ?? '', new RegExp(`^${who}, since .*: too loud$`));
    await assert.rejects(found(AbortSignal.timeout(1500)));
    const over = await run(
      { command: 'bans', steps: [['next', { topic: 'refusals' }]] },
      {
        command: 'bans',
        steps: [
          ['next', { topic: 'bans' }],
          ['next', { lift: '1' }],
        ],
      },
    );
    assert.deepEqual(over.pages[0]?.rows, [{ rule: 'banned', count: '1' }]);
    assert.deepEqual(over.pages[1]?.notes, [['info', `${who} is no longer banned.`]]);
    await finds('books/romeo.txt', 'music/song.mp3');
  });

  it('has other budgets taken over, and takes a share away', async () => {
    const before = await readFile(node.configFile, 'utf8');
    await writeFile(
      node.configFile,
      before.replace('limits:\n', 'limits:\n  queriesPerAskerPerMinute: 77\n'),
    );
    const { pages } = await run(
      { command: 'reload' },
      { command: 'bans', steps: [['next', { topic: 'limits' }]] },
      { command: 'remove-share', steps: [['complete', { name: 'books' }]] },
    );
    assert.deepEqual(pages[0]?.notes, [['info', 'Changed: limits.']]);
    const limits = pages[1]?.rows ?? [];
    assert.equal(limits.find(({ name }) => name === 'limits.queriesPerAskerPerMinute')?.value, '77');
    assert.deepEqual(pages[2]?.notes[0], ['info', 'books is no longer shared.']);
    await finds('music/song.mp3');
  });
});
