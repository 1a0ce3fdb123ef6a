/** Block hashes in a whole node, on a network in memory. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MIN_BLOCK_BYTES } from '../../src/blocks/block-size.js';
import { type BlockTree, rangeOfBlock } from '../../src/blocks/block-tree.js';
import { systemClock } from '../../src/clock.js';
import { ImportedModules } from '../../src/config/extension-module.js';
import { loadNodeConfig } from '../../src/config/load.js';
import type { Entity } from '../../src/entity/entity.js';
import { createLog } from '../../src/log.js';
import { NetworkNode } from '../../src/node/network-node.js';
import { findCodec, foundCodec } from '../../src/stanza/file-discovery.js';
import { parseJid } from '../../src/stanza/jid.js';
import type { FileDescription } from '../../src/stanza/xep0234-file-transfer.js';
import { elements } from '../../src/stanza/xml.js';
import { BlockListFetcher } from '../../src/transfer/fetch/block-list-fetcher.js';
import { SourceError } from '../../src/transfer/fetch/range-source.js';
import { eventually } from '../support/eventually.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const NODE = parseJid('files.example.org');
const LARGE = randomBytes(5 * MIN_BLOCK_BYTES + 1000);

describe('a node that hashes blocks', function () {
  this.timeout(30_000);
  let folder: TemporaryFolder;
  let network: MemoryNetwork;
  let node: NetworkNode;
  let asker: Entity;
  let messages: string[];

  beforeEach(async () => {
    folder = await temporaryFolder();
    await folder.write('share/large.bin', LARGE);
    await folder.write('share/small.bin', LARGE.subarray(0, MIN_BLOCK_BYTES));
    await folder.write(
      'node.yaml',
      `xmpp: { jid: ${NODE}, secret: s3cret }\nshares: [{ name: share, path: ./share }]\nscan: { quietMs: 100 }`,
    );
    network = new MemoryNetwork({ clock: systemClock });
    asker = network.client('juliet@example.org/balcony');
    messages = [];
    await asker.start();
    await start();
  });

  afterEach(async () => {
    await node.stop();
    await asker.stop();
    await folder.remove();
  });

  async function start(): Promise<void> {
    const { config } = await loadNodeConfig(
      path.join(folder.path, 'node.yaml'),
      new ImportedModules({ clock: systemClock }),
    );
    const log = createLog('info', { write: (line) => void messages.push(JSON.parse(line).msg) });
    const connect = () => network.connection(NODE);
    node = new NetworkNode({ clock: systemClock, log, version: '0', connect }, config);
    await node.start();
  }

  const data = async (): Promise<string> => {
    const { config } = await loadNodeConfig(
      path.join(folder.path, 'node.yaml'),
      new ImportedModules({ clock: systemClock }),
    );
    return config.data;
  };

  async function find(name: string): Promise<FileDescription | undefined> {
    const payload = findCodec.toXml({ criteria: { name: [{ type: 'contains', value: name }] }, page: {} });
    const [answer] = elements(await asker.request({ to: NODE, type: 'get', payload }));
    assert.ok(answer);
    return foundCodec.fromXml(answer).files[0];
  }

  async function treeOf(name: string): Promise<BlockTree> {
    const file = await eventually(
      () => find(name),
      (found) => found?.blocks !== undefined,
    );
    assert.ok(file?.blocks);
    return file.blocks;
  }

  async function fetch(tree: BlockTree, content: Uint8Array) {
    const hash = { algo: 'sha-256', value: createHash('sha256').update(content).digest('base64') } as const;
    const list = await new BlockListFetcher({ entity: asker }).fetch(
      NODE,
      { hash, size: content.length },
      tree,
    );
    for (let index = 0; index < list.count; index += 1) {
      const { offset, length } = rangeOfBlock(list, index);
      const block = content.subarray(offset, offset + length);
      assert.deepEqual(Buffer.from(list.hashOf(index)), createHash('sha256').update(block).digest());
    }
  }

  it('tells of the blocks of a file and gives their hashes, under any name, until the file is gone', async () => {
    const tree = await treeOf('large');
    assert.equal(tree.count, 6);
    await fetch(tree, LARGE);
    const small = await find('small');
    assert.ok(small && small.blocks === undefined, 'one block says nothing that the hash does not');
    await rename(folder.at('share/large.bin'), folder.at('share/moved.bin'));
    assert.deepEqual(await treeOf('moved'), tree);
    await rm(folder.at('share/moved.bin'));
    await eventually(
      () => find('moved'),
      (found) => found === undefined,
    );
    await assert.rejects(
      fetch(tree, LARGE),
      (error: unknown) => error instanceof SourceError && error.code === 'not-available',
    );
  });

  it('has them after a restart, without reading the file again', async () => {
    const tree = await treeOf('large');
    await node.stop();
    await start();
    assert.deepEqual(await treeOf('large'), tree);
    await fetch(tree, LARGE);
    assert.equal(node.status().hashing.filesDone, 0);
  });

  it('makes them for the files of a data folder that has none', async () => {
    const tree = await treeOf('large');
    await node.stop();
    await rm(path.join(await data(), 'blocks'), { recursive: true });
    await start();
    const file = await find('large');
    assert.equal(file?.hashes.length, 1, 'an answer does not wait for them');
    assert.deepEqual(await treeOf('large'), tree);
    await fetch(tree, LARGE);
  });

  it('makes them again when they turn out to be damaged, and never gives wrong ones', async () => {
    const tree = await treeOf('large');
    await node.stop();
    const blocks = path.join(await data(), 'blocks');
    const [name = ''] = (await readdir(blocks)).filter((each) => each.startsWith('lists-'));
    const bytes = await readFile(path.join(blocks, name));
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    await writeFile(path.join(blocks, name), bytes);
    await start();
    const failure = await fetch(tree, LARGE).catch((error: unknown) => error);
    assert.ok(failure instanceof SourceError && failure.code === 'not-available', String(failure));
    await eventually(
      () =>
        fetch(tree, LARGE).then(
          () => true,
          () => false,
        ),
      (isThere) => isThere,
    );
    assert.ok(messages.some((each) => /damaged; computing them again/.test(each)));
  });

  it('withdraws a file whose bytes have become others while its date stayed', async () => {
    const file = folder.at('share/large.bin');
    const rewrite = async (content: Uint8Array) => {
      await node.stop();
      await writeFile(file, content);
      await utimes(file, 1_000_000_000, 1_000_000_000);
      await rm(path.join(await data(), 'blocks'), { recursive: true });
      await start();
    };
    await rewrite(LARGE);
    await treeOf('large');
    const changed = Uint8Array.from(LARGE);
    changed[0] = (changed[0] ?? 0) ^ 1;
    await rewrite(changed);
    await eventually(
      () => messages,
      (all) => all.some((each) => /not offered until it changes/.test(each)),
    );
    await eventually(
      () => find('large'),
      (found) => found === undefined,
    );
  });

  it('gives nothing of a file that an extension keeps from the asker', async () => {
    const tree = await treeOf('large');
    await node.stop();
    await folder.write(
      'hide.mjs',
      `export default () => ({ onAnswer: ({ from }) => ({ veto: from.startsWith('juliet') }) });`,
    );
    const config = await readFile(path.join(folder.path, 'node.yaml'), 'utf8');
    await folder.write('node.yaml', `${config}\nextensions: [./hide.mjs]`);
    await start();
    await assert.rejects(
      fetch(tree, LARGE),
      (error: unknown) => error instanceof SourceError && error.code === 'not-available',
    );
    const romeo = network.client('romeo@example.org/balcony');
    await romeo.start();
    const hash = { algo: 'sha-256', value: createHash('sha256').update(LARGE).digest('base64') } as const;
    const wanted = { hash, size: LARGE.length };
    assert.equal((await new BlockListFetcher({ entity: romeo }).fetch(NODE, wanted, tree)).count, tree.count);
    await romeo.stop();
  });
});
