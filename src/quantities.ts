/** Sizes, rates and times as people read and write them, in a terminal, a window and a chat alike. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `812 B`, `1.3 kB`, `46 MB`: powers of 1000, as file managers count. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be rounded to 1000.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** `0:07`, `12:30`, `3:05:00`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** The day, in UTC: `2026-11-23`. */
export function formatDay(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? '' : (date.toISOString().split('T')[0] ?? '');
}

const SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Reads `10`, which are seconds, `1.5m`, `3h`, `3d`, `2w`, as milliseconds; undefined for anything else, and for none. */
export function durationOf(text: string): number | undefined {
  const match = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)([smhdw]?)$/.exec(text);
  const ms = Math.ceil(Number(match?.[1]) * (SECONDS[match?.[2] ?? ''] ?? Number.NaN) * 1000);
  return ms > 0 ? ms : undefined;
}

const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 1024,
  mi: 1024 ** 2,
  gi: 1024 ** 3,
  ti: 1024 ** 4,
};

/** Reads `5000000`, `5M`, `1.5 GB`, `4KiB` as bytes; undefined for anything else. */
export function bytesOf(text: string): number | undefined {
  const match = /^([0-9]{1,16}(?:\.[0-9]{1,6})?) ?([kmgt]i?)?b?$/i.exec(text);
  const bytes = Math.round(Number(match?.[1]) * (FACTORS[(match?.[2] ?? '').toLowerCase()] ?? Number.NaN));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
