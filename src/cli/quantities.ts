/** Sizes and times as they stand in arguments. */
import { bytesOf } from '../quantities.js';
import { UsageError } from './usage-error.js';

const SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Reads `10`, which are seconds, `1.5m`, `3h`, `3d`, `2w`. Milliseconds. Throws {@link UsageError} naming `flag`. */
export function parseDuration(text: string, flag: string, maxMs: number): number {
  const match = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)([smhdw]?)$/.exec(text);
  const ms = Math.ceil(Number(match?.[1]) * (SECONDS[match?.[2] ?? ''] ?? Number.NaN) * 1000);
  if (ms > 0 && ms <= maxMs) return ms;
  const most = `${Math.floor(maxMs / 86_400_000)} days`;
  throw new UsageError(
    `--${flag} must be a time such as 30, which are seconds, 10m, 3h or 3d, at most ${most}, not '${text}'`,
  );
}

/** Reads `5000000`, `5M`, `1.5GB`, `4KiB`. Throws {@link UsageError} naming `flag`. */
export function parseSize(text: string, flag: string): number {
  const bytes = text.includes(' ') ? undefined : bytesOf(text);
  if (bytes !== undefined) return bytes;
  throw new UsageError(`--${flag} must be a size such as 5000000, 5M or 4KiB, not '${text}'`);
}
