/**
 * What lies in a folder, and what a file is, for whoever asks: behind every door that lists (XEP-0329, XEP-0135,
 * commands). What the asker may not see is not there, in error and text alike. A look costs what a question costs.
 */
import { type AccessPolicy, type Asker, byRulesOfNow, type View } from '../access/access-policy.js';
import { describeFile } from '../catalogue/file-description.js';
import { type FileEntry, nameOf } from '../catalogue/file-entry.js';
import { baseName, toDisplay } from '../catalogue/share-path.js';
import { escapedBytes, type FileDescriber, wireBytes } from '../query/file-describer.js';
import type { Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import type { PageRequest, PageResult } from '../stanza/xep0059-rsm.js';
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';
import type { DirectQuestions, ToldCosts } from './direct-questions.js';
import {
  type Listed,
  type ListedPage,
  type OnWork,
  pageResultOf,
  type ShareListing,
} from './share-listing.js';
import type { ToldFiles } from './told-files.js';

export interface SharedFoldersComponents {
  readonly access: AccessPolicy;
  readonly listing: ShareListing;
  readonly describer: FileDescriber;
  readonly questions: DirectQuestions;
  /** Where others than rules decide as well who is told of what. */
  readonly told?: ToldFiles;
}

export interface SharedFoldersInit {
  /** Entries of a page where whoever asks names no number. */
  readonly defaultEntries: number;
  /** Largest number of entries in a page, with all that is known of them. */
  readonly maxEntries: number;
  /** Largest sum of what the entries take on the wire. */
  readonly maxBytes: number;
  /** How long the details of a file wait for its hash. */
  readonly hashWaitMs: number;
}

export interface SeenFolder {
  readonly type: 'folder';
  readonly name: string;
  /** `share/folder`; '' above the shares. */
  readonly path: string;
}

export interface SeenFile {
  readonly type: 'file';
  readonly file: FileDescription;
}

export type FolderEntry = SeenFolder | SeenFile;

export interface FolderPage {
  /** Folders before files, both by name. */
  readonly entries: readonly FolderEntry[];
  readonly page: PageResult;
  /** Of the whole folder. */
  readonly total: number;
}

/** Which page of a folder. */
export type FolderPageRequest = PageRequest & { readonly only?: 'files' };

/** A folder with a page of what is in it, or a file. */
export type Seen = SeenFile | (SeenFolder & FolderPage);

/** More names than fit an answer. */
const MAX_BRIEF_ENTRIES = 1000;
const FOLDER_BYTES = 200; // an element with a name and a path in it, without them
const BRIEF_FILE_BYTES = 130; // the same of a file with its size

export class SharedFolders {
  readonly #components: SharedFoldersComponents;
  readonly #init: SharedFoldersInit;

  constructor(components: SharedFoldersComponents, init: SharedFoldersInit) {
    this.#components = components;
    this.#init = init;
  }

  /**
   * What is at `share/folder` or `share/folder/name`; the shares where that is ''. Of files in a folder, hashes
   * are told as far as they are known. A folder too large for an answer of which no page was asked for comes
   * as names and sizes. With `only` it is as if there were no folders in it. Throws `item-not-found`, LimitError and
   * AbortedError.
   */
  async look(asker: Jid, path: string, page: FolderPageRequest, signal: AbortSignal): Promise<Seen> {
    const { access, questions, listing, told } = this.#components;
    const lookAs = async (view: View): Promise<Seen> => {
      const file = path === '' ? undefined : await listing.fileAt(view, path, this.#onWork(asker));
      if (file !== undefined) return await this.#detailed(asker, file, signal);
      const folder = await this.#page(asker, view, path, page, signal);
      return { type: 'folder', name: toDisplay(baseName(path)), path, ...folder };
    };
    const look = () => byRulesOfNow(access, { jid: asker }, lookAs);
    return await questions.paid(asker, look, told ? undefined : costsOf); // who else decides has it counted
  }

  /** The file at this path, if `asker` may have it: to be offered. Throws as {@link look}. */
  async takeable(asker: Jid, path: string): Promise<FileEntry> {
    const { access, listing, questions } = this.#components;
    const takeAs = async (view: View): Promise<FileEntry> => {
      const found = await listing.fileAt(view, path, this.#onWork(asker));
      if (found === undefined || !view.mayTake(found)) throw notThere();
      return found;
    };
    return await questions.paid(asker, () => byRulesOfNow(access, { jid: asker }, takeAs));
  }

  /** Whether nobody else decides who is told of what. */
  get tellsAll(): boolean {
    return this.#components.told === undefined;
  }

  /**
   * What `asker` is told of files that it may see, and where `tellsAll` everybody who sees them; undefined where that is
   * nothing. Rejects with AbortedError.
   */
  async describe(
    asker: Jid,
    files: readonly FileEntry[],
    signal: AbortSignal,
  ): Promise<(FileDescription | undefined)[]> {
    return await this.#describe(asker, files, 0, signal);
  }

  #onWork(asker: Jid): OnWork {
    return (workMs) => this.#components.questions.took(asker, workMs);
  }

  async #detailed(asker: Jid, entry: FileEntry, signal: AbortSignal): Promise<SeenFile> {
    const [file] = await this.#described(asker, [{ type: 'file', entry }], this.#init.hashWaitMs, signal);
    if (file?.type !== 'file') throw notThere();
    return file;
  }

  async #page(
    asker: Jid,
    view: View,
    path: string,
    page: FolderPageRequest,
    signal: AbortSignal,
  ): Promise<FolderPage> {
    const { maxEntries, defaultEntries } = this.#init;
    const max = Math.min(page.max ?? defaultEntries, maxEntries);
    const listed = await this.#listed(asker, view, path, { ...page, max });
    const entries = await this.#described(asker, listed.items, 0, signal);
    const shown = this.#fitting(path, listed, entries, page.before !== undefined);
    const isAsked = page.max !== undefined || page.after !== undefined || page.before !== undefined;
    const isWhole = shown.entries.length === listed.total;
    if (isAsked || isWhole || this.#components.told !== undefined) return shown;
    const all = await this.#listed(asker, view, path, { max: MAX_BRIEF_ENTRIES });
    return this.#fitting(path, all, all.items.map(brief), false);
  }

  async #listed(
    asker: Jid,
    view: View,
    path: string,
    page: FolderPageRequest & { max: number },
  ): Promise<ListedPage> {
    const listed = await this.#components.listing.list(view, path, page, this.#onWork(asker));
    // Above the shares there is always something, be it nothing.
    if (listed === undefined) throw notThere();
    return listed;
  }

  /** In the order of the items; undefined for what is not to be told. */
  async #described(
    asker: Jid,
    items: readonly Listed[],
    hashWaitMs: number,
    signal: AbortSignal,
  ): Promise<(FolderEntry | undefined)[]> {
    const files = items.flatMap((item) => (item.type === 'file' ? item.entry : []));
    // Of a file that is looked at by itself, also where else it is; a folder is longer than it should be without.
    const alone = files.length === 1 ? { jid: asker } : undefined;
    const described = await this.#describe(asker, files, hashWaitMs, signal, alone);
    let at = 0;
    return items.map((item) => {
      if (item.type === 'folder') return item;
      const file = described[at++];
      return file && { type: 'file', file };
    });
  }

  async #describe(
    asker: Jid,
    files: readonly FileEntry[],
    hashWaitMs: number,
    signal: AbortSignal,
    alone?: Asker,
  ): Promise<(FileDescription | undefined)[]> {
    const { told, describer } = this.#components;
    if (told !== undefined) return await told.describe(asker, files, hashWaitMs, signal);
    const described = await describer.describe(files, hashWaitMs, signal, alone);
    return files.map((entry, at) => {
      const each = described[at];
      // Its hash comes later, or never: it lies there all the same.
      return typeof each === 'object' ? each : describeFile(entry);
    });
  }

  /** As many as fit, from the end of the page that is read on from. */
  #fitting(
    path: string,
    listed: ListedPage,
    entries: readonly (FolderEntry | undefined)[],
    backwards: boolean,
  ): FolderPage {
    let bytes = 0;
    let count = 0;
    for (const entry of backwards ? [...entries].reverse() : entries) {
      bytes += entry === undefined ? 0 : entryBytes(entry, path);
      if (bytes > this.#init.maxBytes && count > 0) break;
      count += 1;
    }
    const from = backwards ? entries.length - count : 0;
    const to = from + count;
    const page = pageResultOf({
      ...listed,
      cursors: listed.cursors.slice(from, to),
      offset: listed.offset + from,
    });
    return { entries: entries.slice(from, to).flatMap((entry) => entry ?? []), page, total: listed.total };
  }
}

function costsOf(seen: Seen): ToldCosts {
  const entries = seen.type === 'file' ? [seen] : seen.entries;
  const folder = seen.type === 'file' ? '' : seen.path;
  return {
    answerFiles: entries.filter(({ type }) => type === 'file').length,
    answerBytes: entries.reduce((sum, entry) => sum + entryBytes(entry, folder), 0),
  };
}

/** What is told of what is not there, and of what one may not see. */
export function notThere(): StanzaError {
  return new StanzaError('item-not-found', 'there is no such file or folder');
}

function brief(item: Listed): FolderEntry {
  if (item.type === 'folder') return item;
  const { entry } = item;
  return {
    type: 'file',
    file: { name: toDisplay(nameOf(entry)), size: entry.size, hashes: [], hashesUsed: [] },
  };
}

/**
 * An upper bound of the bytes that an entry of a folder takes in an answer, whichever door it goes out by: with its whole
 * path in XEP-0135, and in XEP-0498 with that in base64.
 */
function entryBytes(entry: FolderEntry, folder: string): number {
  if (entry.type === 'folder') {
    return FOLDER_BYTES + 2 * escapedBytes(entry.name) + (4 / 3) * escapedBytes(entry.path);
  }
  const { file } = entry;
  if (file.path !== undefined) return wireBytes(file);
  return BRIEF_FILE_BYTES + escapedBytes(folder) + 2 * escapedBytes(file.name ?? '');
}
