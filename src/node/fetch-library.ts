/**
 * Finding files and fetching them from everybody who has them, for programs: `import … from 'shoal/fetch'`. How it is
 * used is in docs/fetch.md.
 *
 * What is exported here stays as it is within a major version.
 */
import { systemClock } from '../clock.js';
import type { AskerConfig, TlsMode } from '../config/options.js';
import { type Log, silentLog } from '../log.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import { parseBareJid, parseJid } from '../stanza/jid.js';
import type { Hash } from '../stanza/xep0300-hashes.js';
import type { DownloadEvent } from '../transfer/fetch/download-events.js';
import { FetchError } from '../transfer/fetch/fetch-request.js';
import type { FoundSource } from '../transfer/fetch/range-source.js';
import type { AskedChannel, FoundFile } from './asker.js';
import { downloadDoubted } from './doubted-size.js';
import { NetworkAsker } from './network-asker.js';

export type { BlockList, BlockTree } from '../blocks/block-tree.js';
export type { FileCriteria, StringTest } from '../stanza/file-criteria.js';
export type { Hash, HashAlgorithm } from '../stanza/xep0300-hashes.js';
export { BlockParts } from '../transfer/fetch/block-parts.js';
export { DOWNLOAD_DEFAULTS, download } from '../transfer/fetch/download.js';
export type {
  DownloadEvent,
  DownloadProgress,
  SourceProgress,
  StrikeReason,
} from '../transfer/fetch/download-events.js';
export type {
  DownloadComponents,
  DownloadInit,
  DownloadRequest,
} from '../transfer/fetch/download-request.js';
export { FetchError, type FetchErrorCode, type SourceFailure } from '../transfer/fetch/fetch-request.js';
export type { PartInit, PartLayout, PartStore, PartStores } from '../transfer/fetch/part-store.js';
export { RangeSet, type Span } from '../transfer/fetch/range-set.js';
export {
  type FoundSource,
  type RangeSource,
  type RangeSourceState,
  type RangeSources,
  SourceError,
  type SourceErrorCode,
  type SourceFinder,
  type WantedFile,
} from '../transfer/fetch/range-source.js';
export { Strikes } from '../transfer/fetch/strikes.js';
export type { FoundFile } from './asker.js';

export interface FetcherInit {
  /** The account; with a resource, that one is asked for. */
  readonly jid: string;
  readonly password: string;
  readonly server: { readonly host: string; readonly port: number };
  /** `required`: no login without encryption, and certificates are checked. Default `required`. */
  readonly tls?: TlsMode;
  /** The channels that are asked: a pubsub service, and the NodeIDs of channels there. */
  readonly service?: string;
  readonly channels?: readonly string[];
  /** Where it is remembered who sent wrong bytes. Default: nothing is, beyond this process. */
  readonly stateFolder?: string;
  /** With so many strikes an address is never asked again; 0: only not for the files it gave them for. Default 3. */
  readonly strikes?: number;
  /** Default: nothing is logged. */
  readonly log?: Log;
}

export interface FindOptions {
  /** Asks this node alone, and no channel. */
  readonly to?: string;
  /** How long answers are waited for. Default 5000. */
  readonly waitMs?: number;
  /** Files wanted of each node. Default 100. */
  readonly max?: number;
  readonly signal?: AbortSignal;
}

export interface FetchOptions {
  /** Local path; its folder must be there. */
  readonly target: string;
  /** Default `refuse`. */
  readonly overwrite?: 'refuse' | 'replace';
  /** How long to wait in a row for somebody who can give anything. Default 5000. */
  readonly waitMs?: number;
  /** Those who are known to have it; others are looked for on the channels. */
  readonly sources?: readonly FoundSource[];
  readonly signal?: AbortSignal;
}

/** An account that is logged in, finds files and fetches them. */
export interface Fetcher {
  /** Our full address. */
  readonly jid: string;
  /** Each file of each answer as it comes: the same file of several nodes has the same hash. Ends when the wait is over. */
  find(criteria: FileCriteria, options?: FindOptions): AsyncGenerator<FoundFile, void, undefined>;
  /**
   * Fetches a file by its hash from everybody who has it; yields what happens, `done` last. Without a size it is asked
   * for first. Throws FetchError and AbortedError; who stops listening ends it. What has come is kept and gone on with.
   */
  fetch(
    file: { readonly hash: Hash; readonly size?: number },
    options: FetchOptions,
  ): AsyncGenerator<DownloadEvent, void, undefined>;
  /** Logs out. */
  stop(): Promise<void>;
}

const WAIT_MS = 5000;
const MAX_FILES = 100;

/** Logs in. Rejects with `RefusedError` when the server will not have us, with others when it can't be reached. */
export async function connectFetcher(init: FetcherInit): Promise<Fetcher> {
  const fetcher = new AccountFetcher(init);
  await fetcher.start();
  return fetcher;
}

class AccountFetcher implements Fetcher {
  readonly #asker: NetworkAsker;
  readonly #channels: readonly AskedChannel[];

  constructor(init: FetcherInit) {
    const { jid, password, server, tls = 'required', service, channels = [], stateFolder } = init;
    const pubsub = service === undefined ? undefined : parseBareJid(service);
    const asked = { service: pubsub, channels, ...(init.strikes !== undefined && { strikes: init.strikes }) };
    const config: AskerConfig = { jid: parseJid(jid), password, server, tls, ...asked };
    this.#channels = pubsub === undefined ? [] : channels.map((node) => ({ service: pubsub, node }));
    this.#asker = new NetworkAsker({ clock: systemClock, log: init.log ?? silentLog }, config, {
      ...(stateFolder !== undefined && { stateFolder }),
    });
  }

  get jid(): string {
    return this.#asker.jid;
  }

  async start(): Promise<void> {
    try {
      await this.#asker.start();
    } catch (error) {
      await this.#asker.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    return this.#asker.stop();
  }

  async *find(criteria: FileCriteria, options: FindOptions = {}): AsyncGenerator<FoundFile, void, undefined> {
    const { to, waitMs = WAIT_MS, max = MAX_FILES, signal } = options;
    const audience = to === undefined ? { channels: this.#channels } : { to: parseJid(to), channels: [] };
    for await (const event of this.#asker.find({ criteria, ...audience, max, waitMs }, signal)) {
      if (event.type === 'file') yield event.file;
      if (event.type === 'refused' && to !== undefined) throw event.error;
    }
  }

  async *fetch(
    { hash, size }: { readonly hash: Hash; readonly size?: number },
    options: FetchOptions,
  ): AsyncGenerator<DownloadEvent, void, undefined> {
    const { target, overwrite = 'refuse', waitMs = WAIT_MS, signal } = options;
    const known = options.sources ?? [];
    // Another size is another file, whatever its hash is said to be: first that which most tell.
    const bySize = new Map<number, FoundSource[]>();
    if (size !== undefined) bySize.set(size, [...known]);
    if (size === undefined || known.length === 0) {
      for await (const file of this.#whoHas(hash, waitMs, signal)) {
        const bytes = file.size;
        if (bytes === undefined || (size !== undefined && size !== bytes)) continue;
        bySize.set(bytes, [...(bySize.get(bytes) ?? known), sourceOf(file)]);
      }
    }
    const sizes = [...bySize].sort(([, one], [, other]) => other.length - one.length);
    if (sizes.length === 0) throw new FetchError('no-source-left', 'nobody answered that has it');
    const audience = { channels: this.#channels, nodes: known.map(({ jid }) => jid) };
    const orders = sizes.map(([bytes, sources]) => ({
      file: { hash, size: bytes },
      sources,
      target,
      overwrite,
      waitMs,
      audience,
    }));
    if (size === undefined)
      yield* downloadDoubted({ asker: this.#asker, clock: systemClock }, orders, signal);
    else for (const order of orders) yield* this.#asker.download(order, signal);
  }

  /** Ends soon after the first answer: others join in while it is fetched. */
  async *#whoHas(hash: Hash, waitMs: number, signal?: AbortSignal): AsyncGenerator<FoundFile> {
    const enough = new AbortController();
    const until = signal ? AbortSignal.any([signal, enough.signal]) : enough.signal;
    let timer: { cancel(): void } | undefined;
    try {
      for await (const file of this.find({ hash: [hash] }, { waitMs, signal: until })) {
        timer ??= systemClock.after(MORE_SOURCES_MS, () => enough.abort());
        yield file;
      }
    } finally {
      timer?.cancel();
    }
  }
}

const MORE_SOURCES_MS = 700;

function sourceOf({ source, path, blocks }: FoundFile): FoundSource {
  return {
    jid: source.jid,
    ...(path !== undefined && { path }),
    ...(blocks !== undefined && { tree: blocks }),
  };
}
