import assert from 'node:assert/strict';
import { allowAll } from '../../src/access/access-policy.js';
import type { BlockTree } from '../../src/blocks/block-tree.js';
import type { FileEntry } from '../../src/catalogue/file-entry.js';
import type { ShareRelativePath } from '../../src/catalogue/share-path.js';
import { silentLog } from '../../src/log.js';
import { Answerer } from '../../src/query/answer.js';
import { LocalQueryEngine } from '../../src/query/local-query-engine.js';
import { foundCodec } from '../../src/stanza/file-discovery.js';
import { parseJid } from '../../src/stanza/jid.js';
import type { FileSharingSource } from '../../src/stanza/xep0447-stateless-file-sharing.js';
import { hashedBlocks } from '../support/block-lists.js';
import { SearchedCatalogue } from '../support/searched-catalogue.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const MIB = 2 ** 20;
const ASKER = parseJid('juliet@capulet.lit/balcony');

describe('an answer', () => {
  let clock: VirtualClock;
  let files: SearchedCatalogue;
  let known: Map<string, BlockTree>;
  /** Hashes of which the disk says nothing. */
  let stuck: Set<string>;
  let asked: string[];
  let alsoAt: FileSharingSource[];
  let answerer: Answerer;

  beforeEach(async () => {
    clock = new VirtualClock();
    known = new Map();
    stuck = new Set();
    asked = [];
    alsoAt = [];
    files = new SearchedCatalogue((table) => new LocalQueryEngine({ clock, log: silentLog, table }));
    await files.start();
    answerer = new Answerer(
      {
        engine: files.engine,
        access: allowAll,
        hashes: { hashNow: async () => undefined },
        blocks: {
          treeOf: async (sha256) => {
            asked.push(sha256);
            if (stuck.has(sha256)) await new Promise(() => undefined);
            return known.get(sha256);
          },
        },
        clock,
        otherSources: { of: ({ jid }, { path }) => (jid === ASKER && path.startsWith('also') ? alsoAt : []) },
      },
      { maxFiles: 100, defaultFiles: 100, maxAnswerBytes: 48_000, deadlineMs: 1000 },
    );
  });

  afterEach(async () => {
    await files.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  async function offer(name: string, size: number, content = name): Promise<BlockTree> {
    const { sha256, blocks } = hashedBlocks(content, size);
    const entry: FileEntry = {
      share: 's',
      path: name as ShareRelativePath,
      size,
      mtimeMs: 0,
      mediaType: 'application/octet-stream',
      sha256,
    };
    await files.apply([{ type: 'put', entry }]);
    known.set(sha256, blocks.tree);
    return blocks.tree;
  }

  const answer = () =>
    answerer.answer(
      { asker: ASKER, criteria: { sizeMin: 0 }, page: {}, hashWaitMs: 0 },
      new AbortController().signal,
    );
  const told = async (answering = answer()) =>
    Object.fromEntries((await answering).files.map(({ name, blocks }) => [name, blocks]));

  it('tells of the blocks of files that have several, where they are known', async () => {
    const large = await offer('large', 3 * MIB);
    await offer('small', MIB / 4);
    await offer('unknown', MIB);
    known.delete(hashedBlocks('unknown', MIB).sha256);
    assert.deepEqual(await told(), { large, small: undefined, unknown: undefined });
    assert.equal(asked.length, 2, 'of one block there is nothing to know');
  });

  it('asks once for a content that is there many times', async () => {
    const tree = await offer('a', MIB, 'same');
    await offer('b', MIB, 'same');
    assert.deepEqual(await told(), { a: tree, b: tree });
    assert.equal(asked.length, 1);
  });

  it('does not wait for a disk that does not answer', async () => {
    const quick = await offer('quick', MIB);
    await offer('slow', MIB);
    stuck.add(hashedBlocks('slow', MIB).sha256);
    const answering = answer();
    while (asked.length < 2) await settle();
    await settle();
    await clock.advance(250);
    assert.deepEqual(await told(answering), { quick, slow: undefined });
  });

  it('stays as short as it has to be', async () => {
    for (let at = 0; at < 100; at += 1) await offer(`${at}`.padStart(60, 'n'), 400 * MIB);
    const given = await answer();
    assert.ok(given.more && given.files.length > 40);
    assert.ok(given.files.every(({ blocks }) => blocks !== undefined));
    assert.ok(Buffer.byteLength(foundCodec.toXml(given).toString()) <= 48_000);
  });

  it('tells where else files can be had, and counts what that takes', async () => {
    alsoAt = [
      { type: 'url', url: `https://files.example.org/${'t'.repeat(150)}/a?b&c'd` },
      { type: 'jinglepub', from: parseJid('files.example.org'), id: `a"b&<'${'i'.repeat(50)}` },
    ];
    await offer('elsewhere', 5);
    for (let at = 0; at < 100; at += 1) await offer(`also ${'&'.repeat(60)}${at}`, 400 * MIB);
    const given = await answer();
    const written = foundCodec.toXml(given);
    assert.ok(Buffer.byteLength(written.toString()) <= 48_000);
    assert.ok(given.more && given.files.length > 10, `${given.files.length}`);
    const read = foundCodec.fromXml(written).files;
    for (const { name, alsoAt: told } of read)
      assert.deepEqual(told, name === 'elsewhere' ? undefined : alsoAt);
  });
});
