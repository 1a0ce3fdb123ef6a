/** What asker and node have in common that download files from everybody who has them: the engine with its parts. */
import type { Clock } from '../clock.js';
import type { Entity } from '../entity/entity.js';
import { realPartFileSystem } from '../fs/part-file.js';
import { RealDataFolder } from '../fs/real-data-folder.js';
import type { JingleEngine } from '../jingle/jingle-engine.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import { BlockListFetcher } from '../transfer/fetch/block-list-fetcher.js';
import { BlockParts } from '../transfer/fetch/block-parts.js';
import { download } from '../transfer/fetch/download.js';
import type { DownloadEvent } from '../transfer/fetch/download-events.js';
import type { DownloadRequest } from '../transfer/fetch/download-request.js';
import { JingleSources } from '../transfer/fetch/jingle-source.js';
import type { SourceFinder } from '../transfer/fetch/range-source.js';
import { Strikes } from '../transfer/fetch/strikes.js';
import { StrikesFile } from '../transfer/fetch/strikes-file.js';

export interface DownloadsComponents {
  readonly entity: Entity;
  readonly jingle: JingleEngine;
  readonly clock: Clock;
  readonly log: Log;
}

export interface DownloadsInit {
  /** Where it is remembered who sent wrong bytes; without it, nowhere. */
  readonly strikesFolder?: string | undefined;
  /** With so many an address is never asked again; 0: only not for those files. Default: that of the configuration. */
  readonly strikes?: number | undefined;
}

export class Downloads implements Startable {
  readonly #components: DownloadsComponents;
  readonly #strikes: Strikes;
  readonly #strikesFile: StrikesFile | undefined;
  readonly #sources: JingleSources;
  readonly #parts: BlockParts;

  constructor(components: DownloadsComponents, { strikesFolder, strikes }: DownloadsInit = {}) {
    const { entity, jingle, clock, log } = components;
    this.#strikes = new Strikes({ ...(strikes !== undefined && { forGood: strikes }) });
    if (strikesFolder !== undefined) {
      const folder = new RealDataFolder(strikesFolder);
      this.#strikesFile = new StrikesFile({ folder, strikes: this.#strikes, log });
    }
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

  async start(): Promise<void> {
    await this.#strikesFile?.start();
  }

  /** Downloads have to be ended by those who began them. */
  async stop(): Promise<void> {
    await this.#strikesFile?.stop();
  }

  /** Throws FetchError and AbortedError. */
  download(
    request: DownloadRequest,
    finder: SourceFinder | undefined,
    signal?: AbortSignal,
  ): AsyncGenerator<DownloadEvent, void, undefined> {
    const { clock, log } = this.#components;
    const components = { sources: this.#sources, parts: this.#parts, strikes: this.#strikes, clock, log };
    return download({ ...components, ...(finder && { finder }) }, request, {}, signal);
  }
}
