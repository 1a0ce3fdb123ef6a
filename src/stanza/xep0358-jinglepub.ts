/**
 * XEP-0358: Publishing Available Jingle Sessions
 * https://xmpp.org/extensions/xep-0358.html, version 0.4 (2017-09-11)
 *
 * `<jinglepub/>` of a file, `<start/>` and `<starting/>`.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { type Jid, parseJid } from './jid.js';
import { NS } from './namespaces.js';
import { descriptionCodec, type FileDescription } from './xep0234-file-transfer.js';
import { attribute, child, children, type Element, is, requiredAttribute, xml } from './xml.js';

/** A file that its owner sends to who asks for it by this id. */
export interface PublishedFile {
  /** Who sends it. */
  readonly from: Jid;
  readonly id: string;
  /** Where it can be had without Jingle. */
  readonly uri?: string;
  /** For people. */
  readonly meta: readonly PublishedMeta[];
  readonly file: FileDescription;
}

export interface PublishedMeta {
  readonly lang?: string;
  readonly title?: string;
  readonly summary?: string;
}

/** In UTF-16 units: longer than any of ours, and kept by who reads it. */
const MAX_ID_CHARS = 8192;

export const jinglepubCodec: Codec<PublishedFile> = {
  fromXml(element) {
    if (!is(element, 'jinglepub', NS.jinglepub)) {
      throw new ParseError('not a <jinglepub/>', { field: 'jinglepub' });
    }
    const [description, second] = children(element, 'description', NS.fileTransfer5);
    if (!description || second) {
      throw new ParseError('<jinglepub/> needs one <description/> of a file', { field: 'description' });
    }
    const uri = child(element, 'uri', NS.jinglepub)?.getText().trim();
    return {
      from: parseJid(requiredAttribute(element, 'from'), 'from'),
      id: idOf(element, 'id'),
      ...(uri !== undefined && { uri }),
      meta: children(element, 'meta', NS.jinglepub).map(metaFromXml),
      file: descriptionCodec().fromXml(description),
    };
  },
  toXml: ({ from, id, uri, meta, file }) =>
    xml(
      'jinglepub',
      { xmlns: NS.jinglepub, from, id },
      uri !== undefined && xml('uri', {}, uri),
      meta.map(({ lang, title, summary }) => xml('meta', { 'xml:lang': lang, title, summary })),
      descriptionCodec().toXml(file),
    ),
};

function metaFromXml(element: Element): PublishedMeta {
  const lang = attribute(element, 'xml:lang');
  const title = attribute(element, 'title');
  const summary = attribute(element, 'summary');
  return {
    ...(lang !== undefined && { lang }),
    ...(title !== undefined && { title }),
    ...(summary !== undefined && { summary }),
  };
}

/** `<start/>`: the value is the id of what is to be sent (§2.2). */
export const startCodec: Codec<string> = {
  fromXml(element) {
    if (!is(element, 'start', NS.jinglepub)) throw new ParseError('not a <start/>', { field: 'start' });
    return idOf(element, 'id');
  },
  toXml: (id) => xml('start', { xmlns: NS.jinglepub, id }),
};

/** `<starting/>`: the value is the sid of the session that begins now. */
export const startingCodec: Codec<string> = {
  fromXml(element) {
    if (!is(element, 'starting', NS.jinglepub)) {
      throw new ParseError('not a <starting/>', { field: 'starting' });
    }
    return idOf(element, 'sid');
  },
  toXml: (sid) => xml('starting', { xmlns: NS.jinglepub, sid }),
};

function idOf(element: Element, name: string): string {
  const id = requiredAttribute(element, name);
  if (id.length > MAX_ID_CHARS) throw new ParseError(`'${name}' is too long`, { field: name });
  return id;
}

export const JINGLEPUB_FEATURE: string = NS.jinglepub;
export const StartElement = { name: 'start', ns: NS.jinglepub } as const;
