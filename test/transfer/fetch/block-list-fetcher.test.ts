import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BLOCK_HASH_BYTES, type BlockTree } from '../../../src/blocks/block-tree.js';
import { OfflineError } from '../../../src/entity/entity.js';
import { AbortedError, TimeoutError } from '../../../src/errors.js';
import { type BlocksPage, blocksPageCodec, blocksRequestCodec } from '../../../src/stanza/block-hashes.js';
import { iqResult } from '../../../src/stanza/iq.js';
import { parseJid } from '../../../src/stanza/jid.js';
import { StanzaError } from '../../../src/stanza/stanza-error.js';
import type { Element } from '../../../src/stanza/xml.js';
import { parseXml } from '../../../src/stanza/xml-stream.js';
import {
  BlockListError,
  type BlockListFault,
  BlockListFetcher,
} from '../../../src/transfer/fetch/block-list-fetcher.js';
import { SourceError } from '../../../src/transfer/fetch/range-source.js';
import { hashedBlocks } from '../../support/block-lists.js';

const SOURCE = parseJid('files.example.org/a');
const FILE = hashedBlocks('a file', 500 * 2 ** 20); // of 2000 blocks
const WANTED = { hash: { algo: 'sha-256', value: FILE.sha256 }, size: FILE.fileBytes } as const;
const { tree: TREE, hashes: HASHES } = FILE.blocks;

/** A page as an honest node would give it. */
function honest(from: number, max: number): BlocksPage {
  const end = Math.min(TREE.count, from + max);
  return {
    tree: TREE,
    hashes: HASHES.slice(from * BLOCK_HASH_BYTES, end * BLOCK_HASH_BYTES),
    page: { first: `${from}`, index: from, last: `${end - 1}`, count: TREE.count },
  };
}

type Answer = (from: number, max: number) => BlocksPage | Element;

/** How often it was asked. */
let asked = 0;

function fetcherOf(answer: Answer): BlockListFetcher {
  asked = 0;
  return new BlockListFetcher({
    entity: {
      request: async ({ payload, signal }) => {
        if (signal?.aborted) throw new AbortedError('aborted');
        asked += 1;
        const { page, hash } = blocksRequestCodec.fromXml(parseXml(payload.toString()));
        assert.deepEqual(hash, WANTED.hash);
        const given = answer(page.after === undefined ? 0 : Number(page.after) + 1, page.max ?? 0);
        const element = 'hashes' in given ? blocksPageCodec.toXml(given) : given;
        return parseXml(iqResult({ id: '1' }, element).toString());
      },
    },
  });
}

function fails(answer: Answer, fault: BlockListFault, tree: BlockTree = TREE): Promise<void> {
  return assert.rejects(fetcherOf(answer).fetch(SOURCE, WANTED, tree), (error: unknown) => {
    assert.ok(error instanceof BlockListError, String(error));
    assert.deepEqual([error.fault, error.code, error.source], [fault, 'bad-list', SOURCE]);
    assert.match(error.message, /^files\.example\.org\/a /, 'it names the source');
    return true;
  });
}

describe('block list fetcher', () => {
  it('puts a list together of pages, however long they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 150, max: 3000 }), { minLength: 1 }), async (lengths) => {
        const fetcher = fetcherOf((from, max) =>
          honest(from, Math.min(max, lengths[asked % lengths.length] ?? 1)),
        );
        const list = await fetcher.fetch(SOURCE, WANTED, TREE);
        assert.deepEqual(list.hashes, HASHES);
      }),
      { numRuns: 20 },
    );
    await fetcherOf(honest).fetch(SOURCE, WANTED, TREE);
    assert.equal(asked, 2);
  });

  it('asks nobody for the hash of a single block', async () => {
    const { sha256: root, fileBytes: size } = hashedBlocks('small', 1000);
    const tree = { ...TREE, count: 1, root };
    const list = await fetcherOf(honest).fetch(SOURCE, { ...WANTED, size }, tree);
    assert.equal(Buffer.from(list.hashOf(0)).toString('base64'), root);
    assert.equal(asked, 0);
  });

  it('takes no hashes that do not have the root', async () => {
    await fails((from, max) => {
      const page = honest(from, max);
      page.hashes[5] = (page.hashes[5] ?? 0) ^ 1;
      return page;
    }, 'wrong-root');
    const other = hashedBlocks('another file', FILE.fileBytes).blocks.tree;
    await fails((from, max) => ({ ...honest(from, max), tree: other }), 'wrong-root', other);
  });

  it('takes no hashes of other blocks than those it was told of', async () => {
    for (const other of [{ root: FILE.sha256 }, { count: 1999 }, { blockBytes: 2 ** 19 }]) {
      await fails((from, max) => ({ ...honest(from, max), tree: { ...TREE, ...other } }), 'other-tree');
    }
  });

  it('takes no more hashes than there are blocks', async () => {
    await fails(
      (from) => ({ ...honest(from, 2048), hashes: new Uint8Array(2001 * BLOCK_HASH_BYTES) }),
      'too-long',
    );
    await fails(
      (from) => ({ ...honest(from, 1024), hashes: new Uint8Array(1024 * BLOCK_HASH_BYTES) }),
      'too-long',
    );
  });

  it('takes no page that overlaps another, or leaves something out', async () => {
    await fails((from, max) => honest(Math.max(0, from - 10), max), 'not-in-order');
    await fails((from, max) => honest(from === 0 ? 0 : from + 1, max), 'not-in-order');
    // Without saying so: then the root tells.
    await fails((from) => ({ ...honest(Math.max(0, from - 24), 1000), page: {} }), 'wrong-root');
  });

  it('ends with who never does', async () => {
    await fails((from) => honest(from, 1), 'endless');
    assert.ok(asked <= 16);
    await fails((from) => honest(from, 0), 'endless');
    assert.equal(asked, 1);
  });

  it('takes nothing that cannot be read', async () => {
    for (const text of [
      '<blocks xmlns="urn:xmpp:tmp:file-discovery:0"/>',
      `<blocks xmlns="urn:xmpp:tmp:file-discovery:0" algo="sha-256" size="262144" count="2000" root="${TREE.root}"><list>?</list></blocks>`,
      '<query xmlns="jabber:iq:version"/>',
    ]) {
      await fails(() => parseXml(text), 'malformed');
    }
  });

  it('says what became of a source that gives none', async () => {
    const cases: [Error, string | undefined][] = [
      [new StanzaError('item-not-found'), 'not-available'],
      [new StanzaError('service-unavailable'), 'not-available'],
      [new StanzaError('resource-constraint'), 'busy'],
      [new StanzaError('recipient-unavailable'), 'unreachable'],
      [new StanzaError('forbidden'), 'refused'],
      [new TimeoutError('no answer'), 'silent'],
      [new OfflineError('no stream'), undefined],
      [new AbortedError('aborted'), undefined],
    ];
    for (const [failure, code] of cases) {
      const fetcher = new BlockListFetcher({ entity: { request: () => Promise.reject(failure) } });
      await assert.rejects(fetcher.fetch(SOURCE, WANTED, TREE), (error: unknown) => {
        if (code === undefined) return error === failure;
        assert.ok(error instanceof SourceError && error.message.includes(SOURCE));
        return error.code === code && !(error instanceof BlockListError);
      });
    }
  });

  it('stops when it is told to', async () => {
    const abort = new AbortController();
    const fetcher = fetcherOf((from) => {
      abort.abort();
      return honest(from, 200);
    });
    await assert.rejects(fetcher.fetch(SOURCE, WANTED, TREE, abort.signal), AbortedError);
    assert.equal(asked, 1);
  });
});
