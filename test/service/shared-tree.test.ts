import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { AccessPolicy, View } from '../../src/access/access-policy.js';
import type { CatalogueChange } from '../../src/catalogue/file-entry.js';
import { MAX_TREE_FILES } from '../../src/service/shared-tree.js';
import { discoInfoCodec, discoItemsCodec, discoQueryToXml } from '../../src/stanza/xep0030-disco.js';
import type { PageRequest } from '../../src/stanza/xep0059-rsm.js';
import { retrieveToXml } from '../../src/stanza/xep0135-file-sharing.js';
import { xml } from '../../src/stanza/xml.js';
import { put, remove } from '../support/file-entries.js';
import { pathsInTree } from '../support/tree-file.js';
import { DoorWorld, type DoorWorldInit, JULIET, ROMEO, SHA } from './door-world.js';

/** What holds the word `secret` is for Romeo alone. */
const SECRETS: AccessPolicy = {
  viewOf({ jid }): View {
    const all = jid === ROMEO;
    return {
      key: all ? 'all' : 'some',
      maySee: (file) => all || !`${file.share}/${file.path}`.includes('secret'),
      mayTake: () => all,
      verdict: (folder) => (all ? 'all' : folder.includes('secret') ? 'none' : 'some'),
    };
  },
};
const FILES = ['books/romeo.txt', 'books/plays/a & "b".pdf', 'books/plays/secret.txt', 'secrets/a.txt'];
const NOT_THERE = 'cancel|item-not-found|there is no such file or folder|';
const TREE = retrieveToXml({ type: 'tree' });

describe('the tree of all that is shared', () => {
  let world: DoorWorld;
  afterEach(() => world.stop());

  async function begin(paths: readonly string[], init: DoorWorldInit = {}): Promise<void> {
    world = new DoorWorld(init);
    await world.start(paths.map((path): CatalogueChange => put(path, { sha256: SHA })));
  }

  async function nodes(page: PageRequest = {}, from = JULIET): Promise<(string | undefined)[]> {
    const answer = await world.ask('get', discoQueryToXml('items', 'files', page), from);
    return discoItemsCodec.fromXml(answer ?? xml('nothing')).items.map(({ nodeId }) => nodeId);
  }

  async function treeOf(from = JULIET): Promise<string[]> {
    assert.equal(await world.ask('get', TREE, from), undefined);
    const [made] = world.made.splice(0);
    return pathsInTree(made?.content.toString() ?? '').sort();
  }

  /** It is not listed, not described and not to be had. */
  async function assertNone(from = JULIET): Promise<void> {
    assert.equal((await nodes({}, from)).includes('tree.xml'), false);
    for (const of of ['info', 'items'] as const)
      assert.equal(await world.refused('get', discoQueryToXml(of, 'tree.xml'), from), NOT_THERE);
    assert.equal(await world.refused('get', TREE, from), NOT_THERE);
    assert.deepEqual(world.made, []);
  }

  it('is told of at the top, and offered as a file with its size and hash', async () => {
    await begin(FILES);
    assert.deepEqual(await nodes(), ['files/books', 'files/secrets', 'tree.xml']);
    const info = discoInfoCodec.fromXml(
      (await world.ask('get', discoQueryToXml('info', 'tree.xml'))) ?? xml('nothing'),
    );
    assert.deepEqual(info.identities, [{ category: 'filesys', type: 'file', name: 'tree.xml' }]);
    await world.ask('get', TREE);
    const [made] = world.made;
    assert.ok(made);
    const { path, mediaType, size, sha256, content } = made;
    assert.deepEqual([path, mediaType, size], ['tree.xml', 'application/xml', content.length]);
    assert.equal(sha256, createHash('sha256').update(content).digest('base64'));
    assert.deepEqual(pathsInTree(content.toString()).sort(), [...FILES].sort());
    assert.match(content.toString(), /^<tree [^>]*numfiles="4" size="400"/);
  });

  it('takes a place in the first page, and in no other', async () => {
    await begin(FILES);
    assert.deepEqual(await nodes({ max: 2 }), ['files/books', 'tree.xml']);
    const answer = await world.ask('get', discoQueryToXml('items', 'files', { max: 2 }));
    const { page } = discoItemsCodec.fromXml(answer ?? xml('nothing'));
    assert.deepEqual(await nodes({ max: 2, after: page?.last ?? '' }), ['files/secrets']);
    assert.deepEqual(await nodes({ max: 1 }), ['files/books']);
    assert.deepEqual(await nodes({ max: 2, before: '' }), ['files/books', 'files/secrets']);
  });

  it('holds what whoever asks may see, and is none for who sees nothing', async () => {
    await begin(FILES);
    world.access = SECRETS;
    assert.deepEqual(await treeOf(), ['books/plays/a & "b".pdf', 'books/romeo.txt']);
    assert.deepEqual(await treeOf(ROMEO), [...FILES].sort());
    const nothing: View = {
      key: 'none',
      maySee: () => false,
      mayTake: () => false,
      verdict: () => 'none',
    };
    world.access = { viewOf: () => nothing };
    await assertNone();
  });

  it('holds nothing that an extension keeps back', async () => {
    await begin(FILES, { hides: (path) => path.includes('secret') });
    assert.deepEqual(await treeOf(), ['books/plays/a & "b".pdf', 'books/romeo.txt']);
    await world.files.apply([remove(FILES[0] ?? ''), remove(FILES[1] ?? '')]);
    assert.equal(await world.refused('get', TREE), NOT_THERE);
  });

  it('is not there where it would hold too many files, but for who sees fewer', async function () {
    this.timeout(20_000);
    const many = Array.from({ length: MAX_TREE_FILES }, (_, at) => `books/secret/${at}.txt`);
    await begin([...many, 'books/romeo.txt']);
    await assertNone();
    world.access = SECRETS;
    await assertNone(ROMEO);
    assert.deepEqual(await treeOf(), ['books/romeo.txt']);
    await world.files.apply([remove('books/romeo.txt')]);
    assert.equal((await treeOf(ROMEO)).length, MAX_TREE_FILES);
    world.access = SECRETS;
    await world.clock.advance(60_000);
    await assertNone();
    assert.ok((await nodes({}, ROMEO)).includes('tree.xml'));
  });

  it('is not there where names take too many bytes', async function () {
    this.timeout(20_000);
    await begin(Array.from({ length: 2000 }, (_, at) => `books/${'&'.repeat(200)}${at}`));
    await assertNone();
  });

  it('costs a question, whether it is there or not', async () => {
    await begin(FILES, { budget: { queriesPerAskerPerMinute: 3 } });
    await treeOf();
    await world.ask('get', discoQueryToXml('info', 'tree.xml'));
    await nodes();
    for (const payload of [TREE, discoQueryToXml('info', 'tree.xml'), discoQueryToXml('items', 'tree.xml')])
      assert.match(await world.refused('get', payload), /resource-constraint/);
  });

  it('counts the files that it tells of', async () => {
    await begin(FILES, { budget: { answerFilesPerAskerPerMinute: 4 } });
    await treeOf();
    assert.match(await world.refused('get', TREE), /resource-constraint/);
  });
});
