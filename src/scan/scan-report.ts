/** What one scan of a share counted. */
import type { Finding, Skipped } from './listing.js';

/** Enough for a person to see what kind of thing it is. */
const MAX_EXAMPLES = 5;

export class ScanReport {
  readonly examples: string[] = [];
  readonly #skipped = { unreadable: 0, special: 0, outside: 0 };
  #files = 0;
  #folders = 0;

  get files(): number {
    return this.#files;
  }

  get folders(): number {
    return this.#folders;
  }

  get skipped(): Skipped {
    return this.#skipped;
  }

  add(finding: Finding): void {
    if (finding.type === 'unlisted') {
      this.#skipped.unreadable += 1;
      this.#addExample(`${finding.directory}/: ${finding.errno}`);
      return;
    }
    this.#files += finding.files.length;
    if (finding.last) this.#folders += 1;
    this.#skipped.unreadable += finding.skipped.unreadable;
    this.#skipped.special += finding.skipped.special;
    this.#skipped.outside += finding.skipped.outside;
    if (finding.example !== undefined) this.#addExample(finding.example);
  }

  /** Whether there is something to tell that the last report has not told. */
  differsFrom(last: ScanReport): boolean {
    const { unreadable, outside } = this.#skipped;
    if (unreadable + outside === 0) return false;
    return unreadable !== last.skipped.unreadable || outside !== last.skipped.outside;
  }

  #addExample(text: string): void {
    if (this.examples.length < MAX_EXAMPLES) this.examples.push(text);
  }
}
