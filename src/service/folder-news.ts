/**
 * Tells those who have subscribed to a folder of files that come into it and go from it (XEP-0498 §6.2, XEP-0060 §7.1.2,
 * §7.2.2): some at a time, a moment later, so that what changes in between is told once. Of what somebody may not see it
 * hears nothing.
 */
import type { AccessPolicy } from '../access/access-policy.js';
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import { type FileEntry, keyOf, nameOf } from '../catalogue/file-entry.js';
import { baseName, type FullPath, toDisplay } from '../catalogue/share-path.js';
import type { TableBatch } from '../catalogue/table-feed.js';
import type { Clock, Timer } from '../clock.js';
import { type Entity, OfflineError } from '../entity/entity.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { BareJid } from '../stanza/jid.js';
import { pubsubEventMessage } from '../stanza/xep0060-pubsub.js';
import { folderNodeId } from '../stanza/xep0498-pubsub-file-sharing.js';
import type { Startable } from '../startable.js';
import { folderItem, MAX_FILE_ITEMS } from './folder-nodes.js';
import type { FolderSubscriptions } from './folder-subscriptions.js';
import type { SharedFolders } from './shared-folders.js';
import { changedFolders } from './visible-folders.js';

export interface FolderNewsComponents {
  readonly entity: Pick<Entity, 'jid' | 'send'>;
  readonly access: AccessPolicy;
  readonly catalogue: Pick<ReadonlyCatalogue, 'get' | 'onBatch' | 'table'>;
  readonly folders: Pick<SharedFolders, 'describe' | 'tellsAll'>;
  readonly subscriptions: FolderSubscriptions;
  readonly clock: Clock;
  readonly log: Log;
  /** Files that are found before are no news. */
  readonly ready: Promise<unknown>;
}

/** What changes in between is told once. One message goes to a subscriber of a folder in this time. */
const TELL_AFTER_MS = 2000;
/** Files of one folder that wait to be told; whoever hears of so many looks for itself. */
const MAX_WAITING = 500;
/** Folders of a batch that are looked at; with more, much has come at once. */
const MAX_FOLDERS = 1000;

/** What waits to be told to one subscriber of one folder, by path. */
interface News {
  readonly to: BareJid;
  readonly nodeId: string;
  readonly paths: Set<FullPath>;
}

export class FolderNews implements Startable {
  readonly #components: FolderNewsComponents;
  readonly #waiting = new Map<string, News>();
  #unsubscribe: (() => void) | undefined;
  #timer: Timer | undefined;
  #telling: Promise<void> | undefined;
  readonly #stopped = new AbortController();

  constructor(components: FolderNewsComponents) {
    this.#components = components;
  }

  async start(): Promise<void> {
    const { catalogue, ready } = this.#components;
    void ready.then(
      () => {
        if (!this.#stopped.signal.aborted)
          this.#unsubscribe = catalogue.onBatch((batch) => this.#take(batch));
      },
      () => undefined, // the node does not start, and says so itself
    );
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#unsubscribe?.();
    this.#timer?.cancel();
    this.#waiting.clear();
    await this.#telling;
  }

  #take(batch: TableBatch): void {
    const { catalogue, subscriptions } = this.#components;
    if (subscriptions.isEmpty) return;
    // A file is told when its hash is known, which comes later.
    const hashed = { ...batch, added: batch.touched };
    const folders = [batch, hashed].flatMap((each) => [...changedFolders(catalogue.table, each)]);
    const changed = [...new Set(folders)].slice(0, MAX_FOLDERS);
    const heard = new Map<string, BareJid[]>();
    for (const folder of changed) {
      const subscribers = subscriptions.of(toDisplay(folder));
      if (subscribers.length > 0) heard.set(folder, subscribers);
    }
    if (heard.size === 0) return;
    const { columns } = catalogue.table;
    for (const slots of [batch.removed, batch.added, batch.touched]) {
      for (const slot of slots) {
        if (slots !== batch.removed && !catalogue.table.isShown(slot)) continue;
        const folder = columns.folderText(columns.folder.get(slot));
        const subscribers = heard.get(folder);
        if (subscribers !== undefined) this.#note(folder, columns.entryOf(slot), subscribers);
      }
    }
    if (this.#waiting.size > 0 && this.#telling === undefined)
      this.#timer ??= this.#components.clock.after(TELL_AFTER_MS, this.#tell);
  }

  #note(folder: string, entry: FileEntry, subscribers: readonly BareJid[]): void {
    const nodeId = folderNodeId(toDisplay(folder));
    if (nodeId === undefined || entry.sha256 === undefined) return; // told when it can be asked for
    for (const to of subscribers) {
      if (!this.#components.access.viewOf({ jid: to }).maySee(entry)) continue;
      const key = JSON.stringify([to, folder]);
      const news = this.#waiting.get(key) ?? { to, nodeId, paths: new Set() };
      this.#waiting.set(key, news);
      if (news.paths.size < MAX_WAITING) news.paths.add(keyOf(entry));
    }
  }

  readonly #tell = (): void => {
    this.#timer = undefined;
    this.#telling = this.#tellAll().finally(() => {
      this.#telling = undefined;
      if (!this.#stopped.signal.aborted && this.#waiting.size > 0) {
        this.#timer ??= this.#components.clock.after(TELL_AFTER_MS, this.#tell);
      }
    });
  };

  /** Never rejects. */
  async #tellAll(): Promise<void> {
    const { log } = this.#components;
    const { signal } = this.#stopped;
    for (const [key, news] of [...this.#waiting]) {
      const paths = [...news.paths].slice(0, MAX_FILE_ITEMS);
      for (const path of paths) news.paths.delete(path);
      if (news.paths.size === 0) this.#waiting.delete(key);
      try {
        await this.#send(news, paths);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof OfflineError)) {
          log.warn({ to: news.to, error: messageOf(error) }, 'news of a folder could not be sent');
        }
      }
    }
  }

  async #send({ to, nodeId }: News, paths: readonly FullPath[]): Promise<void> {
    const { access, catalogue, entity, folders } = this.#components;
    const view = access.viewOf({ jid: to });
    const there: FileEntry[] = [];
    const gone: string[] = [];
    for (const path of paths) {
      const entry = catalogue.get(path);
      if (entry !== undefined && view.maySee(entry)) there.push(entry);
      // Where others decide who is told of what, nobody can ask them about what is gone.
      else if (folders.tellsAll) gone.push(toDisplay(baseName(path)));
    }
    const described = await folders.describe(to, there, this.#stopped.signal);
    const items = described.flatMap((file) => (file === undefined ? [] : folderItem(entity.jid, file)));
    // Two names that look the same are one id.
    const shown = new Set(there.map((entry) => toDisplay(nameOf(entry))));
    const retractedIds = gone.filter((id) => !shown.has(id));
    for (const event of [
      { type: 'items', nodeId, items, retractedIds: [] } as const,
      { type: 'items', nodeId, items: [], retractedIds } as const,
    ]) {
      if (event.items.length + event.retractedIds.length > 0) entity.send(pubsubEventMessage(to, event));
    }
  }
}
