/** A text index whose documents are objects: what the oracle is, and what tests make of ours. */
import { PackedTextIndex, type TextIndexInit } from '../../src/index/packed-text-index.js';
import type { DocumentSource, Pace, TextDocument, WordQuery, Work } from '../../src/index/text-index.js';
import { finish, hurried } from './work.js';

export interface ObjectSearcher<D extends TextDocument> {
  search(queries: readonly WordQuery[], pace: Pace): Work<Map<D, number>>;
}

export interface PreparedObjects<D extends TextDocument> {
  readonly documents: readonly D[];
}

export interface ObjectIndex<D extends TextDocument> {
  prepare(documents: readonly D[], pace: Pace): Work<PreparedObjects<D>>;
  /** `removed` are documents added before, as the same objects. */
  commit(prepared: PreparedObjects<D>, removed: Iterable<D>): void;
  searcher(): ObjectSearcher<D>;
  maintain(pace: Pace): Work<boolean>;
}

/** Numbers objects, and uses numbers again as soon as they are free. */
export class PackedObjectIndex<D extends TextDocument> implements ObjectIndex<D> {
  readonly #index: PackedTextIndex;
  readonly #ids = new Map<D, number>();
  readonly #free: number[] = [];
  #objects: readonly D[] = [];

  constructor(init?: TextIndexInit) {
    this.#index = new PackedTextIndex(init);
  }

  /** Nothing yet: until they are committed nobody knows which numbers are free. */
  *prepare(documents: readonly D[], pace: Pace): Work<PreparedObjects<D>> {
    if (pace.due()) yield;
    return { documents };
  }

  commit({ documents }: PreparedObjects<D>, removed: Iterable<D>): void {
    const gone: number[] = [];
    for (const document of removed) {
      const id = this.#ids.get(document);
      if (id === undefined) continue;
      gone.push(id);
      this.#free.push(id);
      this.#ids.delete(document);
    }
    const objects = [...this.#objects];
    for (const document of documents) {
      const id = this.#free.pop() ?? objects.length;
      this.#ids.set(document, id);
      objects[id] = document;
    }
    this.#objects = objects;
    const ids = documents.map((document) => this.#ids.get(document) as number);
    this.#index.commit(finish(this.#index.prepare(ids, sourceOf(objects), hurried)), gone);
  }

  searcher(): ObjectSearcher<D> {
    const searcher = this.#index.searcher();
    const objects = this.#objects;
    return {
      *search(queries, pace) {
        const scores = new Map<D, number>();
        for (const part of yield* searcher.search(queries, sourceOf(objects), pace)) {
          for (const [at, id] of part.ids.entries()) scores.set(objects[id] as D, part.scores[at] as number);
        }
        return scores;
      },
    };
  }

  maintain(pace: Pace): Work<boolean> {
    return this.#index.maintain(pace);
  }
}

function sourceOf(documents: readonly TextDocument[]): DocumentSource {
  return { document: (id) => documents[id] as TextDocument };
}
