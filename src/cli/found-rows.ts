/** Answers of many nodes put together: the same file, by its hash, is one row with all its sources. */
import type { BlockTree } from '../blocks/block-tree.js';
import type { FoundFile } from '../node/asker.js';
import type { Jid } from '../stanza/jid.js';
import { formatHash, type Hash } from '../stanza/xep0300-hashes.js';
import { jsonLine } from './json-line.js';

export interface RowSource {
  readonly jid: Jid;
  readonly channel?: string;
  /** `share/folder/name` there. */
  readonly path?: string;
  /** What it calls the file, where that is not what the row says. */
  readonly name?: string;
  /** What it says of the blocks. */
  readonly blocks?: BlockTree;
}

/** What the first answer said of the file, and everybody who has it. */
export interface FoundRow extends Omit<FoundFile, 'source' | 'blocks'> {
  readonly sources: readonly RowSource[];
}

// More sources of one file than anybody fetches from; a peer with many addresses could add them for ever.
const MAX_SOURCES = 1000;

export class FoundRows {
  readonly #rows = new Map<string, FoundRow>();
  readonly #places = new Map<string, number>();

  /** In the order in which they were first seen. */
  get rows(): FoundRow[] {
    return [...this.#rows.values()];
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Whether it is one of those that are there. */
  has(file: FoundFile): boolean {
    return this.#rows.has(keyOf(file));
  }

  /** Returns the place of the row that the file went into, or of the one it began. */
  add(file: FoundFile): number {
    const { source, blocks, ...facts } = file;
    const key = keyOf(file);
    const row = this.#rows.get(key);
    const rowSource = {
      ...source,
      ...(file.path !== undefined && { path: file.path }),
      ...(row !== undefined && file.name !== row.name && { name: file.name }),
      ...(blocks !== undefined && { blocks }),
    };
    if (row === undefined) {
      this.#rows.set(key, { ...facts, sources: [rowSource] });
      this.#places.set(key, this.#places.size);
    } else {
      this.#rows.set(key, {
        ...row,
        hashes: joined(row.hashes, file.hashes),
        sources: withSource(row, rowSource),
      });
    }
    return this.#places.get(key) ?? 0;
  }
}

/** The rows of one hash, which differ in size, so that all but one lie: first what most say, last what nobody tells the size of. */
export function rowsWith(rows: readonly FoundRow[], hash: Hash): FoundRow[] {
  const text = formatHash(hash);
  const same = rows.filter(({ hashes }) => hashes.some((each) => formatHash(each) === text));
  const isSized = ({ size }: FoundRow) => Number(size !== undefined);
  return same.sort(
    (one, other) => isSized(other) - isSized(one) || other.sources.length - one.sources.length,
  );
}

/** What its sources call it, first what most do; whoever answers first, the order is the same. */
export function namesOf({ name, sources }: FoundRow): string[] {
  const tellers = new Map<string, Set<Jid>>();
  for (const source of sources) {
    const called = source.name ?? name;
    tellers.set(called, (tellers.get(called) ?? new Set()).add(source.jid));
  }
  return [...tellers]
    .sort(([one, by], [other, others]) => others.size - by.size || (one < other ? -1 : 1))
    .map(([called]) => called);
}

/**
 * Files without a hash can't be told to be the same: each is a row of its own. Neither are files of one hash and two
 * sizes; who tells another size must not keep anybody from the file.
 */
export function keyOf(file: FoundFile): string {
  const hash = file.hashes.find((each) => each.algo === 'sha-256') ?? file.hashes[0];
  if (hash === undefined) return JSON.stringify([file.source.jid, file.path ?? file.name]);
  return `${formatHash(hash)} ${file.size ?? ''}`;
}

function joined(known: readonly Hash[], more: readonly Hash[]): readonly Hash[] {
  return [...known, ...more.filter((hash) => !known.some((each) => each.algo === hash.algo))];
}

function withSource(row: FoundRow, source: RowSource): readonly RowSource[] {
  const known = row.sources.some((each) => each.jid === source.jid && each.channel === source.channel);
  return known || row.sources.length >= MAX_SOURCES ? row.sources : [...row.sources, source];
}

/** One line of `--json`. Null stands for what no node told. */
export function rowToJson(row: FoundRow): string {
  return jsonLine({
    name: row.name,
    path: row.path ?? null,
    size: row.size ?? null,
    date: row.dateMs === undefined ? null : isoOf(row.dateMs),
    mediaType: row.mediaType ?? null,
    hashes: Object.fromEntries(row.hashes.map((hash) => [hash.algo, hash.value])),
    sources: row.sources.map(({ jid, channel }) => ({ jid, channel: channel ?? null })),
  });
}

function isoOf(ms: number): string | null {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? null : date.toISOString().replace('.000Z', 'Z');
}
