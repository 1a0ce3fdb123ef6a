/**
 * The shares as a tree of disco nodes, with details of each file, and files to be retrieved (XEP-0135): for clients
 * that know how to look around a service and nothing more.
 */
import type { Disco, DiscoItemsBelow, DiscoItemsQuery } from '../entity/disco.js';
import type { Entity, IncomingIq, IqHandler, Unsubscribe } from '../entity/entity.js';
import { FileNotAvailableError } from '../jingle/file-session.js';
import { isFull } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { discoInfoCodec, discoQueryNodeId } from '../stanza/xep0030-disco.js';
import {
  FILES_FEATURE,
  fileDetails,
  fileIdentity,
  filesNodeId,
  folderIdentity,
  pathOfFilesNode,
  RetrieveElement,
  retrieveFromXml,
} from '../stanza/xep0135-file-sharing.js';
import type { Element } from '../stanza/xml.js';
import type { Startable } from '../startable.js';
import type { FileOffers } from './file-offers.js';
import { notThere, type SharedFolders } from './shared-folders.js';

export interface FilesWalkComponents {
  readonly entity: Entity;
  readonly disco: Disco;
  readonly folders: SharedFolders;
  readonly offers: FileOffers;
}

const ROOT_NAME = 'Files';

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

  /** §4.1, §5.1. */
  readonly #items = async (
    { nodeId, page, from }: DiscoItemsQuery,
    signal: AbortSignal,
  ): Promise<DiscoItemsBelow | undefined> => {
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
  };

  /** §6. */
  readonly #retrieve: IqHandler = async ({ from, payload }, signal) => {
    const path = retrieveFromXml(payload);
    if (!isFull(from)) throw new StanzaError('not-acceptable', 'only a client can be offered a file');
    try {
      await this.#components.offers.offer(from, path, signal);
    } catch (error) {
      throw error instanceof FileNotAvailableError ? notThere() : error;
    }
    return undefined;
  };
}
