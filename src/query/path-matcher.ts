/**
 * Matches paths of which the folders and the name lie in different places: the automaton goes over the
 * folders once, and from there on over the name of each file in them.
 */
import { Column } from '../columns/column.js';
import type { Beginning, Budget, EreMatcher } from './ere-matcher.js';
import type { FolderTexts } from './folder-texts.js';

export class PathMatcher {
  /** By folder; 0 is no beginning. */
  readonly #beginnings = new Column((length) => new Float64Array(length));
  #whole = new Uint8Array(1024);

  constructor(
    private readonly matcher: EreMatcher,
    private readonly folders: FolderTexts,
  ) {}

  /** Whether the pattern is found in the path of the folder and the name that is `utf8[from, to)`. */
  matches(folder: number, utf8: Uint8Array, from: number, to: number, budget: Budget): boolean {
    const beginning = this.#beginning(folder, budget);
    return (
      this.matcher.matchesAfter(beginning, utf8, from, to, budget) ??
      this.#matchesWhole(folder, utf8, from, to, budget)
    );
  }

  #beginning(folder: number, budget: Budget): Beginning {
    const known = this.#beginnings.get(folder);
    if (known !== 0 && !this.matcher.isOutdated(known)) return known;
    const bytes = this.folders.bytes(folder);
    const made = this.matcher.beginning(bytes, 0, bytes.length, budget);
    this.#beginnings.set(folder, made);
    return made;
  }

  /** Where the automaton keeps no states. */
  #matchesWhole(folder: number, utf8: Uint8Array, from: number, to: number, budget: Budget): boolean {
    const bytes = this.folders.bytes(folder);
    const length = bytes.length + to - from;
    if (this.#whole.length < length) this.#whole = new Uint8Array(length * 2);
    this.#whole.set(bytes);
    this.#whole.set(utf8.subarray(from, to), bytes.length);
    return this.matcher.matches(this.#whole, 0, length, budget);
  }
}
