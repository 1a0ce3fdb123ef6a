/** Gajim 1.7.3 takes a file that a node offers, with its windows and a fault of its own mended. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { startProsody } from '../support/prosody.js';
import { ACCOUNTS, DOMAIN } from '../support/server.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';
import { Desktop } from './desktop.js';
import { Gajim } from './gajim.js';
import { OurNode } from './our-sides.js';
import { makeFriends } from './rosters.js';

const BYTES = randomBytes(3_000_001);
const NAME = 'sounds.bin';

describe('Gajim', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let gajim: Gajim;
  let node: OurNode;
  const stops: (() => Promise<void>)[] = [];

  before(async () => {
    folder = await temporaryFolder();
    stops.push(() => folder.remove());
    await folder.write(`shared/${NAME}`, BYTES);
    const server = await startProsody();
    stops.push(() => server.stop());
    await makeFriends(server);
    node = await OurNode.start(server, {
      jid: `bob@${DOMAIN}/shoal`,
      reach: 'open',
      folder: path.join(folder.path, 'shared'),
      home: path.join(folder.path, 'node'),
    });
    stops.push(() => node.stop());
    const desktop = await Desktop.start();
    stops.push(() => desktop.stop());
    gajim = await Gajim.start(desktop, server, {
      home: path.join(folder.path, 'gajim'),
      account: ACCOUNTS[2],
      folder: path.join(folder.path, 'received'),
    });
    stops.push(() => gajim.stop());
  });

  after(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  // It says nothing when it has everything: the session's end is the node's to find out.
  it('receives a file that a node offers', async () => {
    const { via } = await node.offer(gajim.jid, NAME, createHash('sha256').update(BYTES).digest('base64'));
    assert.equal(via, 'direct');
    await gajim.printed(/^completed sounds\.bin$/m);
    assert.ok(BYTES.equals(await readFile(path.join(folder.path, 'received', NAME))), 'byte for byte');
  });
});

describe('the windows of Gajim', function () {
  this.timeout(90_000);
  let folder: TemporaryFolder;
  let desktop: Desktop;
  let gajim: Gajim;
  const stops: (() => Promise<void>)[] = [];

  before(async () => {
    folder = await temporaryFolder();
    stops.push(() => folder.remove());
    await folder.write('shared/plays/juliet.pdf', 'a play');
    await folder.write('shared/Romeo & Juliet.epub', Buffer.alloc(1_200_000));
    await folder.write('shared/other.txt', 'something else');
    const server = await startProsody();
    stops.push(() => server.stop());
    await makeFriends(server);
    const node = await OurNode.start(server, {
      jid: 'files.localhost',
      reach: 'open',
      folder: path.join(folder.path, 'shared'),
      home: path.join(folder.path, 'node'),
    });
    stops.push(() => node.stop());
    desktop = await Desktop.start();
    stops.push(() => desktop.stop());
    gajim = await Gajim.start(desktop, server, {
      home: path.join(folder.path, 'gajim'),
      account: ACCOUNTS[2],
      folder: path.join(folder.path, 'received'),
      windowsOf: node.jid,
    });
    stops.push(() => gajim.stop());
  });

  after(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  /** With `PICTURES=FOLDER` what is to be seen is kept there: the pictures of docs/ are made so. */
  const look = (title: string, name: string) => async () => {
    const { PICTURES } = process.env;
    if (PICTURES === undefined) return;
    await desktop.picture(await desktop.window(title), path.join(PICTURES, `gajim-${name}.png`));
  };
  const page = (name: string, title: string) => gajim.page(name, look(title, name));

  it('search a node, and have it offer what is ticked', async () => {
    await page('search-form', '^Search$');
    await page('search-result', '^Search Result$');
    assert.equal(gajim.said('found'), "['Romeo & Juliet.epub', 'juliet.pdf']");
    await page('commands', '^Command List$');
    await page('command-form', '^Stage$');
    await page('command-files', '^Stage$');
    await page('command-done', '^Completed$');
    assert.equal(gajim.said('commands'), "['Find a file', 'Browse', 'My transfers', 'Wishes']");
    assert.equal(
      gajim.said('offered in the window'),
      "['Romeo & Juliet.epub, 1.2 MB (shared)', 'juliet.pdf, 6 B (shared/plays)']",
    );
    assert.equal(gajim.said('notes'), "['juliet.pdf is offered to you now.']");
    await gajim.printed(/^completed juliet\.pdf$/m);
    assert.equal(await readFile(path.join(folder.path, 'received', 'juliet.pdf'), 'utf8'), 'a play');
  });

  it('chat with a node, which sends what was chosen', async () => {
    for (const each of ['chat', 'chat-offer', 'chat-end']) await page(each, 'Gajim');
    const list = gajim.said('answer to find juliet:');
    assert.match(list ?? '', /^'2 files for ‘juliet’:\\n1\. shared\/\S.* \(.*\)\\n2\. /);
    assert.match(gajim.said('answer to get 1:') ?? '', /^'I offer you .*\. Please accept in your client\.'$/);
    assert.match(gajim.said('last') ?? '', /^You have .* now\.$/);
  });
});
