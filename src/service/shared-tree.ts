/**
 * All that somebody sees as one file (XEP-0135, "Retrieving the Tree File"), made for whoever asks, where that is not too
 * much. It tells what a walk from folder to folder tells, and costs an answer with all those files.
 */
import { type AccessPolicy, byRulesOfNow, type View } from '../access/access-policy.js';
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import { type FileEntry, keyOf, nameOf } from '../catalogue/file-entry.js';
import { type MadeFile, madeFile } from '../catalogue/made-file.js';
import { toDisplay } from '../catalogue/share-path.js';
import type { Clock } from '../clock.js';
import { escapedBytes } from '../query/file-describer.js';
import { Slices, type Steps } from '../scan/slices.js';
import type { Jid } from '../stanza/jid.js';
import { TREE_FILE, type TreeFile, treeFileText } from '../stanza/xep0135-file-sharing.js';
import { xmlSafe } from '../stanza/xml.js';
import type { DirectQuestions } from './direct-questions.js';
import type { ShareListing } from './share-listing.js';
import { notThere, type SharedFolders } from './shared-folders.js';

export interface SharedTreeComponents {
  readonly access: AccessPolicy;
  readonly catalogue: Pick<ReadonlyCatalogue, 'table'>;
  readonly clock: Clock;
  readonly listing: Pick<ShareListing, 'foldersOf'>;
  readonly folders: Pick<SharedFolders, 'tellsAll' | 'describe'>;
  readonly questions: Pick<DirectQuestions, 'paid' | 'took'>;
}

/** Beyond these there is no tree: pages of disco#items do without. */
export const MAX_TREE_FILES = 10_000;
export const MAX_TREE_BYTES = 2_000_000;

const FILE_BYTES = 36; // an element of a file, without its name
const FOLDER_BYTES = 36; // and of a folder
const FILES_A_STEP = 64;
/** Files that extensions are asked about at once. */
const TOLD_AT_ONCE = 500;
const KEEP_MS = 60_000;
const MAX_VIEWS = 32;

export class SharedTree {
  readonly #components: SharedTreeComponents;
  readonly #slices: Slices;
  /** By view: whether there was a tree lately. */
  readonly #known = new Map<string, { readonly atMs: number; readonly isThere: boolean }>();

  constructor(components: SharedTreeComponents) {
    this.#components = components;
    this.#slices = new Slices(components);
  }

  /** Whether `asker` is told of a tree; for a while it stays so. Looked at for a question that is paid. */
  async isOffered(asker: Jid, signal: AbortSignal): Promise<boolean> {
    const { access } = this.#components;
    return await byRulesOfNow(access, { jid: asker }, (view) => this.#isThere(asker, view, signal));
  }

  async #isThere(asker: Jid, view: View, signal: AbortSignal): Promise<boolean> {
    const nowMs = this.#components.clock.monotonic();
    const known = this.#known.get(view.key);
    if (known !== undefined && known.atMs > nowMs - KEEP_MS) return known.isThere;
    const isThere = (await this.#filesOf(asker, view, signal)) !== undefined;
    this.#known.delete(view.key);
    this.#known.set(view.key, { atMs: nowMs, isThere });
    for (const key of this.#known.keys()) if (this.#known.size > MAX_VIEWS) this.#known.delete(key);
    return isThere;
  }

  /** The same, for who asks for nothing else. Throws `item-not-found` where there is none, LimitError and AbortedError. */
  async check(asker: Jid, signal: AbortSignal): Promise<void> {
    await this.#components.questions.paid(asker, async () => {
      if (!(await this.isOffered(asker, signal))) throw notThere();
    });
  }

  /** The tree as it is now. Throws as {@link check}. */
  async make(asker: Jid, signal: AbortSignal): Promise<MadeFile> {
    const { access, questions, folders, clock } = this.#components;
    const makeAs = async (view: View) => {
      const seen = await this.#filesOf(asker, view, signal);
      const files = seen === undefined ? [] : await this.#told(asker, seen, signal);
      if (files.length === 0) throw notThere();
      const content = Buffer.from(treeFileText(files));
      const file = madeFile({ ...TREE_FILE, content, mtimeMs: Math.floor(clock.now()) });
      return { file, costs: { answerFiles: files.length, answerBytes: content.length } };
    };
    const make = () => byRulesOfNow(access, { jid: asker }, makeAs);
    // Who else decides has it counted.
    const costsOf = ({ costs }: Awaited<ReturnType<typeof make>>) => costs;
    return (await questions.paid(asker, make, folders.tellsAll ? costsOf : undefined)).file;
  }

  async #told(asker: Jid, entries: readonly FileEntry[], signal: AbortSignal): Promise<TreeFile[]> {
    const { folders } = this.#components;
    if (folders.tellsAll) return entries.map(inTree);
    const told: TreeFile[] = [];
    for (let from = 0; from < entries.length; from += TOLD_AT_ONCE) {
      const some = entries.slice(from, from + TOLD_AT_ONCE);
      const described = await folders.describe(asker, some, signal);
      told.push(...some.filter((_, at) => described[at] !== undefined).map(inTree));
    }
    return told;
  }

  /** All files of a view; undefined where there is none, or where they are too many. */
  async #filesOf(asker: Jid, view: View, signal: AbortSignal): Promise<readonly FileEntry[] | undefined> {
    const { listing, questions } = this.#components;
    const onWork = (workMs: number) => questions.took(asker, workMs);
    const folders = await listing.foldersOf(view, MAX_TREE_FILES, onWork); // none is empty
    if (folders === undefined) return undefined;
    const found: Found = { files: [], bytes: 0, isTooMuch: false };
    await this.#slices.run(this.#steps(view, folders, found), { signal, onSlice: onWork });
    return found.isTooMuch || found.files.length === 0 ? undefined : found.files;
  }

  *#steps(view: View, folders: readonly string[], found: Found): Steps {
    const { table } = this.#components.catalogue;
    for (const folder of folders) {
      yield;
      found.bytes += folderBytes(folder);
      const verdict = view.verdict(folder);
      if (verdict === 'none') continue;
      // Read at once: the list may change between two steps.
      for (const [index, slot] of [...table.filesIn(folder)].entries()) {
        if (index % FILES_A_STEP === FILES_A_STEP - 1) yield;
        if (!table.isShown(slot)) continue;
        const entry = table.columns.entryOf(slot);
        if (!view.maySee(entry)) continue;
        found.files.push(entry);
        found.bytes += FILE_BYTES + writtenBytes(nameOf(entry));
        found.isTooMuch = found.files.length > MAX_TREE_FILES || found.bytes > MAX_TREE_BYTES;
        if (found.isTooMuch) return;
      }
    }
  }
}

interface Found {
  readonly files: FileEntry[];
  /** An upper bound of what they take in the tree. */
  bytes: number;
  isTooMuch: boolean;
}

function inTree(entry: FileEntry): TreeFile {
  return { path: toDisplay(keyOf(entry)), size: entry.size };
}

/** As if all on the way to the folder were in the tree for it alone. */
function folderBytes(folder: string): number {
  return writtenBytes(folder) + folder.split('/').length * FOLDER_BYTES;
}

function writtenBytes(text: string): number {
  return escapedBytes(xmlSafe(text));
}
