/**
 * XEP-0234: Jingle File Transfer
 * https://xmpp.org/extensions/xep-0234.html, version 0.19.1 (2019-06-19)
 *
 * `<file/>` as it stands in offers, requests, checksums and in our answers to a query, and what
 * stands around it in a session. Both namespaces are spoken: 5, and 4 (version 0.17.2) for older
 * clients, where hashes are those of `urn:xmpp:hashes:1` and an empty one says hash-used.
 *
 * Departures: `<path xmlns='urn:xmpp:tmp:file-discovery:0'/>` carries the file's full path in
 * the offering node, `<blocks/>` of the same namespace what stands for its blocks' hashes, and `<resumes/>` that a
 * receiver will tell which bytes it has not when a transport breaks (docs/protocol.md, "Answers", "Block hashes",
 * "Fetching"), and `<file-sharing/>` of XEP-0447 where else the file can be had; §5 allows further elements.
 * COMPAT: Libervia 0.9 sends a `<path/>` of no other namespace (the folder, without the name)
 * and `<date/>` without a text; Psi writes white space between elements.
 */
import { type BlockTree, fitsFile } from '../blocks/block-tree.js';
import { ParseError } from '../errors.js';
import { blockTreeCodec, blockTreeIn } from './block-hashes.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { formatDateTime, parseDateTime } from './xep0082-date-time.js';
import {
  type Hash,
  type HashAlgorithm,
  hashCodec,
  hashUsedCodec,
  isHashAlgorithm,
} from './xep0300-hashes.js';
import {
  type FileSharing,
  type FileSharingSource,
  fileSharingCodec,
} from './xep0447-stateless-file-sharing.js';
import { attribute, child, children, childText, type Element, elements, is, parseCount, xml } from './xml.js';

/** The bytes `[offset, offset + length)` of a file; without a length, to its end. */
export interface Range {
  readonly offset: number;
  readonly length?: number;
}

/** `<range/>`: what is wanted, or at least that ranges are understood; with hashes of the range in a checksum (§8.2). */
export interface RangeDescription extends Range {
  readonly hashes: readonly Hash[];
}

/** `<file/>`. Everything is optional on the wire; what a use needs, it checks. */
export interface FileDescription {
  readonly name?: string;
  /** `share/folder/name` at the offering node. */
  readonly path?: string;
  readonly size?: number;
  /** Last modification, milliseconds since 1970. */
  readonly dateMs?: number;
  readonly mediaType?: string;
  readonly desc?: string;
  readonly hashes: readonly Hash[];
  /** Functions whose value follows in a checksum (§5 `<hash-used/>`). */
  readonly hashesUsed: readonly HashAlgorithm[];
  readonly range?: RangeDescription;
  /** Receiver: it will say where to go on when a transport breaks. */
  readonly resumes?: true;
  /** Of a file of several blocks; it fits the size, where there is one. */
  readonly blocks?: BlockTree;
  /** In an answer: where else it can be had. */
  readonly alsoAt?: readonly FileSharingSource[];
}

/** The file-transfer namespaces we speak, the one we prefer first. */
export const FILE_TRANSFER_NAMESPACES = [NS.fileTransfer5, NS.fileTransfer4] as const;
export type FileTransferNamespace = (typeof FILE_TRANSFER_NAMESPACES)[number];

export function fileTransferNamespaceOf(element: Element): FileTransferNamespace | undefined {
  return FILE_TRANSFER_NAMESPACES.find((ns) => element.getNS() === ns);
}

/** `<file/>` in the given namespace. */
export function fileCodec(ns: FileTransferNamespace = NS.fileTransfer5): Codec<FileDescription> {
  return {
    fromXml: (element) => fileFromXml(element, ns),
    toXml: (file) => fileToXml(file, ns),
  };
}

function fileFromXml(element: Element, ns: FileTransferNamespace): FileDescription {
  if (!is(element, 'file', ns)) throw new ParseError('not a <file/>', { field: 'file' });
  const name = child(element, 'name', ns)?.getText();
  const size = childText(element, 'size', ns);
  const date = childText(element, 'date', ns);
  const mediaType = childText(element, 'media-type', ns);
  const desc = childText(element, 'desc', ns);
  const range = child(element, 'range', ns);
  const path = pathOf(element, ns, name);
  const fileBytes = size === undefined ? undefined : parseCount(size, 'size');
  const blocks = blockTreeIn(element);
  const sharing = child(element, 'file-sharing', NS.fileSharing);
  if (blocks !== undefined && fileBytes !== undefined && !fitsFile(blocks, fileBytes)) {
    throw new ParseError('<blocks/> is not of a file of that size', { field: 'blocks' });
  }
  return {
    ...(name !== undefined && name !== '' && { name }),
    ...(path !== undefined && { path }),
    ...(fileBytes !== undefined && { size: fileBytes }),
    ...(date !== undefined && date !== '' && { dateMs: parseDateTime(date) }),
    ...(mediaType !== undefined && mediaType !== '' && { mediaType }),
    ...(desc !== undefined && desc !== '' && { desc }),
    hashes: hashesOf(element),
    hashesUsed: hashesUsedOf(element),
    ...(range !== undefined && { range: rangeFromXml(range) }),
    ...(child(element, 'resumes', NS.find) && { resumes: true }),
    ...(blocks !== undefined && { blocks }),
    ...(sharing !== undefined && { alsoAt: fileSharingCodec.fromXml(sharing).sources }),
  };
}

function pathOf(element: Element, ns: FileTransferNamespace, name: string | undefined): string | undefined {
  const path = child(element, 'path', NS.find)?.getText();
  if (path !== undefined && path !== '') return path;
  // COMPAT: Libervia's request: folder in <path/>, with a leading slash, and the name beside it.
  const folder = child(element, 'path', ns)?.getText();
  if (folder === undefined || name === undefined) return undefined;
  return [...folder.split('/').filter((part) => part !== ''), name].join('/');
}

/** `<hash/>` with a value; an empty one says `<hash-used/>` (§5). Functions we don't know are skipped (XEP-0300 §4). */
function hashesOf(element: Element): Hash[] {
  return hashElements(element, 'hash')
    .filter((each) => each.getText().trim() !== '')
    .flatMap((each) => known(() => hashCodec.fromXml(each), each));
}

function hashesUsedOf(element: Element): HashAlgorithm[] {
  const empty = hashElements(element, 'hash').filter((each) => each.getText().trim() === '');
  return [...hashElements(element, 'hash-used'), ...empty].flatMap((each) =>
    known(() => hashUsedCodec.fromXml(each), each),
  );
}

function hashElements(element: Element, name: string): Element[] {
  return [...children(element, name, NS.hashes2), ...children(element, name, NS.hashes1)];
}

function known<T>(read: () => T, element: Element): T[] {
  const algo = attribute(element, 'algo');
  return algo !== undefined && isHashAlgorithm(algo) ? [read()] : [];
}

function rangeFromXml(element: Element): RangeDescription {
  const offset = attribute(element, 'offset');
  const length = attribute(element, 'length');
  const range = {
    offset: offset === undefined ? 0 : parseCount(offset, 'offset'),
    ...(length !== undefined && { length: parseCount(length, 'length') }),
    hashes: hashesOf(element),
  };
  if (range.length !== undefined && !Number.isSafeInteger(range.offset + range.length)) {
    throw new ParseError("'length' reaches beyond 2^53 bytes", { field: 'length' });
  }
  return range;
}

function fileToXml(file: FileDescription, ns: FileTransferNamespace): Element {
  return xml(
    'file',
    { xmlns: ns },
    file.dateMs !== undefined && xml('date', {}, formatDateTime(file.dateMs)),
    file.desc !== undefined && xml('desc', {}, file.desc),
    file.mediaType !== undefined && xml('media-type', {}, file.mediaType),
    file.name !== undefined && xml('name', {}, file.name),
    file.range && rangeToXml(file.range, ns),
    file.size !== undefined && xml('size', {}, file.size),
    file.hashes.map((hash) => hashToXml(hash, ns)),
    file.hashesUsed.map((algo) =>
      ns === NS.fileTransfer4 ? xml('hash', { xmlns: NS.hashes1, algo }) : hashUsedCodec.toXml(algo),
    ),
    file.path !== undefined && xml('path', { xmlns: NS.find }, file.path),
    file.resumes && xml('resumes', { xmlns: NS.find }),
    file.blocks && blockTreeCodec.toXml(file.blocks),
    file.alsoAt && fileSharingCodec.toXml(sharingOf(file, file.alsoAt)),
  );
}

/** What a file is, with what XEP-0447 §3.1 recommends, and where it can be had. */
export function sharingOf(file: FileDescription, sources: readonly FileSharingSource[]): FileSharing {
  const { name, mediaType, size, hashes } = file;
  const described = {
    ...(name !== undefined && { name }),
    ...(mediaType !== undefined && { mediaType }),
    ...(size !== undefined && { size }),
    hashes,
  };
  return { disposition: 'attachment', file: described, sources };
}

function rangeToXml(range: RangeDescription, ns: FileTransferNamespace): Element {
  return xml(
    'range',
    { offset: range.offset === 0 ? undefined : range.offset, length: range.length },
    range.hashes.map((hash) => hashToXml(hash, ns)),
  );
}

function hashToXml(hash: Hash, ns: FileTransferNamespace): Element {
  return ns === NS.fileTransfer4
    ? xml('hash', { xmlns: NS.hashes1, algo: hash.algo }, hash.value)
    : hashCodec.toXml(hash);
}

/** `<description/>`: one file. */
export function descriptionCodec(ns: FileTransferNamespace = NS.fileTransfer5): Codec<FileDescription> {
  return {
    fromXml(element) {
      if (!is(element, 'description', ns))
        throw new ParseError('not a <description/>', { field: 'description' });
      return oneFile(element, ns);
    },
    toXml: (file) => xml('description', { xmlns: ns }, fileToXml(file, ns)),
  };
}

/** The only `<file/>` of an element (§5: a content is a single file). */
function oneFile(element: Element, ns: FileTransferNamespace): FileDescription {
  const files = children(element, 'file', ns);
  const [file] = files;
  if (!file || files.length > 1) {
    throw new ParseError(`<${element.getName()}/> needs exactly one <file/>`, { field: 'file' });
  }
  return fileFromXml(file, ns);
}

/** The content that an informational message speaks of (§8): both or neither, where there is one content only. */
export interface FileContentRef {
  readonly creator?: 'initiator' | 'responder';
  readonly name?: string;
}

/** The payload of a session-info (§8). */
export type FileInfo =
  | { readonly type: 'received'; readonly content: FileContentRef }
  /** Hashes in `file` are of the whole file, those in `file.range` of that range. */
  | { readonly type: 'checksum'; readonly content: FileContentRef; readonly file: FileDescription };

export function isFileInfo(element: Element, ns: FileTransferNamespace): boolean {
  return is(element, 'received', ns) || is(element, 'checksum', ns);
}

/** `<received/>` and `<checksum/>`. */
export function fileInfoCodec(ns: FileTransferNamespace = NS.fileTransfer5): Codec<FileInfo> {
  return {
    fromXml(element) {
      const content = contentRefOf(element);
      if (is(element, 'received', ns)) return { type: 'received', content };
      if (!is(element, 'checksum', ns)) throw new ParseError('neither <received/> nor <checksum/>');
      const file = oneFile(element, ns);
      // §8.2: at least one hash or hash-used. Functions that we don't know count: the peer did its part.
      const range = children(element, 'file', ns).flatMap((each) => children(each, 'range', ns));
      const holders = [...children(element, 'file', ns), ...range];
      if (!holders.some((each) => elements(each).some((part) => /^hash/.test(part.getName())))) {
        throw new ParseError('a <checksum/> needs a <hash/>', { field: 'hash' });
      }
      return { type: 'checksum', content, file };
    },
    toXml: (info) =>
      xml(
        info.type,
        { xmlns: ns, creator: info.content.creator, name: info.content.name },
        info.type === 'checksum' && fileToXml(info.file, ns),
      ),
  };
}

function contentRefOf(element: Element): FileContentRef {
  const creator = attribute(element, 'creator');
  const name = attribute(element, 'name');
  if (creator !== undefined && creator !== 'initiator' && creator !== 'responder') {
    throw new ParseError("'creator' must be initiator or responder", { field: 'creator' });
  }
  return { ...(creator !== undefined && { creator }), ...(name !== undefined && { name }) };
}

/** The application's own conditions beside a Jingle reason (§9). */
export const FileErrorCondition = ['file-not-available', 'file-too-large'] as const;
export type FileErrorCondition = (typeof FileErrorCondition)[number];

export function fileErrorToXml(condition: FileErrorCondition): Element {
  return xml(condition, { xmlns: NS.fileTransferErrors });
}
