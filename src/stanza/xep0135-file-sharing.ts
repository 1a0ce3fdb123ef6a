/**
 * XEP-0135: File Sharing
 * https://xmpp.org/extensions/xep-0135.html, version 0.1 (2004-06-04)
 *
 * Files as disco nodes below `files` (§5), and what is told of one (§5.4) by XEP-0128. `<retrieve/>` asks for one (§6).
 *
 * Departures: what is retrieved is offered by Jingle (XEP-0234) and not by SI (XEP-0096), which nobody implements any
 * more, and goes out before the result, so that what stands against it can be told; `hash` is written
 * `sha-256:BASE64` in place of an MD5 in hexadecimal digits. There is no tree file: it would grow with everything
 * that is shared, and pages (XEP-0059) do without.
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

/** The path that is asked for. Throws {@link ParseError}. */
export function retrieveFromXml(element: Element): string {
  const path = is(element, 'retrieve', NS.files)
    ? pathOfFilesNode(requiredAttribute(element, 'node'))
    : undefined;
  if (path === undefined || path === '')
    throw new ParseError("'node' is no file below 'files'", { field: 'node' });
  return path;
}

export function retrieveToXml(path: string): Element {
  return xml('retrieve', { xmlns: NS.files, node: filesNodeId(path) });
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
