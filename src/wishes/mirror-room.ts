/** Whether a file that a wish has found is to be fetched: is it here, and is there room for it in the share and on the disk. */
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import type { Clock } from '../clock.js';
import type { PartFileSystem } from '../fs/part-file.js';
import type { Candidate } from './candidates.js';
import type { IncomingParts } from './incoming-parts.js';

export interface MirrorRoomComponents {
  readonly catalogue: Pick<ReadonlyCatalogue, 'table'>;
  readonly disk: Pick<PartFileSystem, 'kindOf' | 'freeBytes'>;
  /** What is on its way. */
  readonly parts: Pick<IncomingParts, 'makeRoom'>;
  readonly clock: Clock;
}

export interface MirrorRoomInit {
  readonly share: { readonly name: string; readonly path: string };
  /** Larger files are left out. */
  readonly maxFileBytes: number;
  /** What the share holds in all, however it got there, with what is on its way. */
  readonly maxShareBytes: number;
  readonly maxShareFiles: number;
  /** What is left free of the disk. */
  readonly keepFreeBytes: number;
}

export type Verdict = 'fetch' | 'not-wanted' | 'share-full' | 'disk-short' | 'share-gone';

/** The scan finds what has come within seconds; what it has not found then was taken away. */
const ARRIVING_MS = 10 * 60_000;

export class MirrorRoom {
  readonly #components: MirrorRoomComponents;
  readonly #init: MirrorRoomInit;
  /** Files that have come and are not in the catalogue yet, by hash. */
  readonly #arriving = new Map<string, { readonly size: number; readonly atMs: number }>();

  constructor(components: MirrorRoomComponents, init: MirrorRoomInit) {
    this.#components = components;
    this.#init = init;
  }

  arrived({ sha256, size }: Candidate): void {
    this.#arriving.set(sha256, { size, atMs: this.#components.clock.monotonic() });
  }

  async verdict(candidate: Candidate): Promise<Verdict> {
    const { sha256, size } = candidate;
    const { catalogue, disk, parts } = this.#components;
    const { share, maxFileBytes, maxShareBytes, maxShareFiles, keepFreeBytes } = this.#init;
    this.#settle();
    const isHere = this.#arriving.has(sha256) || this.#isHere(sha256);
    if (isHere || size > maxFileBytes) return 'not-wanted';
    const held = catalogue.table.totalsOf(share.name);
    const arriving = [...this.#arriving.values()];
    const bytes = arriving.reduce((sum, each) => sum + each.size, held.bytes);
    const files = held.files + arriving.length;
    if (bytes + size > maxShareBytes || files >= maxShareFiles) return 'share-full';
    try {
      // With the dot a link to a folder counts as the folder.
      if ((await disk.kindOf(`${share.path}/.`)) !== 'folder') return 'share-gone';
      const there = await parts.makeRoom(candidate, maxShareBytes - bytes - size);
      const missing = Math.max(0, size - there);
      return (await disk.freeBytes(share.path)) - missing < keepFreeBytes ? 'disk-short' : 'fetch';
    } catch {
      return 'share-gone';
    }
  }

  #isHere(sha256: string): boolean {
    const { table } = this.#components.catalogue;
    return table.withHash(sha256).some((slot) => table.isShown(slot));
  }

  #settle(): void {
    const { clock } = this.#components;
    for (const [sha256, { atMs }] of this.#arriving) {
      const isFound = this.#isHere(sha256);
      if (isFound || clock.monotonic() - atMs > ARRIVING_MS) this.#arriving.delete(sha256);
    }
  }
}
