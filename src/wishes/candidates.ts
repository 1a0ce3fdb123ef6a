/** Files that a wish has found, by their hash, with everybody who is known to have them; bounded. */
import type { Jid } from '../stanza/jid.js';
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';
import type { OfferingNode } from './fetcher.js';

export interface Candidate {
  /** Base64. */
  readonly sha256: string;
  readonly size: number;
  /** As the first who told of it calls it: not safe. */
  readonly name: string;
  readonly dateMs?: number;
  readonly sources: Map<Jid, OfferingNode>;
}

const MAX_CANDIDATES = 10_000;
const MAX_SOURCES = 20; // each is asked in its turn

export class Candidates {
  readonly #byHash = new Map<string, Candidate>();

  get size(): number {
    return this.#byHash.size;
  }

  /** A file without hash, size or name can't be fetched for sure, and is left out. */
  add(from: Jid, { hashes, size, name, path, dateMs, blocks: tree }: FileDescription): void {
    const sha256 = hashes.find(({ algo }) => algo === 'sha-256')?.value;
    if (sha256 === undefined || size === undefined || name === undefined) return;
    const source = { jid: from, ...(path !== undefined && { path }), ...(tree && { tree }) };
    const known = this.#byHash.get(sha256);
    if (known) {
      // Whoever gives it another size tells of another file, or lies.
      if (known.size === size && known.sources.size < MAX_SOURCES) known.sources.set(from, source);
      return;
    }
    if (this.#byHash.size >= MAX_CANDIDATES) return;
    const sources = new Map([[from, source]]);
    this.#byHash.set(sha256, { sha256, size, name, ...(dateMs !== undefined && { dateMs }), sources });
  }

  /** The one that was found first. */
  take(): Candidate | undefined {
    const [first] = this.#byHash.values();
    if (first) this.#byHash.delete(first.sha256);
    return first;
  }
}
