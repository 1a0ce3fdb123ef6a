/**
 * Folders whose names are no valid UTF-8, and those below them, by what askers get to see of them and so ask for. There
 * are few, and nobody else pays for them.
 */
import { toDisplay } from '../catalogue/share-path.js';

export class Lookalikes {
  /** By looks: the folders, each with how many were added that are it or lie below it. */
  readonly #folders = new Map<string, Map<string, number>>();

  add(folder: string): void {
    this.#count(folder, 1);
  }

  /** One that was added. */
  remove(folder: string): void {
    this.#count(folder, -1);
  }

  /** The first that looks so and is, or holds, one that was added. */
  find(looks: string): string | undefined {
    let first: string | undefined;
    for (const folder of this.#folders.get(looks)?.keys() ?? [])
      if (first === undefined || folder < first) first = folder;
    return first;
  }

  #count(added: string, by: 1 | -1): void {
    if (added.isWellFormed()) return;
    for (let end = added.indexOf('/'); ; end = added.indexOf('/', end + 1)) {
      const folder = end < 0 ? added : added.slice(0, end);
      if (!folder.isWellFormed()) this.#countOne(folder, by);
      if (end < 0) return;
    }
  }

  #countOne(folder: string, by: 1 | -1): void {
    const looks = toDisplay(folder);
    const alike = this.#folders.get(looks) ?? new Map<string, number>();
    const count = (alike.get(folder) ?? 0) + by;
    if (count > 0) alike.set(folder, count);
    else alike.delete(folder);
    if (alike.size > 0) this.#folders.set(looks, alike);
    else this.#folders.delete(looks);
  }
}
