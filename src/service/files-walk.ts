/**
 * The shares as a tree of disco nodes, with details of each file, and files to be retrieved (XEP-0135): for clients
 * that know how to look around a service and nothing more.
 */
import type { Disco, DiscoItemsBelow, DiscoItemsQuery } from '../entity/disco.js';
import type { Entity, IncomingIq, IqHandler, Unsubscribe } from '../entity/entity.js';
import { FileNotAvailableError } from '../jingle/file-session.js';
import { isFull, type Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { discoInfoCodec, discoQueryNodeId } from '../stanza/xep0030-disco.js';
import type { PageRequest } from '../stanza/xep0059-rsm.js';
import {
  FILES_FEATURE,
  fileDetails,
  fileIdentity,
  filesNodeId,
  folderIdentity,
  pathOfFilesNode,
  RetrieveElement,
  retrieveFromXml,
  TREE_FILE,
  TREE_NODE_ID,
} from '../stanza/xep0135-file-sharing.js';
import type { Element } from '../stanza/xml.js';
import type { Startable } from '../startable.js';
import type { FileOffers } from './file-offers.js';
import { notThere, type SharedFolders } from './shared-folders.js';
import type { SharedTree } from './shared-tree.js';

export interface FilesWalkComponents {
  readonly entity: Entity;
  readonly disco: Disco;
  readonly folders: SharedFolders;
  readonly offers: FileOffers;
  readonly tree: SharedTree;
}

const ROOT_NAME = 'Files';
const TREE_NAME = 'Tree file';

export class FilesWalk implements Startable {
  readonly #components: FilesWalkComponents;
  readonly #registrations: Unsubscribe[] = [];

  constructor(components: FilesWalkComponents) {
    this.#components = components;
  }

  async start(): Promise<void> {
    const { entity, disco } = this.#components;
    const { name, ns } = RetrieveElement;
    this.#registrations.push(
      disco.onQuery(this.#info),
      disco.onItems(this.#items),
      entity.handleIq('get', name, ns, this.#retrieve),
      disco.addFeature(FILES_FEATURE),
    );
  }

  async stop(): Promise<void> {
    for (const unregister of this.#registrations.splice(0)) unregister();
  }

  /** §5.2, §5.4. */
  readonly #info = async (
    { from, payload }: IncomingIq,
    signal: AbortSignal,
  ): Promise<Element | undefined> => {
    const nodeId = discoQueryNodeId(payload);
    if (nodeId === TREE_NODE_ID) return await this.#treeInfo(from, signal);
    const path = nodeId === undefined ? undefined : pathOfFilesNode(nodeId);
    if (nodeId === undefined || path === undefined) return undefined;
    const seen = await this.#components.folders.look(from, path, { max: 0 }, signal);
    const isFile = seen.type === 'file';
    return discoInfoCodec.toXml({
      nodeId,
      identities: [isFile ? fileIdentity(seen.file.name ?? '') : folderIdentity(seen.name || ROOT_NAME)],
      features: [],
      forms: isFile ? [fileDetails(seen.file)] : [],
    });
  };

  async #treeInfo(from: Jid, signal: AbortSignal): Promise<Element> {
    await this.#components.tree.check(from, signal);
    const { name, mediaType } = TREE_FILE;
    return discoInfoCodec.toXml({
      nodeId: TREE_NODE_ID,
      identities: [fileIdentity(name)],
      features: [],
      forms: [fileDetails({ name, mediaType, hashes: [], hashesUsed: [] })],
    });
  }

  /** §4.1, §5.1. */
  readonly #items = async (
    query: DiscoItemsQuery,
    signal: AbortSignal,
  ): Promise<DiscoItemsBelow | undefined> => {
    const { nodeId, page, from } = query;
    if (nodeId === filesNodeId('') && isFirst(page)) return await this.#top(query, signal);
    if (nodeId !== TREE_NODE_ID) return await this.#below(query, signal);
    await this.#components.tree.check(from, signal);
    return { items: [] };
  };

  /** §5.3: the first answer tells of the tree, which stands beside the pages: they don't count it. */
  async #top(query: DiscoItemsQuery, signal: AbortSignal): Promise<DiscoItemsBelow | undefined> {
    const { entity, tree } = this.#components;
    const { max, ...page } = query.page;
    if (max !== undefined && max < 2) return await this.#below(query, signal); // there is no place for it
    const shorter = max === undefined ? page : { ...page, max: max - 1 };
    const below = await this.#below({ ...query, page: shorter }, signal);
    if (below === undefined || below.items.length === 0) return below;
    if (!(await tree.isOffered(query.from, signal))) return below;
    return {
      ...below,
      items: [...below.items, { jid: entity.jid, nodeId: TREE_NODE_ID, name: TREE_NAME }],
    };
  }

  async #below(
    { nodeId, page, from }: DiscoItemsQuery,
    signal: AbortSignal,
  ): Promise<DiscoItemsBelow | undefined> {
    const { entity, folders } = this.#components;
    const { jid } = entity;
    if (nodeId === undefined) return { items: [{ jid, nodeId: filesNodeId(''), name: ROOT_NAME }] };
    const path = pathOfFilesNode(nodeId);
    if (path === undefined) return undefined;
    const seen = await folders.look(from, path, page, signal);
    if (seen.type === 'file') return { items: [] };
    const prefix = path === '' ? '' : `${path}/`;
    const items = seen.entries.map((entry) => {
      const name = (entry.type === 'folder' ? entry.name : entry.file.name) ?? '';
      return { jid, nodeId: filesNodeId(`${prefix}${name}`), name };
    });
    return { items, page: seen.page };
  }

  /** §6. */
  readonly #retrieve: IqHandler = async ({ from, payload }, signal) => {
    const { offers, tree } = this.#components;
    const asked = retrieveFromXml(payload);
    if (!isFull(from)) throw new StanzaError('not-acceptable', 'only a client can be offered a file');
    try {
      if (asked.type === 'tree') await offers.offerMade(from, await tree.make(from, signal), signal);
      else await offers.offer(from, asked.path, signal);
    } catch (error) {
      throw error instanceof FileNotAvailableError ? notThere() : error;
    }
    return undefined;
  };
}

function isFirst({ after, before }: PageRequest): boolean {
  return after === undefined && before === undefined;
}
