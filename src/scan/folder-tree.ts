/** The folders of a share, as lean as can be: there are as many as a tenth of the files. */
import { join } from '../catalogue/share-path.js';

export interface KnownFolder {
  /** The last part of its path; '' for the share's own folder. */
  readonly name: string;
  readonly parent: KnownFolder | undefined;
  /** `Listing.identity`; undefined until it has been listed. */
  identity: string | undefined;
  /** Those in it, by name; undefined where there are none. */
  folders: Map<string, KnownFolder> | undefined;
}

export class FolderTree {
  #root: KnownFolder | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(path: string): KnownFolder | undefined {
    let folder = this.#root;
    if (path === '') return folder;
    for (const name of path.split('/')) {
      folder = folder?.folders?.get(name);
      if (folder === undefined) return undefined;
    }
    return folder;
  }

  /** The folder; made, with those above it, where there is none. */
  make(path: string): KnownFolder {
    this.#root ??= this.#made('', undefined);
    let folder = this.#root;
    if (path === '') return folder;
    for (const name of path.split('/')) folder = this.makeIn(folder, name);
    return folder;
  }

  makeIn(parent: KnownFolder, name: string): KnownFolder {
    const known = parent.folders?.get(name);
    if (known !== undefined) return known;
    const made = this.#made(name, parent);
    parent.folders ??= new Map();
    parent.folders.set(name, made);
    return made;
  }

  /** With all below it. */
  remove(folder: KnownFolder): void {
    for (const _ of this.below(folder)) this.#size -= 1;
    const { parent, name } = folder;
    if (parent === undefined) {
      this.#root = undefined;
      return;
    }
    parent.folders?.delete(name);
    if (parent.folders?.size === 0) parent.folders = undefined;
  }

  /** The folder and all below it, each before what is in it. */
  *below(folder: KnownFolder): Generator<readonly [path: string, folder: KnownFolder]> {
    const waiting: (readonly [string, KnownFolder])[] = [[pathOf(folder), folder]];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      yield next;
      const [path, { folders }] = next;
      for (const below of folders?.values() ?? []) waiting.push([join(path, below.name), below]);
    }
  }

  #made(name: string, parent: KnownFolder | undefined): KnownFolder {
    this.#size += 1;
    return { name, parent, identity: undefined, folders: undefined };
  }
}

function pathOf(folder: KnownFolder): string {
  return folder.parent === undefined ? folder.name : join(pathOf(folder.parent), folder.name);
}
