/** Sizes and times as they stand in arguments. */
import { bytesOf, durationOf } from '../quantities.js';
import { UsageError } from './usage-error.js';

/** Reads `10`, which are seconds, `1.5m`, `3h`, `3d`, `2w`. Milliseconds. Throws {@link UsageError} naming `flag`. */
export function parseDuration(text: string, flag: string, maxMs: number): number {
  const ms = durationOf(text);
  if (ms !== undefined && ms <= maxMs) return ms;
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
