import assert from 'node:assert/strict';
import { allowAll } from '../../src/access/access-policy.js';
import { BlockListBudget } from '../../src/access/block-list-budget.js';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import { DiskBlockLists } from '../../src/catalogue/disk-block-lists.js';
import { keyOf } from '../../src/catalogue/file-entry.js';
import type { ShareRelativePath } from '../../src/catalogue/share-path.js';
import type { Entity } from '../../src/entity/entity.js';
import { silentLog } from '../../src/log.js';
import { BlockListService } from '../../src/service/block-list-service.js';
import { blocksPageCodec, blocksRequestCodec } from '../../src/stanza/block-hashes.js';
import { iqPayload } from '../../src/stanza/iq.js';
import { parseJid } from '../../src/stanza/jid.js';
import { StanzaError, type StanzaErrorCondition } from '../../src/stanza/stanza-error.js';
import type { PageRequest } from '../../src/stanza/xep0059-rsm.js';
import type { HashAlgorithm } from '../../src/stanza/xep0300-hashes.js';
import type { Element } from '../../src/stanza/xml.js';
import { BlockListFetcher } from '../../src/transfer/fetch/block-list-fetcher.js';
import { SourceError } from '../../src/transfer/fetch/range-source.js';
import { hashedBlocks } from '../support/block-lists.js';
import { MemoryFolder } from '../support/memory-folder.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { VirtualClock } from '../support/virtual-clock.js';

const NODE = parseJid('files.example.org');
const MIB = 2 ** 20;
const LONG = hashedBlocks('long', 400 * MIB + 1);
const SHORT = hashedBlocks('short', MIB);
const BUDGET = { blockListsPerAskerPerMinute: 50, blockListsPerMinute: 60 };

function refused(condition: StanzaErrorCondition) {
  return (error: unknown) => error instanceof StanzaError && error.condition === condition;
}

describe('block list service', () => {
  let clock: VirtualClock;
  let catalogue: Catalogue;
  let lists: DiskBlockLists;
  let service: BlockListService;
  let node: Entity;
  let asker: Entity;

  beforeEach(async () => {
    clock = new VirtualClock();
    const network = new MemoryNetwork({ clock });
    node = network.component(NODE);
    asker = network.client('juliet@capulet.lit/balcony');
    catalogue = new Catalogue();
    lists = new DiskBlockLists({ folder: new MemoryFolder(), log: silentLog });
    service = new BlockListService({
      entity: node,
      access: allowAll,
      catalogue,
      lists,
      budget: new BlockListBudget({ clock }, BUDGET),
    });
    for (const each of [node, asker, lists, service]) await each.start();
    await lists.add([LONG, SHORT]);
    offer('long', LONG.fileBytes, LONG.sha256);
  });

  afterEach(async () => {
    for (const each of [service, lists, asker, node]) await each.stop();
  });

  function offer(path: string, size: number, sha256: string) {
    const entry = {
      share: 's',
      path: path as ShareRelativePath,
      size,
      mtimeMs: 0,
      mediaType: 'a/b',
      sha256,
    };
    catalogue.apply([{ type: 'put', entry }]);
    return entry;
  }

  const send = async (payload: Element) => {
    const answer = iqPayload(await asker.request({ to: NODE, type: 'get', payload }));
    assert.ok(answer);
    return blocksPageCodec.fromXml(answer);
  };
  const ask = (value: string, page: PageRequest = {}, algo: HashAlgorithm = 'sha-256') =>
    send(blocksRequestCodec.toXml({ hash: { algo, value }, page }));

  it('gives a list in pages that fit into stanzas', async () => {
    const { tree, hashes } = LONG.blocks;
    const first = await ask(LONG.sha256);
    assert.deepEqual(first.tree, tree);
    assert.deepEqual(first.page, { first: '0', index: 0, last: '1023', count: 1601 });
    assert.deepEqual(first.hashes, hashes.slice(0, 1024 * 32));
    const second = await ask(LONG.sha256, { after: '1023', max: 100_000 });
    assert.deepEqual(second.page, { first: '1024', index: 1024, last: '1600', count: 1601 });
    assert.deepEqual(second.hashes, hashes.slice(1024 * 32));
    const one = await ask(LONG.sha256, { after: '9', max: 1 });
    assert.deepEqual(one.page, { first: '10', index: 10, last: '10', count: 1601 });
    assert.deepEqual((await ask(LONG.sha256, { max: 0 })).page, { count: 1601 });
    assert.deepEqual((await ask(LONG.sha256, { after: '1600' })).page, { count: 1601 });
  });

  it('gives an asker what it can check', async () => {
    const fetcher = new BlockListFetcher({ entity: asker });
    const file = { hash: { algo: 'sha-256', value: LONG.sha256 }, size: LONG.fileBytes } as const;
    const list = await fetcher.fetch(NODE, file, LONG.blocks.tree);
    assert.deepEqual(list.hashes, LONG.blocks.hashes);
  });

  it('has a list for a file of one block, too', async () => {
    const [small, empty] = [hashedBlocks('small', 1000), hashedBlocks('empty', 0)];
    for (const { sha256, fileBytes } of [small, empty]) {
      offer(`${fileBytes}`, fileBytes, sha256);
      const { tree, hashes } = await ask(sha256);
      assert.deepEqual(tree, { algo: 'sha-256', blockBytes: 262_144, count: 1, root: sha256 });
      assert.equal(Buffer.from(hashes).toString('base64'), sha256);
    }
  });

  it('says the same of what is not there, is not offered, or has no list', async () => {
    const texts = new Set<string>();
    const without = hashedBlocks('not hashed yet', 5 * MIB);
    offer('without', without.fileBytes, without.sha256);
    for (const sha256 of [SHORT.sha256, without.sha256, hashedBlocks('unknown', 1).sha256]) {
      await assert.rejects(ask(sha256), (error: Error) => {
        texts.add(error.message);
        return refused('item-not-found')(error);
      });
    }
    assert.deepEqual([...texts], ['item-not-found']);
    await assert.rejects(ask(LONG.sha256, {}, 'sha3-256'), refused('item-not-found'));
    const entry = offer('short', SHORT.fileBytes, SHORT.sha256);
    await ask(SHORT.sha256);
    catalogue.apply([{ type: 'remove', key: keyOf(entry) }]);
    await assert.rejects(ask(SHORT.sha256), refused('item-not-found'));
    const fetcher = new BlockListFetcher({ entity: asker });
    const file = { hash: { algo: 'sha-256', value: SHORT.sha256 }, size: SHORT.fileBytes } as const;
    await assert.rejects(
      fetcher.fetch(NODE, file, SHORT.blocks.tree),
      (error: unknown) => error instanceof SourceError && error.code === 'not-available',
    );
  });

  it('refuses what is no question for a page', async () => {
    for (const after of ['-1', 'x', '1e3', '0x1', '', '99999', ' 1']) {
      await assert.rejects(ask(LONG.sha256, { after }), refused('bad-request'), after);
    }
    await assert.rejects(ask(LONG.sha256, { before: '' }), refused('bad-request'));
    await assert.rejects(ask(LONG.sha256, { after: '1601' }), refused('item-not-found'));
  });

  it('gives one asker, and everybody, so many a minute', async () => {
    for (let asked = 0; asked < BUDGET.blockListsPerAskerPerMinute; asked += 1) {
      await ask(LONG.sha256, { max: 1 });
    }
    await assert.rejects(
      ask(LONG.sha256),
      (error: unknown) =>
        refused('resource-constraint')(error) && /blockListsPerAskerPerMinute.*in 2 s/.test(String(error)),
    );
    await clock.advance(2000);
    await ask(LONG.sha256);
    const budget = new BlockListBudget({ clock }, BUDGET);
    for (let each = 0; each < BUDGET.blockListsPerMinute; each += 1) budget.charge(`${each}@x`);
    assert.throws(() => budget.charge('another@x'), /blockListsPerMinute/);
  });
});
