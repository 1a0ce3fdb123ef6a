/** Keeps the query engine's index like the catalogue: every change goes in, in order, in batches. */
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import type { CatalogueChange } from '../catalogue/file-entry.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { QueryEngine } from '../query/query-engine.js';
import type { Startable } from '../startable.js';

export interface CatalogueIndexingComponents {
  readonly catalogue: Pick<ReadonlyCatalogue, 'onChange'>;
  readonly engine: Pick<QueryEngine, 'apply'>;
  readonly log: Log;
}

const MAX_BATCH = 2_000; // some tens of milliseconds of the search worker, between two queries

export class CatalogueIndexing implements Startable {
  readonly #components: CatalogueIndexingComponents;
  #waiting: CatalogueChange[] = [];
  #work: Promise<void> | undefined;
  #unregister: (() => void) | undefined;

  constructor(components: CatalogueIndexingComponents) {
    this.#components = components;
  }

  async start(): Promise<void> {
    this.#unregister = this.#components.catalogue.onChange((changes) => {
      for (const change of changes) this.#waiting.push(change);
      this.#work ??= this.#run();
    });
  }

  /** What waits is dropped: the index does not outlive the process. */
  async stop(): Promise<void> {
    this.#unregister?.();
    this.#waiting = [];
    await this.#work;
  }

  /** Resolves when every change so far can be searched. */
  async settled(): Promise<void> {
    while (this.#work) await this.#work;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (let at = 0; at < waiting.length; at += MAX_BATCH) {
        try {
          await this.#components.engine.apply(waiting.slice(at, at + MAX_BATCH));
        } catch (error) {
          this.#components.log.error({ err: error }, `files could not be indexed: ${messageOf(error)}`);
        }
      }
    }
    this.#work = undefined;
  }
}
