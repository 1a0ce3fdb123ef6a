/** All that a node answers about its files with, over files of a test: every door that a peer may come through. */

import type { AccessPolicy } from '../../src/access/access-policy.js';
import { BlockListBudget } from '../../src/access/block-list-budget.js';
import { QueryBudget } from '../../src/access/query-budget.js';
import type { ReadonlyCatalogue } from '../../src/catalogue/catalogue.js';
import { type FileEntry, keyOf } from '../../src/catalogue/file-entry.js';
import { toDisplay } from '../../src/catalogue/share-path.js';
import { type Clock, systemClock } from '../../src/clock.js';
import type { Entity, IqHandler } from '../../src/entity/entity.js';
import { FileNotAvailableError, type FileSource } from '../../src/jingle/file-session.js';
import { silentLog } from '../../src/log.js';
import { Answerer } from '../../src/query/answer.js';
import { FileDescriber } from '../../src/query/file-describer.js';
import { LocalQueryEngine } from '../../src/query/local-query-engine.js';
import { BlockListService } from '../../src/service/block-list-service.js';
import { DirectQuestions } from '../../src/service/direct-questions.js';
import { ShareListing } from '../../src/service/share-listing.js';
import { SharedFolders } from '../../src/service/shared-folders.js';
import { blocksRequestCodec } from '../../src/stanza/block-hashes.js';
import type { FileCriteria } from '../../src/stanza/file-criteria.js';
import type { ChannelAddress } from '../../src/stanza/file-discovery.js';
import type { Jid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import type { FileDescription } from '../../src/stanza/xep0234-file-transfer.js';
import { type FileOpener, FileServer } from '../../src/transfer/send/file-server.js';
import { ClientDoors } from './client-doors.js';

const UNBOUNDED = 1_000_000_000;
const { signal } = new AbortController();

export interface DoorsComponents {
  readonly access: AccessPolicy;
  readonly catalogue: ReadonlyCatalogue;
  readonly files: FileOpener;
  readonly clock?: Clock;
}

export class Doors {
  readonly server: FileServer;
  readonly engine: LocalQueryEngine;
  /** Those for clients that know nothing of ours. */
  readonly clients: ClientDoors;
  readonly #answerer: Answerer;
  readonly #questions: DirectQuestions;
  readonly #folders: SharedFolders;
  readonly #listing: ShareListing;
  readonly #lists: BlockListService;
  readonly #handlers = new Map<string, IqHandler>();
  #sessions = 0;

  constructor({ access, catalogue, files, clock = systemClock }: DoorsComponents) {
    const log = silentLog;
    this.engine = new LocalQueryEngine({ clock, log, table: catalogue.table });
    const hashes = { hashNow: async (entry: FileEntry) => entry };
    this.#answerer = new Answerer(
      { access, engine: this.engine, hashes, clock },
      { maxFiles: 1000, defaultFiles: 1000, maxAnswerBytes: UNBOUNDED, deadlineMs: 10_000 },
    );
    const budget = new QueryBudget(
      { clock },
      {
        queriesPerAskerPerMinute: UNBOUNDED,
        queriesPerChannelPerMinute: UNBOUNDED,
        queriesPerMinute: UNBOUNDED,
        concurrentQueriesPerAsker: 4,
      },
    );
    this.#questions = new DirectQuestions({ answerer: this.#answerer, budget }, { hashWaitMs: 0 });
    this.#listing = new ShareListing({ catalogue, clock });
    this.#folders = new SharedFolders(
      {
        access,
        listing: this.#listing,
        describer: new FileDescriber({ hashes, clock }),
        questions: this.#questions,
      },
      { defaultEntries: 1000, maxEntries: 1000, maxBytes: UNBOUNDED, hashWaitMs: 0 },
    );
    this.#lists = new BlockListService({
      access,
      entity: this.#entity(),
      catalogue,
      lists: { treeOf: async () => undefined, listOf: async () => undefined },
      budget: new BlockListBudget(
        { clock },
        { blockListsPerAskerPerMinute: UNBOUNDED, blockListsPerMinute: UNBOUNDED },
      ),
    });
    this.server = new FileServer(
      { access, catalogue, files, clock, log },
      { maxUploads: 4, maxUploadsPerPeer: 4 },
    );
    this.clients = new ClientDoors({
      ...{ access, catalogue, clock },
      ...{ server: this.server, questions: this.#questions, folders: this.#folders, listing: this.#listing },
    });
  }

  async start(): Promise<void> {
    await this.engine.start();
    await this.#listing.start();
    await this.#lists.start();
    await this.clients.start();
  }

  async stop(): Promise<void> {
    await this.clients.stop();
    await this.#lists.stop();
    await this.#listing.stop();
    await this.engine.stop();
  }

  /** The paths that an answer to a direct question has. */
  async find(asker: Jid, criteria: FileCriteria): Promise<string[]> {
    const answer = await this.#questions.ask(asker, { criteria, page: {} }, signal);
    return pathsOf(answer.files, answer.total);
  }

  /** The same on a channel. */
  async findOn(channel: ChannelAddress, asker: Jid, criteria: FileCriteria): Promise<string[]> {
    const answer = await this.#answerer.answer({ asker, channel, criteria, page: {}, hashWaitMs: 0 }, signal);
    return pathsOf(answer.files, answer.total);
  }

  /** All files that are met by walking down from above the shares. A folder without any is a fault. */
  async walk(asker: Jid, from = ''): Promise<string[]> {
    const seen = await this.#folders.look(asker, from, {}, signal);
    if (seen.type === 'file') throw new Error('a file was listed as a folder');
    const found: string[] = [];
    for (const each of seen.entries) {
      if (each.type === 'file') found.push(each.file.path ?? '');
      else {
        const below = await this.walk(asker, each.path);
        if (below.length === 0) throw new Error(`'${each.path}' is empty`);
        found.push(...below);
      }
    }
    return found;
  }

  /** What is shown at a path: the path of a file, or `folder`. The error is that of the door. */
  async look(asker: Jid, path: string): Promise<string | StanzaError> {
    return await orRefused(async () => {
      const seen = await this.#folders.look(asker, path, {}, signal);
      return seen.type === 'file' ? (seen.file.path ?? '') : 'folder';
    });
  }

  /** The file that a door would offer. */
  async takeable(asker: Jid, path: string): Promise<string | StanzaError> {
    return await orRefused(async () => toDisplay(keyOf(await this.#folders.takeable(asker, path))));
  }

  /** Whether the hashes of a file's blocks are given. */
  async blocks(asker: Jid, sha256: string): Promise<'given' | StanzaError> {
    return await orRefused<'given'>(async () => {
      const payload = blocksRequestCodec.toXml({ hash: { algo: 'sha-256', value: sha256 }, page: {} });
      await this.#handlers.get('get')?.({ from: asker, payload } as Parameters<IqHandler>[0], signal);
      return 'given';
    });
  }

  /** Asks for a file by Jingle: what `got` makes of the source, or how it was refused. */
  async request<T = string>(
    asker: Jid,
    file: Partial<FileDescription>,
    got: (source: FileSource) => T | Promise<T> = (source) => (source.file.path ?? '') as T,
  ): Promise<T | FileNotAvailableError> {
    const sid = `${this.#sessions++}`;
    return await this.#sent(
      () => this.server.handle({ peer: asker, sid, file: { hashes: [], hashesUsed: [], ...file } }, signal),
      got,
    );
  }

  /** Has a file of ours offered to a peer. */
  async offer(asker: Jid, entry: FileEntry): Promise<string | FileNotAvailableError> {
    return await this.#sent(
      () => this.server.source(entry, asker, signal),
      (source) => source.file.path ?? '',
    );
  }

  async #sent<T>(
    open: () => Promise<FileSource>,
    got: (source: FileSource) => T | Promise<T>,
  ): Promise<T | FileNotAvailableError> {
    let source: FileSource;
    try {
      source = await open();
    } catch (error) {
      if (error instanceof FileNotAvailableError) return error;
      throw error;
    }
    try {
      return await got(source);
    } finally {
      source.release({ type: 'success', bytes: 0 });
    }
  }

  /** As much of an entity as a service needs that is called by hand. */
  #entity(): Entity {
    const handleIq = (type: string, _name: string, _ns: string, handler: IqHandler) => {
      this.#handlers.set(type, handler);
      return () => undefined;
    };
    return { handleIq } as unknown as Entity;
  }
}

async function orRefused<T>(ask: () => Promise<T>): Promise<T | StanzaError> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof StanzaError) return error;
    throw error;
  }
}

function pathsOf(files: readonly FileDescription[], total: number): string[] {
  if (total !== files.length) throw new Error(`${total} files are counted, and ${files.length} shown`);
  return files.map(({ path = '' }) => path);
}
