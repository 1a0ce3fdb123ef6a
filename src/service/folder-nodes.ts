/**
 * Folders as pubsub nodes and files as their items (XEP-0498), each asker's own. Who has subscribed to a folder hears of
 * files that come into it and go from it (`folder-news.ts`).
 */
import { publishedIdOf } from '../catalogue/published-id.js';
import type { Disco, DiscoItemsBelow, DiscoItemsQuery } from '../entity/disco.js';
import type { Entity, IncomingIq, IqHandler, Unsubscribe } from '../entity/entity.js';
import { bareOf, type Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { discoInfoCodec, discoQueryNodeId } from '../stanza/xep0030-disco.js';
import {
  type PubsubItem,
  PubsubRequestElement,
  pubsubRequestCodec,
  subscriptionToXml,
} from '../stanza/xep0060-pubsub.js';
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';
import {
  FILE_SHARING_FEATURES,
  fileItem,
  fileItemsToXml,
  folderNodeId,
  folderOfNodeId,
  invalidJid,
  itemsAsked,
} from '../stanza/xep0498-pubsub-file-sharing.js';
import type { Element } from '../stanza/xml.js';
import type { Startable } from '../startable.js';
import type { FolderSubscriptions } from './folder-subscriptions.js';
import type { FolderPageRequest, SharedFolders } from './shared-folders.js';

export interface FolderNodesComponents {
  readonly entity: Pick<Entity, 'jid' | 'handleIq'>;
  readonly disco: Pick<Disco, 'addFeature' | 'onQuery' | 'onItems'>;
  readonly folders: Pick<SharedFolders, 'look'>;
  readonly subscriptions: FolderSubscriptions;
}

/** With all that is said of a file, what fits a stanza that every server takes. */
export const MAX_FILE_ITEMS = 25;
const MAX_FOLDERS = 100;
const ROOT_NAME = 'Shared files';

export class FolderNodes implements Startable {
  readonly #components: FolderNodesComponents;
  readonly #registrations: Unsubscribe[] = [];

  constructor(components: FolderNodesComponents) {
    this.#components = components;
  }

  async start(): Promise<void> {
    const { entity, disco } = this.#components;
    const { name, ns } = PubsubRequestElement;
    this.#registrations.push(
      entity.handleIq('get', name, ns, this.#get),
      entity.handleIq('set', name, ns, this.#set),
      disco.onQuery(this.#info),
      disco.onItems(this.#below),
      ...FILE_SHARING_FEATURES.map((feature) => disco.addFeature(feature)),
    );
  }

  async stop(): Promise<void> {
    for (const unregister of this.#registrations.splice(0)) unregister();
  }

  readonly #get: IqHandler = async ({ from, payload }, signal) => {
    const request = pubsubRequestCodec.fromXml(payload);
    if (request.type !== 'items') throw new StanzaError('feature-not-implemented');
    const { nodeId, maxItems } = request;
    const folder = existing(nodeId);
    const { page, ids } = itemsAsked(payload);
    if (ids.length > 0) return fileItemsToXml(nodeId, await this.#named(from, folder, ids, signal));
    const max = Math.min(page.max ?? MAX_FILE_ITEMS, maxItems ?? MAX_FILE_ITEMS, MAX_FILE_ITEMS);
    const seen = await this.#look(from, folder, { ...page, max, only: 'files' }, signal);
    const items = seen.entries.flatMap((each) => (each.type === 'file' ? this.#item(each.file) : []));
    return fileItemsToXml(nodeId, items, seen.page);
  };

  readonly #set: IqHandler = async ({ from, payload }, signal) => {
    const request = pubsubRequestCodec.fromXml(payload);
    const { nodeId } = request;
    const folder = existing(nodeId);
    if (request.type !== 'subscribe' && request.type !== 'unsubscribe') {
      throw new StanzaError(
        'forbidden',
        'the files here are those of a disk, and nobody writes them from outside',
      );
    }
    const { subscriptions } = this.#components;
    const { jid } = request;
    if (jid !== bareOf(from)) {
      throw new StanzaError('bad-request', 'you can subscribe yourself only', { detail: invalidJid() });
    }
    if (request.type === 'unsubscribe') {
      if (!subscriptions.remove(folder, jid)) throw new StanzaError('unexpected-request', 'not subscribed');
      return undefined;
    }
    await this.#look(from, folder, { max: 0 }, signal);
    subscriptions.add(folder, jid);
    return subscriptionToXml(nodeId, jid);
  };

  readonly #info = async (
    { from, payload }: IncomingIq,
    signal: AbortSignal,
  ): Promise<Element | undefined> => {
    const nodeId = discoQueryNodeId(payload);
    const folder = nodeId === undefined ? undefined : folderOfNodeId(nodeId);
    if (nodeId === undefined || folder === undefined) return undefined;
    await this.#look(from, folder, { max: 0 }, signal);
    const name = folder === '' ? ROOT_NAME : folder.slice(folder.lastIndexOf('/') + 1);
    const identities = ['leaf', 'collection'].map((type) => ({ category: 'pubsub', type, name }));
    return discoInfoCodec.toXml({ nodeId, identities, features: [...FILE_SHARING_FEATURES], forms: [] });
  };

  /** XEP-0060 §5.2, §5.5: folders are nodes, files are items. */
  readonly #below = async (
    { nodeId, page, from }: DiscoItemsQuery,
    signal: AbortSignal,
  ): Promise<DiscoItemsBelow | undefined> => {
    const { jid } = this.#components.entity;
    const root = folderNodeId('');
    if (nodeId === undefined) return { items: [{ jid, ...(root && { nodeId: root }), name: ROOT_NAME }] };
    const folder = folderOfNodeId(nodeId);
    if (folder === undefined) return undefined;
    const max = Math.min(page.max ?? MAX_FOLDERS, MAX_FOLDERS);
    const seen = await this.#look(from, folder, { ...page, max }, signal);
    const items = seen.entries.flatMap((each) => {
      if (each.type === 'file') return { jid, name: each.file.name ?? '' };
      const child = folderNodeId(each.path);
      return child === undefined ? [] : { jid, nodeId: child, name: each.name };
    });
    return { items, page: seen.page };
  };

  async #named(
    from: Jid,
    folder: string,
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<PubsubItem[]> {
    const { folders } = this.#components;
    const found: PubsubItem[] = [];
    for (const id of ids) {
      if (id === '' || id.includes('/') || folder === '') throw new StanzaError('item-not-found');
      const seen = await folders.look(from, `${folder}/${id}`, {}, signal);
      if (seen.type === 'folder') throw new StanzaError('item-not-found');
      found.push(this.#item(seen.file));
    }
    return found;
  }

  /** The folder as `from` sees it. Throws `item-not-found` for one that is not there for it. */
  async #look(from: Jid, folder: string, page: FolderPageRequest, signal: AbortSignal) {
    const seen = await this.#components.folders.look(from, folder, page, signal);
    if (seen.type === 'file') throw new StanzaError('item-not-found');
    return seen;
  }

  #item(file: FileDescription): PubsubItem {
    return folderItem(this.#components.entity.jid, file);
  }
}

/** A file as an item of its folder: what it is, and by which id it is asked for (XEP-0358). */
export function folderItem(from: Jid, file: FileDescription): PubsubItem {
  const id = publishedIdOf(file);
  return fileItem(file, id === undefined ? [] : [{ type: 'jinglepub', from, id }]);
}

function existing(nodeId: string): string {
  const folder = folderOfNodeId(nodeId);
  if (folder === undefined) throw new StanzaError('item-not-found');
  return folder;
}
