/** What is known of one file, and what seeing it again means. Pure. */
import { type FileStamp, isSameFile, isSameStamp } from '../catalogue/file-stamp.js';
import { isLongQuiet, nextQuietMs } from './quiet-period.js';

export type KnownFile =
  /** Not seen for some time, or not since this process started: its hash is kept for when it is seen again. */
  | { readonly state: 'remembered'; readonly stamp: FileStamp }
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
  /** `known`: as the file that is known; `new`: as one that nothing is known of. */
  | { readonly type: 'offer'; readonly quietMs: number; readonly as: 'known' | 'new' };

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
      return { type: 'offer', quietMs: baseQuietMs, as: 'known' };
    case 'settling':
      if (!isSameFile(known.stamp, stamp)) return { type: 'settle', quietMs: known.quietMs };
      return now - known.sinceMs < known.quietMs
        ? { type: 'keep' }
        : { type: 'offer', quietMs: known.quietMs, as: 'known' };
    case 'offered':
      if (isSameFile(known.stamp, stamp)) return { type: 'keep' };
      return { type: 'settle', quietMs: nextQuietMs(baseQuietMs, known.quietMs, now - known.offeredMs) };
    case 'unreadable':
      if (isSameStamp(known.stamp, stamp)) return { type: 'keep' };
      break;
    case undefined:
  }
  return context.scan === 'first' && isLongQuiet(stamp, baseQuietMs, context.nowMs)
    ? { type: 'offer', quietMs: baseQuietMs, as: 'new' }
    : { type: 'settle', quietMs: baseQuietMs };
}
