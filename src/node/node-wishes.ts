/** What a node wishes for itself. Where nothing is configured there is nothing. */
import { join } from 'node:path';
import { ChannelAsker } from '../channel/channel-asker.js';
import { type Clock, sleep } from '../clock.js';
import { ConfigError } from '../config/config-error.js';
import type { ShareConfig } from '../config/options.js';
import type { WishConfig } from '../config/wish-options.js';
import type { Entity } from '../entity/entity.js';
import { LimitError, ParseError } from '../errors.js';
import { realPartFileSystem } from '../fs/part-file.js';
import { RealDataFolder } from '../fs/real-data-folder.js';
import type { Log } from '../log.js';
import { parseCriteria } from '../query/criteria.js';
import type { Library } from '../scan/library.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import { parseHashText } from '../stanza/xep0300-hashes.js';
import type { Startable } from '../startable.js';
import { FetchMemory } from '../wishes/fetch-memory.js';
import { keepAsking, type Wish } from '../wishes/keep-asking.js';
import { INCOMING, Mirror, type MirrorStatus } from '../wishes/mirror.js';
import type { Downloads } from './downloads.js';
import { NodeFetcher } from './node-fetcher.js';
import type { TransferStatus } from './node-status.js';

export interface NodeWishesComponents {
  readonly entity: Entity;
  readonly clock: Clock;
  readonly log: Log;
  readonly library: Pick<Library, 'catalogue' | 'ready' | 'progress'>;
  readonly downloads: Downloads;
}

export interface NodeWishesInit {
  readonly wishes: readonly WishConfig[];
  readonly shares: readonly ShareConfig[];
  /** The node's own folder for what wishes remember. */
  readonly location: string;
}

const SPREAD_MS = 2000; // nobody waits for it
const PAGE_FILES = 100;
const MAX_ANSWERS = 10_000;
const MAX_FILES = 10_000;
const HASHED_LOOK_MS = 1000;

export class NodeWishes implements Startable {
  readonly #asker: ChannelAsker;
  readonly #memory: FetchMemory;
  readonly #fetcher: NodeFetcher;
  readonly #mirrors: readonly Mirror[];

  private constructor(components: NodeWishesComponents, { wishes, shares, location }: NodeWishesInit) {
    const { entity, clock, log, library, downloads } = components;
    const random = Math.random;
    this.#asker = new ChannelAsker(
      { entity, clock, log },
      { spreadMs: SPREAD_MS, pageFiles: PAGE_FILES, maxAnswers: MAX_ANSWERS },
    );
    this.#memory = new FetchMemory({ folder: new RealDataFolder(location), clock, log, random });
    this.#fetcher = new NodeFetcher({ downloads, asker: this.#asker, clock, log });
    const asking = { entity, clock, log, random, asker: this.#asker };
    this.#mirrors = wishes.map((config) => {
      const share = shares.find(({ name }) => name === config.share);
      if (!share) throw new ConfigError([`wishes: there is no share '${config.share}'`]);
      const wish = wishOf(config);
      return new Mirror(
        {
          ask: (signal) => keepAsking(asking, wish, signal),
          fetcher: this.#fetcher,
          catalogue: library.catalogue,
          hashed: (signal) => hashed({ clock, library }, signal),
          memory: this.#memory,
          disk: realPartFileSystem,
          incoming: new RealDataFolder(join(share.path, INCOMING)),
          jid: () => entity.jid,
          clock,
          log,
        },
        { ...config, share, criteria: wish.criteria, channels: wish.channels },
      );
    });
  }

  /** Undefined where there are none. Throws ConfigError. */
  static of(components: NodeWishesComponents, init: NodeWishesInit): NodeWishes | undefined {
    return init.wishes.length === 0 ? undefined : new NodeWishes(components, init);
  }

  async start(): Promise<void> {
    await this.#memory.start();
    await this.#asker.start();
    for (const mirror of this.#mirrors) await mirror.start();
  }

  /** To be called while the entity is online: questions are withdrawn. */
  async stop(): Promise<void> {
    await Promise.all(this.#mirrors.map((mirror) => mirror.stop()));
    await this.#asker.stop();
    await this.#memory.stop();
  }

  /** What comes. */
  transfers(): TransferStatus[] {
    return this.#fetcher.transfers();
  }

  status(): MirrorStatus[] {
    return this.#mirrors.map((mirror) => mirror.status());
  }
}

/** The shares as they are scanned: what is still coming is not offered. */
export function withoutIncoming(
  shares: readonly ShareConfig[],
  wishes: readonly WishConfig[],
): ShareConfig[] {
  return shares.map((share) =>
    wishes.some((wish) => wish.share === share.name)
      ? { ...share, exclude: [...share.exclude, INCOMING] }
      : share,
  );
}

/** Throws ConfigError for what no node would answer. */
function wishOf(config: WishConfig): Wish {
  const { name, service, channels, maxShareFiles } = config;
  const criteria = criteriaOf(config);
  try {
    parseCriteria(criteria);
  } catch (error) {
    if (!(error instanceof ParseError) && !(error instanceof LimitError)) throw error;
    throw new ConfigError([`the wish '${name}': ${error.message}`]);
  }
  return {
    criteria,
    channels: channels.map((nodeId) => ({ service, nodeId })),
    maxFiles: Math.min(maxShareFiles, MAX_FILES),
  };
}

function criteriaOf({ text, regex, ext, type, hash, minFileBytes, maxFileBytes }: WishConfig): FileCriteria {
  return {
    ...(text !== undefined && { text: [text] }),
    ...(regex !== undefined && { name: [{ type: 'regex', pattern: regex }] }),
    ...(ext.length > 0 && { ext }),
    ...(type.length > 0 && { mediaType: type }),
    ...(hash.length > 0 && { hash: hash.map((each) => parseHashText(each)) }),
    ...(minFileBytes > 0 && { sizeMin: minFileBytes }),
    sizeMax: maxFileBytes,
  };
}

/** Resolves when every file that was there is hashed. Rejects with AbortedError. */
async function hashed(
  { clock, library }: Pick<NodeWishesComponents, 'clock' | 'library'>,
  signal: AbortSignal,
): Promise<void> {
  // Files that are read once more, for the hashes of their blocks, have theirs.
  const isDone = () => {
    const { files, hashedFiles } = library.catalogue.totals;
    const { scan, hashing } = library.progress();
    return scan === 'done' && (hashedFiles === files || hashing.filesLeft === 0);
  };
  while (!isDone()) await sleep(clock, HASHED_LOOK_MS, signal);
}
