/**
 * Finds out which files wishes stand for, as far ahead as somebody wants them: hashes are asked for many at a time,
 * folders are listed by their node. What nobody has is asked for again until the time is over.
 */
import { basename, join } from 'node:path';
import { sleep } from '../clock.js';
import { AbortedError, ShoalError } from '../errors.js';
import type { FoundFile } from '../node/asker.js';
import { formatDuration } from '../quantities.js';
import type { Jid } from '../stanza/jid.js';
import { formatHash } from '../stanza/xep0300-hashes.js';
import { numberedName } from '../transfer/fetch/numbered-name.js';
import { safeFileName } from '../transfer/fetch/safe-file-name.js';
import type { FetchJob } from './fetch-job.js';
import { LocalNames, planFolder } from './folder-plan.js';
import { type FoundRow, namesOf, rowsWith } from './found-rows.js';
import type { GetComponents } from './get-one.js';
import { placeOf } from './kept-place.js';
import { type Audience, lookFor, ONE_QUESTION_MS } from './look-for.js';
import { printable } from './printable.js';
import { criteriaFor, criteriaOfFolder, matches, unseen, type Wanted } from './wanted-file.js';
import type { WishLine } from './wish-list.js';

export interface ResolveInit {
  readonly wishes: readonly WishLine[];
  /** Whom hashes are asked for, and who else may have what nodes were named for. */
  readonly audience: Audience;
  readonly waitMs: number;
  /** The folder into which all goes. */
  readonly folder: string;
  /** Whether a folder that is wished for becomes `folder` itself. */
  readonly flat: boolean;
  /** Whether names that differ in case alone are one name on the disk. */
  readonly foldsCase: boolean;
}

/** A wish that is a file now, and where it goes. */
export interface WishedFile {
  readonly line: WishLine;
  readonly job: Omit<FetchJob, 'overwrite' | 'waitMs' | 'audience'>;
  readonly audience: Audience;
}

export interface ResolveComponents extends Omit<GetComponents, 'io'> {
  /** The signal ends it. */
  readonly io: Pick<GetComponents['io'], 'err' | 'signal'>;
}

/** Who hears of what can't be had, and of how much there is. */
export interface ResolveListener {
  found(files: number, bytes: number): void;
  fault(wish: WishLine, error: unknown): void;
  say(text: string): void;
}

/** A question to a channel is read by everybody there: for small files one that gives them is enough. */
export const MIN_SHARED_BYTES = 16_777_216;

const HASHES_A_QUESTION = 20; // their answers fit into a stanza each
const MAX_COPIES = 100;
/** So many of its names, each with so many numbers, are looked at for what an earlier run has begun. */
const MAX_NAMES = 5;
const NUMBERS = [1, 2, 3, 4];
/** A node that tells of more has a folder without end, or one that is better fetched in parts. */
const MAX_FOLDER_FILES = 100_000;
const FIRST_PAUSE_MS = 10_000;
const MAX_PAUSE_MS = 10 * 60_000;

/** Thrown when a wish is none, or nobody has it. */
class WishError extends ShoalError {
  readonly code = 'wish';
}

/** Each file when it is known who has it. Those that turn out not to be had are told to the listener. */
export async function* resolveWishes(
  components: ResolveComponents,
  init: ResolveInit,
  listener: ResolveListener,
): AsyncGenerator<WishedFile> {
  const { clock, io } = components;
  const untilMs = clock.monotonic() + init.waitMs;
  const places = new Places(init);
  let left = init.wishes;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
    const mayWait = untilMs - clock.monotonic() > pauseMs;
    const missing: WishLine[] = [];
    const miss = (line: WishLine, error: unknown) => {
      if (mayWait) missing.push(line);
      else listener.fault(line, error);
    };
    for (const group of groups(left))
      yield* resolveGroup(components, init, group, { listener, places, miss });
    if (missing.length === 0) return;
    left = missing;
    const waits = `${missing.length} ${missing.length === 1 ? 'wish is' : 'wishes are'} open`;
    listener.say(`${waits}: asking again in ${formatDuration(pauseMs)}`);
    await sleep(clock, pauseMs, io.signal);
  }
}

/** Wishes by hash as many as go into a question, others one by one. */
function* groups(wishes: readonly WishLine[]): Generator<readonly WishLine[]> {
  let hashes: WishLine[] = [];
  for (const line of wishes) {
    if (line.wish.type === 'hash') hashes.push(line);
    else yield [line];
    if (hashes.length < HASHES_A_QUESTION) continue;
    yield hashes;
    hashes = [];
  }
  if (hashes.length > 0) yield hashes;
}

interface Resolving {
  readonly listener: ResolveListener;
  readonly places: Places;
  readonly miss: (line: WishLine, error: unknown) => void;
}

async function* resolveGroup(
  components: ResolveComponents,
  init: ResolveInit,
  group: readonly WishLine[],
  resolving: Resolving,
): AsyncGenerator<WishedFile> {
  const [line] = group;
  if (line === undefined) return;
  const { wish } = line;
  const { listener, places, miss } = resolving;
  try {
    switch (wish.type) {
      case 'fault':
        listener.fault(line, new WishError(wish.message));
        return;
      case 'hash':
        yield* resolveHashes(components, init, group, resolving);
        return;
      case 'path': {
        const file = await resolvePath(components, init, wish);
        listener.found(1, file.size ?? 0);
        yield {
          line,
          job: { row: file, target: places.of(file.name) },
          audience: withNode(init.audience, wish.from),
        };
        return;
      }
      case 'folder':
        yield* resolveFolder(components, init, line, { ...resolving, folder: wish.path, from: wish.from });
        return;
    }
  } catch (thrown) {
    if (components.io.signal.aborted) throw new AbortedError('interrupted', { cause: thrown });
    if (!(thrown instanceof ShoalError)) throw thrown;
    miss(line, thrown);
  }
}

async function* resolveHashes(
  components: ResolveComponents,
  { audience }: ResolveInit,
  group: readonly WishLine[],
  { listener, places, miss }: Resolving,
): AsyncGenerator<WishedFile> {
  const wanted = group.flatMap((line) => (line.wish.type === 'hash' ? [{ line, hash: line.wish.hash }] : []));
  const open = new Set(wanted.map(({ hash }) => formatHash(hash)));
  if (audience.channels.length + audience.nodes.length === 0) {
    for (const { line } of wanted) {
      listener.fault(line, new WishError('there is no channel to ask: --channel NODE, --service JID'));
    }
    return;
  }
  const { rows } = await lookFor(components, {
    audience,
    criteria: { hash: wanted.map(({ hash }) => hash) },
    matches: (file) => wanted.some(({ hash }) => matches(file, { type: 'hash', hash })),
    // Others of the group may still come until each was seen once.
    isEnough: ({ hashes = [] }) => {
      for (const hash of hashes) open.delete(formatHash(hash));
      return open.size === 0;
    },
    max: HASHES_A_QUESTION * MAX_COPIES,
    maxOfNode: HASHES_A_QUESTION,
    waitMs: ONE_QUESTION_MS,
  });
  for (const { line, hash } of wanted) {
    const [row, ...others] = rowsWith(rows, hash);
    if (row === undefined) {
      miss(line, new WishError('nobody answered that has it'));
      continue;
    }
    listener.found(1, row.size ?? 0);
    const target = await places.ofHash({ ...row, hashes: [hash] }, components.io.signal);
    yield { line, job: { row, hash, others, target }, audience };
  }
}

async function resolvePath(
  components: ResolveComponents,
  { audience }: ResolveInit,
  { from, path }: { readonly from: Jid; readonly path: string },
): Promise<FoundRow> {
  const wanted: Wanted = { type: 'name', name: path };
  const { rows, cannotSearch } = await lookFor(components, {
    audience: { channels: [], nodes: [from] },
    criteria: criteriaFor(wanted),
    matches: (file) => matches(file, wanted),
    isEnough: () => false, // its answer has an end
    max: MAX_COPIES,
    maxOfNode: MAX_COPIES,
    waitMs: ONE_QUESTION_MS,
  });
  const row = rows[0] ?? (cannotSearch.length > 0 ? unseen(wanted, from) : undefined);
  if (row === undefined) throw new WishError(`${from} has no such file`);
  return (row.size ?? 0) < MIN_SHARED_BYTES || audience.channels.length === 0
    ? row
    : await withOthers(components, audience, row);
}

/** The row with everybody on the channels who has it too. */
async function withOthers(
  components: ResolveComponents,
  audience: Audience,
  row: FoundRow,
): Promise<FoundRow> {
  const hash = row.hashes.find(({ algo }) => algo === 'sha-256') ?? row.hashes[0];
  if (hash === undefined) return row;
  const { rows } = await lookFor(components, {
    audience: { channels: audience.channels, nodes: [] },
    criteria: { hash: [hash] },
    // Another size is another file, or a lie.
    matches: (file) => file.size === row.size && matches(file, { type: 'hash', hash }),
    max: MAX_COPIES,
    maxOfNode: 1,
    waitMs: ONE_QUESTION_MS,
  });
  return { ...row, sources: [...row.sources, ...rows.flatMap(({ sources }) => sources)] };
}

async function* resolveFolder(
  { asker, io }: ResolveComponents,
  { audience, foldsCase, folder: into, flat }: ResolveInit,
  line: WishLine,
  { folder, from, listener, places }: Resolving & { readonly folder: string; readonly from: Jid },
): AsyncGenerator<WishedFile> {
  const files: FoundFile[] = [];
  let total = 0;
  let pending = 0;
  const request = {
    criteria: criteriaOfFolder(folder),
    order: { field: 'path', descending: false } as const,
    to: from,
    channels: [],
    max: MAX_FOLDER_FILES,
    waitMs: ONE_QUESTION_MS,
  };
  for await (const event of asker.find(request, io.signal)) {
    if (event.type === 'refused') throw new WishError(`${event.jid} refused: ${event.error.message}`);
    if (event.type === 'file') files.push(event.file);
    else {
      total = event.total ?? total;
      pending += event.pending ?? 0;
    }
  }
  const planned = planFolder(files, { prefix: folder, foldsCase });
  if (planned.length === 0) throw new WishError(`${from} has no files below ${folder}`);
  if (total > MAX_FOLDER_FILES) {
    listener.fault(line, new WishError(`only the first ${MAX_FOLDER_FILES} of ${total} files are fetched`));
  }
  if (pending > 0) {
    listener.fault(
      line,
      new WishError(`${pending} files are left out, which ${from} has not hashed yet: ask again later`),
    );
  }
  const root = flat ? into : dirnameOf(places, folder);
  listener.found(
    planned.length,
    planned.reduce((sum, { file }) => sum + (file.size ?? 0), 0),
  );
  for (const { file, local, renamed } of planned) {
    if (renamed !== undefined) {
      const why = renamed === 'taken' ? 'its name is taken by another file' : 'its name is not safe here';
      listener.say(`${printable(file.path ?? file.name)} becomes ${printable(local)}: ${why}`);
    }
    yield {
      line,
      job: { row: rowOf(file), target: join(root, local) },
      audience: withNode(audience, from),
    };
  }
}

function dirnameOf(places: Places, folder: string): string {
  return places.of(basename(folder));
}

function rowOf(file: FoundFile): FoundRow {
  const { source, blocks, ...facts } = file;
  const path = file.path === undefined ? {} : { path: file.path };
  return { ...facts, sources: [{ ...source, ...path, ...(blocks !== undefined && { blocks }) }] };
}

function withNode({ channels, nodes }: Audience, node: Jid): Audience {
  return { channels, nodes: [...new Set([...nodes, node])] };
}

/** Names in the folder into which all goes. */
class Places {
  readonly #folder: string;
  readonly #names: LocalNames;

  constructor({ folder, foldsCase }: ResolveInit) {
    this.#folder = folder;
    this.#names = new LocalNames(foldsCase);
  }

  of(name: string): string {
    return join(this.#folder, this.#names.take([name]));
  }

  /** Where an earlier run has begun it, else a free one: answers come in another order each time. */
  async ofHash(row: FoundRow, signal: AbortSignal): Promise<string> {
    const names = namesOf(row).slice(0, MAX_NAMES).map(safeFileName);
    const numbered = names.flatMap((name) => NUMBERS.map((number) => numberedName(name, number)));
    const places = numbered
      .filter((name) => this.#names.isFree(name))
      .map((name) => join(this.#folder, name));
    const begun = await placeOf(row, places, signal);
    return this.of(begun === undefined ? (names[0] ?? row.name) : basename(begun));
  }
}
