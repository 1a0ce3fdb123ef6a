/**
 * Where the files of a folder that somebody shares go on this disk. Each part of a path is made safe; what would
 * then have one name with another gets a number. Pure: what the disk is like is told.
 */
import { numberedName } from '../transfer/fetch/numbered-name.js';
import { safeFileName } from '../transfer/fetch/safe-file-name.js';
import { printable } from './printable.js';

export interface PlanInit {
  /** The full path of the folder at the node, with a slash at its end. */
  readonly prefix: string;
  /** Whether names that differ in case alone are one name on the disk. */
  readonly foldsCase: boolean;
}

export interface PlannedFile<T> {
  readonly file: T;
  /** Relative to the folder that is made; its parts are joined by `/`. */
  readonly local: string;
  /** Why it does not have the name that it has at the node, where that is so. */
  readonly renamed?: 'unsafe' | 'taken';
}

/**
 * A place for each file below `prefix`; others, which a node has no reason to tell of, are left out. The
 * same files get the same places another time, so that a fetch goes on where it ended.
 */
export function planFolder<T extends { readonly path?: string }>(
  files: readonly T[],
  { prefix, foldsCase }: PlanInit,
): PlannedFile<T>[] {
  const above = prefix.replace(/\/$/, '').split('/');
  const byPath = new Map<string, T>();
  for (const file of files)
    if (file.path !== undefined && isBelow(file.path, above)) byPath.set(file.path, file);
  const names = new LocalNames(foldsCase);
  return [...byPath]
    .sort(([a], [b]) => compare(a, b))
    .map(([path, file]) => {
      const parts = path.split('/').slice(above.length);
      const local = names.take(parts);
      const plain = parts.map(safeFileName).join('/');
      if (local !== plain) return { file, local, renamed: 'taken' };
      return local === parts.join('/') ? { file, local } : { file, local, renamed: 'unsafe' };
    });
}

/** However its accents are composed, and as it is or as it is shown. */
function isBelow(path: string, above: readonly string[]): boolean {
  const parts = path.normalize('NFC').split('/');
  const isSame = (part: string, at: number) => parts[at] === part || printable(parts[at] ?? '') === part;
  return parts.length > above.length && parts.at(-1) !== '' && above.every(isSame);
}

/** While `x` comes, its bytes are in `x.part`: a file that has this name itself would only wait until then. */
function compare(a: string, b: string): number {
  const isPart = (path: string) => Number(/\.part(\.(json|blocks)(\.new)?|\.lock)?$/i.test(path));
  return isPart(a) - isPart(b) || (a < b ? -1 : a > b ? 1 : 0);
}

/** Disks that fold case compose accents alike too. */
export function foldName(name: string, foldsCase: boolean): string {
  return foldsCase ? name.normalize('NFC').toLowerCase() : name;
}

/** Names on this disk, none given twice. */
export class LocalNames {
  readonly #fold: (name: string) => string;
  readonly #taken = new Map<string, 'file' | 'folder'>();
  /** The place of each folder of the node. */
  readonly #folders = new Map<string, string>();
  /** The last number given to a name. */
  readonly #numbers = new Map<string, number>();

  constructor(foldsCase: boolean) {
    this.#fold = (name) => foldName(name, foldsCase);
  }

  /** A place for the file that has this path elsewhere, relative and safe. */
  take(parts: readonly string[]): string {
    let folder = '';
    let remote = '';
    for (const part of parts.slice(0, -1)) {
      remote += `${part}/`;
      const known = this.#folders.get(remote);
      folder = known ?? `${this.#free(folder, safeFileName(part), 'folder')}/`;
      if (known === undefined) this.#folders.set(remote, folder);
    }
    return this.#free(folder, safeFileName(parts.at(-1) ?? ''), 'file');
  }

  /** Whether a file could have this name, which is safe. */
  isFree(name: string): boolean {
    return !this.#isInTheWay(name, 'file');
  }

  /** A folder may be the same as another one, a file may not. */
  #free(folder: string, name: string, kind: 'file' | 'folder'): string {
    const first = folder + name;
    const key = this.#fold(first);
    let path = first;
    for (let number = this.#numbers.get(key) ?? 1; this.#isInTheWay(path, kind); ) {
      number += 1;
      this.#numbers.set(key, number);
      path = folder + numberedName(name, number);
    }
    this.#taken.set(this.#fold(path), kind);
    return path;
  }

  #isInTheWay(path: string, kind: 'file' | 'folder'): boolean {
    const taken = this.#taken.get(this.#fold(path));
    return taken !== undefined && !(taken === 'folder' && kind === 'folder');
  }
}
