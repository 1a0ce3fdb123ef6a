/** The examples of docs/access.md mean what is said there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RuleBook } from '../../src/access/rule-book.js';
import { mediaTypeOf } from '../../src/catalogue/media-type.js';
import type { ShareRelativePath } from '../../src/catalogue/share-path.js';
import { loadNodeConfig } from '../../src/config/load.js';
import type { ChannelAddress } from '../../src/stanza/file-discovery.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { projectRoot } from '../support/codec-fixtures.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';
import { VirtualClock } from '../support/virtual-clock.js';

const TEXT = readFileSync(join(projectRoot(import.meta.dirname), 'docs/access.md'), 'utf8');

interface Asker {
  readonly group?: string;
  readonly channel?: string;
}

describe('docs/access.md', () => {
  let folder: TemporaryFolder;

  beforeEach(async () => {
    folder = await temporaryFolder();
    for (const name of ['photos', 'papers', 'films', 'scores', 'recordings', 'books'])
      await mkdir(join(folder.path, name));
    for (const name of ['secret', 'password']) await folder.write(name, 's3cret\n');
  });
  afterEach(() => folder.remove());

  /** What may be done by the example below the heading. */
  async function example(heading: string) {
    const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(TEXT.slice(TEXT.indexOf(`### ${heading}\n`))) ?? [];
    await folder.write('node.yaml', yaml.replaceAll('/srv/', `${folder.path}/`));
    const { config } = await loadNodeConfig(join(folder.path, 'node.yaml'));
    const rules = config.access ?? assert.fail('no rules');
    return (jid: string, full: string, { group, channel }: Asker = {}) => {
      const book = new RuleBook(
        { clock: new VirtualClock(), groups: { isIn: (_contact, each) => each === group } },
        { rules },
      );
      const through: ChannelAddress | undefined =
        channel === undefined ? undefined : { service: parseBareJid('pubsub.example.org'), nodeId: channel };
      const [share = '', ...parts] = full.split('/');
      const path = parts.join('/') as ShareRelativePath;
      const asker = { jid: parseJid(jid), ...(through && { through }) };
      return book.decide(asker, { share, path, mediaType: mediaTypeOf(path) }).may;
    };
  }

  it('A family', async () => {
    const may = await example('A family');
    assert.equal(may('romeo@example.net', 'papers/will.pdf'), 'take');
    assert.equal(may('nurse@example.com', 'papers/will.pdf', { group: 'Family' }), 'nothing');
    assert.equal(may('nurse@example.com', 'photos/1.jpg', { group: 'Family' }), 'take');
    assert.equal(may('paris@example.com', 'photos/1.jpg', { group: 'Friends' }), 'take');
    assert.equal(may('paris@example.com', 'photos/private/1.jpg', { group: 'Friends' }), 'nothing');
    assert.equal(may('paris@example.com', 'films/1.mkv', { group: 'Friends' }), 'nothing');
    assert.equal(may('peter@example.org', 'films/1.mkv'), 'take');
    assert.equal(may('peter@example.org', 'photos/1.jpg'), 'nothing');
  });

  it('A club', async () => {
    const may = await example('A club');
    assert.equal(may('tybalt@example.com', 'scores/1.pdf'), 'see');
    assert.equal(may('tybalt@example.com', 'scores/1.pdf', { channel: 'choir' }), 'take');
    assert.equal(may('tybalt@example.com', 'scores/a/copyright/1.pdf', { channel: 'choir' }), 'nothing');
    assert.equal(may('librarian@example.org', 'scores/a/copyright/1.pdf'), 'take');
  });

  it('A public library', async () => {
    const may = await example('A public library');
    assert.equal(may('tybalt@example.com', 'books/1.pdf'), 'take');
    assert.equal(may('tybalt@example.com', 'books/a/drafts/1.pdf'), 'nothing');
    assert.equal(may('tybalt@example.com', 'books/1.pdf~'), 'nothing');
    assert.equal(may('juliet@partner.example', 'books/1.pdf~'), 'take');
    assert.equal(may('tybalt@example.com', 'films/1.mp4'), 'see');
    assert.equal(may('tybalt@example.com', 'films/1.mp4', { channel: 'library' }), 'take');
  });
});
