/** What a request for a file that is there is answered with: status, headers and which bytes. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Range } from '../stanza/xep0234-file-transfer.js';
import { byteRange } from './byte-range.js';
import { contentDisposition } from './content-disposition.js';
import { type LinkedFile, linkName } from './file-links.js';
import { ifRange, precondition } from './preconditions.js';

export interface PlannedResponse {
  readonly status: 200 | 206 | 304 | 412 | 416;
  readonly headers: OutgoingHttpHeaders;
  /** The bytes of the body; without them it has none. */
  readonly range?: Required<Range>;
}

/** `nowMs`: milliseconds since 1970. */
export function plannedResponse(
  { entry, expiresMs }: Pick<LinkedFile, 'entry' | 'expiresMs'>,
  request: IncomingHttpHeaders,
  nowMs: number,
): PlannedResponse {
  // RFC 9110 §8.8.2.1: not later than the answer.
  const modifiedMs = Math.floor(Math.min(entry.mtimeMs, nowMs) / 1000) * 1000;
  const etag = `"${entry.sha256}"`;
  const validators = {
    ETag: etag,
    'Last-Modified': new Date(modifiedMs).toUTCString(),
    // For who asked alone; what a proxy on the way makes of it would have another hash.
    'Cache-Control': `private, no-transform, max-age=${Math.max(0, Math.floor((expiresMs - nowMs) / 1000))}`,
  };
  const condition = precondition(request, { etag, modifiedMs });
  if (condition === 304) return { status: 304, headers: validators };
  if (condition === 412) return { status: 412, headers: empty(validators) };
  const asked = ifRange(ifRangeOf(request), { etag, modifiedMs }) ? request.range : undefined;
  const range = byteRange(asked, entry.size);
  if (range === 'none') {
    return { status: 416, headers: { ...empty(validators), 'Content-Range': `bytes */${entry.size}` } };
  }
  const { offset, length } = range === 'all' ? { offset: 0, length: entry.size } : range;
  return {
    status: range === 'all' ? 200 : 206,
    headers: {
      ...validators,
      'Content-Type': safeType(entry.mediaType),
      'Content-Length': length,
      ...(range !== 'all' && { 'Content-Range': `bytes ${offset}-${offset + length - 1}/${entry.size}` }),
      'Content-Disposition': contentDisposition(linkName(entry)),
      'Accept-Ranges': 'bytes',
      // Of the whole file, also where a part is sent.
      Digest: `sha-256=${entry.sha256}`, // RFC 3230 §4.3.2
      'Repr-Digest': `sha-256=:${entry.sha256}:`, // RFC 9530 §3
    },
    range: { offset, length },
  };
}

function ifRangeOf({ 'if-range': header }: IncomingHttpHeaders): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}

function empty(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return { ...headers, 'Content-Length': 0 };
}

/** A media type may come from an extension; a header holds no line end. */
function safeType(mediaType: string): string {
  return /^[ -~]+$/.test(mediaType) ? mediaType : 'application/octet-stream';
}
