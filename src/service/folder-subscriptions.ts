/** Who wants to hear of which folders. Kept over restarts; bounded, and each for so long only. */
import type { DataFolder } from '../catalogue/data-folder.js';
import { SavedText } from '../catalogue/saved-text.js';
import type { Clock } from '../clock.js';
import { LimitError, ParseError } from '../errors.js';
import type { Log } from '../log.js';
import { type BareJid, domainOf, parseBareJid } from '../stanza/jid.js';
import type { Startable } from '../startable.js';

export interface FolderSubscriptionsComponents {
  readonly clock: Clock;
  readonly folder: DataFolder;
  readonly log: Log;
}

export interface FolderSubscriptionsInit {
  readonly folderSubscriptions: number;
  readonly folderSubscriptionsPerAsker: number;
  readonly folderSubscriptionsPerDomain: number;
}

/** After so long one has to subscribe again: nobody tells us who has gone for good. */
const LEASE_MS = 30 * 24 * 60 * 60_000;
const FILE = 'folder-subscriptions';
const MAX_FILE_BYTES = 64 * 1024 * 1024;

export class FolderSubscriptions implements Startable {
  readonly #clock: Clock;
  #init: FolderSubscriptionsInit;
  readonly #saved: SavedText;
  /** By folder and account, until when. */
  readonly #folders = new Map<string, Map<BareJid, number>>();
  /** Of each account, and of each domain, of which one may be an account. */
  readonly #counts = { asker: new Map<BareJid, number>(), domain: new Map<BareJid, number>() };
  #size = 0;

  constructor(components: FolderSubscriptionsComponents, init: FolderSubscriptionsInit) {
    this.#clock = components.clock;
    this.#init = init;
    this.#saved = new SavedText(components, {
      name: FILE,
      maxBytes: MAX_FILE_BYTES,
      text: () => this.#text(),
    });
  }

  async start(): Promise<void> {
    for (const line of (await this.#saved.read()).split('\n')) {
      const kept = readLine(line);
      if (kept === undefined || this.#isOver(kept.untilMs) || this.#full(kept.jid)) continue;
      this.#put(kept.folder, kept.jid, kept.untilMs);
    }
  }

  async stop(): Promise<void> {
    await this.#saved.stop();
  }

  /** Holds for who comes from now on: nobody is put out. */
  setLimits(init: FolderSubscriptionsInit): void {
    this.#init = init;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** Whether somebody may be subscribed to it. */
  has(folder: string): boolean {
    return this.#folders.has(folder);
  }

  /** Whoever is subscribed to `share/folder`. */
  of(folder: string): BareJid[] {
    const subscribers = [...(this.#folders.get(folder) ?? [])];
    for (const [jid, untilMs] of subscribers) if (this.#isOver(untilMs)) this.remove(folder, jid);
    return subscribers.flatMap(([jid, untilMs]) => (this.#isOver(untilMs) ? [] : jid));
  }

  /** Also what prolongs one. Throws LimitError. */
  add(folder: string, jid: BareJid): void {
    if (!this.#folders.get(folder)?.has(jid) && this.#full(jid)) {
      this.#forgetOld();
      const bound = this.#full(jid);
      if (bound) throw new LimitError(bound, `over the limit '${bound}'`);
    }
    this.#put(folder, jid, this.#clock.now() + LEASE_MS);
    this.#saved.changed();
  }

  /** False when there was none. */
  remove(folder: string, jid: BareJid): boolean {
    const subscribers = this.#folders.get(folder);
    if (subscribers?.delete(jid) !== true) return false;
    if (subscribers.size === 0) this.#folders.delete(folder);
    this.#size -= 1;
    this.#count(jid, -1);
    this.#saved.changed();
    return true;
  }

  #put(folder: string, jid: BareJid, untilMs: number): void {
    const subscribers = this.#folders.get(folder) ?? new Map<BareJid, number>();
    this.#folders.set(folder, subscribers);
    if (!subscribers.has(jid)) {
      this.#size += 1;
      this.#count(jid, 1);
    }
    subscribers.set(jid, untilMs);
  }

  #count(jid: BareJid, more: 1 | -1): void {
    const { asker, domain } = this.#counts;
    for (const [counts, key] of [[asker, jid] as const, [domain, domainOf(jid)] as const]) {
      const count = (counts.get(key) ?? 0) + more;
      if (count === 0) counts.delete(key);
      else counts.set(key, count);
    }
  }

  /** The bound that leaves no room for another one. */
  #full(jid: BareJid): keyof FolderSubscriptionsInit | undefined {
    const counts = {
      folderSubscriptionsPerAsker: this.#counts.asker.get(jid) ?? 0,
      folderSubscriptionsPerDomain: this.#counts.domain.get(domainOf(jid)) ?? 0,
      folderSubscriptions: this.#size,
    };
    const bounds = Object.keys(counts) as (keyof typeof counts)[];
    return bounds.find((bound) => counts[bound] >= this.#init[bound]);
  }

  #isOver(untilMs: number): boolean {
    return untilMs <= this.#clock.now();
  }

  #forgetOld(): void {
    for (const folder of [...this.#folders.keys()]) this.of(folder);
  }

  #text(): string {
    const lines: string[] = [];
    for (const [folder, subscribers] of this.#folders) {
      for (const [jid, untilMs] of subscribers) lines.push(JSON.stringify([folder, jid, untilMs]));
    }
    return lines.join('\n');
  }
}

function readLine(line: string): { folder: string; jid: BareJid; untilMs: number } | undefined {
  try {
    const [folder, jid, untilMs]: unknown[] = JSON.parse(line);
    if (typeof folder !== 'string' || typeof jid !== 'string' || typeof untilMs !== 'number')
      return undefined;
    return { folder, jid: parseBareJid(jid), untilMs };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ParseError || error instanceof TypeError) {
      return undefined; // half a line, or none
    }
    throw error;
  }
}
