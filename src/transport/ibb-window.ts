/**
 * How many in-band blocks may be under way: grows while all goes well, shrinks when blocks come back
 * or are answered late, as TCP does (additive increase, multiplicative decrease). What is under way
 * also delays every other stanza on the same connection.
 */

export interface Congestion {
  /** Blocks that may be under way. */
  readonly window: number;
  readonly maxWindow: number;
  /** Below it the window grows by one with each acknowledgement, from there on with each full window of them. */
  readonly threshold: number;
  /** Acknowledgements since the window changed. */
  readonly acks: number;
}

/** Begins at full width: transfers are short, and windows small. */
export function initialCongestion(maxWindow: number): Congestion {
  return { window: maxWindow, maxWindow, threshold: maxWindow, acks: maxWindow };
}

export function afterAck(congestion: Congestion, how: 'fast' | 'slow'): Congestion {
  const { window, maxWindow, threshold } = congestion;
  const acks = congestion.acks + 1;
  if (how === 'slow') {
    // Once for what was under way together.
    if (acks < window) return { ...congestion, acks };
    const half = Math.max(1, Math.floor(window / 2));
    return { ...congestion, window: half, threshold: half, acks: 0 };
  }
  if (window >= maxWindow || (window >= threshold && acks < window)) return { ...congestion, acks };
  return { ...congestion, window: window + 1, acks: 0 };
}

/** One block at a time, to see whether anything gets through, then quickly half of what it was. */
export function afterBounce(congestion: Congestion): Congestion {
  return {
    ...congestion,
    window: 1,
    threshold: Math.max(1, Math.floor(congestion.window / 2)),
    acks: 0,
  };
}
