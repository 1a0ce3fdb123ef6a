/**
 * Folders as pubsub nodes and files as their items (XEP-0498), each asker's own. Who has subscribed to a folder hears of
 * files that come into it and go from it (`folder-news.ts`).
 */
import type { AccessPolicy } from '../access/access-policy.js';
import { describeFile } from '../catalogue/file-description.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import { publishedIdOf } from '../catalogue/published-id.js';
import type { Disco, DiscoItemsBelow, DiscoItemsQuery } from '../entity/disco.js';
import type { Entity, IncomingIq, IqHandler, Unsubscribe } from '../entity/entity.js';
import { bareOf, type Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { discoInfoCodec, discoQueryNodeId } from '../stanza/xep0030-disco.js';
import type { PageResult } from '../stanza/xep0059-rsm.js';
import {
  type PubsubItem,
  PubsubRequestElement,
  pubsubRequestCodec,
  subscriptionToXml,
} from '../stanza/xep0060-pubsub.js';
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
import type { DirectQuestions } from './direct-questions.js';
import type { FolderSubscriptions } from './folder-subscriptions.js';
import { pageResultOf, type ShareListing } from './share-listing.js';

export interface FolderNodesComponents {
  readonly entity: Pick<Entity, 'jid' | 'handleIq'>;
  readonly disco: Pick<Disco, 'addFeature' | 'onQuery' | 'onItems'>;
  readonly access: AccessPolicy;
  readonly listing: ShareListing;
  readonly questions: Pick<DirectQuestions, 'paid'>;
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

  readonly #get: IqHandler = async ({ from, payload }) => {
    const request = pubsubRequestCodec.fromXml(payload);
    if (request.type !== 'items') throw new StanzaError('feature-not-implemented');
    const { nodeId, maxItems } = request;
    const folder = existing(nodeId);
    const { page, ids } = itemsAsked(payload);
    if (ids.length > 0) return fileItemsToXml(nodeId, await this.#named(from, folder, ids));
    const max = Math.min(page.max ?? MAX_FILE_ITEMS, maxItems ?? MAX_FILE_ITEMS, MAX_FILE_ITEMS);
    const listed = await this.#list(from, folder, { ...page, max, only: 'files' });
    const items = listed.items.flatMap((each) => (each.type === 'file' ? this.#item(each.entry) : []));
    return fileItemsToXml(nodeId, items, pageResultOf(listed));
  };

  readonly #set: IqHandler = async ({ from, payload }) => {
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
    await this.#list(from, folder, { max: 0 });
    subscriptions.add(folder, jid);
    return subscriptionToXml(nodeId, jid);
  };

  readonly #info = async ({ from, payload }: IncomingIq): Promise<Element | undefined> => {
    const nodeId = discoQueryNodeId(payload);
    const folder = nodeId === undefined ? undefined : folderOfNodeId(nodeId);
    if (nodeId === undefined || folder === undefined) return undefined;
    await this.#list(from, folder, { max: 0 });
    const name = folder === '' ? ROOT_NAME : folder.slice(folder.lastIndexOf('/') + 1);
    const identities = ['leaf', 'collection'].map((type) => ({ category: 'pubsub', type, name }));
    return discoInfoCodec.toXml({ nodeId, identities, features: [...FILE_SHARING_FEATURES], forms: [] });
  };

  /** XEP-0060 §5.2, §5.5: folders are nodes, files are items. */
  readonly #below = async ({ nodeId, page, from }: DiscoItemsQuery): Promise<DiscoItemsBelow | undefined> => {
    const { jid } = this.#components.entity;
    const root = folderNodeId('');
    if (nodeId === undefined) return { items: [{ jid, ...(root && { nodeId: root }), name: ROOT_NAME }] };
    const folder = folderOfNodeId(nodeId);
    if (folder === undefined) return undefined;
    const max = Math.min(page.max ?? MAX_FOLDERS, MAX_FOLDERS);
    const listed = await this.#list(from, folder, { ...page, max });
    const items = listed.items.flatMap((each) => {
      if (each.type === 'file') return { jid, name: describeFile(each.entry).name ?? '' };
      const child = folderNodeId(each.path);
      return child === undefined ? [] : { jid, nodeId: child, name: each.name };
    });
    const result: PageResult = pageResultOf(listed);
    return { items, page: result };
  };

  async #named(from: Jid, folder: string, ids: readonly string[]): Promise<PubsubItem[]> {
    const { access, listing, questions } = this.#components;
    return await questions.paid(from, async () => {
      const view = access.viewOf({ jid: from });
      const found: PubsubItem[] = [];
      for (const id of ids) {
        const entry = await listing.fileAt(view, `${folder}/${id}`);
        if (entry !== undefined && !id.includes('/')) found.push(this.#item(entry));
      }
      // XEP-0060 §6.5.9.11 leaves it open what becomes of an item that is not there. With none of them nothing is.
      if (found.length === 0) throw new StanzaError('item-not-found');
      return found;
    });
  }

  /** The folder as `from` sees it. Throws `item-not-found` for one that is not there for it. */
  async #list(from: Jid, folder: string, page: Parameters<ShareListing['list']>[2]) {
    const { access, listing, questions } = this.#components;
    return await questions.paid(from, async () => {
      const listed = await listing.list(access.viewOf({ jid: from }), folder, page);
      if (listed === undefined) throw new StanzaError('item-not-found');
      return listed;
    });
  }

  #item(entry: FileEntry): PubsubItem {
    return folderItem(this.#components.entity.jid, entry);
  }
}

/** A file as an item of its folder: what it is, and by which id it is asked for (XEP-0358). */
export function folderItem(from: Jid, entry: FileEntry): PubsubItem {
  const file = describeFile(entry);
  const id = publishedIdOf(file);
  return fileItem(file, id === undefined ? [] : [{ type: 'jinglepub', from, id }]);
}

function existing(nodeId: string): string {
  const folder = folderOfNodeId(nodeId);
  if (folder === undefined) throw new StanzaError('item-not-found');
  return folder;
}
