/**
 * XEP-0082: XMPP Date and Time Profiles
 * https://xmpp.org/extensions/xep-0082.html, version 1.1.1 (2021-08-31)
 *
 * Times are milliseconds since 1970-01-01T00:00Z.
 * COMPAT: Psi writes DateTime without a zone; it is read as UTC.
 */
import { ParseError } from '../errors.js';

/** A half-open interval `[fromMs, beforeMs)`: what a date or time written with limited precision stands for. */
export interface DateInterval {
  readonly fromMs: number;
  readonly beforeMs: number;
}

const DAY_MS = 86_400_000;
const DATE_TIME = /^(-?\d{4,6}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$/;
const DATE = /^\d{4}-\d\d-\d\d$/;

/** Reads a DateTime. Throws {@link ParseError} naming `field`. */
export function parseDateTime(text: string, field = 'date'): number {
  const match = DATE_TIME.exec(text);
  const ms = match
    ? Date.parse(`${match[1]}T${match[2]}${(match[3] ?? '').slice(0, 4)}${match[4] ?? 'Z'}`)
    : Number.NaN;
  if (Number.isNaN(ms)) throw new ParseError(`'${field}' must be an XEP-0082 DateTime`, { field });
  return ms;
}

/** Reads a DateTime, which stands for its second (or its fraction of one), or a date, which stands for that UTC day. */
export function parseDateInterval(text: string, field = 'date'): DateInterval {
  if (DATE.test(text)) {
    const fromMs = Date.parse(`${text}T00:00:00Z`);
    if (!Number.isNaN(fromMs) && new Date(fromMs).toISOString().startsWith(text)) {
      return { fromMs, beforeMs: fromMs + DAY_MS };
    }
    throw new ParseError(`'${field}' must be a date or an XEP-0082 DateTime`, { field });
  }
  const fromMs = parseDateTime(text, field);
  return { fromMs, beforeMs: fromMs + (text.includes('.') ? 1 : 1000) };
}

/** Writes a DateTime of whole seconds in UTC. */
export function formatDateTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -5)}Z`;
}

/** Writes a DateTime in UTC, with milliseconds where the time has any. */
export function formatExactDateTime(ms: number): string {
  return ms % 1000 === 0 ? formatDateTime(ms) : new Date(ms).toISOString();
}

/** Writes an interval as {@link parseDateInterval} reads it. It must be a UTC day, a second or a millisecond. */
export function formatDateInterval({ fromMs, beforeMs }: DateInterval): string {
  const lengthMs = beforeMs - fromMs;
  const text = new Date(fromMs).toISOString();
  if (lengthMs === DAY_MS && fromMs % DAY_MS === 0) return text.slice(0, 10);
  return lengthMs === 1000 && fromMs % 1000 === 0 ? formatDateTime(fromMs) : text;
}

/** The last moment, in the precision that fits, of everything before `beforeMs`. */
export function formatLastBefore(beforeMs: number): string {
  if (beforeMs % DAY_MS === 0) return formatDateInterval({ fromMs: beforeMs - DAY_MS, beforeMs });
  if (beforeMs % 1000 === 0) return formatDateInterval({ fromMs: beforeMs - 1000, beforeMs });
  return formatDateInterval({ fromMs: beforeMs - 1, beforeMs });
}
