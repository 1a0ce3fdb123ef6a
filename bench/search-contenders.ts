/** Our engine and its peers, behind one interface: each in a process of its own, told what to do by `search.ts`. */
import lunr from 'lunr';
import MiniSearch, { type Query, type SearchOptions } from 'minisearch';
import { Catalogue } from '../src/catalogue/catalogue.js';
import { type FileEntry, keyOf, nameOf } from '../src/catalogue/file-entry.js';
import { parentOf } from '../src/catalogue/share-path.js';
import { systemClock } from '../src/clock.js';
import { PackedTextIndex } from '../src/index/packed-text-index.js';
import type { Work } from '../src/index/text-index.js';
import { tokensOf } from '../src/index/tokenizer.js';
import { silentLog } from '../src/log.js';
import { parseCriteria } from '../src/query/criteria.js';
import { FileRow } from '../src/query/file-row.js';
import { LocalQueryEngine } from '../src/query/local-query-engine.js';
import { parseWordQuery } from '../src/query/word-query.js';
import type { SearchQuery } from './search-queries.js';

export interface Contender {
  add(files: readonly FileEntry[]): Promise<void>;
  /** Called once, when all are added. */
  ready(): Promise<void>;
  /** How many files match. */
  search(query: SearchQuery): Promise<number>;
}

const PAGE = 100;

/** The engine as the search worker runs it, files and all: a page of entries with cursors, and the total. */
class Shoal implements Contender {
  readonly #catalogue = new Catalogue();
  readonly #engine = new LocalQueryEngine({
    clock: systemClock,
    log: silentLog,
    table: this.#catalogue.table,
  });
  #starting: Promise<void> | undefined;

  async add(files: readonly FileEntry[]): Promise<void> {
    this.#starting ??= this.#engine.start();
    await this.#starting;
    this.#catalogue.apply(files.map((entry) => ({ type: 'put', entry })));
    await this.#engine.settled();
  }

  /** Segments are merged by now. */
  ready(): Promise<void> {
    return this.#engine.tidy();
  }

  async search({ ours }: SearchQuery): Promise<number> {
    const criteria = parseCriteria({ text: [ours] });
    const { total } = await this.#engine.search({ criteria, page: { max: PAGE }, deadlineMs: 60_000 });
    return total;
  }
}

/** The text index of that engine without the files, which minisearch and lunr do not keep either. */
class Words implements Contender {
  readonly #index = new PackedTextIndex();
  #files = 0;

  async add(files: readonly FileEntry[]): Promise<void> {
    const first = this.#files;
    this.#files += files.length;
    const rows = files.map((entry) => new FileRow(entry));
    const source = { document: (id: number) => rows[id - first] as FileRow };
    const ids = rows.map((_, at) => first + at);
    this.#index.commit(finish(this.#index.prepare(ids, source, UNHURRIED)), []);
    while (finish(this.#index.maintain(UNHURRIED)));
  }

  async ready(): Promise<void> {}

  async search({ ours }: SearchQuery): Promise<number> {
    const source = {
      document: () => {
        throw new TypeError('the texts are not kept');
      },
    };
    const matches = finish(this.#index.searcher().search([parseWordQuery(ours)], source, UNHURRIED));
    return matches.reduce((sum, { ids }) => sum + ids.length, 0);
  }
}

const UNHURRIED = { due: () => false };

function finish<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** With its own tokenizer, and nothing stored but the number of the file. */
class Mini implements Contender {
  readonly #index = new MiniSearch<{ id: number; name: string; path: string; type: string }>({
    fields: ['name', 'path', 'type'],
  });
  #files = 0;

  async add(files: readonly FileEntry[]): Promise<void> {
    for (const file of files) {
      const path = `${file.share}/${parentOf(file.path)}`;
      this.#index.add({ id: this.#files++, name: nameOf(file), path, type: file.mediaType });
    }
  }

  async ready(): Promise<void> {}

  async search({ minisearch }: SearchQuery): Promise<number> {
    if (!minisearch) return Number.NaN;
    const options: SearchOptions = { boost: { name: 4 }, ...minisearch.options };
    return this.#index.search(minisearch.query as Query, options).length;
  }
}

/** With our tokenizer and no pipeline: lunr's are made for English prose. */
class Lunr implements Contender {
  readonly #builder = new lunr.Builder();
  #index: lunr.Index | undefined;
  #files = 0;

  constructor() {
    this.#builder.ref('id');
    for (const field of ['name', 'path', 'type']) this.#builder.field(field);
    this.#builder.tokenizer = Object.assign(
      (text?: string | object | object[] | null) =>
        tokensOf(String(text)).map(({ term }) => new lunr.Token(term, {})),
      { separator: lunr.tokenizer.separator },
    );
  }

  async add(files: readonly FileEntry[]): Promise<void> {
    for (const file of files) {
      const path = keyOf(file).slice(0, -nameOf(file).length);
      this.#builder.add({ id: this.#files++, name: nameOf(file), path, type: file.mediaType });
    }
  }

  async ready(): Promise<void> {
    this.#index = this.#builder.build();
  }

  async search({ lunr: query }: SearchQuery): Promise<number> {
    return query === undefined ? Number.NaN : (this.#index?.search(query).length ?? 0);
  }
}

export const CONTENDERS: Readonly<Record<string, () => Contender>> = {
  shoal: () => new Shoal(),
  words: () => new Words(),
  minisearch: () => new Mini(),
  lunr: () => new Lunr(),
};
