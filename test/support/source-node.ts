/**
 * A node that gives files from memory, with all that a node sends them with: for what the configuration of a node
 * does not let one choose, as which transports it has, where it can be reached, how fast it is, and whether it lies.
 */
import { allowAll } from '../../src/access/access-policy.js';
import { BlockListBudget } from '../../src/access/block-list-budget.js';
import { type BlockHashes, type BlockTree, blockListOf } from '../../src/blocks/block-tree.js';
import { sleep, systemClock } from '../../src/clock.js';
import type { Entity } from '../../src/entity/entity.js';
import { BlockHasher } from '../../src/hashing/block-hasher.js';
import { silentLog } from '../../src/log.js';
import { TransferStack } from '../../src/node/transfer-stack.js';
import { BlockListService } from '../../src/service/block-list-service.js';
import type { Startable } from '../../src/startable.js';
import { FileServer } from '../../src/transfer/send/file-server.js';
import type { TransportType } from '../../src/transport/transport.js';
import { MemoryFiles, sha256 } from './memory-files.js';

export interface SourceNodeInit {
  readonly transports?: readonly TransportType[];
  /** Where peers are told to connect to. Default: this machine. */
  readonly external?: { readonly host: string; readonly port: number };
  readonly findProxies?: 'at-once' | 'never';
  /** Of each file that is sent. Default: as fast as it goes. */
  readonly bytesPerSecond?: number;
  readonly maxUploads?: number;
}

export class SourceNode implements Startable {
  readonly files = new MemoryFiles();
  readonly server: FileServer;
  readonly #entity: Entity;
  readonly #transfers: TransferStack;
  readonly #lists: BlockListService;
  readonly #blocks = new Map<string, { readonly size: number; readonly blocks: BlockHashes }>();

  constructor(entity: Entity, init: SourceNodeInit = {}) {
    const { files } = this;
    const components = { entity, clock: systemClock, log: silentLog };
    this.#entity = entity;
    this.server = new FileServer(
      { ...components, access: allowAll, catalogue: files.catalogue, files },
      { maxUploads: init.maxUploads ?? 10, maxUploadsPerPeer: 10 },
    );
    this.#transfers = new TransferStack(components, {
      serverHost: '127.0.0.1',
      listenPort: 0,
      listenHost: '127.0.0.1',
      externalHosts: [init.external?.host ?? '127.0.0.1'],
      ...(init.external && { externalPort: init.external.port }),
      findProxies: init.findProxies ?? 'never',
      connectToPrivate: true,
      maxSessions: 64,
      maxSessionsPerPeer: 16,
      idleMs: 60_000,
      maxCandidates: 10,
      candidateTimeoutMs: 5000,
      maxHandshakes: 64,
      ibbBlockBytes: 8192,
      ibbWindow: 8,
      ...(init.transports && { transports: init.transports }),
      onFileRequest: this.server.handle,
    });
    this.#lists = new BlockListService({
      entity,
      access: allowAll,
      catalogue: files.catalogue,
      lists: {
        treeOf: async (hash) => this.#blocks.get(hash)?.blocks.tree,
        listOf: async (hash) => {
          const known = this.#blocks.get(hash);
          return known && blockListOf(known.blocks.tree, known.size, known.blocks.hashes);
        },
      },
      budget: new BlockListBudget(components, { blockListsPerAskerPerMinute: 100, blockListsPerMinute: 100 }),
    });
    const { bytesPerSecond } = init;
    if (bytesPerSecond !== undefined) {
      files.beforeRead = () => sleep(systemClock, (262_144 / bytesPerSecond) * 1000); // what is read at once
    }
  }

  /** Offers a file. With `sends` it gives those bytes, and says that they have the hashes of `bytes`. */
  offer(path: string, bytes: Buffer, sends = bytes): BlockTree {
    const hasher = new BlockHasher(bytes.length);
    hasher.update(bytes);
    const blocks = hasher.end();
    const entry = this.files.offer(path, bytes);
    this.files.write(entry, sends, entry.mtimeMs);
    this.#blocks.set(sha256(bytes), { size: bytes.length, blocks });
    return blocks.tree;
  }

  async start(): Promise<void> {
    await this.#lists.start();
    await this.#transfers.start();
    await this.#entity.start();
  }

  async stop(): Promise<void> {
    await this.#transfers.stop();
    await this.#lists.stop();
    await this.#entity.stop();
  }
}
