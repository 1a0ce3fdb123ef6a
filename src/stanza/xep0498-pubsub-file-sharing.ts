/**
 * XEP-0498: Pubsub File Sharing
 * https://xmpp.org/extensions/xep-0498.html, version 0.1.1 (2025-06-16)
 *
 * Folders as pubsub nodes, files as their items. As the service: nobody else writes.
 *
 * Departures: which folders are in a folder is told by disco#items (XEP-0060 §5.2), not by relationships of nodes (XEP-0496).
 * A folder of which the NodeID would be longer than services take has no node.
 */
import { NS } from './namespaces.js';
import { type PageRequest, type PageResult, pageRequestCodec, pageResultCodec } from './xep0059-rsm.js';
import { itemsToXml, type PubsubItem } from './xep0060-pubsub.js';
import type { FileDescription } from './xep0234-file-transfer.js';
import { type FileSharingSource, fileSharingCodec } from './xep0447-stateless-file-sharing.js';
import { attribute, child, children, type Element, xml } from './xml.js';

/** What a service says of itself that has such nodes (§11), and those of XEP-0060 that work. */
export const FILE_SHARING_FEATURES: readonly string[] = [
  NS.pubsubFileSharing,
  NS.pubsub,
  ...['retrieve-items', 'item-ids', 'subscribe', 'retract-items'].map((each) => `${NS.pubsub}#${each}`),
];

const MAX_NODE_ID_BYTES = 1023; // XEP-0060 §12.10
const MAX_ITEM_IDS = 20;

/** §5.2: the node of `share/folder`; of '' the one that is known to all. Undefined where there can be none. */
export function folderNodeId(folder: string): string | undefined {
  if (folder === '') return NS.pubsubFileSharing;
  const name = folder.slice(folder.lastIndexOf('/') + 1);
  const nodeId = `${NS.pubsubFileSharing}:${Buffer.from(folder).toString('base64url')}/${name}`;
  return Buffer.byteLength(nodeId) > MAX_NODE_ID_BYTES ? undefined : nodeId;
}

/** The folder of a node; undefined for a node that is none of a folder. */
export function folderOfNodeId(nodeId: string): string | undefined {
  if (nodeId === NS.pubsubFileSharing) return '';
  const prefix = `${NS.pubsubFileSharing}:`;
  if (!nodeId.startsWith(prefix)) return undefined;
  const [id = ''] = nodeId.slice(prefix.length).split('/', 1);
  const folder = Buffer.from(id, 'base64url').toString();
  return folder !== '' && folderNodeId(folder) === nodeId ? folder : undefined;
}

/** §4, §6.1: the item's id is the file's name. */
export function fileItem(file: FileDescription, sources: readonly FileSharingSource[]): PubsubItem {
  return { id: file.name ?? '', payload: fileSharingCodec.toXml({ file, sources }) };
}

/** Which items a request for items is about: a page of them or, where `ids` are named, those. */
export function itemsAsked(pubsub: Element): { readonly page: PageRequest; readonly ids: readonly string[] } {
  const set = child(pubsub, 'set', NS.rsm);
  const items = child(pubsub, 'items', NS.pubsub);
  const named = items === undefined ? [] : children(items, 'item', NS.pubsub);
  return {
    page: set === undefined ? {} : pageRequestCodec.fromXml(set),
    ids: named.slice(0, MAX_ITEM_IDS).flatMap((each) => attribute(each, 'id') ?? []),
  };
}

/** The answer, with which page it is (§10). */
export function fileItemsToXml(nodeId: string, items: readonly PubsubItem[], page?: PageResult): Element {
  const answer = itemsToXml(nodeId, items);
  if (page !== undefined) answer.append(pageResultCodec.toXml(page));
  return answer;
}

/** XEP-0060 §6.1.3.1: somebody else is to be subscribed. */
export function invalidJid(): Element {
  return xml('invalid-jid', { xmlns: NS.pubsubErrors });
}
