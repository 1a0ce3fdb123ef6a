/** Which segments to make one of. Pure, apart from the merging itself. */

export interface SegmentSize {
  /** Documents, removed ones included. */
  readonly documents: number;
  readonly live: number;
}

export interface MergeLimits {
  /** A segment is never merged beyond this. */
  readonly maxDocuments: number;
  /** So many segments of about the same size become one. */
  readonly mergeFactor: number;
}

/**
 * The positions of the segments to merge next; none when all is well. Sizes grow by `mergeFactor`
 * from tier to tier, so a document is rebuilt once a tier, and there are few segments in each.
 * A segment that is more than half tombstones is rebuilt, alone if need be.
 */
export function chooseMerge(segments: readonly SegmentSize[], limits: MergeLimits): readonly number[] {
  const tiers = new Map<number, number[]>();
  for (const [at, { live }] of segments.entries()) {
    if (live === 0) return [at];
    if (live > limits.maxDocuments / 2) continue;
    const tier = Math.floor(Math.log(live) / Math.log(limits.mergeFactor));
    const members = tiers.get(tier);
    if (members) members.push(at);
    else tiers.set(tier, [at]);
  }
  for (const members of tiers.values()) {
    if (members.length >= limits.mergeFactor) return upTo(limits.maxDocuments, members, segments);
  }
  const wasteful = segments.findIndex(({ documents, live }) => live * 2 < documents);
  return wasteful < 0 ? [] : [wasteful];
}

/** As many of them as fit into one segment: two at least, since each is at most half of it. */
function upTo(maxDocuments: number, members: readonly number[], segments: readonly SegmentSize[]): number[] {
  let sum = 0;
  return members.filter((at) => {
    sum += segments[at]?.live ?? 0;
    return sum <= maxDocuments;
  });
}
