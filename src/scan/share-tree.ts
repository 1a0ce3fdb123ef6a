/**
 * What is known of one share, folder by folder, and what a new finding changes about it. Pure: it
 * is told findings and times and says what follows; `scanner.ts` carries that out.
 */
import type { CatalogueChange, FileEntry } from '../catalogue/file-entry.js';
import { type FileStamp, isSameFile, isSameStamp } from '../catalogue/file-stamp.js';
import { mediaTypeOf } from '../catalogue/media-type.js';
import {
  baseName,
  type FullPath,
  fullPath,
  join,
  parentOf,
  type ShareRelativePath,
} from '../catalogue/share-path.js';
import type { StoreChange, StoredFile } from '../catalogue/store.js';
import { decide, type FindingContext, hashOf, type KnownFile } from './known-file.js';
import { LinkAliases } from './link-aliases.js';
import { type Finding, type Listing, STAMP_FIELDS } from './listing.js';
import type { GoneFile, MovedFiles } from './moved-files.js';

interface KnownFolder {
  /** Undefined until it has been listed. */
  identity: string | undefined;
  readonly files: Map<string, KnownFile>;
  readonly folders: Set<string>;
  /** Names in the parts of a listing that is still coming. */
  listed: Set<string>;
}

interface SeenFile {
  readonly path: string;
  readonly stamp: FileStamp;
  readonly desc: string | undefined;
}

/** What follows from findings; appended to as they are taken. */
export interface Outcome {
  readonly changes: CatalogueChange[];
  readonly stored: StoreChange[];
  /** Folders to watch, also those watched already that are another folder now. */
  readonly watch: { readonly directory: string; readonly identity: string }[];
  readonly unwatch: string[];
  /** Folders nobody has listed yet. */
  readonly explore: string[];
  /** Folders in which a file is settling, and when to look again, by the monotonic clock. */
  readonly lookAgain: { readonly directory: string; readonly atMs: number }[];
  unavailable?: string;
}

export function emptyOutcome(): Outcome {
  return { changes: [], stored: [], watch: [], unwatch: [], explore: [], lookAgain: [] };
}

export interface ShareTreeInit {
  readonly share: string;
  readonly quietMs: number;
}

export class ShareTree {
  readonly #share: string;
  readonly #quietMs: number;
  readonly #moved: MovedFiles;
  readonly #folders = new Map<string, KnownFolder>();
  readonly #aliases = new LinkAliases();
  #rootIdentity: string | undefined;

  constructor(components: { readonly moved: MovedFiles }, init: ShareTreeInit) {
    this.#moved = components.moved;
    this.#share = init.share;
    this.#quietMs = init.quietMs;
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
    return this.#folders.size;
  }

  /** The other folders in which a change in this one shows, through symbolic links. */
  aliasesOf(directory: string): readonly string[] {
    return this.#aliases.of(directory);
  }

  /** Takes over a stored row, before the first scan. */
  remember(path: string, stored: Pick<StoredFile, 'stamp' | 'sha256'>): void {
    const folder = this.#folderFor(parentOf(path));
    folder.files.set(baseName(path), { state: 'remembered', stamp: stored.stamp, sha256: stored.sha256 });
  }

  take(finding: Finding, context: FindingContext, outcome: Outcome): void {
    if (finding.type === 'listing') {
      this.#takeListing(finding, context, outcome);
    } else if (finding.directory === '') {
      this.#suspend('', outcome);
      outcome.unavailable = finding.errno;
    } else if (finding.reason === 'gone') {
      this.#folders.get(parentOf(finding.directory))?.folders.delete(baseName(finding.directory));
      this.#removeFolder(finding.directory, context, outcome);
    } else {
      this.#suspend(finding.directory, outcome);
    }
  }

  /** The stamp of a file that is offered. */
  stampOf(path: string): FileStamp | undefined {
    const known = this.#fileAt(path);
    return known?.state === 'offered' ? known.stamp : undefined;
  }

  /** Whether a stored row of this path says something that still holds. */
  holdsHash(path: string): boolean {
    return hashOf(this.#fileAt(path)) !== undefined;
  }

  /** A hash was computed for the file with this stamp: the entry with it, or undefined when the file is another by now. */
  setHash(path: string, stamp: FileStamp, sha256: string): FileEntry | undefined {
    const known = this.#fileAt(path);
    if (known?.state !== 'offered' || !isSameFile(known.stamp, stamp)) return undefined;
    const entry = { ...known.entry, sha256 };
    this.#folderFor(parentOf(path)).files.set(baseName(path), { ...known, entry });
    return entry;
  }

  /** The file could not be read: it is not offered until it changes. */
  setUnreadable(path: string, outcome: Outcome): void {
    const known = this.#fileAt(path);
    if (known?.state !== 'offered') return;
    outcome.changes.push({ type: 'remove', key: this.#key(path) });
    this.#folderFor(parentOf(path)).files.set(baseName(path), { state: 'unreadable', stamp: known.stamp });
  }

  /** After a first scan: files without a hash that were moved while this program was not running. */
  claimMoved(entries: Iterable<FileEntry>, outcome: Outcome): void {
    for (const entry of entries) {
      if (entry.share !== this.#share || entry.sha256 !== undefined) continue;
      const stamp = this.stampOf(entry.path);
      const gone = stamp === undefined ? undefined : this.#moved.claim(stamp);
      if (stamp === undefined || gone === undefined) continue;
      const hashed = this.setHash(entry.path, stamp, gone.sha256);
      if (hashed === undefined) continue;
      outcome.changes.push({ type: 'put', entry: hashed });
      this.#storeMoved(entry.path, stamp, gone, outcome);
    }
  }

  #takeListing(listing: Listing, context: FindingContext, outcome: Outcome): void {
    const { directory } = listing;
    if (this.#looksUnmounted(listing)) {
      this.#suspend(directory, outcome);
      if (directory === '') outcome.unavailable = 'it is empty and not the folder it was';
      return;
    }
    const folder = this.#folderFor(directory);
    if (listing.part === 0) folder.listed = new Set();
    const descriptions = new Map(listing.descriptions);
    let settledMs = Number.POSITIVE_INFINITY;
    listing.files.forEach((name, index) => {
      folder.listed.add(name);
      const seen = {
        path: join(directory, name),
        stamp: stampAt(listing.stamps, index),
        desc: descriptions.get(name),
      };
      const before = folder.files.get(name);
      const known = this.#see(seen, before, context, outcome);
      if (known !== before) folder.files.set(name, known);
      if (known.state === 'settling') settledMs = Math.min(settledMs, known.sinceMs + known.quietMs);
    });
    if (settledMs < Number.POSITIVE_INFINITY) outcome.lookAgain.push({ directory, atMs: settledMs });
    if (listing.last) this.#completeListing(listing, folder, context, outcome);
  }

  #completeListing(listing: Listing, folder: KnownFolder, context: FindingContext, outcome: Outcome): void {
    const { directory } = listing;
    for (const [name, known] of folder.files) {
      if (folder.listed.has(name)) continue;
      folder.files.delete(name);
      this.#removeFile(join(directory, name), known, context, outcome);
    }
    folder.listed = new Set();
    const present = new Set(listing.directories);
    for (const name of folder.folders) {
      if (present.has(name)) continue;
      folder.folders.delete(name);
      this.#removeFolder(join(directory, name), context, outcome);
    }
    // What has the path of another folder has other folders in it, whatever their names.
    const isOther = folder.identity !== undefined && folder.identity !== listing.identity;
    for (const name of present) {
      const path = join(directory, name);
      if (isOther || this.#folders.get(path)?.identity === undefined) outcome.explore.push(path);
      folder.folders.add(name);
    }
    this.#aliases.set(directory, listing.links);
    if (folder.identity !== listing.identity && !listing.viaLink) {
      outcome.watch.push({ directory, identity: listing.identity });
    }
    folder.identity = listing.identity;
    if (directory === '') this.#rootIdentity = listing.identity;
  }

  /** An empty folder where there were files, and on another device: a disk that is not mounted, not files removed. */
  #looksUnmounted(listing: Listing): boolean {
    const { directory, identity } = listing;
    if (!listing.last || listing.part > 0 || listing.files.length > 0 || listing.directories.length > 0)
      return false;
    const folder = this.#folders.get(directory);
    if (folder === undefined || (folder.files.size === 0 && folder.folders.size === 0)) return false;
    if (directory === '') return this.#rootIdentity !== undefined && this.#rootIdentity !== identity;
    return folder.identity !== undefined && deviceOf(folder.identity) !== deviceOf(identity);
  }

  #see(seen: SeenFile, known: KnownFile | undefined, context: FindingContext, outcome: Outcome): KnownFile {
    const decision = decide(known, seen.stamp, this.#quietMs, context);
    const now = context.monotonicMs;
    switch (decision.type) {
      case 'keep':
        if (known?.state === 'offered') return this.#keepOffered(known, seen, outcome);
        if (known !== undefined) return known;
        throw new TypeError('there is nothing to keep');
      case 'settle':
        if (known?.state === 'offered') outcome.changes.push({ type: 'remove', key: this.#key(seen.path) });
        return { state: 'settling', stamp: seen.stamp, sinceMs: now, quietMs: decision.quietMs };
      case 'offer': {
        const sha256 = decision.sha256 ?? this.#claim(seen, outcome);
        const entry = this.#entryOf(seen, sha256);
        outcome.changes.push({ type: 'put', entry });
        return { state: 'offered', stamp: seen.stamp, entry, offeredMs: now, quietMs: decision.quietMs };
      }
    }
  }

  #keepOffered(
    known: Extract<KnownFile, { state: 'offered' }>,
    { stamp, desc }: SeenFile,
    outcome: Outcome,
  ): KnownFile {
    if (desc === known.entry.desc) return isSameStamp(known.stamp, stamp) ? known : { ...known, stamp };
    const { desc: _, ...rest } = known.entry;
    const entry: FileEntry = desc === undefined ? rest : { ...rest, desc };
    outcome.changes.push({ type: 'put', entry });
    return { ...known, stamp, entry };
  }

  /** The hash of a file that came here from another path. */
  #claim({ path, stamp }: SeenFile, outcome: Outcome): string | undefined {
    const gone = this.#moved.claim(stamp);
    if (gone !== undefined) this.#storeMoved(path, stamp, gone, outcome);
    return gone?.sha256;
  }

  #entryOf({ path, stamp, desc }: SeenFile, sha256: string | undefined): FileEntry {
    return {
      share: this.#share,
      path: path as ShareRelativePath,
      size: stamp.size,
      mtimeMs: Math.floor(stamp.mtimeMs),
      mediaType: mediaTypeOf(path),
      ...(desc === undefined ? {} : { desc }),
      ...(sha256 === undefined ? {} : { sha256 }),
    };
  }

  /** New row and removal of the old in one write: a crash leaves one of them. */
  #storeMoved(path: string, stamp: FileStamp, gone: GoneFile, outcome: Outcome): void {
    const key = this.#key(path);
    const file: StoredFile = { key, stamp, mediaType: mediaTypeOf(path), sha256: gone.sha256 };
    outcome.stored.push({ type: 'put', file });
    if (gone.key !== key) outcome.stored.push({ type: 'remove', key: gone.key });
  }

  #removeFile(path: string, known: KnownFile, context: FindingContext, outcome: Outcome): void {
    const key = this.#key(path);
    if (known.state === 'offered') outcome.changes.push({ type: 'remove', key });
    const sha256 = hashOf(known);
    if (sha256 === undefined) return;
    for (const gone of this.#moved.add({ key, stamp: known.stamp, sha256 }, context.monotonicMs)) {
      if (gone.key !== key) outcome.stored.push({ type: 'remove', key: gone.key });
    }
  }

  /** The folder and all below are gone. */
  #removeFolder(directory: string, context: FindingContext, outcome: Outcome): void {
    for (const [path, folder] of this.#below(directory)) {
      for (const [name, known] of folder.files) this.#removeFile(join(path, name), known, context, outcome);
      this.#folders.delete(path);
      this.#aliases.set(path, []);
      if (folder.identity !== undefined) outcome.unwatch.push(path);
    }
  }

  /** Nothing below can be had now, but may come back: hashes are kept. */
  #suspend(directory: string, outcome: Outcome): void {
    for (const [path, folder] of this.#below(directory)) {
      for (const [name, known] of folder.files) {
        if (known.state === 'remembered') continue;
        if (known.state === 'offered')
          outcome.changes.push({ type: 'remove', key: this.#key(join(path, name)) });
        const sha256 = hashOf(known);
        if (sha256 === undefined) folder.files.delete(name);
        else folder.files.set(name, { state: 'remembered', stamp: known.stamp, sha256 });
      }
      if (folder.identity !== undefined) outcome.unwatch.push(path);
      folder.identity = undefined;
    }
  }

  /** The folder and all known below it, each before what is in it. */
  #below(directory: string): [path: string, folder: KnownFolder][] {
    const found: [string, KnownFolder][] = [];
    const waiting = [directory];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const folder = this.#folders.get(path);
      if (folder === undefined) continue;
      found.push([path, folder]);
      for (const name of folder.folders) waiting.push(join(path, name));
    }
    return found;
  }

  #fileAt(path: string): KnownFile | undefined {
    return this.#folders.get(parentOf(path))?.files.get(baseName(path));
  }

  /** The folder's record; made, with those above it, where there is none. */
  #folderFor(directory: string): KnownFolder {
    const known = this.#folders.get(directory);
    if (known !== undefined) return known;
    const made: KnownFolder = {
      identity: undefined,
      files: new Map(),
      folders: new Set(),
      listed: new Set(),
    };
    this.#folders.set(directory, made);
    if (directory !== '') this.#folderFor(parentOf(directory)).folders.add(baseName(directory));
    return made;
  }

  #key(path: string): FullPath {
    return fullPath(this.#share, path as ShareRelativePath);
  }
}

function stampAt(stamps: Float64Array, index: number): FileStamp {
  const [size = 0, mtimeMs = 0, ctimeMs = 0, birthtimeMs = 0, ino = 0] = stamps.subarray(
    index * STAMP_FIELDS,
    (index + 1) * STAMP_FIELDS,
  );
  return { size, mtimeMs, ctimeMs, birthtimeMs, ino };
}

function deviceOf(identity: string): string {
  return identity.slice(0, identity.indexOf(' '));
}
