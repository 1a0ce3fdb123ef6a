/**
 * When a file has been left alone long enough to be offered. A file that changes again soon after
 * it was offered (a log, a slow download) has to be quiet twice as long each time, so that it is
 * not hashed over and over.
 */

/** A minute with the default of one second: long for somebody who waits, short for a file that lives for days. */
const MAX_DOUBLINGS = 6;
/** "Soon" is this many of its own quiet periods. */
const SOON = 10;

/** Whether it was offered so long ago that a change says nothing of how it will change. */
export function isCalm(lastQuietMs: number, heldMs: number): boolean {
  return heldMs > lastQuietMs * SOON;
}

/** How long a file must now be quiet, that was offered after `lastQuietMs` of it and has changed `heldMs` later. */
export function nextQuietMs(baseMs: number, lastQuietMs: number, heldMs: number): number {
  if (isCalm(lastQuietMs, heldMs)) return baseMs;
  return Math.min(lastQuietMs * 2, baseMs * 2 ** MAX_DOUBLINGS);
}

/**
 * Whether a file seen for the first time has been quiet for long by its own dates. Only told from
 * a first scan, where no one has watched it; dates in the future say nothing.
 */
export function isLongQuiet(
  stamp: { mtimeMs: number; ctimeMs: number },
  quietMs: number,
  nowMs: number,
): boolean {
  return Math.max(stamp.mtimeMs, stamp.ctimeMs) + quietMs <= nowMs;
}
