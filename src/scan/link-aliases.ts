/**
 * Which folders show, through symbolic links, what is in another one. Only the other one is
 * watched: what happens there has to be looked at in all of them.
 */
import { isBelow, join, parentOf } from '../catalogue/share-path.js';
import type { FollowedLink } from './listing.js';

export class LinkAliases {
  readonly #linksIn = new Map<string, readonly FollowedLink[]>();
  /** By the folder that is shown: the folder a link leads to, or the one that holds the file. */
  readonly #showing = new Map<string, Set<FollowedLink>>();

  /** The links that `folder` has now, in place of those it had. */
  set(folder: string, links: readonly FollowedLink[]): void {
    for (const link of this.#linksIn.get(folder) ?? []) {
      const showing = this.#showing.get(shownBy(link));
      showing?.delete(link);
      if (showing?.size === 0) this.#showing.delete(shownBy(link));
    }
    if (links.length === 0) {
      this.#linksIn.delete(folder);
      return;
    }
    this.#linksIn.set(folder, links);
    for (const link of links) {
      const showing = this.#showing.get(shownBy(link)) ?? new Set();
      this.#showing.set(shownBy(link), showing.add(link));
    }
  }

  /** The other folders in which a change in `folder` shows. */
  of(folder: string): string[] {
    if (this.#showing.size === 0) return [];
    const found = new Set<string>();
    for (let at = folder; ; at = parentOf(at)) {
      for (const link of this.#showing.get(at) ?? []) {
        if (link.leadsTo === 'file' && at === folder) found.add(parentOf(link.path));
        if (link.leadsTo === 'directory')
          found.add(join(link.path, isBelow(at, folder) ? rest(at, folder) : ''));
      }
      if (at === '') return [...found];
    }
  }
}

function shownBy(link: FollowedLink): string {
  return link.leadsTo === 'directory' ? link.target : parentOf(link.target);
}

function rest(folder: string, path: string): string {
  return folder === '' ? path : path.slice(folder.length + 1);
}
