/**
 * XEP-0135: File Sharing
 * https://xmpp.org/extensions/xep-0135.html, version 0.1 (2004-06-04)
 *
 * Files as disco nodes below `files` (§5), and what is told of one (§5.4) by XEP-0128. `<retrieve/>` asks for one (§6).
 *
 * Departures: what is retrieved is offered by Jingle (XEP-0234) and not by SI (XEP-0096), which nobody implements any
 * more, and goes out before the result, so that what stands against it can be told; `hash` is written
 * `sha-256:BASE64` in place of an MD5 in hexadecimal digits. The tree file is offered only where it is not too large:
 * beyond that, pages (XEP-0059) do without. Its `sid`s are numbers, each once, that no transfer is known by: Jingle has
 * its own.
 */
import { ParseError } from '../errors.js';
import { NS } from './namespaces.js';
import type { DataForm, FormField } from './xep0004-data-forms.js';
import type { DiscoIdentity } from './xep0030-disco.js';
import { formatDateTime } from './xep0082-date-time.js';
import type { FileDescription } from './xep0234-file-transfer.js';
import { formatHash } from './xep0300-hashes.js';
import { type Element, is, requiredAttribute, xml } from './xml.js';

export const FILES_FEATURE = NS.files;
export const RetrieveElement = { name: 'retrieve', ns: NS.files } as const;

const ROOT = 'files';

/** "Retrieving the Tree File": name and well-known NodeID are the same. */
export const TREE_NODE_ID = 'tree.xml';
export const TREE_FILE = { name: TREE_NODE_ID, mediaType: 'application/xml' } as const;

/** What a `<retrieve/>` asks for. */
export type Retrieved = { readonly type: 'tree' } | { readonly type: 'file'; readonly path: string };

/** §5.1: the NodeID of `share/folder/name`, or of all shares where the path is ''. */
export function filesNodeId(path: string): string {
  return path === '' ? ROOT : `${ROOT}/${path}`;
}

/** The path that a NodeID stands for; undefined for other NodeIDs. */
export function pathOfFilesNode(nodeId: string): string | undefined {
  if (nodeId === ROOT) return '';
  return nodeId.startsWith(`${ROOT}/`) && nodeId.length > ROOT.length + 1
    ? nodeId.slice(ROOT.length + 1)
    : undefined;
}

/** What is asked for. Throws {@link ParseError}. */
export function retrieveFromXml(element: Element): Retrieved {
  const nodeId = is(element, 'retrieve', NS.files) ? requiredAttribute(element, 'node') : '';
  if (nodeId === TREE_NODE_ID) return { type: 'tree' };
  const path = pathOfFilesNode(nodeId);
  if (path === undefined || path === '')
    throw new ParseError("'node' is no file below 'files'", { field: 'node' });
  return { type: 'file', path };
}

export function retrieveToXml(asked: Retrieved): Element {
  const node = asked.type === 'tree' ? TREE_NODE_ID : filesNodeId(asked.path);
  return xml('retrieve', { xmlns: NS.files, node });
}

export function folderIdentity(name: string): DiscoIdentity {
  return { category: 'filesys', type: 'directory', name };
}

export function fileIdentity(name: string): DiscoIdentity {
  return { category: 'filesys', type: 'file', name };
}

/** §5.4. */
export function fileDetails(file: FileDescription): DataForm {
  const field = (name: string, value: string | number | undefined): FormField[] =>
    value === undefined ? [] : [{ var: name, values: [String(value)] }];
  const [hash] = file.hashes;
  return {
    type: 'result',
    formType: NS.files,
    fields: [
      ...field('date', file.dateMs === undefined ? undefined : formatDateTime(file.dateMs)),
      ...field('description', file.desc),
      ...field('hash', hash && formatHash(hash)),
      ...field('mime-type', file.mediaType),
      ...field('size', file.size),
    ],
  };
}

/** A file in the tree. */
export interface TreeFile {
  /** `share/folder/name`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/** The content of the tree file: all files in their folders, both in the order in which they come. */
export function treeFileText(files: readonly TreeFile[]): string {
  const root = xml('directory', { name: ROOT });
  const folders = new Map([['', root]]);
  const folderAt = (path: string): Element => {
    // From the inside out: a folder may lie deep, and the path to each is gone only once.
    const missing: string[] = [];
    let above = path;
    for (; !folders.has(above); above = parentOf(above)) missing.push(above);
    let folder = folders.get(above) ?? root;
    for (const each of missing.reverse()) {
      const inner = xml('directory', { name: lastOf(each) });
      folder.append(inner);
      folders.set(each, inner);
      folder = inner;
    }
    return folder;
  };
  for (const [index, { path }] of files.entries()) {
    folderAt(parentOf(path)).append(xml('file', { sid: `file${index + 1}`, name: lastOf(path) }));
  }
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return xml('tree', { xmlns: NS.treeTransfer, numfiles: files.length, size }, root).toString();
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
