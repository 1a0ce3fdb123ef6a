/**
 * urn:xmpp:tmp:file-discovery:0, our own protocol (docs/protocol.md): `<find/>`, `<found/>`
 * and `<confirm/>`.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import type { FileCriteria, Order } from './file-criteria.js';
import { fileCriteriaCodec } from './file-criteria-form.js';
import { type BareJid, type Jid, parseBareJid, parseJid } from './jid.js';
import { NS } from './namespaces.js';
import { type PageRequest, type PageResult, pageRequestCodec, pageResultCodec } from './xep0059-rsm.js';
import { formatExactDateTime, parseDateTime } from './xep0082-date-time.js';
import { type FileDescription, fileCodec } from './xep0234-file-transfer.js';
import { orderCodec } from './xep0413-order-by.js';
import {
  attribute,
  child,
  children,
  type Element,
  elements,
  is,
  parseBoolean,
  parseCount,
  xml,
} from './xml.js';

/** A query, as an iq or as an item of a channel. */
export interface Find {
  /** Names the query in its answers. On a channel the item's id counts, whatever stands here. */
  readonly id?: string;
  /** When the asker stops listening, milliseconds since 1970. */
  readonly expiresMs?: number;
  /** Until when nodes may keep it, and answer again as files come; milliseconds since 1970. */
  readonly untilMs?: number;
  /** Where the asker wants its answers. Only believed as docs/protocol.md, "Who asked", says. */
  readonly replyTo?: Jid;
  /** The answer may wait for a random time up to this. */
  readonly spreadMs?: number;
  readonly criteria: FileCriteria;
  readonly page: PageRequest;
  readonly order?: Order;
}

/** A channel: a leaf node of a pubsub service. */
export interface ChannelAddress {
  readonly service: BareJid;
  readonly nodeId: string;
}

/** An answer. */
export interface Found {
  readonly id?: string;
  /** The channel on which the query was seen. */
  readonly channel?: ChannelAddress;
  /** All matches, also those that are not in this answer. */
  readonly total: number;
  /** True when the asker can ask for a further page. */
  readonly more: boolean;
  /** Matches of this page that are left out because their hash is not known yet. */
  readonly pending: number;
  /** The files have come since; the question was kept. Further pages come without being asked for. */
  readonly news?: true;
  readonly files: readonly FileDescription[];
  readonly page: PageResult;
}

const MAX_ID_CHARS = 256; // item ids are kept to recognise duplicates

/** True for what can name a query. */
export function isQueryId(id: string): boolean {
  return id !== '' && id.length <= MAX_ID_CHARS;
}

export const findCodec: Codec<Find> = {
  fromXml(element) {
    if (!is(element, 'find', NS.find)) throw new ParseError('not a <find/>', { field: 'find' });
    for (const each of elements(element)) {
      if (!is(each, 'x', NS.dataForms) && !is(each, 'set', NS.rsm) && !is(each, 'order', NS.orderBy)) {
        throw new ParseError(`<find/> holds no <${each.getName()}/> of that namespace`, {
          field: each.getName(),
        });
      }
    }
    const form = only(element, 'x', NS.dataForms);
    if (!form) throw new ParseError('<find/> needs a data form', { field: 'x' });
    const set = only(element, 'set', NS.rsm);
    const order = only(element, 'order', NS.orderBy);
    const id = idOf(element);
    const expires = attribute(element, 'expires');
    const until = attribute(element, 'until');
    const replyTo = attribute(element, 'reply-to');
    const spread = attribute(element, 'spread');
    return {
      ...(id !== undefined && { id }),
      ...(expires !== undefined && { expiresMs: parseDateTime(expires, 'expires') }),
      ...(until !== undefined && { untilMs: parseDateTime(until, 'until') }),
      ...(replyTo !== undefined && { replyTo: parseJid(replyTo, 'reply-to') }),
      ...(spread !== undefined && { spreadMs: parseCount(spread, 'spread') }),
      criteria: fileCriteriaCodec.fromXml(form),
      page: set ? pageRequestCodec.fromXml(set) : {},
      ...(order && { order: orderCodec.fromXml(order) }),
    };
  },
  toXml: (find) =>
    xml(
      'find',
      {
        xmlns: NS.find,
        id: find.id,
        expires: find.expiresMs === undefined ? undefined : formatExactDateTime(find.expiresMs),
        until: find.untilMs === undefined ? undefined : formatExactDateTime(find.untilMs),
        'reply-to': find.replyTo,
        spread: find.spreadMs,
      },
      fileCriteriaCodec.toXml(find.criteria),
      Object.keys(find.page).length > 0 && pageRequestCodec.toXml(find.page),
      find.order && orderCodec.toXml(find.order),
    ),
};

export const foundCodec: Codec<Found> = {
  fromXml(element) {
    if (!is(element, 'found', NS.find)) throw new ParseError('not a <found/>', { field: 'found' });
    const id = idOf(element);
    const service = attribute(element, 'service');
    const nodeId = attribute(element, 'channel');
    const total = attribute(element, 'total');
    const more = attribute(element, 'more');
    const pending = attribute(element, 'pending');
    const news = attribute(element, 'news');
    const set = child(element, 'set', NS.rsm);
    const files = children(element, 'file', NS.fileTransfer5).map((file) => fileCodec().fromXml(file));
    return {
      ...(id !== undefined && { id }),
      ...(service !== undefined &&
        nodeId !== undefined && { channel: { service: parseBareJid(service, 'service'), nodeId } }),
      total: total === undefined ? files.length : parseCount(total, 'total'),
      more: more !== undefined && parseBoolean(more, 'more'),
      pending: pending === undefined ? 0 : parseCount(pending, 'pending'),
      ...(news !== undefined && parseBoolean(news, 'news') && { news: true }),
      files,
      page: set ? pageResultCodec.fromXml(set) : {},
    };
  },
  toXml: (found) =>
    xml(
      'found',
      {
        xmlns: NS.find,
        id: found.id,
        service: found.channel?.service,
        channel: found.channel?.nodeId,
        total: found.total,
        more: found.more || undefined,
        pending: found.pending || undefined,
        news: found.news,
      },
      found.files.map((file) => fileCodec().toXml(file)),
      Object.keys(found.page).length > 0 && pageResultCodec.toXml(found.page),
    ),
};

/** `<confirm/>`: did you ask this? The value is the query's id. */
export const confirmCodec: Codec<string> = {
  fromXml(element) {
    const id = is(element, 'confirm', NS.find) ? idOf(element) : undefined;
    if (id === undefined) throw new ParseError("<confirm/> needs the attribute 'id'", { field: 'id' });
    return id;
  },
  toXml: (id) => xml('confirm', { xmlns: NS.find, id }),
};

/** The elements that queries, answers and confirmations arrive as. */
export const FileDiscoveryElement = {
  find: { name: 'find', ns: NS.find },
  found: { name: 'found', ns: NS.find },
  confirm: { name: 'confirm', ns: NS.find },
} as const;

function idOf(element: Element): string | undefined {
  const id = attribute(element, 'id');
  if (id !== undefined && !isQueryId(id)) {
    throw new ParseError(`'id' has from 1 to ${MAX_ID_CHARS} characters`, { field: 'id' });
  }
  return id;
}

function only(element: Element, name: string, ns: string): Element | undefined {
  const found = children(element, name, ns);
  if (found.length > 1) throw new ParseError(`<${name}/> stands there more than once`, { field: name });
  return found[0];
}

/** The message that carries an answer to who asked on a channel; no server keeps it (XEP-0334). */
export function foundMessage(to: Jid, from: Jid, id: string, found: Found): Element {
  return xml('message', { to, from, id }, foundCodec.toXml(found), xml('no-store', { xmlns: NS.hints }));
}
