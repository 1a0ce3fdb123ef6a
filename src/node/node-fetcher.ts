/** Fetches what a node wishes for, from everybody who has it, and says what comes from whom. */
import type { ChannelAsker } from '../channel/channel-asker.js';
import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { Jid } from '../stanza/jid.js';
import type { DownloadProgress, SourceProgress } from '../transfer/fetch/download-events.js';
import type { FoundSource, SourceFinder, WantedFile } from '../transfer/fetch/range-source.js';
import type { Fetcher, FetchOrder } from '../wishes/fetcher.js';
import type { Downloads } from './downloads.js';
import type { TransferStatus } from './node-status.js';

export interface NodeFetcherComponents {
  readonly downloads: Downloads;
  readonly asker: Pick<ChannelAsker, 'ask'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A question to a channel is read by everybody there: for small files those who are known are enough. */
const MIN_SHARED_BYTES = 16_777_216;
const FIND_MS = 5000;
/** A node may have the file under several names, of which one is enough. */
const MAX_COPIES = 10;

export class NodeFetcher implements Fetcher {
  readonly #components: NodeFetcherComponents;
  readonly #running = new Map<FetchOrder, DownloadProgress | undefined>();

  constructor(components: NodeFetcherComponents) {
    this.#components = components;
  }

  async fetch(order: FetchOrder, onProgress: (bytes: number) => void, signal: AbortSignal): Promise<void> {
    const { sha256, size, sources, target, modifiedMs } = order;
    const request = {
      file: { hash: { algo: 'sha-256', value: sha256 }, size },
      sources,
      target,
      overwrite: 'replace',
      ...(modifiedMs !== undefined && { modifiedMs }),
    } as const;
    const finder = size < MIN_SHARED_BYTES ? undefined : this.#finder(order);
    this.#running.set(order, undefined);
    try {
      for await (const event of this.#components.downloads.download(request, finder, signal)) {
        if (event.type !== 'progress') continue;
        this.#running.set(order, event);
        onProgress(event.receivedBytes);
      }
    } finally {
      this.#running.delete(order);
    }
  }

  /** What comes now, a line for each who gives it. */
  transfers(): TransferStatus[] {
    return [...this.#running].flatMap(([{ shownAs, size }, progress]) =>
      (progress?.sources ?? []).flatMap((source) => statusOf(source, shownAs, size) ?? []),
    );
  }

  #finder({ channels }: FetchOrder): SourceFinder {
    const { asker, log } = this.#components;
    return {
      /** Never throws: who can't be asked now may be asked the next time. */
      async *find({ hash }: WantedFile, signal: AbortSignal): AsyncGenerator<FoundSource> {
        const question = { criteria: { hash: [hash] }, maxFiles: MAX_COPIES, waitMs: FIND_MS };
        const seen = new Set<Jid>();
        try {
          for await (const event of asker.ask(channels, question, signal)) {
            if (event.type !== 'found' || seen.has(event.from)) continue;
            const file = event.found.files.find(({ hashes }) =>
              hashes.some((each) => each.algo === hash.algo && each.value === hash.value),
            );
            if (!file) continue;
            seen.add(event.from);
            const { path, blocks: tree } = file;
            yield { jid: event.from, ...(path !== undefined && { path }), ...(tree && { tree }) };
          }
        } catch (error) {
          log.debug({ err: error }, `more sources could not be asked for: ${messageOf(error)}`);
        }
      },
    };
  }
}

/** Undefined for who has no part in it. */
function statusOf(source: SourceProgress, path: string, fileBytes: number): TransferStatus | undefined {
  const { jid: peer, state, bytesPerSecond, keptBytes: bytes, strikes } = source;
  if (state === 'spare' && bytes === 0) return undefined;
  const isWaiting = state === 'connecting' || state === 'queued' || state === 'resting';
  return {
    direction: 'in',
    peer,
    path,
    state: state === 'receiving' ? 'active' : isWaiting ? 'waiting' : 'ended',
    bytes,
    fileBytes,
    bytesPerSecond,
    strikes,
  };
}
