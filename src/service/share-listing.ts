/**
 * The shares as folders to walk through, each asker's own: what all doors that list (XEP-0329, XEP-0135, commands,
 * chat) show. A folder without a file that the asker may see is not there.
 */
import type { View } from '../access/access-policy.js';
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import { type FullPath, toDisplay } from '../catalogue/share-path.js';
import type { Clock, Timer } from '../clock.js';
import { Slices, type Steps } from '../scan/slices.js';
import { StanzaError } from '../stanza/stanza-error.js';
import type { PageRequest, PageResult } from '../stanza/xep0059-rsm.js';
import type { Startable } from '../startable.js';
import { atLeast, childrenOf, holds, sortInSteps } from './sorted-texts.js';
import { changedFolders, type SeenFolders, VisibleFolders } from './visible-folders.js';

export type Listed =
  /** `path` is `share/folder`, as it is asked for. */
  | { readonly type: 'folder'; readonly name: string; readonly path: string }
  | { readonly type: 'file'; readonly entry: FileEntry };

export interface ListedPage {
  /** Folders before files, both by name. */
  readonly items: readonly Listed[];
  /** Where each item stands, for the page after or before it. */
  readonly cursors: readonly string[];
  /** How many come before the first. */
  readonly offset: number;
  readonly total: number;
}

export interface ShareListingComponents {
  readonly catalogue: ReadonlyCatalogue;
  readonly clock: Clock;
}

const MAX_KEPT_LISTS = 32;
/** Items of all of them together. One list is kept however long it is. */
const MAX_KEPT_ITEMS = 500_000;
const FILES_A_STEP = 64;
const LOOK_MS = 15_000;
const REPLACEMENT = '\uFFFD';

/** Hears of the time that went into a look, by and by. */
export type OnWork = (workMs: number) => void;

interface Items {
  /** {@link FOLDER} or {@link FILE} and the name, sorted. */
  readonly all: string[];
  /** Those that are no valid UTF-8, by what they look like. */
  readonly odd: Map<string, string>;
}

interface KeptList {
  /** Good as long as these are: only while they are kept is anything told of changes. */
  readonly visible: SeenFolders;
  readonly folder: string;
  readonly items: Items;
  /** When all is in them. */
  readonly ready: Promise<void>;
}

const FOLDER = 'd';
const FILE = 'f';

export class ShareListing implements Startable {
  readonly #components: ShareListingComponents;
  readonly #folders: VisibleFolders;
  /** Lists are read apart from folders, which take longer. */
  readonly #slices: Slices;
  /** By view and folder; the one read last comes last. */
  readonly #lists = new Map<string, KeptList>();
  readonly #stopped = new AbortController();
  #unsubscribe: (() => void) | undefined;
  #timer: Timer | undefined;

  constructor(components: ShareListingComponents) {
    const { catalogue, clock } = components;
    this.#components = components;
    this.#slices = new Slices({ clock });
    this.#folders = new VisibleFolders({ table: catalogue.table, slices: new Slices({ clock }), clock });
  }

  async start(): Promise<void> {
    const { catalogue } = this.#components;
    this.#unsubscribe = catalogue.onBatch((batch) => {
      if (this.#folders.isEmpty) return;
      const changed = changedFolders(catalogue.table, batch);
      this.#folders.changed(changed);
      for (const [key, { folder }] of this.#lists) if (isAbout(changed, folder)) this.#lists.delete(key);
    });
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#timer?.cancel();
    this.#stopped.abort();
    this.#lists.clear();
  }

  /**
   * A page of what lies in `share/folder`, or of the shares where that is ''; undefined when there is nothing. With `only`
   * it is as if there were no folders in it.
   */
  async list(
    view: View,
    folder: string,
    page: PageRequest & { readonly max: number; readonly only?: 'files' },
    onWork?: OnWork,
  ): Promise<ListedPage | undefined> {
    const visible = await this.#visible(view, onWork);
    const path = resolved(visible, folder);
    if (path === undefined) return undefined;
    const { all } = await this.#itemsOf(view, visible, path, onWork);
    const items = page.only === undefined ? all : all.slice(atLeast(all, FILE));
    const { from, to } = rangeOf(items, page);
    const listed: Listed[] = [];
    const cursors: string[] = [];
    for (const item of items.slice(from, to)) {
      const found = this.#listed(view, path, item);
      if (found === undefined) continue; // it went a moment ago
      listed.push(found);
      cursors.push(cursorOf(item));
    }
    return { items: listed, cursors, offset: from, total: items.length };
  }

  /** All folders that hold files of the view themselves, sorted; undefined where they are more than `max`. */
  async foldersOf(view: View, max: number, onWork?: OnWork): Promise<readonly string[] | undefined> {
    const { sorted } = await this.#visible(view, onWork);
    return sorted.length > max ? undefined : [...sorted];
  }

  /** The file at `share/folder/name`, if the view has it. */
  async fileAt(view: View, path: string, onWork?: OnWork): Promise<FileEntry | undefined> {
    const { catalogue } = this.#components;
    const entry = catalogue.get(path as FullPath);
    if (entry !== undefined && view.maySee(entry)) return entry;
    if (!path.includes(REPLACEMENT)) return undefined;
    return await this.#fileShownAs(view, path, onWork);
  }

  /** Of a name that is no valid UTF-8 an asker knows only what it looks like. */
  async #fileShownAs(view: View, path: string, onWork?: OnWork): Promise<FileEntry | undefined> {
    const visible = await this.#visible(view, onWork);
    const slash = path.lastIndexOf('/');
    const folder = resolved(visible, path.slice(0, Math.max(0, slash)));
    if (folder === undefined || folder === '') return undefined;
    const wanted = `${FILE}${path.slice(slash + 1)}`;
    const { all, odd } = await this.#itemsOf(view, visible, folder, onWork);
    const item = all[atLeast(all, wanted)] === wanted ? wanted : odd.get(wanted);
    const found = item === undefined ? undefined : this.#listed(view, folder, item);
    return found?.type === 'file' ? found.entry : undefined;
  }

  async #visible(view: View, onWork: OnWork | undefined): Promise<SeenFolders> {
    const visible = await this.#folders.of(view, { signal: this.#stopped.signal, onWork });
    this.#timer ??= this.#components.clock.after(LOOK_MS, this.#forgetOld);
    return visible;
  }

  async #itemsOf(
    view: View,
    visible: SeenFolders,
    folder: string,
    onWork: OnWork | undefined,
  ): Promise<Items> {
    const key = JSON.stringify([view.key, folder]);
    const known = this.#lists.get(key);
    const kept = known?.visible === visible ? known : this.#begin(view, visible, folder, onWork);
    this.#lists.delete(key);
    this.#lists.set(key, kept);
    kept.ready.catch(() => {
      if (this.#lists.get(key) === kept) this.#lists.delete(key);
    });
    await kept.ready;
    this.#letGo();
    return kept.items;
  }

  #letGo(): void {
    let items = 0;
    for (const each of this.#lists.values()) items += each.items.all.length;
    for (const [key, each] of this.#lists) {
      if (this.#lists.size <= MAX_KEPT_LISTS && (items <= MAX_KEPT_ITEMS || this.#lists.size === 1)) return;
      this.#lists.delete(key);
      items -= each.items.all.length;
    }
  }

  #begin(view: View, visible: SeenFolders, folder: string, onWork: OnWork | undefined): KeptList {
    const items: Items = { all: [], odd: new Map() };
    const { signal } = this.#stopped;
    const steps = this.#read(view, visible, folder, items);
    const ready = this.#slices.run(steps, { signal, ...(onWork && { onSlice: onWork }) });
    return { visible, folder, items, ready };
  }

  *#read(view: View, visible: SeenFolders, folder: string, { all, odd }: Items): Steps {
    const { table } = this.#components.catalogue;
    let looked = 0;
    const isStep = () => ++looked % FILES_A_STEP === 0;
    const names = new Set<string>();
    for (const name of childrenOf(visible.sorted, folder)) {
      if (isStep()) yield;
      if (names.has(name)) continue;
      names.add(name);
      all.push(`${FOLDER}${name}`);
    }
    const verdict = folder === '' ? 'none' : view.verdict(folder);
    // Read at once: what lies there may change between two steps.
    for (const slot of verdict === 'none' ? [] : [...table.filesIn(folder)]) {
      if (isStep()) yield;
      if (!table.isShown(slot)) continue;
      if (verdict === 'all' || view.maySee(table.columns.entryOf(slot)))
        all.push(`${FILE}${table.columns.nameOf(slot)}`);
    }
    yield* sortInSteps(all);
    for (const item of all) {
      if (isStep()) yield;
      if (item.isWellFormed()) continue;
      const looks = toDisplay(item);
      if (!odd.has(looks)) odd.set(looks, item);
    }
  }

  #listed(view: View, folder: string, item: string): Listed | undefined {
    const name = item.slice(1);
    const path = folder === '' ? name : `${folder}/${name}`;
    if (item.startsWith(FOLDER)) return { type: 'folder', name: toDisplay(name), path: toDisplay(path) };
    const entry = this.#components.catalogue.get(path as FullPath);
    return entry !== undefined && view.maySee(entry) ? { type: 'file', entry } : undefined;
  }

  readonly #forgetOld = (): void => {
    this.#timer = undefined;
    this.#folders.forgetOld();
    if (this.#folders.isEmpty) this.#lists.clear();
    else this.#timer = this.#components.clock.after(LOOK_MS, this.#forgetOld);
  };
}

/** What an answer says of the page: of `ListedPage`, as many items as went out, from its beginning. */
export function pageResultOf({ cursors, offset, total }: ListedPage): PageResult {
  const [first] = cursors;
  const last = cursors.at(-1);
  return { ...(first !== undefined && last !== undefined && { first, index: offset, last }), count: total };
}

function isAbout(changed: ReadonlySet<string>, folder: string): boolean {
  if (folder === '' || changed.has(folder)) return true;
  for (const each of changed) if (each.startsWith(`${folder}/`)) return true;
  return false;
}

/** The folder as it stands among `visible`: an asker may know it only by what it looks like. */
function resolved({ sorted, odd }: SeenFolders, folder: string): string | undefined {
  if (folder === '' || holds(sorted, folder)) return folder;
  return folder.includes(REPLACEMENT) ? odd.find(folder) : undefined;
}

function cursorOf(item: string): string {
  return `${item.charAt(0)}${Buffer.from(item.slice(1), 'utf16le').toString('base64url')}`;
}

/** XEP-0059 §2.4: who asks for the page at what is no item of ours is told item-not-found. */
function itemOf(cursor: string): string {
  const name = Buffer.from(cursor.slice(1), 'base64url').toString('utf16le');
  const item = `${cursor.charAt(0)}${name}`;
  if ((cursor.startsWith(FOLDER) || cursor.startsWith(FILE)) && cursorOf(item) === cursor) return item;
  throw new StanzaError('item-not-found', 'there is no such page');
}

/** Cursors stay good when what they name is gone: the page begins where it would be. */
function rangeOf(items: readonly string[], { max, after, before }: PageRequest & { max: number }) {
  if (before !== undefined) {
    const to = before === '' ? items.length : atLeast(items, itemOf(before));
    return { from: Math.max(0, to - max), to };
  }
  if (after === undefined) return { from: 0, to: Math.min(max, items.length) };
  const item = itemOf(after);
  const at = atLeast(items, item);
  const from = items[at] === item ? at + 1 : at;
  return { from, to: Math.min(items.length, from + max) };
}
