/**
 * Walks a share. Blocking calls, so it belongs into a worker; a generator, so that the worker can
 * turn to something more urgent between two folders.
 *
 * Symbolic links: where followed, they count as what they lead to, if that is inside the share and
 * the rules do not keep it back. A link to one of its own ancestors is not entered, nor is a link to a folder inside a folder that
 * was itself reached through a link. That loses no file, since everything inside the share has
 * its own path too, and it bounds the walk whatever knots the links are tied in.
 */
import type { ShareConfig } from '../catalogue/share.js';
import { isBelow, join } from '../catalogue/share-path.js';
import { type BlockingFileSystem, type FileStatus, FileSystemError } from '../fs/file-system.js';
import {
  DESCRIPTION_FILE,
  isDescriptionFile,
  MAX_DESCRIPTION_FILE_BYTES,
  parseDescriptions,
} from './descript-ion.js';
import {
  type Finding,
  type FolderIdentity,
  type FollowedLink,
  type LookRequest,
  type Skipped,
  STAMP_FIELDS,
} from './listing.js';
import { compileOfferRules, type OfferRules } from './offer-rules.js';

/** Files in one part of a listing: a message that the main thread deals with in a few milliseconds. */
const PART_FILES = 1000;

/** A share, ready to be walked many times. */
export interface WalkedShare {
  readonly config: ShareConfig;
  readonly rules: OfferRules;
}

export function walkedShare(config: ShareConfig): WalkedShare {
  return { config, rules: compileOfferRules(config) };
}

/** What a look finds, a folder before what is in it. Throws nothing that the file system does. */
export function* walk(
  fs: BlockingFileSystem,
  share: WalkedShare,
  request: Pick<LookRequest, 'directory' | 'depth'>,
): Generator<Finding, void> {
  let root: string;
  try {
    root = fs.realPath(share.config.path);
  } catch (error) {
    yield unlisted('', error);
    return;
  }
  const waiting = [request.directory];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    const reading = new FolderReading(fs, share, root, directory);
    try {
      reading.read();
    } catch (error) {
      yield unlisted(directory, error);
      continue;
    }
    yield* reading.parts();
    if (request.depth === 'below') {
      for (const name of reading.directories) waiting.push(join(directory, name));
    }
  }
}

function unlisted(directory: string, error: unknown): Finding {
  if (!(error instanceof FileSystemError)) throw error;
  return { type: 'unlisted', directory, reason: error.isAbsent ? 'gone' : 'unreadable', errno: error.errno };
}

/** One folder being read. */
class FolderReading {
  readonly directories: string[] = [];
  readonly #fs: BlockingFileSystem;
  readonly #share: WalkedShare;
  readonly #root: string;
  readonly #directory: string;
  readonly #names: string[] = [];
  readonly #stamps: number[] = [];
  readonly #links: FollowedLink[] = [];
  readonly #skipped = { unreadable: 0, special: 0, outside: 0 };
  #example: string | undefined;
  #identity: FolderIdentity = { dev: 0, ino: 0, birthtimeMs: 0 };
  #realPath = '';
  #descriptions = new Map<string, string>();

  constructor(fs: BlockingFileSystem, share: WalkedShare, root: string, directory: string) {
    this.#fs = fs;
    this.#share = share;
    this.#root = root;
    this.#directory = directory;
  }

  read(): void {
    const absolute = join(this.#root, this.#directory);
    const { followSymlinks } = this.#share.config;
    // The kernel resolves every part of the path: the folder may have become a link since it was found.
    this.#realPath = this.#fs.realPath(absolute);
    if (this.#realPath !== absolute && !(followSymlinks && this.#inShare(this.#realPath) !== undefined)) {
      throw new FileSystemError('ENOENT', absolute);
    }
    const status = this.#fs.statusOf(this.#realPath);
    if (status?.kind !== 'directory') throw new FileSystemError('ENOTDIR', absolute);
    const { dev, ino, birthtimeMs } = status;
    this.#identity = { dev, ino, birthtimeMs };
    for (const { name } of this.#fs.readDirectory(absolute)) {
      // Before the rules: the folder's descriptions hold even where the file itself is not offered.
      if (isDescriptionFile(name)) this.#readDescriptions(name);
      if (this.#isOffered(name)) this.#take(name);
    }
  }

  *parts(): Generator<Finding, void> {
    const common = {
      type: 'listing',
      directory: this.#directory,
      identity: this.#identity,
      viaLink: this.#viaLink,
    } as const;
    const nothing: Skipped = { unreadable: 0, special: 0, outside: 0 };
    for (let at = 0; ; at += PART_FILES) {
      const files = this.#names.slice(at, at + PART_FILES);
      const last = at + PART_FILES >= this.#names.length;
      yield {
        ...common,
        files,
        stamps: Float64Array.from(this.#stamps.slice(at * STAMP_FIELDS, (at + PART_FILES) * STAMP_FIELDS)),
        descriptions: files.flatMap((name) => {
          const text = this.#descriptions.get(name);
          return text === undefined ? [] : [[name, text] as const];
        }),
        directories: last ? this.directories : [],
        links: last ? this.#links : [],
        skipped: last ? this.#skipped : nothing,
        ...(last && this.#example !== undefined ? { example: this.#example } : {}),
        part: at / PART_FILES,
        last,
      };
      if (last) return;
    }
  }

  get #viaLink(): boolean {
    return this.#realPath !== join(this.#root, this.#directory);
  }

  /** By the path it has, and where that leads through a link by its own path too. */
  #isOffered(name: string): boolean {
    const { rules } = this.#share;
    if (!rules.accepts(join(this.#directory, name))) return false;
    return !this.#viaLink || rules.accepts(join(this.#inShare(this.#realPath) ?? '', name));
  }

  #take(name: string): void {
    const path = join(this.#root, join(this.#directory, name));
    try {
      const status = this.#fs.statusOf(path);
      if (status === undefined) return; // removed since the folder was read
      if (status.kind === 'link') this.#takeLink(name, path);
      else if (status.kind === 'directory') this.directories.push(name);
      else if (status.kind === 'file') this.#takeFile(name, path, status);
      else this.#skipped.special += 1;
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      this.#skip('unreadable', name, error.errno);
    }
  }

  #takeFile(name: string, path: string, status: FileStatus): void {
    if (!this.#fs.isReadable(path, status)) {
      this.#skip('unreadable', name, 'EACCES');
      return;
    }
    this.#names.push(name);
    this.#stamps.push(status.size, status.mtimeMs, status.ctimeMs, status.birthtimeMs, status.ino);
  }

  #takeLink(name: string, path: string): void {
    if (!this.#share.config.followSymlinks) return;
    const status = this.#fs.targetStatusOf(path);
    if (status === undefined) {
      this.#skip('unreadable', name, 'ENOENT');
      return;
    }
    const realPath = this.#fs.realPath(path);
    const target = this.#inShare(realPath);
    if (target !== undefined && !this.#share.rules.acceptsAll(target)) return;
    if (target === undefined) {
      this.#skip('outside', name, 'leads out of the share');
    } else if (status.kind === 'directory') {
      const circular = this.#viaLink || realPath === this.#realPath || isBelow(realPath, this.#realPath);
      if (circular) {
        this.#skip('outside', name, 'leads round in a circle');
      } else {
        this.directories.push(name);
        this.#links.push({ path: join(this.#directory, name), target, leadsTo: 'directory' });
      }
    } else if (status.kind === 'file') {
      this.#takeFile(name, path, status);
      this.#links.push({ path: join(this.#directory, name), target, leadsTo: 'file' });
    } else {
      this.#skipped.special += 1;
    }
  }

  /** The path in the share of something inside it; undefined for what is outside. The root itself is ''. */
  #inShare(realPath: string): string | undefined {
    if (realPath === this.#root) return '';
    if (!isBelow(this.#root, realPath)) return undefined;
    return realPath.slice(this.#root.endsWith('/') ? this.#root.length : this.#root.length + 1);
  }

  #readDescriptions(name: string): void {
    // Two spellings of the name can stand side by side: the usual one holds.
    if (this.#descriptions.size > 0 && name !== DESCRIPTION_FILE) return;
    try {
      const file = this.#fs.open(join(this.#root, join(this.#directory, name)), 'nofollow');
      try {
        const status = file.status();
        if (status.kind !== 'file' || status.size > MAX_DESCRIPTION_FILE_BYTES) return;
        const content = new Uint8Array(status.size);
        let length = 0;
        for (let got = -1; got !== 0 && length < content.length; length += got) {
          got = file.read(content.subarray(length));
        }
        this.#descriptions = parseDescriptions(content.subarray(0, length));
      } finally {
        file.close();
      }
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      this.#skip('unreadable', name, error.errno);
    }
  }

  #skip(reason: keyof Skipped, name: string, why: string): void {
    this.#skipped[reason] += 1;
    this.#example ??= `${join(this.#directory, name)}: ${why}`;
  }
}
