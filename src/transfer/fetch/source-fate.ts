/** What a failure means for the source that failed: whether it is asked again, and whether it is a strike. A table. */
import type { StrikeReason } from './download-events.js';
import { SourceError, type SourceErrorCode } from './range-source.js';

export interface SourceFate {
  /** `rest`: asked again after a while. `out`: not, unless it is found again later. */
  readonly next: 'rest' | 'out';
  /** How much of a failure it is; so many in a row as are configured end with `out`. */
  readonly weighs: number;
  readonly strike?: StrikeReason;
  /** It said when. */
  readonly retryAfterMs?: number;
}

const FATES: Readonly<Record<SourceErrorCode, SourceFate>> = {
  busy: { next: 'rest', weighs: 0.25 }, // some twelve tries, a few minutes
  unreachable: { next: 'rest', weighs: 1 },
  silent: { next: 'rest', weighs: 1 },
  'not-available': { next: 'out', weighs: 1 },
  refused: { next: 'out', weighs: 1 },
  changed: { next: 'out', weighs: 1 },
  'too-few': { next: 'rest', weighs: 1 },
  'too-many': { next: 'out', weighs: 1, strike: 'too-many' },
  'no-ranges': { next: 'out', weighs: 1 },
  'bad-list': { next: 'out', weighs: 1, strike: 'bad-list' },
};

/** What is not a {@link SourceError} is a fault on the way: it may be better another time. */
export function fateOf(error: unknown): SourceFate {
  if (!(error instanceof SourceError)) return FATES.unreachable;
  const { retryAfterMs } = error;
  return { ...FATES[error.code], ...(retryAfterMs !== undefined && { retryAfterMs }) };
}
