/** What is known of one file, and what seeing it again means. Pure. */
import type { FileEntry } from '../catalogue/file-entry.js';
import { type FileStamp, isSameFile, isSameStamp } from '../catalogue/file-stamp.js';
import { isLongQuiet, nextQuietMs } from './quiet-period.js';

export type KnownFile =
  /** Stored, and not seen since: before the first scan, or while its folder cannot be read. */
  | { readonly state: 'remembered'; readonly stamp: FileStamp; readonly sha256: string }
  /** Waits until it has been quiet for `quietMs`. */
  | {
      readonly state: 'settling';
      readonly stamp: FileStamp;
      readonly sinceMs: number;
      readonly quietMs: number;
    }
  | {
      readonly state: 'offered';
      readonly stamp: FileStamp;
      readonly entry: FileEntry;
      readonly offeredMs: number;
      readonly quietMs: number;
    }
  /** Could not be read when it was to be hashed. Tried again when anything about it changes. */
  | { readonly state: 'unreadable'; readonly stamp: FileStamp };

/** When something was seen. `sinceMs` and such are by the monotonic clock. */
export interface FindingContext {
  readonly nowMs: number;
  readonly monotonicMs: number;
  /** `first`: nobody has watched the share so far, so a file's own dates say how long it has been quiet. */
  readonly scan: 'first' | 'later';
}

export type Decision =
  | { readonly type: 'keep' }
  | { readonly type: 'settle'; readonly quietMs: number }
  | { readonly type: 'offer'; readonly quietMs: number; readonly sha256?: string };

/** What to do with a file that is seen with this stamp. An offered file that must settle is withdrawn. */
export function decide(
  known: KnownFile | undefined,
  stamp: FileStamp,
  baseQuietMs: number,
  context: FindingContext,
): Decision {
  const now = context.monotonicMs;
  switch (known?.state) {
    case 'remembered':
      if (!isSameFile(known.stamp, stamp)) break;
      return { type: 'offer', quietMs: baseQuietMs, sha256: known.sha256 };
    case 'settling':
      if (!isSameFile(known.stamp, stamp)) return { type: 'settle', quietMs: known.quietMs };
      return now - known.sinceMs < known.quietMs
        ? { type: 'keep' }
        : { type: 'offer', quietMs: known.quietMs };
    case 'offered':
      if (isSameFile(known.stamp, stamp)) return { type: 'keep' };
      return { type: 'settle', quietMs: nextQuietMs(baseQuietMs, known.quietMs, now - known.offeredMs) };
    case 'unreadable':
      if (isSameStamp(known.stamp, stamp)) return { type: 'keep' };
      break;
    case undefined:
  }
  const offer = context.scan === 'first' && isLongQuiet(stamp, baseQuietMs, context.nowMs);
  return { type: offer ? 'offer' : 'settle', quietMs: baseQuietMs };
}

/** The hash that is known for the file's stamp. */
export function hashOf(known: KnownFile | undefined): string | undefined {
  if (known?.state === 'remembered') return known.sha256;
  return known?.state === 'offered' ? known.entry.sha256 : undefined;
}
