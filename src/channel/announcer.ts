/**
 * Tells a channel of files that have come, and of those that went again: an item with `<jinglepub/>` for each
 * (XEP-0358 §2.1), by which any client that knows it can have the file. No more is told than whoever asks on the channel
 * may see, and no faster than the owner says.
 */
import type { AccessPolicy, View } from '../access/access-policy.js';
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import type { Slot } from '../catalogue/file-columns.js';
import { describeFile } from '../catalogue/file-description.js';
import { keyOf } from '../catalogue/file-entry.js';
import { publishedIdOf } from '../catalogue/published-id.js';
import { toDisplay } from '../catalogue/share-path.js';
import type { TableBatch } from '../catalogue/table-feed.js';
import { type Clock, sleep } from '../clock.js';
import type { Entity } from '../entity/entity.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import { formatBytes } from '../quantities.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import { StanzaError } from '../stanza/stanza-error.js';
import type { DataForm } from '../stanza/xep0004-data-forms.js';
import {
  isNoSuchNode,
  NODE_CONFIG_FORM,
  type PubsubRequest,
  pubsubIqType,
  pubsubRequestCodec,
} from '../stanza/xep0060-pubsub.js';
import { jinglepubCodec } from '../stanza/xep0358-jinglepub.js';
import type { Element } from '../stanza/xml.js';
import type { Startable } from '../startable.js';
import { type Announcement, AnnouncementQueue } from './announcement-queue.js';
import { NewFiles } from './new-files.js';

export interface AnnouncerComponents {
  readonly entity: Pick<Entity, 'jid' | 'online' | 'request' | 'onEvent'>;
  readonly catalogue: Pick<ReadonlyCatalogue, 'get' | 'onBatch' | 'table'>;
  readonly access: AccessPolicy;
  readonly clock: Clock;
  readonly log: Log;
  /** Files that are found before are no news. */
  readonly ready: Promise<unknown>;
}

export interface AnnouncerInit extends ChannelAddress {
  /** Create the node when there is none. */
  readonly create: boolean;
  /** Files of these alone; of all where there are none. */
  readonly shares: readonly string[];
  readonly perMinute: number;
}

const MAX_WAITING = 1000; // half an hour of them, and a channel keeps no more
const MAX_REMEMBERED = 1000;
const RETRY_MS = 60_000;
/** What the service won't have is left out, so that it has the next. */
const MAX_TRIES = 5;
/** Of files with the same content, so many are looked at for one that is still offered. */
const MAX_COPIES = 1000;

/** Everybody may read; we alone write. */
const NODE_CONFIGURATION: DataForm = {
  type: 'submit',
  formType: NODE_CONFIG_FORM,
  fields: [
    { var: 'pubsub#access_model', values: ['open'] },
    { var: 'pubsub#publish_model', values: ['publishers'] },
    { var: 'pubsub#notify_retract', values: ['1'] },
    { var: 'pubsub#persist_items', values: ['1'] },
    { var: 'pubsub#max_items', values: ['50'] },
    { var: 'pubsub#send_last_published_item', values: ['never'] },
  ],
};

export class Announcer implements Startable {
  readonly #components: AnnouncerComponents;
  readonly #init: AnnouncerInit;
  readonly #news: NewFiles;
  readonly #queue = new AnnouncementQueue({ maxWaiting: MAX_WAITING, maxRemembered: MAX_REMEMBERED });
  readonly #stopped = new AbortController();
  readonly #registrations: (() => void)[] = [];
  #work: Promise<void> | undefined;

  constructor(components: AnnouncerComponents, init: AnnouncerInit) {
    this.#components = components;
    this.#init = init;
    this.#news = new NewFiles(components.catalogue);
  }

  async start(): Promise<void> {
    const { access, catalogue, entity, ready } = this.#components;
    void ready.then(
      () => {
        if (this.#stopped.signal.aborted) return;
        this.#registrations.push(catalogue.onBatch((batch) => this.#take(batch)));
        const unregister = access.onChange?.(() => this.#judgeAnew());
        if (unregister) this.#registrations.push(unregister);
      },
      () => undefined, // the node does not start, and says so itself
    );
    // Whoever wants to hear of the first file must be able to subscribe before it comes.
    const createFirst = () => {
      if (this.#init.create) this.#work ??= this.#run(true);
    };
    this.#registrations.push(
      entity.onEvent((event) => {
        if (event.type === 'online' && !event.resumed) createFirst();
      }),
    );
    if (entity.online) createFirst();
  }

  async stop(): Promise<void> {
    for (const unregister of this.#registrations.splice(0)) unregister();
    this.#stopped.abort();
    await this.#work;
  }

  #take(batch: TableBatch): void {
    const { shares } = this.#init;
    const { columns } = this.#components.catalogue.table;
    const view = this.#view;
    for (const entry of this.#news.take(batch)) {
      const isWanted = (shares.length === 0 || shares.includes(entry.share)) && view.maySee(entry);
      if (isWanted && entry.sha256 !== undefined) this.#queue.isNew(entry.sha256, keyOf(entry));
    }
    for (const slot of batch.removed) {
      const sha256 = columns.hasHash(slot) ? columns.entryOf(slot).sha256 : undefined;
      if (sha256 !== undefined && this.#queue.knows(sha256) && !this.#isOffered(sha256, view)) {
        this.#queue.isGone(sha256);
      }
    }
    this.#sayAll();
  }

  /** Takes back what may not be seen there any more. */
  #judgeAnew(): void {
    const view = this.#view;
    for (const sha256 of this.#queue.known()) if (!this.#isOffered(sha256, view)) this.#queue.isGone(sha256);
    this.#sayAll();
  }

  #sayAll(): void {
    if (this.#queue.waiting > 0) this.#work ??= this.#run();
  }

  /** A copy that may not be seen is none: that it is there is nobody's affair. */
  #isOffered(sha256: string, view: View): boolean {
    const { table } = this.#components.catalogue;
    const maySee = (slot: Slot) => view.maySee(table.columns.entryOf(slot));
    return table.withHash(sha256, MAX_COPIES).some((slot) => table.isShown(slot) && maySee(slot));
  }

  /** Never rejects. */
  async #run(creates = false): Promise<void> {
    const { clock, log } = this.#components;
    const { signal } = this.#stopped;
    try {
      if (creates) await this.#createFirst(signal);
      for (let next = this.#queue.next(); next !== undefined; next = this.#queue.next()) {
        const said = await this.#say(next, signal);
        const missed = this.#queue.takeMissed();
        if (missed > 0) log.warn({ channel: this.#address, missed }, 'more files came than are announced');
        if (said) await sleep(clock, 60_000 / this.#init.perMinute, signal);
      }
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, 'announcing ended');
    } finally {
      this.#work = undefined;
    }
  }

  /** True when something went out. Rejects with AbortedError. */
  async #say(announcement: Announcement, signal: AbortSignal): Promise<boolean> {
    const { clock, log } = this.#components;
    for (let tries = 1; ; tries++) {
      const request = this.#requestFor(announcement);
      if (request === undefined) {
        this.#queue.dropped(announcement);
        return false;
      }
      try {
        await this.#send(request, signal);
        this.#queue.done(announcement);
        return true;
      } catch (error) {
        signal.throwIfAborted();
        log.warn({ channel: this.#address, error: messageOf(error) }, 'a file could not be announced');
        if (tries === MAX_TRIES) {
          this.#queue.dropped(announcement);
          return true;
        }
        await sleep(clock, RETRY_MS, signal);
      }
    }
  }

  /** Undefined when there is nothing to be said any more. */
  #requestFor(announcement: Announcement): PubsubRequest | undefined {
    const { nodeId } = this.#init;
    const itemId = itemIdOf(announcement.sha256);
    if (announcement.type === 'retract') return { type: 'retract', nodeId, itemId };
    const payload = this.#payloadFor(announcement);
    return payload && { type: 'publish', nodeId, item: { id: itemId, payload } };
  }

  #payloadFor({ key, sha256 }: Extract<Announcement, { type: 'publish' }>): Element | undefined {
    const { catalogue, entity } = this.#components;
    const entry = catalogue.get(key);
    if (entry === undefined || entry.sha256 !== sha256 || !this.#view.maySee(entry)) return undefined;
    const file = describeFile(entry);
    const id = publishedIdOf(file);
    if (id === undefined) return undefined;
    const summary = `${toDisplay(key)}, ${formatBytes(entry.size)}`;
    const title = file.name ?? toDisplay(key);
    return jinglepubCodec.toXml({ from: entity.jid, id, meta: [{ lang: 'en', title, summary }], file });
  }

  /** Whoever listens there is one who could ask there. */
  get #view(): View {
    return this.#components.access.viewOf({ jid: this.#init.service, through: this.#address });
  }

  get #address(): ChannelAddress {
    return { service: this.#init.service, nodeId: this.#init.nodeId };
  }

  async #send(request: PubsubRequest, signal: AbortSignal): Promise<void> {
    try {
      await this.#request(request, signal);
    } catch (error) {
      if (!(error instanceof StanzaError) || !isNoSuchNode(error)) throw error;
      if (request.type === 'retract') return; // there is nothing left of it
      if (!this.#init.create) throw error;
      await this.#create(signal);
      await this.#request(request, signal);
    }
  }

  /** What fails here is tried again with the first file. */
  async #createFirst(signal: AbortSignal): Promise<void> {
    try {
      await this.#create(signal);
    } catch (error) {
      signal.throwIfAborted();
      const { log } = this.#components;
      log.info(
        { channel: this.#address, error: messageOf(error) },
        'the channel for news can’t be created yet',
      );
    }
  }

  async #create(signal: AbortSignal): Promise<void> {
    const { nodeId } = this.#init;
    try {
      await this.#request({ type: 'create', nodeId, configuration: NODE_CONFIGURATION }, signal);
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
      if (error.condition === 'conflict') return; // another was faster
      if (error.type !== 'modify') throw error;
      await this.#request({ type: 'create', nodeId }, signal);
    }
  }

  #request(request: PubsubRequest, signal: AbortSignal): Promise<Element> {
    return this.#components.entity.request({
      to: this.#init.service,
      type: pubsubIqType(request),
      payload: pubsubRequestCodec.toXml(request),
      signal,
    });
  }
}

/** The same content is the same item, so that no file stands on the channel twice. */
function itemIdOf(sha256: string): string {
  return Buffer.from(sha256, 'base64').toString('base64url');
}
