/**
 * XEP-0202: Entity Time
 * https://xmpp.org/extensions/xep-0202.html, version 2.0 (2009-09-11)
 *
 * The zone is told as UTC: where a node stands is nobody's business.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { formatDateTime, parseDateTime } from './xep0082-date-time.js';
import { childText, is, xml } from './xml.js';

export const TimeElement = { name: 'time', ns: NS.time } as const;

export interface EntityTime {
  /** Milliseconds since 1970. */
  readonly utcMs: number;
}

export const entityTimeCodec: Codec<EntityTime> = {
  fromXml(element) {
    if (!is(element, 'time', NS.time)) throw new ParseError('not a <time/>', { field: 'time' });
    const utc = childText(element, 'utc', NS.time);
    if (utc === undefined) throw new ParseError('a time needs an <utc/>', { field: 'utc' });
    return { utcMs: parseDateTime(utc, 'utc') };
  },
  toXml: ({ utcMs }) =>
    xml('time', { xmlns: NS.time }, xml('tzo', {}, '+00:00'), xml('utc', {}, formatDateTime(utcMs))),
};
