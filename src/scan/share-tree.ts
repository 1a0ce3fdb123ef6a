/**
 * The folders of one share, and what a new finding changes about them and their files. What is known of
 * files is in the table; this writes it, and says what else follows: `scanner.ts` carries that out.
 */
import type { Slot } from '../catalogue/file-columns.js';
import type { FileStamp } from '../catalogue/file-stamp.js';
import type { FileTable } from '../catalogue/file-table.js';
import { join } from '../catalogue/share-path.js';
import { FolderTree } from './folder-tree.js';
import type { FindingContext } from './known-file.js';
import type { KnownFolder, KnownFolders } from './known-folders.js';
import { LinkAliases } from './link-aliases.js';
import { type Finding, identityText, isSameFolder, type Listing, STAMP_FIELDS } from './listing.js';
import type { MovedFiles } from './moved-files.js';
import { ShareFiles } from './share-files.js';
import type { Steps } from './slices.js';

/** What follows from findings; appended to as they are taken. */
export interface Outcome {
  /** Folders to watch, also those watched already that are another folder now. */
  readonly watch: string[];
  readonly unwatch: string[];
  /** Folders nobody has listed yet. */
  readonly explore: string[];
  /** Folders in which a file is settling, and when to look again, by the monotonic clock. */
  readonly lookAgain: { readonly directory: string; readonly atMs: number }[];
  unavailable?: string;
}

export function emptyOutcome(): Outcome {
  return { watch: [], unwatch: [], explore: [], lookAgain: [] };
}

export interface ShareTreeComponents {
  readonly table: FileTable;
  readonly moved: MovedFiles;
  /** Those of all shares. */
  readonly folders: KnownFolders;
}

export interface ShareTreeInit {
  readonly share: string;
  readonly quietMs: number;
}

export class ShareTree {
  readonly #share: string;
  readonly #table: FileTable;
  readonly #moved: MovedFiles;
  readonly #files: ShareFiles;
  readonly #folders: KnownFolders;
  readonly #tree: FolderTree;
  readonly #aliases = new LinkAliases();
  /** The files in the parts of a listing that is still coming. */
  #listed: { readonly directory: string; readonly slots: Set<Slot> } | undefined;
  #rootIdentity: string | undefined;

  constructor(components: ShareTreeComponents, init: ShareTreeInit) {
    this.#table = components.table;
    this.#moved = components.moved;
    this.#folders = components.folders;
    this.#tree = new FolderTree(components);
    this.#share = init.share;
    this.#files = new ShareFiles(components, init);
  }

  /** Which folder the share is, as of the last time it was there. */
  get rootIdentity(): string | undefined {
    return this.#rootIdentity;
  }

  /** For a share that was known before this process started. */
  set rootIdentity(identity: string | undefined) {
    this.#rootIdentity = identity;
  }

  get folderCount(): number {
    return this.#tree.size;
  }

  /** The other folders in which a change in this one shows, through symbolic links. */
  aliasesOf(directory: string): readonly string[] {
    return this.#aliases.of(directory);
  }

  /** A folder that holds files in the table before the first scan. */
  remember(directory: string): void {
    this.#tree.make(directory);
  }

  /** To be gone through to the end, in as many slices as it takes. */
  *take(finding: Finding, context: FindingContext, outcome: Outcome): Steps {
    this.#files.tidy(context.monotonicMs);
    if (finding.type === 'listing') {
      yield* this.#takeListing(finding, context, outcome);
    } else if (finding.directory === '') {
      outcome.unavailable = finding.errno;
      yield* this.#suspend('', outcome);
    } else if (finding.reason === 'gone') {
      yield* this.#removeFolder(this.#tree.get(finding.directory), context, outcome);
    } else {
      yield* this.#suspend(finding.directory, outcome);
    }
  }

  *#takeListing(listing: Listing, context: FindingContext, outcome: Outcome): Steps {
    const { directory } = listing;
    if (this.#looksUnmounted(listing)) {
      if (directory === '') outcome.unavailable = 'it is empty and not the folder it was';
      yield* this.#suspend(directory, outcome);
      return;
    }
    const known = this.#tree.make(directory);
    if (listing.part === 0 || this.#listed?.directory !== directory)
      this.#listed = { directory, slots: new Set() };
    const { slots } = this.#listed;
    const folder = this.#inTable(directory);
    const descriptions = new Map(listing.descriptions);
    let settledMs = Number.POSITIVE_INFINITY;
    for (const [index, name] of listing.files.entries()) {
      const seen = { folder, name, stamp: stampAt(listing.stamps, index), desc: descriptions.get(name) };
      const slot = this.#files.see(seen, this.#table.find(folder, name), context);
      slots.add(slot);
      settledMs = Math.min(settledMs, this.#files.settledMs(slot) ?? settledMs);
      yield;
    }
    if (settledMs < Number.POSITIVE_INFINITY) outcome.lookAgain.push({ directory, atMs: settledMs });
    if (!listing.last) return;
    this.#listed = undefined;
    for (const slot of [...this.#table.filesIn(folder)]) {
      if (!slots.has(slot)) this.#files.gone(slot, context);
      yield;
    }
    yield* this.#completeListing(listing, known, context, outcome);
  }

  *#completeListing(listing: Listing, folder: KnownFolder, context: FindingContext, outcome: Outcome): Steps {
    const { directory, identity } = listing;
    const present = new Set(listing.directories);
    for (const below of this.#folders.in(folder)) {
      if (!present.has(this.#folders.nameOf(below))) yield* this.#removeFolder(below, context, outcome);
      yield;
    }
    const before = this.#folders.identityOf(folder);
    // What has the path of another folder has other folders in it, whatever their names.
    const isOther = before !== undefined && !isSameFolder(before, identity);
    for (const name of present) {
      const below = this.#tree.makeIn(folder, name);
      if (isOther || this.#folders.identityOf(below) === undefined)
        outcome.explore.push(join(directory, name));
      yield;
    }
    this.#aliases.set(directory, listing.links);
    if ((before === undefined || isOther) && !listing.viaLink) outcome.watch.push(directory);
    this.#folders.setIdentity(folder, identity);
    if (directory === '') this.#rootIdentity = identityText(identity);
  }

  /** An empty folder where there were files, and on another device: a disk that is not mounted, not files removed. */
  #looksUnmounted(listing: Listing): boolean {
    const { directory, identity } = listing;
    if (!listing.last || listing.part > 0 || listing.files.length > 0 || listing.directories.length > 0)
      return false;
    const folder = this.#tree.get(directory);
    if (folder === undefined || (!this.#folders.hasFolders(folder) && !this.#holdsFiles(directory)))
      return false;
    if (directory === '')
      return this.#rootIdentity !== undefined && this.#rootIdentity !== identityText(identity);
    const before = this.#folders.identityOf(folder);
    return before !== undefined && before.dev !== identity.dev;
  }

  #holdsFiles(directory: string): boolean {
    for (const slot of this.#table.filesIn(this.#inTable(directory))) if (!this.#moved.has(slot)) return true;
    return false;
  }

  /** The folder and all below are gone. */
  *#removeFolder(folder: KnownFolder | undefined, context: FindingContext, outcome: Outcome): Steps {
    if (folder === undefined) return;
    const removed: KnownFolder[] = [];
    for (const [path, each] of this.#tree.below(folder)) {
      removed.push(each);
      for (const slot of [...this.#table.filesIn(this.#inTable(path))]) {
        this.#files.gone(slot, context);
        yield;
      }
      this.#aliases.set(path, []);
      if (this.#folders.identityOf(each) !== undefined) outcome.unwatch.push(path);
      yield;
    }
    for (const each of removed.reverse()) {
      this.#tree.remove(each);
      yield;
    }
  }

  /** Nothing below can be had now, but may come back: hashes are kept. */
  *#suspend(directory: string, outcome: Outcome): Steps {
    const top = this.#tree.get(directory);
    if (top === undefined) return;
    for (const [path, folder] of this.#tree.below(top)) {
      for (const slot of [...this.#table.filesIn(this.#inTable(path))]) {
        this.#files.suspend(slot);
        yield;
      }
      if (this.#folders.identityOf(folder) !== undefined) outcome.unwatch.push(path);
      this.#folders.setIdentity(folder, undefined);
      yield;
    }
  }

  #inTable(directory: string): string {
    return join(this.#share, directory);
  }
}

function stampAt(stamps: Float64Array, index: number): FileStamp {
  const at = index * STAMP_FIELDS;
  return {
    size: stamps[at] ?? 0,
    mtimeMs: stamps[at + 1] ?? 0,
    ctimeMs: stamps[at + 2] ?? 0,
    birthtimeMs: stamps[at + 3] ?? 0,
    ino: stamps[at + 4] ?? 0,
  };
}
