/** A catalogue and an engine that follows it, for tests that change files and search them. */
import { Catalogue } from '../../src/catalogue/catalogue.js';
import type { CatalogueChange } from '../../src/catalogue/file-entry.js';
import type { FileTable } from '../../src/catalogue/file-table.js';
import type { QueryEngine, SearchAnswer, SearchRequest } from '../../src/query/query-engine.js';

export class SearchedCatalogue<E extends QueryEngine = QueryEngine> {
  readonly catalogue = new Catalogue();
  readonly engine: E;

  constructor(make: (table: FileTable) => E) {
    this.engine = make(this.catalogue.table);
  }

  start(): Promise<void> {
    return this.engine.start();
  }

  stop(): Promise<void> {
    return this.engine.stop();
  }

  /** Resolves when searches see the changes. */
  apply(changes: readonly CatalogueChange[]): Promise<void> {
    this.catalogue.apply(changes);
    return this.engine.settled();
  }

  search(request: SearchRequest, signal?: AbortSignal): Promise<SearchAnswer> {
    return this.engine.search(request, signal);
  }
}
