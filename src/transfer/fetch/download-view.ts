/** What a download looks like at a moment, for those who watch. */
import type { BlockFetch } from './block-fetch.js';
import type { DownloadProgress, SourceProgress } from './download-events.js';
import type { PartStore } from './part-store.js';
import { RangeSet, type Span } from './range-set.js';
import type { RateEstimate } from './rate-estimate.js';
import type { PooledSource } from './source-pool.js';
import { treeKey } from './source-sets.js';

export interface DownloadPicture {
  readonly totalBytes: number;
  readonly resumedBytes: number;
  readonly rate: RateEstimate;
  readonly sources: readonly PooledSource[];
  readonly strikesOf: (source: PooledSource) => number;
  /** Missing before anything was begun. */
  readonly part?: PartStore;
  readonly fetch?: BlockFetch;
  readonly nowMs: number;
}

export function progressOf(picture: DownloadPicture): DownloadProgress {
  const { totalBytes, part, fetch, nowMs } = picture;
  const blockBytes = part?.layout.blockBytes ?? Math.max(1, totalBytes);
  const there = bytesOf(part?.settled.spans ?? [], blockBytes, totalBytes);
  const settledBytes = sum(there);
  const reads = fetch?.underWay ?? [];
  for (const { blocks, into } of reads) {
    if (into > 0) there.push({ start: blocks.start * blockBytes, end: blocks.start * blockBytes + into });
  }
  const receivedBytes = Math.min(totalBytes, settledBytes + (fetch?.loose ?? 0));
  const rate = picture.rate.at(nowMs) ?? 0;
  const sources = picture.sources.map((source) => sourceProgress(picture, source));
  return {
    type: 'progress',
    totalBytes,
    receivedBytes,
    settledBytes,
    resumedBytes: picture.resumedBytes,
    wastedBytes: sources.reduce((bytes, { wastedBytes }) => bytes + wastedBytes, 0),
    bytesPerSecond: Math.round(rate * 1000),
    ...(rate > 0 && { leftMs: Math.round((totalBytes - receivedBytes) / rate) }),
    blockBytes,
    there: [...new RangeSet(there)],
    underWay: bytesOf(
      reads.map(({ blocks }) => blocks).filter(({ start, end }) => start < end),
      blockBytes,
      totalBytes,
    ),
    sources,
  };
}

function bytesOf(blocks: readonly Span[], blockBytes: number, totalBytes: number): Span[] {
  return blocks.map(({ start, end }) => ({
    start: start * blockBytes,
    end: Math.min(end * blockBytes, totalBytes),
  }));
}

function sum(spans: readonly Span[]): number {
  return spans.reduce((bytes, { start, end }) => bytes + end - start, 0);
}

function sourceProgress(picture: DownloadPicture, pooled: PooledSource): SourceProgress {
  const { jid, found, source, rate, keptBytes, wastedBytes, standing } = pooled;
  const reads = (picture.fetch?.underWay ?? []).filter((read) => read.source === pooled);
  const now = source?.state;
  return {
    jid,
    ...(found.path !== undefined && { path: found.path }),
    state: stateOf(picture, pooled, reads.length > 0),
    ...(now?.type === 'queued' && now.position !== undefined && { position: now.position }),
    ...(now?.type === 'sending' && now.transport !== undefined && { transport: now.transport }),
    bytesPerSecond: reads.length > 0 ? Math.round((rate.at(picture.nowMs) ?? 0) * 1000) : 0,
    keptBytes,
    wastedBytes,
    strikes: picture.strikesOf(pooled),
    ...(standing.type !== 'ready' && { error: standing.error }),
  };
}

function stateOf({ part }: DownloadPicture, pooled: PooledSource, isRead: boolean): SourceProgress['state'] {
  const { standing, tree, source } = pooled;
  if (standing.type !== 'ready') return standing.type;
  const ours = part?.layout.tree;
  if (ours !== undefined && tree !== undefined && treeKey(ours) !== treeKey(tree)) return 'other-blocks';
  if (!isRead) return 'spare';
  if (source?.state.type === 'queued') return 'queued';
  return source?.state.type === 'sending' ? 'receiving' : 'connecting';
}
