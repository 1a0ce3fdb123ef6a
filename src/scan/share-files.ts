/**
 * The files of a share in the table: what becomes of one that is seen, is seen no more, or cannot be seen now.
 * A file that is offered is shown; one of other content, date or description has another slot.
 */
import type { Slot } from '../catalogue/file-columns.js';
import { type FileStamp, isSameStamp } from '../catalogue/file-stamp.js';
import type { FileState, FileTable } from '../catalogue/file-table.js';
import { mediaTypeOf } from '../catalogue/media-type.js';
import { decide, type FindingContext, type KnownFile } from './known-file.js';
import type { MovedFiles } from './moved-files.js';
import { QuietFiles } from './quiet-files.js';

export interface SeenFile {
  /** Its folder, with the share. */
  readonly folder: string;
  readonly name: string;
  readonly stamp: FileStamp;
  readonly desc: string | undefined;
}

export interface ShareFilesComponents {
  readonly table: FileTable;
  readonly moved: MovedFiles;
}

export class ShareFiles {
  readonly #table: FileTable;
  readonly #moved: MovedFiles;
  readonly #quietMs: number;
  readonly #quiet = new QuietFiles();

  constructor(components: ShareFilesComponents, init: { readonly quietMs: number }) {
    this.#table = components.table;
    this.#moved = components.moved;
    this.#quietMs = init.quietMs;
  }

  /** Forgets what says nothing any more. */
  tidy(nowMs: number): void {
    this.#quiet.tidy(nowMs);
  }

  /** When a file that settles may be offered; undefined for others. */
  settledMs(slot: Slot): number | undefined {
    if (this.#table.stateOf(slot) !== 'settling') return undefined;
    const { sinceMs, quietMs } = this.#quiet.of(slot) ?? { sinceMs: 0, quietMs: 0 };
    return sinceMs + quietMs;
  }

  /** The slot that the file has from now on. */
  see(seen: SeenFile, slot: Slot | undefined, context: FindingContext): Slot {
    if (slot === undefined) return this.#seeNew(seen, context);
    const known = this.#knownAs(slot, context);
    const decision = decide(known, seen.stamp, this.#quietMs, context);
    if (decision.type === 'keep') return known.state === 'offered' ? this.#keep(slot, known, seen) : slot;
    if (decision.type === 'settle') {
      const settling = known.state === 'settling' ? slot : this.#replace(slot, seen, 'settling', undefined);
      if (settling === slot) this.#table.setStamp(slot, seen.stamp);
      this.#quiet.settle(settling, context.monotonicMs, decision.quietMs);
      return settling;
    }
    if (decision.as === 'new') {
      const sha256 = this.#claim(seen.stamp);
      return this.#offer(this.#replace(slot, seen, 'offered', sha256), decision.quietMs, context);
    }
    const kept = this.#keep(slot, known, seen);
    if (this.#table.isShown(kept)) return kept; // as it was when this process started
    const sha256 = this.#table.columns.hasHash(kept) ? undefined : this.#claim(seen.stamp);
    if (sha256 !== undefined) this.#table.setSha256(kept, sha256);
    return this.#offer(kept, decision.quietMs, context);
  }

  /** Its hash is kept until it is clear that the file was not moved. */
  gone(slot: Slot, context: FindingContext): void {
    if (this.#moved.has(slot)) return;
    if (!this.#table.columns.hasHash(slot)) {
      this.#remove(slot);
      return;
    }
    this.#hideForLater(slot);
    const givenUp = this.#moved.add(slot, context.monotonicMs);
    if (givenUp !== undefined) this.#remove(givenUp);
  }

  /** It can't be had now, but may come back. */
  suspend(slot: Slot): void {
    if (this.#table.columns.hasHash(slot)) this.#hideForLater(slot);
    else this.#remove(slot);
  }

  #seeNew(seen: SeenFile, context: FindingContext): Slot {
    const sha256 = this.#claim(seen.stamp);
    const decision = decide(undefined, seen.stamp, this.#quietMs, context);
    // There is nothing to wait for in a file that was offered under another path.
    if (sha256 !== undefined || decision.type === 'offer')
      return this.#offer(this.#add(seen, 'offered', sha256), this.#quietMs, context);
    const slot = this.#add(seen, 'settling', undefined);
    this.#quiet.settle(slot, context.monotonicMs, this.#quietMs);
    return slot;
  }

  #knownAs(slot: Slot, context: FindingContext): KnownFile {
    const stamp = this.#table.stampOf(slot);
    const state = this.#table.stateOf(slot) ?? 'remembered';
    if (state === 'remembered' || state === 'unreadable') return { state, stamp };
    const quiet = this.#quiet.of(slot);
    const { sinceMs, quietMs } = quiet ?? { sinceMs: Number.NEGATIVE_INFINITY, quietMs: this.#quietMs };
    if (state === 'settling') return { state, stamp, sinceMs, quietMs };
    // What was offered when the last process ended has been watched by nobody since.
    if (context.scan === 'first' && quiet === undefined) return { state: 'remembered', stamp };
    return { state, stamp, offeredMs: sinceMs, quietMs };
  }

  /** The content is the same; what else is told of the file may not be. */
  #keep(slot: Slot, known: KnownFile, seen: SeenFile): Slot {
    const { columns } = this.#table;
    const hasType = known.state !== 'remembered' || columns.typeOf(slot) === mediaTypeOf(seen.name);
    if (hasType && columns.descOf(slot) === seen.desc) {
      if (!isSameStamp(known.stamp, seen.stamp)) this.#table.setStamp(slot, seen.stamp);
      return slot;
    }
    const quiet = this.#quiet.of(slot);
    const isShown = this.#table.isShown(slot);
    const other = this.#replace(slot, seen, 'offered', columns.sha256Of(slot));
    if (quiet !== undefined) this.#quiet.offer(other, quiet.sinceMs, quiet.quietMs);
    if (isShown) this.#table.show(other);
    return other;
  }

  #offer(slot: Slot, quietMs: number, context: FindingContext): Slot {
    this.#moved.forget(slot);
    if (this.#table.stateOf(slot) !== 'offered') this.#table.setState(slot, 'offered');
    this.#table.show(slot);
    // A first scan offers all there is: a file that changes soon after it waits its usual time once more.
    if (context.scan === 'first') this.#quiet.forget(slot);
    else this.#quiet.offer(slot, context.monotonicMs, quietMs);
    return slot;
  }

  /** The hash of a file that came here from another path. */
  #claim(stamp: FileStamp): string | undefined {
    const gone = this.#moved.claim(stamp);
    if (gone === undefined) return undefined;
    const sha256 = this.#table.columns.sha256Of(gone);
    this.#table.remove(gone);
    return sha256;
  }

  #add({ folder, name, stamp, desc }: SeenFile, state: FileState, sha256: string | undefined): Slot {
    const mediaType = mediaTypeOf(name);
    return this.#table.add({ folder, name, stamp, desc, mediaType, state, sha256 });
  }

  #replace(slot: Slot, seen: SeenFile, state: FileState, sha256: string | undefined): Slot {
    this.#remove(slot);
    return this.#add(seen, state, sha256);
  }

  #hideForLater(slot: Slot): void {
    this.#quiet.forget(slot);
    if (this.#table.stateOf(slot) === 'remembered') return;
    this.#table.hide(slot);
    this.#table.setState(slot, 'remembered');
  }

  #remove(slot: Slot): void {
    this.#moved.forget(slot);
    this.#quiet.forget(slot);
    this.#table.remove(slot);
  }
}
