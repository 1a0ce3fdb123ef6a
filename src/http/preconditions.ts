/** Conditions of requests (RFC 9110 §13): whether they hold for what we have. */
import type { IncomingHttpHeaders } from 'node:http';

export interface Validators {
  /** With its quotes; strong. */
  readonly etag: string;
  /** Whole seconds. */
  readonly modifiedMs: number;
}

/** In the order of §13.2.2. 304 is 412 for methods other than GET and HEAD, which we don't have. */
export function precondition(headers: IncomingHttpHeaders, ours: Validators): 'holds' | 304 | 412 {
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  const unmodifiedSince = httpDate(headers['if-unmodified-since']);
  const modifiedSince = httpDate(headers['if-modified-since']);
  if (ifMatch !== undefined) {
    if (!names(ifMatch, ours.etag)) return 412;
  } else if (unmodifiedSince !== undefined && ours.modifiedMs > unmodifiedSince) return 412;
  if (ifNoneMatch !== undefined)
    return names(ifNoneMatch.replace(/(^|[\s,])W\//g, '$1'), ours.etag) ? 304 : 'holds';
  return modifiedSince !== undefined && ours.modifiedMs <= modifiedSince ? 304 : 'holds';
}

/** Whether a part may be sent of what we have (§13.1.5). */
export function ifRange(header: string | undefined, ours: Validators): boolean {
  if (header === undefined) return true;
  return header.includes('"') ? header === ours.etag : httpDate(header) === ours.modifiedMs;
}

function names(list: string, etag: string): boolean {
  return list.trim() === '*' || list.split(',').some((each) => each.trim() === etag);
}

/** Milliseconds since 1970; undefined for what is no date (§5.6.7), which is ignored. */
function httpDate(text: string | undefined): number | undefined {
  if (text === undefined || text.length > 40) return undefined;
  const isAscTime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d \d{4}$/.test(text);
  if (!isAscTime && !/^[A-Z][a-z]+, .* GMT$/.test(text)) return undefined;
  const ms = Date.parse(isAscTime ? `${text} GMT` : text);
  return Number.isNaN(ms) ? undefined : ms;
}
