/**
 * Describes files for the wire, whichever door they go out by: with their hashes, which are waited for, and what is
 * known of their blocks.
 */
import { setMaxListeners } from 'node:events';
import type { Asker } from '../access/access-policy.js';
import { MIN_BLOCK_BYTES } from '../blocks/block-size.js';
import type { BlockTree } from '../blocks/block-tree.js';
import type { BlockLists } from '../catalogue/block-list-store.js';
import { describeFile } from '../catalogue/file-description.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import type { Clock } from '../clock.js';
import { AbortedError } from '../errors.js';
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';
import type { FileSharingSource } from '../stanza/xep0447-stateless-file-sharing.js';

/** A file without its hash is no answer: this finds the hash, before other files that wait. */
export interface HashSource {
  /** The entry with its hash; undefined when the file is gone or can't be read. Rejects with AbortedError. */
  hashNow(entry: FileEntry, signal: AbortSignal): Promise<FileEntry | undefined>;
}

/** Knows where a file can be had besides by a request to us. */
export interface OtherSources {
  /** Of a file with its hash, for this asker alone. None: nothing is said of it. */
  of(asker: Asker, entry: FileEntry): readonly FileSharingSource[];
}

export interface FileDescriberComponents {
  readonly hashes: HashSource;
  /** Without it answers say nothing of blocks. */
  readonly blocks?: Pick<BlockLists, 'treeOf'>;
  readonly clock: Clock;
  /** Without it answers say nothing of other sources. */
  readonly otherSources?: OtherSources;
}

/** A file as it goes out; or its hash did not come in time, or it is no longer there. */
export type Described = FileDescription | 'pending' | 'gone';

/** `<range/>`: parts of the file can be asked for (XEP-0234 §5). */
const RANGES_UNDERSTOOD = { offset: 0, hashes: [] } as const;

/** No answer is held up for long by a disk that has to look for what is known of blocks. */
const TREES_WAIT_MS = 250;

/** An entry with its hash; or the hash did not come in time, or the file is no longer there. */
type Hashed = FileEntry | 'pending' | 'gone';

export class FileDescriber {
  readonly #components: FileDescriberComponents;

  constructor(components: FileDescriberComponents) {
    this.#components = components;
  }

  /** Waits at most `hashWaitMs` for hashes. Without an asker nothing is said that is for one alone. Rejects with AbortedError. */
  async describe(
    entries: readonly FileEntry[],
    hashWaitMs: number,
    signal: AbortSignal,
    asker?: Asker,
  ): Promise<Described[]> {
    const hashed = await this.#hashed(entries, hashWaitMs, signal);
    const trees = await this.#treesOf(hashed);
    return hashed.map((each) =>
      typeof each === 'object' ? { ...described(each, trees), ...this.#alsoAt(each, asker) } : each,
    );
  }

  #alsoAt(entry: FileEntry, asker: Asker | undefined): Pick<FileDescription, 'alsoAt'> {
    const alsoAt = asker && this.#components.otherSources?.of(asker, entry);
    return alsoAt && alsoAt.length > 0 ? { alsoAt } : {};
  }

  /** The entries with their hashes. */
  async #hashed(entries: readonly FileEntry[], waitMs: number, signal: AbortSignal): Promise<Hashed[]> {
    if (entries.every((entry) => entry.sha256 !== undefined)) return [...entries];
    const late = new AbortController();
    const timer = this.#components.clock.after(waitMs, () => late.abort());
    try {
      const until = AbortSignal.any([signal, late.signal]);
      setMaxListeners(entries.length + 1, until); // each waits for its own hash
      const hashed = await Promise.all(
        entries.map((entry) =>
          entry.sha256 !== undefined
            ? entry
            : this.#components.hashes.hashNow(entry, until).then(
                (hashed): Hashed => hashed ?? 'gone',
                (error: unknown): Hashed => {
                  if (error instanceof AbortedError) return 'pending';
                  throw error;
                },
              ),
        ),
      );
      if (signal.aborted) throw new AbortedError('the query was withdrawn');
      return hashed;
    } finally {
      timer.cancel();
    }
  }

  /** By hash, as far as they are known by now. */
  async #treesOf(hashed: readonly Hashed[]): Promise<ReadonlyMap<string, BlockTree>> {
    const trees = new Map<string, BlockTree>();
    const { blocks, clock } = this.#components;
    const wanted = new Set<string>();
    for (const each of hashed)
      if (typeof each === 'object' && each.sha256 !== undefined && each.size > MIN_BLOCK_BYTES)
        wanted.add(each.sha256);
    if (blocks === undefined || wanted.size === 0) return trees;
    const reading = [...wanted].map(async (sha256) => {
      const tree = await blocks.treeOf(sha256);
      if (tree !== undefined) trees.set(sha256, tree);
    });
    await new Promise<void>((resolve, reject) => {
      const timer = clock.after(TREES_WAIT_MS, resolve);
      Promise.all(reading)
        .then(() => resolve(), reject)
        .finally(() => timer.cancel());
    });
    return new Map(trees); // what comes later is not for this answer
  }
}

function described(entry: FileEntry, trees: ReadonlyMap<string, BlockTree>): FileDescription {
  const blocks = trees.get(entry.sha256 ?? '');
  return { ...describeFile(entry), range: RANGES_UNDERSTOOD, ...(blocks && { blocks }) };
}

const ELEMENT_BYTES = 420; // tags, namespaces, hash, size and date of one <file/>, with room to spare
const BLOCKS_BYTES = 200; // the same of a <blocks/>
const SHARING_BYTES = 360; // of a <file-sharing/>: tags, namespaces, hash and size once more
const SOURCE_BYTES = 140; // and of each source in it
const ESCAPED_BYTES = 6; // the longest escape of one character: &quot;

/** An upper bound of the bytes that a file takes in an answer. */
export function wireBytes(file: FileDescription): number {
  const { name, path, desc, mediaType, blocks, alsoAt } = file;
  const own = ELEMENT_BYTES + textBytes([name, path, desc, mediaType]) + (blocks ? BLOCKS_BYTES : 0);
  if (alsoAt === undefined) return own;
  const sources = alsoAt.map((each) => (each.type === 'url' ? [each.url] : [each.from, each.id]));
  const places = sources.reduce((sum, texts) => sum + SOURCE_BYTES + textBytes(texts), 0);
  return own + SHARING_BYTES + textBytes([name, mediaType]) + places;
}

function textBytes(texts: readonly (string | undefined)[]): number {
  return texts.reduce<number>((sum, text) => sum + (text === undefined ? 0 : escapedBytes(text)), 0);
}

export function escapedBytes(text: string): number {
  const special = text.match(/[&<>"'\n\t\r]/g)?.length ?? 0;
  return Buffer.byteLength(text) + special * (ESCAPED_BYTES - 1);
}
