/** Fetches what a node wishes for. */
import type { Clock } from '../clock.js';
import { realPartFileSystem } from '../fs/part-file.js';
import type { Log } from '../log.js';
import { fetchFile } from '../transfer/fetch/fetch-file.js';
import type { Downloader } from '../transfer/fetch/fetch-request.js';
import type { Fetcher, FetchOrder } from '../wishes/fetcher.js';

export interface NodeFetcherComponents {
  readonly downloader: Downloader;
  readonly clock: Clock;
  readonly log: Log;
}

/** From one source after the other. */
export class NodeFetcher implements Fetcher {
  readonly #components: NodeFetcherComponents;

  constructor(components: NodeFetcherComponents) {
    this.#components = components;
  }

  async fetch(order: FetchOrder, onProgress: (bytes: number) => void, signal: AbortSignal): Promise<void> {
    const { sha256, size, sources, target } = order;
    const events = fetchFile(
      { ...this.#components, fs: realPartFileSystem },
      { file: { hash: { algo: 'sha-256', value: sha256 }, size }, sources, target, overwrite: 'replace' },
      {},
      signal,
    );
    for await (const event of events) if (event.type === 'progress') onProgress(event.receivedBytes);
  }
}
