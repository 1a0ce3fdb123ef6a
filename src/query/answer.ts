/**
 * Answers a query, whichever door it came through: searches, waits for the hashes that are
 * missing, and describes the files for the wire within a bound of bytes.
 */
import { setMaxListeners } from 'node:events';
import { MIN_BLOCK_BYTES } from '../blocks/block-size.js';
import type { BlockTree } from '../blocks/block-tree.js';
import type { BlockLists } from '../catalogue/block-list-store.js';
import { describeFile } from '../catalogue/file-description.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import type { Clock } from '../clock.js';
import { AbortedError } from '../errors.js';
import type { FileCriteria, Order } from '../stanza/file-criteria.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import type { Jid } from '../stanza/jid.js';
import type { PageRequest, PageResult } from '../stanza/xep0059-rsm.js';
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';
import { parseCriteria } from './criteria.js';
import type { QueryEngine } from './query-engine.js';

/** A file without its hash is no answer: this finds the hash, before other files that wait. */
export interface HashSource {
  /** The entry with its hash; undefined when the file is gone or can't be read. Rejects with AbortedError. */
  hashNow(entry: FileEntry, signal: AbortSignal): Promise<FileEntry | undefined>;
}

export interface AnswererInit {
  /** Largest number of files in one answer, whatever the asker says. */
  readonly maxFiles: number;
  /** Files in an answer when the asker names no number. */
  readonly defaultFiles: number;
  /** Largest sum of the files' descriptions as they stand on the wire. */
  readonly maxAnswerBytes: number;
  /** How long one search may run. */
  readonly deadlineMs: number;
}

export interface Question {
  readonly criteria: FileCriteria;
  readonly page: PageRequest;
  readonly order?: Order;
  /** How long the asker waits for hashes that are not known yet. */
  readonly hashWaitMs: number;
  /** Of these slots alone: of news. */
  readonly among?: Uint32Array;
}

/** A question with who asked it. */
export interface AskedQuestion extends Question {
  readonly asker: Jid;
  /** Where it was asked, if not of us alone. */
  readonly channel?: ChannelAddress;
}

/** What the doors know of answering. {@link Answerer} is one. */
export interface Answering {
  /** Checks the question without running it. Throws {@link ParseError} naming the field. */
  check(criteria: FileCriteria): void;
  /** Throws {@link ParseError}, LimitError, AbortedError and, to be told to the asker, StanzaError. */
  answer(question: AskedQuestion, signal: AbortSignal): Promise<Answer>;
}

export interface Answer {
  readonly files: readonly FileDescription[];
  readonly total: number;
  readonly more: boolean;
  readonly pending: number;
  readonly page: PageResult;
}

export interface AnswererComponents {
  readonly engine: QueryEngine;
  readonly hashes: HashSource;
  /** Without it answers say nothing of blocks. */
  readonly blocks?: Pick<BlockLists, 'treeOf'>;
  readonly clock: Clock;
}

/** `<range/>`: parts of the file can be asked for (XEP-0234 §5). */
const RANGES_UNDERSTOOD = { offset: 0, hashes: [] } as const;

/** No answer is held up for long by a disk that has to look for what is known of blocks. */
const TREES_WAIT_MS = 250;

/** An entry with its hash; or the hash did not come in time, or the file is no longer there. */
type Hashed = FileEntry | 'pending' | 'gone';

interface Kept {
  readonly cursor: string;
  readonly pending: boolean;
  readonly file?: FileDescription;
}

export class Answerer implements Answering {
  readonly #components: AnswererComponents;
  readonly #init: AnswererInit;

  constructor(components: AnswererComponents, init: AnswererInit) {
    this.#components = components;
    this.#init = init;
  }

  check(criteria: FileCriteria): void {
    parseCriteria(criteria);
  }

  /** Throws {@link ParseError}, LimitError and AbortedError. */
  async answer(question: Question, signal: AbortSignal): Promise<Answer> {
    const criteria = parseCriteria(question.criteria);
    const { max, after, before } = question.page;
    const asked = Math.min(max ?? this.#init.defaultFiles, this.#init.maxFiles);
    const found = await this.#components.engine.search(
      {
        criteria,
        ...(question.order && { order: question.order }),
        ...(question.among && { among: question.among }),
        page: { max: asked, ...(after !== undefined && { after }), ...(before !== undefined && { before }) },
        deadlineMs: this.#init.deadlineMs,
      },
      signal,
    );
    const hashed = await this.#hashed(
      found.entries.map((each) => each.entry),
      question.hashWaitMs,
      signal,
    );
    const backwards = before !== undefined;
    const kept = this.#fitting(found.entries, hashed, await this.#treesOf(hashed), backwards);
    const first = kept.at(0);
    const last = kept.at(-1);
    const index = found.offset + (backwards ? found.entries.length - kept.length : 0);
    return {
      files: kept.flatMap((each) => each.file ?? []),
      total: found.total,
      more: backwards ? index > 0 : index + kept.length < found.total,
      pending: kept.filter((each) => each.pending).length,
      page: {
        ...(first && last && { first: first.cursor, index, last: last.cursor }),
        count: found.total,
      },
    };
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

  /** As many files as fit, from the end of the page that the asker reads on from. */
  #fitting(
    found: readonly { readonly entry: FileEntry; readonly cursor: string }[],
    hashed: readonly Hashed[],
    trees: ReadonlyMap<string, BlockTree>,
    backwards: boolean,
  ): Kept[] {
    const kept: Kept[] = [];
    let bytes = 0;
    const order = backwards ? [...found.keys()].reverse() : [...found.keys()];
    for (const at of order) {
      const entry = hashed[at];
      const file = typeof entry === 'object' ? described(entry, trees) : undefined;
      bytes += file === undefined ? 0 : wireBytes(file);
      if (bytes > this.#init.maxAnswerBytes && kept.length > 0) break;
      kept.push({ cursor: found[at]?.cursor ?? '', pending: entry === 'pending', ...(file && { file }) });
    }
    return backwards ? kept.reverse() : kept;
  }
}

function described(entry: FileEntry, trees: ReadonlyMap<string, BlockTree>): FileDescription {
  const blocks = trees.get(entry.sha256 ?? '');
  return { ...describeFile(entry), range: RANGES_UNDERSTOOD, ...(blocks && { blocks }) };
}

const ELEMENT_BYTES = 420; // tags, namespaces, hash, size and date of one <file/>, with room to spare
const BLOCKS_BYTES = 200; // the same of a <blocks/>
const ESCAPED_BYTES = 6; // the longest escape of one character: &quot;

/** An upper bound of the bytes that a file takes in an answer. */
function wireBytes(file: FileDescription): number {
  const texts = [file.name, file.path, file.desc, file.mediaType].filter((text) => text !== undefined);
  const fixed = ELEMENT_BYTES + (file.blocks ? BLOCKS_BYTES : 0);
  return texts.reduce((sum, text) => sum + escapedBytes(text), fixed);
}

function escapedBytes(text: string): number {
  const special = text.match(/[&<>"'\n\t\r]/g)?.length ?? 0;
  return Buffer.byteLength(text) + special * (ESCAPED_BYTES - 1);
}
