/** The door to walk through the shares by (XEP-0329). */
import type { Disco } from '../entity/disco.js';
import type { Entity, IqHandler, Unsubscribe } from '../entity/entity.js';
import {
  SharedFilesElement,
  sharedFilesCodec,
  sharedFilesQueryCodec,
} from '../stanza/xep0329-file-information-sharing.js';
import type { Startable } from '../startable.js';
import type { FolderEntry, SharedFolders } from './shared-folders.js';

export interface BrowseServiceComponents {
  readonly entity: Entity;
  readonly disco: Disco;
  readonly folders: SharedFolders;
}

export class BrowseService implements Startable {
  readonly #components: BrowseServiceComponents;
  readonly #registrations: Unsubscribe[] = [];

  constructor(components: BrowseServiceComponents) {
    this.#components = components;
  }

  async start(): Promise<void> {
    const { entity, disco } = this.#components;
    const { name, ns } = SharedFilesElement;
    this.#registrations.push(entity.handleIq('get', name, ns, this.#look), disco.addFeature(ns));
  }

  async stop(): Promise<void> {
    for (const unregister of this.#registrations.splice(0)) unregister();
  }

  readonly #look: IqHandler = async ({ from, payload }, signal) => {
    const { path, page } = sharedFilesQueryCodec.fromXml(payload);
    const seen = await this.#components.folders.look(from, path, page, signal);
    // §4, example 7: the answer about a file names no node.
    if (seen.type === 'file') return sharedFilesCodec.toXml({ path: '', entries: [seen], page: {} });
    if (Object.keys(page).length > 0) return sharedFilesCodec.toXml(seen);
    return sharedFilesCodec.toXml({ ...seen, entries: seen.entries.map(withoutHash) });
  };
}

/**
 * COMPAT: Libervia, which asks for no pages, takes a hash for the text of one, and drops the whole list where it
 * is not. Its hash is told of a file that is asked for by its path, and in pages.
 */
function withoutHash(entry: FolderEntry): FolderEntry {
  return entry.type === 'file' ? { ...entry, file: { ...entry.file, hashes: [] } } : entry;
}
