/**
 * XEP-0329: File Information Sharing
 * https://xmpp.org/extensions/xep-0329.html, version 0.4.1 (2020-06-14)
 *
 * A folder is asked for by its path, its entries come in pages (§5.1); a file by its full path.
 *
 * Departures: files stand in the namespace `file-transfer:5`, as they do in all our answers, where the examples
 * have version 4, which is older than the specification's own text (XEP-0234 0.18).
 * COMPAT: some write `path='/share/folder'` in place of `node`, and slashes before it, as Libervia does.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { type PageRequest, type PageResult, pageRequestCodec, pageResultCodec } from './xep0059-rsm.js';
import { type FileDescription, fileCodec } from './xep0234-file-transfer.js';
import { attribute, child, type Element, elements, is, requiredAttribute, xml } from './xml.js';

export const SharedFilesElement = { name: 'query', ns: NS.fis } as const;

export interface SharedFilesQuery {
  /** `share/folder` or `share/folder/name`; '' for the shares. */
  readonly path: string;
  readonly page: PageRequest;
}

export type SharedEntry =
  | { readonly type: 'folder'; readonly name: string }
  | { readonly type: 'file'; readonly file: FileDescription };

export interface SharedFiles {
  readonly path: string;
  readonly entries: readonly SharedEntry[];
  readonly page: PageResult;
}

export const sharedFilesQueryCodec: Codec<SharedFilesQuery> = {
  fromXml(element) {
    expectQuery(element);
    const set = child(element, 'set', NS.rsm);
    return { path: pathOf(element), page: set ? pageRequestCodec.fromXml(set) : {} };
  },
  toXml: ({ path, page }) =>
    xml(
      'query',
      { xmlns: NS.fis, node: path === '' ? undefined : path },
      Object.keys(page).length > 0 && pageRequestCodec.toXml(page),
    ),
};

export const sharedFilesCodec: Codec<SharedFiles> = {
  fromXml(element) {
    expectQuery(element);
    const set = child(element, 'set', NS.rsm);
    return {
      path: pathOf(element),
      entries: elements(element).flatMap(entryFromXml),
      page: set ? pageResultCodec.fromXml(set) : {},
    };
  },
  toXml: ({ path, entries, page }) =>
    xml(
      'query',
      { xmlns: NS.fis, node: path === '' ? undefined : path },
      entries.map((entry) =>
        entry.type === 'folder' ? xml('directory', { name: entry.name }) : fileCodec().toXml(entry.file),
      ),
      Object.keys(page).length > 0 && pageResultCodec.toXml(page),
    ),
};

function entryFromXml(element: Element): SharedEntry[] {
  if (is(element, 'directory', NS.fis)) return [{ type: 'folder', name: requiredAttribute(element, 'name') }];
  if (is(element, 'file', NS.fileTransfer5)) return [{ type: 'file', file: fileCodec().fromXml(element) }];
  return [];
}

/** Without the slashes that peers write before or after it. */
function pathOf(element: Element): string {
  const text = attribute(element, 'node') ?? attribute(element, 'path') ?? '';
  return text.replace(/^\//, '').replace(/\/$/, '');
}

function expectQuery(element: Element): void {
  if (!is(element, 'query', NS.fis))
    throw new ParseError('not a question for shared files', { field: 'query' });
}
