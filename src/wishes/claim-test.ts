/**
 * Holds what a node says of its files against what it was asked: a mirror puts into a share what the wish says, whatever else
 * somebody may answer. Only what was told can be looked at; of the bytes their hash tells later.
 */
import type { FileEntry } from '../catalogue/file-entry.js';
import type { FullPath } from '../catalogue/share-path.js';
import { defaultTextIndexInit, PackedTextIndex } from '../index/packed-text-index.js';
import type { Work } from '../index/text-index.js';
import { parseCriteria } from '../query/criteria.js';
import { type SearchedFile, searchedDesc } from '../query/file-row.js';
import { type RowTest, residualFilter } from '../query/residual-filter.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';

/** Few files at a time: an answer has a hundred at most. */
const UNHURRIED = { due: () => false, check: () => undefined };

export class ClaimTest {
  readonly #criteria: ReturnType<typeof parseCriteria>;
  readonly #test: RowTest;

  /** Throws ParseError and LimitError. */
  constructor(asked: FileCriteria) {
    this.#criteria = parseCriteria(asked);
    this.#test = finish(residualFilter(this.#criteria, UNHURRIED));
  }

  /** Those that match, as far as they tell. */
  keep(files: readonly FileDescription[]): FileDescription[] {
    const { text } = this.#criteria;
    const rows = files.map(rowOf);
    const kept = files.filter((_, at) => {
      const row = rows[at];
      return row !== undefined && this.#test(row, UNHURRIED);
    });
    if (text.length === 0 || kept.length === 0) return kept;
    const index = new PackedTextIndex(defaultTextIndexInit);
    const source = { document: (at: number) => rows[at] ?? NOTHING };
    index.commit(finish(index.prepare([...files.keys()], source, UNHURRIED)), []);
    const matches = finish(index.searcher().search(text, source, UNHURRIED));
    const found = new Set(matches.flatMap(({ ids }) => [...ids]).map((at) => files[at]));
    return kept.filter((file) => found.has(file));
  }
}

const NOTHING = { name: '', path: '', desc: '', type: '' };

function rowOf({
  name = '',
  path,
  size = 0,
  dateMs = 0,
  mediaType = '',
  desc,
  hashes,
}: FileDescription): SearchedFile {
  const key = (path ?? name) as FullPath;
  return {
    key,
    name,
    path: key.slice(0, Math.max(0, key.lastIndexOf('/'))),
    desc: searchedDesc(desc),
    type: mediaType,
    size,
    mtimeMs: dateMs,
    sha256: hashes.find(({ algo }) => algo === 'sha-256')?.value,
    get entry(): FileEntry {
      throw new TypeError('what a peer tells of is no entry');
    },
  };
}

function finish<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}
