/** The doors of a node as clients find them: slixmpp with its own plugins, on both servers. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseJid } from '../../src/stanza/jid.js';
import { commandAnswerCodec, commandRequestCodec } from '../../src/stanza/xep0050-commands.js';
import { retrieveToXml } from '../../src/stanza/xep0135-file-sharing.js';
import { OurReceiver } from '../interop/our-sides.js';
import { attachClient } from '../support/attached.js';
import { projectRoot } from '../support/codec-fixtures.js';
import { ServedNode } from '../support/served-node.js';
import { ACCOUNTS, COMPONENT_SECRET, DOMAIN, PUBSUB, type TestServer } from '../support/server.js';
import { describeOnServers } from '../support/server-fixture.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';
import { pathsInTree } from '../support/tree-file.js';

const NODE = 'files.localhost';
const ROOT = projectRoot(path.dirname(fileURLToPath(import.meta.url)));
const CLIENT = path.join(ROOT, 'test/scenarios/doors-client.py');
const run = promisify(execFile);

/** What `doors-client.py` says. */
type Said = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

describeOnServers('the doors of a node', (server: () => TestServer) => {
  let folder: TemporaryFolder;
  let node: ServedNode;
  let said: Said;

  before(async function () {
    this.timeout(90_000);
    folder = await temporaryFolder();
    await folder.write('books/romeo.txt', 'romeo');
    await folder.write('books/plays/juliet.pdf', 'juliet');
    await folder.write('books/plays/Romeo & Juliet.epub', Buffer.alloc(1500));
    await folder.write('books/plays/romeo.mp3', 'song');
    node = await ServedNode.make(path.join(folder.path, 'node'), {
      xmpp: { jid: NODE, secret: COMPONENT_SECRET, port: server().componentPort },
      shares: [{ name: 'books', path: path.join(folder.path, 'books') }],
      channels: [{ service: PUBSUB, node: 'doors', create: true }],
      access: [{ who: ['everyone'], may: 'take' }],
      owners: [`bob@${DOMAIN}`],
      about: { name: 'The library', description: 'Write help to it.' },
      scan: { quietMs: 100 },
    });
    await node.start();
    const [alice] = ACCOUNTS;
    const { host, c2sPort } = server();
    const jid = `${alice.user}@${DOMAIN}/doors`;
    const { stdout } = await run('/usr/bin/python3', [
      CLIENT,
      jid,
      alice.password,
      host,
      String(c2sPort),
      NODE,
    ]);
    said = JSON.parse(stdout) as Said;
  });

  after(async () => {
    await node?.stop();
    await folder?.remove();
  });

  it('say who we are, what we can do and how much there is', () => {
    const { identities, features, statistics, version, time, vcard, ping } = said.discovery ?? {};
    assert.deepEqual(identities, [['component', 'generic', null, 'The library']]);
    const wanted = [
      'http://jabber.org/protocol/commands',
      'http://jabber.org/protocol/files',
      'jabber:iq:search',
      'jabber:iq:version',
      'urn:xmpp:fis:0',
      'urn:xmpp:ping',
      'urn:xmpp:time',
      'urn:xmpp:tmp:file-discovery:0',
      'vcard-temp',
    ];
    assert.deepEqual(
      wanted.filter((each) => !(features as string[]).includes(each)),
      [],
    );
    assert.deepEqual(statistics, { files: '4', bytes: '1515', channels: '1' });
    assert.equal(version, 'shoal');
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual((vcard as unknown[]).slice(0, 3), ['The library', 'Write help to it.', 'image/png']);
    assert.equal(ping, true);
  });

  it('let a client that knows nothing but disco walk down to a file and its details', () => {
    const { top, books, romeo } = said.discovery ?? {};
    assert.deepEqual(top, ['files', 'http://jabber.org/protocol/commands', 'urn:xmpp:pubsub-file-sharing:0']);
    assert.deepEqual(books, ['plays', 'romeo.txt']);
    const { date: _, ...details } = romeo as Record<string, unknown>;
    assert.deepEqual(details, {
      FORM_TYPE: ['http://jabber.org/protocol/files'],
      hash: 'sha-256:uIteuQnRvVIVzm3UTmQkSvrSE9x3t3aRzBJKRiGzDrw=',
      'mime-type': 'text/plain',
      size: '5',
    });
  });

  it('offer a tree of all files, which comes by Jingle', async function () {
    this.timeout(30_000);
    const { files } = said.discovery ?? {};
    assert.deepEqual(files, ['files/books', 'tree.xml']);
    const receiver = await OurReceiver.start(server(), 'open');
    try {
      const target = path.join(folder.path, 'tree.xml');
      const received = receiver.receive(target);
      await receiver.ask(NODE, retrieveToXml({ type: 'tree' }));
      const { verified, name } = await received;
      assert.deepEqual([verified, name], [true, 'tree.xml']);
      const found = pathsInTree(await readFile(target, 'utf8'));
      assert.deepEqual(found.sort(), [
        'books/plays/Romeo & Juliet.epub',
        'books/plays/juliet.pdf',
        'books/plays/romeo.mp3',
        'books/romeo.txt',
      ]);
    } finally {
      await receiver.stop();
    }
  });

  it('show a form to search by, and a table of what was found', () => {
    const { types, title, reported, items } = said.search ?? {};
    const { kind, text, 'case-sensitive': caseSensitive } = types as Record<string, string>;
    assert.deepEqual([kind, text, caseSensitive], ['list-single', 'text-single', 'boolean']);
    assert.equal(title, '2 files');
    assert.deepEqual(reported, [
      ...['name', 'size', 'modified', 'path', 'media-type', 'desc', 'bytes', 'date', 'hash'],
    ]);
    const rows = items as Record<string, string>[];
    assert.deepEqual(rows.map(({ name, size, path: at }) => [name, size, at]).sort(), [
      ['Romeo & Juliet.epub', '1.5 kB', 'books/plays/Romeo & Juliet.epub'],
      ['romeo.txt', '5 B', 'books/romeo.txt'],
    ]);
  });

  it('run commands, forth and back', () => {
    const { menu, first, second, back, again, canceled } = said.find_command ?? {};
    assert.deepEqual(menu, [
      ['browse', 'Browse'],
      ['find', 'Find a file'],
      ['transfers', 'My transfers'],
      ['wishes', 'Wishes'],
    ]);
    assert.deepEqual(first, ['executing', ['next']]);
    const found = ['juliet.pdf, 6 B (books/plays)', 'Romeo & Juliet.epub, 1.5 kB (books/plays)'];
    assert.deepEqual(second, ['executing', ['next', 'prev'], found]);
    assert.deepEqual([back, again, canceled], ['juliet', 3, 'canceled']);
    assert.deepEqual(said.browse_command, {
      shares: ['books'],
      inside: ['romeo.txt, 5 B (books)'],
      deeper: [found[1], found[0], 'romeo.mp3, 4 B (books/plays)'],
    });
  });

  it('let the owner have the configuration read anew, from a client', async function () {
    this.timeout(30_000);
    const [, bob] = ACCOUNTS;
    const owner = attachClient(server(), bob.user);
    await owner.start();
    try {
      const run = async (nodeId: string) => {
        const payload = commandRequestCodec.toXml({ nodeId, action: 'execute' });
        const iq = await owner.request({ to: parseJid(NODE), type: 'set', payload });
        return commandAnswerCodec.fromXml(iq.getChildElements()[0] ?? assert.fail());
      };
      const status = await run('status');
      assert.deepEqual(status.form?.fields.find((field) => field.var === 'files')?.values, [
        '4, 1.5 kB, in 1 share',
      ]);
      const before = await readFile(node.configFile, 'utf8');
      await writeFile(node.configFile, before.replace('may: take', 'may: dance'));
      const [refused] = (await run('reload')).notes;
      assert.deepEqual(refused, { type: 'error', text: 'Nothing was changed.' });
      await writeFile(node.configFile, before.replace('may: take', 'may: see'));
      assert.deepEqual((await run('reload')).notes, [{ type: 'info', text: 'Changed: access.' }]);
    } finally {
      await owner.stop();
    }
  });

  it('tell what is wrong, and nothing of what is for others', () => {
    assert.deepEqual(said.faults, {
      wrong: ['executing', [['error', 'At least: write a size such as 500 kB or 1.5 GB']]],
      nothing: ['executing', [['info', 'Nothing was found.']]],
      'first back': 'bad-request',
      'no session': 'bad-request',
      'not for us': 'item-not-found',
      'not there': 'item-not-found',
    });
  });
});
