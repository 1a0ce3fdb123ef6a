/** The folders of one share, by their paths in it. */
import { join } from '../catalogue/share-path.js';
import type { KnownFolder, KnownFolders } from './known-folders.js';

export class FolderTree {
  readonly #folders: KnownFolders;
  #root: KnownFolder | undefined;
  #size = 0;

  constructor(components: { readonly folders: KnownFolders }) {
    this.#folders = components.folders;
  }

  get size(): number {
    return this.#size;
  }

  get(path: string): KnownFolder | undefined {
    let folder = this.#root;
    if (path === '') return folder;
    for (const name of path.split('/')) {
      if (folder === undefined) return undefined;
      folder = this.#folders.find(folder, name);
    }
    return folder;
  }

  /** The folder; made, with those above it, where there is none. */
  make(path: string): KnownFolder {
    if (this.#root === undefined) {
      this.#root = this.#folders.addRoot();
      this.#size += 1;
    }
    let folder = this.#root;
    if (path === '') return folder;
    for (const name of path.split('/')) folder = this.makeIn(folder, name);
    return folder;
  }

  makeIn(parent: KnownFolder, name: string): KnownFolder {
    const known = this.#folders.find(parent, name);
    if (known !== undefined) return known;
    this.#size += 1;
    return this.#folders.add(parent, name);
  }

  /** There is none in it. */
  remove(folder: KnownFolder): void {
    this.#folders.remove(folder);
    this.#size -= 1;
    if (folder === this.#root) this.#root = undefined;
  }

  /** The folder and all below it, each before what is in it. */
  *below(folder: KnownFolder): Generator<readonly [path: string, folder: KnownFolder]> {
    const waiting: (readonly [string, KnownFolder])[] = [[this.#pathOf(folder), folder]];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      yield next;
      const [path, above] = next;
      for (const below of this.#folders.in(above))
        waiting.push([join(path, this.#folders.nameOf(below)), below]);
    }
  }

  #pathOf(folder: KnownFolder): string {
    const parent = this.#folders.parentOf(folder);
    return parent === undefined ? '' : join(this.#pathOf(parent), this.#folders.nameOf(folder));
  }
}
