/**
 * Finds the file that a request means (XEP-0234 §6.2, RFC 5547 §5): any mix of hash, name, size
 * and media type, all of which must fit; and the asker may take it. A name is the full path in the node, as XEP-0329
 * recommends, or its last part. Where several files fit, the first by full path is meant.
 *
 * Of a file sha-256 is known. Who asks by the hash of another function has to say something else too: what
 * fits that is compared, a few files and not many bytes.
 *
 * A hash and a full path are looked up. For anything else all files are gone through, in turns with others who look; so
 * are the copies of one file where there are very many.
 */
import type { View } from '../../access/access-policy.js';
import { type FileColumns, FileFlag, type Slot } from '../../catalogue/file-columns.js';
import { type FileEntry, keyOf, nameOf } from '../../catalogue/file-entry.js';
import type { FileTable } from '../../catalogue/file-table.js';
import { baseName, type FullPath, toBytes, toDisplay } from '../../catalogue/share-path.js';
import { ParseError } from '../../errors.js';
import type { FileDescription } from '../../stanza/xep0234-file-transfer.js';
import type { Hash } from '../../stanza/xep0300-hashes.js';
import { xmlSafe } from '../../stanza/xml.js';
import { checkedBytes, MAX_CHECKED_BYTES } from './hash-check.js';
import type { LookSteps } from './look-turns.js';

/** What is offered, as far as a selector needs it. */
export interface OfferedFiles {
  get(key: FullPath): FileEntry | undefined;
  readonly table: Pick<FileTable, 'columns' | 'shown' | 'isShown' | 'withHash'>;
}

/** So many files are looked at in a turn. */
const FILES_A_TURN = 10_000;
/** And of those that may fit, each of which costs a microsecond or two. */
const CANDIDATES_A_TURN = 1_000;
/** So many copies of a file are looked at without waiting for a turn. */
const FEW_COPIES = 64;
/** A path has at most 4096 bytes on Linux, below a share of any name. */
const MAX_TEXT_CHARS = 8192;

/** Files that are read to see if one has the hash: alike in everything else that was asked for. */
const MAX_CHECKED_FILES = 4;

export interface Selection {
  /** The file meant is the first of them that has all of `hashes`. */
  readonly entries: readonly FileEntry[];
  /** Those that nobody knows of the files. */
  readonly hashes: readonly Hash[];
}

const NOTHING: Selection = { entries: [], hashes: [] };

/** Carries out a look through all files; `LookTurns` is what does. */
export type TakeTurns = <T>(look: () => LookSteps<T>) => Promise<T>;

/** Throws `ParseError` when nothing selects a file, and what `inTurns` does. */
export async function selectFile(
  offered: OfferedFiles,
  wanted: FileDescription,
  view: Pick<View, 'mayTake' | 'verdict'>,
  inTurns: TakeTurns,
): Promise<Selection> {
  const { name, path, size, mediaType, hashes } = wanted;
  const isDescribed = [name, path, size, mediaType].some((each) => each !== undefined);
  if (!isDescribed && hashes.length === 0) {
    throw new ParseError('<file/> needs a hash, a name, a size or a media type', { field: 'file' });
  }
  // Work on it is done for every file that is offered, so no more of it than can fit one.
  if ([name, path, mediaType].some((text) => (text?.length ?? 0) > MAX_TEXT_CHARS)) return NOTHING;
  // Whatever it is: to this asker nothing is there, and so it takes no longer for what is.
  if (view.verdict('') === 'none') return NOTHING;
  const isWanted = fitting(wanted);
  const fits = (entry: FileEntry) => isWanted(entry) && view.mayTake(entry);
  const sha256 = hashes.find((hash) => hash.algo === 'sha-256');
  if (sha256) {
    const copies = offered.table.withHash(sha256.value);
    const look = () => firstByPath(offered, copies, { mayFit: () => true, fits }, 1);
    const entries = copies.length <= FEW_COPIES ? atOnce(look()) : await inTurns(look);
    return { entries, hashes: [] }; // there is nothing left to compare
  }
  if (!isDescribed) return NOTHING; // all that is offered would have to be read
  const isChecked = hashes.length > 0;
  const most = isChecked ? MAX_CHECKED_BYTES / checkedBytes(1, hashes) : Number.POSITIVE_INFINITY;
  const mayBe = (entry: FileEntry) => fits(entry) && entry.size <= most;
  const whole = path ?? (name?.includes('/') ? name : undefined);
  if (whole !== undefined) {
    const named = offered.get(whole as FullPath);
    if (named && mayBe(named)) return { entries: [named], hashes };
    if (!mayLookOtherwise(whole)) return NOTHING; // no other file has this path
  }
  const count = isChecked ? MAX_CHECKED_FILES : 1;
  const fit = { mayFit: candidates(offered.table.columns, wanted), fits: mayBe };
  const { table } = offered;
  return { entries: await inTurns(() => firstByPath(offered, table.shown(), fit, count)), hashes };
}

/** What of it is still the same and may still be taken, after a wait. */
export function stillThere(
  offered: OfferedFiles,
  { entries, hashes }: Selection,
  view: Pick<View, 'mayTake'>,
): Selection {
  const left = entries.flatMap((entry) => {
    const now = offered.get(keyOf(entry));
    const isSame = now?.size === entry.size && now.mtimeMs === entry.mtimeMs;
    return isSame && view.mayTake(now) ? now : [];
  });
  return { entries: left, hashes };
}

interface Fitting {
  /** By the columns; what fits is always among it. */
  readonly mayFit: (slot: Slot) => boolean;
  readonly fits: (entry: FileEntry) => boolean;
}

function* firstByPath(
  { table }: OfferedFiles,
  slots: Iterable<Slot>,
  { mayFit, fits }: Fitting,
  count: number,
): LookSteps<FileEntry[]> {
  const first: { readonly key: string; readonly entry: FileEntry }[] = [];
  let files = 0;
  let candidates = 0;
  for (const slot of slots) {
    files += 1;
    if (files === FILES_A_TURN || candidates === CANDIDATES_A_TURN) {
      yield;
      files = 0;
      candidates = 0;
    }
    if (!table.isShown(slot) || !mayFit(slot)) continue;
    candidates += 1;
    const entry = table.columns.entryOf(slot);
    if (!fits(entry)) continue;
    const key = keyOf(entry);
    const last = first[count - 1];
    if (last && key >= last.key) continue;
    first.push({ key, entry });
    first.sort((a, b) => (a.key < b.key ? -1 : 1));
    first.splice(count);
  }
  return first.map(({ entry }) => entry);
}

/** Of steps that are too few for a turn. */
function atOnce<T>(steps: LookSteps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

function candidates(
  columns: FileColumns,
  { name, path, size, mediaType }: FileDescription,
): Fitting['mayFit'] {
  const isType = typeTest(columns, mediaType);
  // Of a path, or of a name that is one, the last part is the name.
  const names = [name, path]
    .filter((text) => text !== undefined)
    .map((text) => nameTest(columns, baseName(text)));
  return (slot) =>
    (size === undefined || columns.size.get(slot) === size) &&
    isType(slot) &&
    names.every((isName) => isName(slot));
}

/** Types are few: each is read once. */
function typeTest(columns: FileColumns, mediaType: string | undefined): (slot: Slot) => boolean {
  if (mediaType === undefined) return () => true;
  const type = bareType(mediaType);
  const known = new Map<number, boolean>();
  return (slot) => {
    const number = columns.type.get(slot);
    const isKnown = known.get(number);
    if (isKnown !== undefined) return isKnown;
    const isType = bareType(columns.typeText(number)) === type;
    known.set(number, isType);
    return isType;
  };
}

function nameTest(columns: FileColumns, name: string): (slot: Slot) => boolean {
  const bytes = toBytes(name);
  const isName = (slot: Slot) => columns.names.holds(columns.nameAt.get(slot), bytes);
  if (!mayLookOtherwise(name)) return isName;
  return (slot) => isName(slot) || isShownOtherwise(columns, slot);
}

/** Whether a name may be shown as something else than it is: few are. */
function isShownOtherwise(columns: FileColumns, slot: Slot): boolean {
  const flags = columns.flags.get(slot);
  if ((flags & FileFlag.odd) !== 0) return true; // maybe no valid UTF-8
  const { piece, value } = columns.names.find(columns.nameAt.get(slot));
  const to = piece.starts[value + 1] as number;
  for (let at = piece.starts[value] as number; at < to; at++) {
    const byte = piece.bytes[at] as number;
    // XML 1.0 §2.2: neither control characters nor U+FFFE and U+FFFF, which begin with EF BF.
    if (byte < 0x20 || (byte === 0xef && piece.bytes[at + 1] === 0xbf)) return true;
  }
  return false;
}

function fitting({ name, path, size, mediaType, hashes }: FileDescription): (entry: FileEntry) => boolean {
  const type = mediaType === undefined ? undefined : bareType(mediaType);
  const isPath = path === undefined ? undefined : shownAs(path);
  const isName = name === undefined ? undefined : shownAs(name);
  const sha256 = hashes.filter(({ algo }) => algo === 'sha-256').map(({ value }) => value);
  return (entry) =>
    (size === undefined || entry.size === size) &&
    (type === undefined || bareType(entry.mediaType) === type) &&
    sha256.every((value) => value === entry.sha256) &&
    (isPath === undefined || isPath(keyOf(entry))) &&
    (isName === undefined || isName(nameOf(entry)) || isName(keyOf(entry)));
}

/** A media type without its parameters. */
function bareType(type: string): string {
  return type.replace(/;.*$/s, '').trim().toLowerCase();
}

/** Whether a name of ours may be shown as this text without being it: then it shows one of these. */
function mayLookOtherwise(text: string): boolean {
  return /[\uFFFD\r\n]/.test(text);
}

/**
 * Whether askers get to see a name of ours as `text` and so send it back: without what XML can't
 * hold, with line ends as XML parsers on the way leave them (XML 1.0 §2.11).
 */
function shownAs(text: string): (ours: string) => boolean {
  if (!mayLookOtherwise(text)) return (ours) => ours === text;
  const lines = (value: string) => value.replace(/\r\n?/g, '\n');
  const shown = lines(text);
  return (ours) => ours === text || lines(xmlSafe(toDisplay(ours))) === shown;
}
