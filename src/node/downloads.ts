/** What asker and node have in common that download files from everybody who has them: the engine with its parts. */
import type { Clock } from '../clock.js';
import type { Entity } from '../entity/entity.js';
import { realPartFileSystem } from '../fs/part-file.js';
import type { JingleEngine } from '../jingle/jingle-engine.js';
import type { Log } from '../log.js';
import { BlockListFetcher } from '../transfer/fetch/block-list-fetcher.js';
import { BlockParts } from '../transfer/fetch/block-parts.js';
import { download } from '../transfer/fetch/download.js';
import type { DownloadEvent } from '../transfer/fetch/download-events.js';
import type { DownloadRequest } from '../transfer/fetch/download-request.js';
import { JingleSources } from '../transfer/fetch/jingle-source.js';
import type { SourceFinder } from '../transfer/fetch/range-source.js';
import type { Strikes } from '../transfer/fetch/strikes.js';

export interface DownloadsComponents {
  readonly entity: Entity;
  readonly jingle: JingleEngine;
  /** Who sent wrong bytes before. */
  readonly strikes: Strikes;
  readonly clock: Clock;
  readonly log: Log;
}

export class Downloads {
  readonly #components: DownloadsComponents;
  readonly #sources: JingleSources;
  readonly #parts: BlockParts;

  constructor(components: DownloadsComponents) {
    const { entity, jingle, clock, log } = components;
    this.#components = components;
    const lists = new BlockListFetcher({ entity });
    this.#sources = new JingleSources({
      jingle,
      lists: { ask: ({ jid }, file, tree, signal) => lists.fetch(jid, file, tree, signal) },
      clock,
      log,
    });
    this.#parts = new BlockParts({ fs: realPartFileSystem, clock, log });
  }

  /** Throws FetchError and AbortedError. */
  download(
    request: DownloadRequest,
    finder: SourceFinder | undefined,
    signal?: AbortSignal,
  ): AsyncGenerator<DownloadEvent, void, undefined> {
    const { clock, log, strikes } = this.#components;
    const components = { sources: this.#sources, parts: this.#parts, strikes, clock, log };
    return download({ ...components, ...(finder && { finder }) }, request, {}, signal);
  }
}
