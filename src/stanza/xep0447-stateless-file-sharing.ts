/**
 * XEP-0447: Stateless file sharing
 * https://xmpp.org/extensions/xep-0447.html, version 0.3.1 (2024-01-01)
 *
 * `<file-sharing/>`: what a file is, and where it can be had: by URL, the `target` of XEP-0103 (version 0.4,
 * 2004-01-20), or by asking its owner to send it (XEP-0358). Other sources are skipped. Sources that are attached to another message later are not read.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { type Jid, parseJid } from './jid.js';
import { NS } from './namespaces.js';
import { type FileMetadata, fileMetadataCodec } from './xep0446-file-metadata.js';
import { attribute, child, type Element, elements, is, requiredAttribute, xml } from './xml.js';

export type FileSharingSource =
  | { readonly type: 'url'; readonly url: string }
  /** `from` sends it to who sends it `<start/>` with this id. */
  | { readonly type: 'jinglepub'; readonly from: Jid; readonly id: string };

export const Disposition = ['inline', 'attachment'] as const;
export type Disposition = (typeof Disposition)[number];

export interface FileSharing {
  /** Whether it is to be shown or to be saved. */
  readonly disposition?: Disposition;
  readonly id?: string;
  readonly file: FileMetadata;
  readonly sources: readonly FileSharingSource[];
}

export const fileSharingCodec: Codec<FileSharing> = {
  fromXml(element) {
    if (!is(element, 'file-sharing', NS.fileSharing)) {
      throw new ParseError('not a <file-sharing/>', { field: 'file-sharing' });
    }
    const file = child(element, 'file', NS.fileMetadata);
    if (!file) throw new ParseError('<file-sharing/> needs a <file/>', { field: 'file' });
    const written = attribute(element, 'disposition');
    const disposition = Disposition.find((each) => each === written);
    if (written !== undefined && disposition === undefined) {
      throw new ParseError("'disposition' must be inline or attachment", { field: 'disposition' });
    }
    const id = attribute(element, 'id');
    const sources = child(element, 'sources', NS.fileSharing);
    return {
      ...(disposition !== undefined && { disposition }),
      ...(id !== undefined && { id }),
      file: fileMetadataCodec.fromXml(file),
      sources: sources ? elements(sources).flatMap((each) => sourceFromXml(each) ?? []) : [],
    };
  },
  toXml: ({ disposition, id, file, sources }) =>
    xml(
      'file-sharing',
      { xmlns: NS.fileSharing, disposition, id },
      fileMetadataCodec.toXml(file),
      xml('sources', {}, sources.map(sourceToXml)),
    ),
};

function sourceFromXml(element: Element): FileSharingSource | undefined {
  if (is(element, 'url-data', NS.urlData)) {
    const url = requiredAttribute(element, 'target');
    if (!URL.canParse(url)) throw new ParseError("'target' is not a URL", { field: 'target' });
    return { type: 'url', url };
  }
  if (!is(element, 'jinglepub', NS.jinglepub)) return undefined;
  return {
    type: 'jinglepub',
    from: parseJid(requiredAttribute(element, 'from'), 'from'),
    id: requiredAttribute(element, 'id'),
  };
}

function sourceToXml(source: FileSharingSource): Element {
  if (source.type === 'url') return xml('url-data', { xmlns: NS.urlData, target: source.url });
  // What the file is stands beside the sources (§3.1).
  return xml(
    'jinglepub',
    { xmlns: NS.jinglepub, from: source.from, id: source.id },
    xml('description', { xmlns: NS.fileTransfer5 }),
  );
}
