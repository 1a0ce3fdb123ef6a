import assert from 'node:assert/strict';
import type { AccessPolicy, View } from '../../src/access/access-policy.js';
import { discoInfoCodec, discoItemsCodec, discoQueryToXml } from '../../src/stanza/xep0030-disco.js';
import type { PageRequest } from '../../src/stanza/xep0059-rsm.js';
import { filesNodeId, retrieveToXml } from '../../src/stanza/xep0135-file-sharing.js';
import {
  type SharedEntry,
  sharedFilesCodec,
  sharedFilesQueryCodec,
} from '../../src/stanza/xep0329-file-information-sharing.js';
import { xml } from '../../src/stanza/xml.js';
import { put } from '../support/file-entries.js';
import { DoorWorld, JULIET, ROMEO, SHA } from './door-world.js';

/** What holds the word `secret` is for Romeo alone; what holds `look` is not to be taken. */
const SECRETS: AccessPolicy = {
  viewOf({ jid }): View {
    const all = jid === ROMEO;
    return {
      key: all ? 'all' : 'some',
      maySee: (file) => all || !`${file.share}/${file.path}`.includes('secret'),
      mayTake: (file) => all || !/secret|look/.test(`${file.share}/${file.path}`),
      verdict: (folder) => (all ? 'all' : folder.includes('secret') ? 'none' : 'some'),
    };
  },
};

const nameOf = (entry: SharedEntry) => (entry.type === 'folder' ? `${entry.name}/` : entry.file.name);

describe('doors to walk through', () => {
  let world: DoorWorld;

  beforeEach(async () => {
    world = new DoorWorld();
    await world.start([
      put('books/romeo.txt', { sha256: SHA, desc: 'A play' }),
      put('books/unhashed.txt'),
      put('books/plays/look.pdf', { sha256: SHA }),
      put('books/secret/a.txt', { sha256: SHA }),
      put('books/plays/secret.txt', { sha256: SHA }),
      put('secrets/a.txt', { sha256: SHA }),
    ]);
  });
  afterEach(() => world.stop());

  const look = async (path: string, page: PageRequest = {}, from = JULIET) =>
    sharedFilesCodec.fromXml(
      (await world.ask('get', sharedFilesQueryCodec.toXml({ path, page }), from)) ?? xml('nothing'),
    );
  const names = async (path: string, page: PageRequest = {}, from = JULIET) =>
    (await look(path, page, from)).entries.map(nameOf);

  describe('XEP-0329', () => {
    it('has shares at the top, folders before files, and a file by its path', async () => {
      assert.deepEqual(await names(''), ['books/', 'secrets/']);
      assert.deepEqual(await names('books'), ['plays/', 'secret/', 'romeo.txt', 'unhashed.txt']);
      const { path, entries } = await look('books/romeo.txt');
      assert.equal(path, '');
      const [found] = entries;
      assert.ok(found?.type === 'file');
      assert.deepEqual(found.file.hashes, [{ algo: 'sha-256', value: SHA }]);
      assert.equal(found.file.path, 'books/romeo.txt');
      assert.equal(found.file.desc, 'A play');
    });

    it('shows each their own, and says the same of what one may not see as of what is not there', async () => {
      world.access = SECRETS;
      assert.deepEqual(await names(''), ['books/']);
      assert.deepEqual(await names('books/plays'), ['look.pdf']);
      assert.deepEqual(await names('', {}, ROMEO), ['books/', 'secrets/']);
      const refusals = new Set<string>();
      for (const path of [
        'secrets',
        'books/secret',
        'books/plays/secret.txt',
        'secrets/a.txt',
        'no',
        'books/no/no',
      ])
        refusals.add(await world.refused('get', sharedFilesQueryCodec.toXml({ path, page: {} })));
      assert.deepEqual([...refusals], ['cancel|item-not-found|there is no such file or folder|']);
    });

    it('gives pages in both directions', async () => {
      const first = await look('books', { max: 3 });
      assert.deepEqual(first.entries.map(nameOf), ['plays/', 'secret/', 'romeo.txt']);
      assert.deepEqual([first.page.index, first.page.count], [0, 4]);
      const { last = '' } = first.page;
      assert.deepEqual(await names('books', { max: 3, after: last }), ['unhashed.txt']);
      assert.deepEqual(await names('books', { max: 1, before: last }), ['secret/']);
      assert.deepEqual(await names('books', { max: 1, before: '' }), ['unhashed.txt']);
      assert.deepEqual((await look('books', { max: 0 })).page, { count: 4 });
    });

    it('tells hashes in pages only: a client that asks for none could not read the list', async () => {
      const hashes = (entries: readonly SharedEntry[]) =>
        entries.flatMap((entry) => (entry.type === 'file' ? entry.file.hashes : []));
      assert.equal(hashes((await look('books')).entries).length, 0);
      assert.equal(hashes((await look('books', { max: 10 })).entries).length, 1);
    });

    it('lists a large folder by names and sizes to who knows no pages, and never says more than fits', async () => {
      const long = '&'.repeat(200);
      await world.files.apply(
        Array.from({ length: 2000 }, (_, at) => put(`large/${long}${at}`, { sha256: SHA, size: at })),
      );
      const brief = await look('large');
      const [first] = brief.entries;
      assert.ok(first?.type === 'file' && first.file.path === undefined && first.file.size !== undefined);
      assert.equal(brief.page.count, 2000);
      const paged = await look('large', { max: 100 });
      for (const answer of [brief, paged]) {
        assert.ok(answer.entries.length > 10, String(answer.entries.length));
        const bytes = Buffer.byteLength(sharedFilesCodec.toXml(answer).toString());
        assert.ok(bytes < 50_000, String(bytes));
      }
      const seen: unknown[] = [];
      for (let page: PageRequest = { max: 100 }; ; ) {
        const { entries, page: given } = await look('large', page);
        seen.push(...entries.map(nameOf));
        if (given.last === undefined) break;
        page = { max: 100, after: given.last };
      }
      assert.equal(new Set(seen).size, 2000);
    });
  });

  it('show no more than extensions let questions find', async () => {
    await world.stop();
    world = new DoorWorld({ hides: (path) => path.includes('romeo'), maxBytes: 2000 });
    const names100 = Array.from({ length: 20 }, (_, at) => `books/${at + 100}.txt`);
    await world.start(['books/romeo.txt', ...names100].map((path) => put(path, { sha256: SHA })));
    const shown: unknown[] = [];
    for (let page: PageRequest = { max: 100 }; ; ) {
      const { entries, page: given } = await look('books', page);
      shown.push(...entries.map(nameOf));
      if (given.last === undefined) break;
      page = { max: 100, after: given.last };
    }
    assert.deepEqual(
      shown,
      names100.map((path) => path.slice('books/'.length)),
    );
    const none = await world.refused('get', sharedFilesQueryCodec.toXml({ path: 'books/no.txt', page: {} }));
    const kept = sharedFilesQueryCodec.toXml({ path: 'books/romeo.txt', page: {} });
    assert.equal(await world.refused('get', kept), none);
  });

  describe('XEP-0135', () => {
    const info = async (path: string, from = JULIET) =>
      discoInfoCodec.fromXml(
        (await world.ask('get', discoQueryToXml('info', filesNodeId(path)), from)) ?? xml('nothing'),
      );
    const items = async (path: string, page: PageRequest = {}, from = JULIET) =>
      discoItemsCodec.fromXml(
        (await world.ask('get', discoQueryToXml('items', filesNodeId(path), page), from)) ?? xml('nothing'),
      );

    it('has nodes for folders and files, in pages, and details of a file', async () => {
      assert.deepEqual(
        (await items('')).items.map(({ nodeId }) => nodeId),
        ['files/books', 'files/secrets', 'tree.xml'],
      );
      const first = await items('books', { max: 1 });
      assert.deepEqual(
        first.items.map(({ name }) => name),
        ['plays'],
      );
      assert.equal(first.page?.count, 4);
      assert.deepEqual((await info('')).identities, [
        { category: 'filesys', type: 'directory', name: 'Files' },
      ]);
      assert.deepEqual((await info('books/plays')).identities, [
        { category: 'filesys', type: 'directory', name: 'plays' },
      ]);
      const file = await info('books/romeo.txt');
      assert.deepEqual(file.identities, [{ category: 'filesys', type: 'file', name: 'romeo.txt' }]);
      const fields = Object.fromEntries(
        file.forms[0]?.fields.map(({ var: name, values }) => [name, values[0]]) ?? [],
      );
      assert.deepEqual(fields, {
        date: '2026-01-01T00:00:00Z',
        description: 'A play',
        hash: `sha-256:${SHA}`,
        'mime-type': 'text/plain',
        size: '100',
      });
    });

    it('walks where every node that is listed leads, and nowhere else', async () => {
      world.access = SECRETS;
      const found: string[] = [];
      const walk = async (path: string): Promise<void> => {
        for (const { nodeId = '' } of (await items(path)).items) {
          if (nodeId === 'tree.xml') continue;
          const inner = nodeId.slice('files/'.length);
          const { identities } = await info(inner);
          if (identities[0]?.type === 'file') found.push(inner);
          else await walk(inner);
        }
      };
      await walk('');
      assert.deepEqual(found.sort(), ['books/plays/look.pdf', 'books/romeo.txt', 'books/unhashed.txt']);
      const refusals = new Set<string>();
      for (const path of ['secrets', 'books/plays/secret.txt', 'no/no.txt']) {
        for (const of of ['info', 'items'] as const)
          refusals.add(await world.refused('get', discoQueryToXml(of, filesNodeId(path))));
      }
      assert.equal(refusals.size, 1, [...refusals].join('\n'));
    });

    it('offers a file that is to be retrieved to who may take it', async () => {
      world.access = SECRETS;
      assert.equal(
        await world.ask('get', retrieveToXml({ type: 'file', path: 'books/romeo.txt' })),
        undefined,
      );
      assert.deepEqual(world.offered, [[JULIET, 'books/romeo.txt']]);
      const refusals = new Set<string>();
      for (const path of ['books/plays/look.pdf', 'books/plays/secret.txt', 'no/no.txt', 'books/plays'])
        refusals.add(await world.refused('get', retrieveToXml({ type: 'file', path })));
      assert.deepEqual([...refusals], ['cancel|item-not-found|there is no such file or folder|']);
      assert.equal(world.offered.length, 1);
    });
  });

  it('tell who asks how much there is for them, and no more', async () => {
    const statistics = async (from = JULIET) => {
      const asked = await world.ask('get', discoQueryToXml('info'), from);
      const [form] = discoInfoCodec.fromXml(asked ?? xml('nothing')).forms;
      return form?.fields.map(({ var: name, values }) => `${name} ${values[0]}`);
    };
    assert.deepEqual(await statistics(), ['files 6', 'bytes 600', 'channels 3']);
    world.access = SECRETS;
    assert.deepEqual(await statistics(), ['files 3', 'bytes 300', 'channels 3']);
    assert.deepEqual(await statistics(ROMEO), ['files 6', 'bytes 600', 'channels 3']);
    world.access = {
      viewOf: () => ({ key: 'none', maySee: () => false, mayTake: () => false, verdict: () => 'none' }),
    };
    assert.deepEqual(await statistics(), ['files 0', 'bytes 0', 'channels 0']);
  });
});
