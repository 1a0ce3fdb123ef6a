/**
 * Tells those who have subscribed to a folder of files that come into it and go from it (XEP-0498 §6.2, XEP-0060 §7.1.2,
 * §7.2.2): some at a time, a moment later, so that what changes in between is told once. Of what somebody may not see it
 * hears nothing. What waits is kept once, and not for each who hears of it: those may be many.
 */
import type { AccessPolicy, View } from '../access/access-policy.js';
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import { type FileEntry, keyOf, nameOf } from '../catalogue/file-entry.js';
import { baseName, type FullPath, toDisplay } from '../catalogue/share-path.js';
import type { TableBatch } from '../catalogue/table-feed.js';
import type { Clock, Timer } from '../clock.js';
import { type Entity, OfflineError } from '../entity/entity.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import { Slices, type Steps } from '../scan/slices.js';
import type { BareJid } from '../stanza/jid.js';
import { type PubsubItem, pubsubEventMessage } from '../stanza/xep0060-pubsub.js';
import { folderNodeId } from '../stanza/xep0498-pubsub-file-sharing.js';
import { copyOf } from '../stanza/xml.js';
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

/** A file as it was when something was new of it. */
interface Noted {
  readonly entry: FileEntry;
  /** Which rules held: others say nothing of who could see it. */
  readonly edition: number;
}

/** What waits to be told of one folder. */
interface News {
  readonly nodeId: string;
  readonly files: Map<FullPath, Noted>;
}

/** The same as one sees it. */
interface Told {
  readonly items: readonly PubsubItem[];
  readonly retractedIds: readonly string[];
}

export class FolderNews implements Startable {
  readonly #components: FolderNewsComponents;
  /** By folder. */
  readonly #waiting = new Map<string, News>();
  readonly #slices: Slices;
  readonly #registrations: (() => void)[] = [];
  /** Counts the changes of the rules. */
  #edition = 0;
  #timer: Timer | undefined;
  #telling: Promise<void> | undefined;
  readonly #stopped = new AbortController();

  constructor(components: FolderNewsComponents) {
    this.#components = components;
    this.#slices = new Slices(components);
  }

  async start(): Promise<void> {
    const { access, catalogue, ready } = this.#components;
    void ready.then(
      () => {
        if (!this.#stopped.signal.aborted)
          this.#registrations.push(catalogue.onBatch((batch) => this.#take(batch)));
      },
      () => undefined, // the node does not start, and says so itself
    );
    const unregister = access.onChange?.(() => {
      this.#edition += 1;
    });
    if (unregister) this.#registrations.push(unregister);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const unregister of this.#registrations.splice(0)) unregister();
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
    const heard = new Set(changed.filter((folder) => subscriptions.has(toDisplay(folder))));
    if (heard.size === 0) return;
    const { columns } = catalogue.table;
    for (const slots of [batch.removed, batch.added, batch.touched]) {
      for (const slot of slots) {
        if (slots !== batch.removed && !catalogue.table.isShown(slot)) continue;
        const folder = columns.folderText(columns.folder.get(slot));
        if (heard.has(folder)) this.#note(folder, columns.entryOf(slot));
      }
    }
    if (this.#waiting.size > 0 && this.#telling === undefined)
      this.#timer ??= this.#components.clock.after(TELL_AFTER_MS, this.#tell);
  }

  #note(folder: string, entry: FileEntry): void {
    const nodeId = folderNodeId(toDisplay(folder));
    if (nodeId === undefined || entry.sha256 === undefined) return; // told when it can be asked for
    const news = this.#waiting.get(folder) ?? { nodeId, files: new Map() };
    this.#waiting.set(folder, news);
    const key = keyOf(entry);
    if (news.files.size < MAX_WAITING || news.files.has(key))
      news.files.set(key, { entry, edition: this.#edition });
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
    const { subscriptions } = this.#components;
    for (const [folder, { nodeId, files }] of [...this.#waiting]) {
      const news = [...files.values()].slice(0, MAX_FILE_ITEMS);
      for (const { entry } of news) files.delete(keyOf(entry));
      if (files.size === 0) this.#waiting.delete(folder);
      const seenBy = new Map<string, Told>();
      for (const to of subscriptions.of(toDisplay(folder))) {
        await this.#tellOne(to, nodeId, news, seenBy);
        if (this.#stopped.signal.aborted) return;
      }
    }
  }

  /** Never rejects. */
  async #tellOne(
    to: BareJid,
    nodeId: string,
    news: readonly Noted[],
    seenBy: Map<string, Told>,
  ): Promise<void> {
    const { access, folders, log } = this.#components;
    const { signal } = this.#stopped;
    try {
      const view = access.viewOf({ jid: to });
      const told = seenBy.get(view.key) ?? (await this.#told(to, view, news));
      // Where others decide as well, those who see the same are not told the same.
      if (folders.tellsAll) seenBy.set(view.key, told);
      await this.#slices.run(this.#send(to, nodeId, told), { signal });
    } catch (error) {
      if (signal.aborted || error instanceof OfflineError) return;
      log.warn({ to, error: messageOf(error) }, 'news of a folder could not be sent');
    }
  }

  async #told(to: BareJid, view: View, news: readonly Noted[]): Promise<Told> {
    const { catalogue, entity, folders } = this.#components;
    const there: FileEntry[] = [];
    const gone: string[] = [];
    for (const { entry: before, edition } of news) {
      const key = keyOf(before);
      const entry = catalogue.get(key);
      if (entry !== undefined && view.maySee(entry)) there.push(entry);
      // The rules that kept a file back go with its share: those of now may show what nobody saw.
      const isKnown = entry === undefined && edition === this.#edition && view.maySee(before);
      // Where others decide who is told of what, nobody can ask them about what is gone.
      if (isKnown && folders.tellsAll) gone.push(toDisplay(baseName(key)));
    }
    const described = await folders.describe(to, there, this.#stopped.signal);
    // Two names that look the same are one id.
    const shown = new Set(there.map((entry) => toDisplay(nameOf(entry))));
    return {
      items: described.flatMap((file) => (file === undefined ? [] : folderItem(entity.jid, file))),
      retractedIds: gone.filter((id) => !shown.has(id)),
    };
  }

  *#send(to: BareJid, nodeId: string, { items, retractedIds }: Told): Steps {
    for (const event of [
      { type: 'items', nodeId, items, retractedIds: [] } as const,
      { type: 'items', nodeId, items: [], retractedIds } as const,
    ]) {
      if (event.items.length + event.retractedIds.length === 0) continue;
      const own = event.items.map((item) => ({
        ...item,
        ...(item.payload && { payload: copyOf(item.payload) }),
      }));
      this.#components.entity.send(pubsubEventMessage(to, { ...event, items: own }));
      yield;
    }
  }
}
