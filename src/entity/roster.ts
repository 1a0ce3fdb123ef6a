/** The groups of our account's roster (RFC 6121 §2), kept as its server has them. */
import { type Clock, sleep } from '../clock.js';
import { AbortedError, messageOf } from '../errors.js';
import type { Log } from '../log.js';
import { iqPayload } from '../stanza/iq.js';
import { type BareJid, bareOf } from '../stanza/jid.js';
import { RosterElement, type RosterItem, rosterCodec } from '../stanza/roster.js';
import { StanzaError } from '../stanza/stanza-error.js';
import type { Startable } from '../startable.js';
import { type Entity, OfflineError, type Unsubscribe } from './entity.js';

export interface RosterComponents {
  readonly entity: Entity;
  readonly clock: Clock;
  readonly log: Log;
}

/** More than a server sends in one stanza. */
const MAX_CONTACTS = 20_000;
const RETRY_MS = 30_000;

export class Roster implements Startable {
  readonly #components: RosterComponents;
  readonly #groups = new Map<BareJid, ReadonlySet<string>>();
  readonly #registrations: Unsubscribe[] = [];
  /** Of the questions that are under way. */
  #asking = new AbortController();

  constructor(components: RosterComponents) {
    this.#components = components;
  }

  async start(): Promise<void> {
    const { entity } = this.#components;
    const { name, ns } = RosterElement;
    this.#registrations.push(
      entity.handleIq('set', name, ns, ({ from, payload }) => {
        // §2.1.6: whoever else sends one wants to be in our groups. Where no sender stands it is our server, in our name.
        if (from !== bareOf(entity.jid) && from !== entity.jid) throw new StanzaError('service-unavailable');
        for (const item of rosterCodec.fromXml(payload)) this.#take(item);
        return undefined;
      }),
      entity.onEvent((event) => {
        if (event.type === 'online' && !event.resumed) this.#ask();
      }),
    );
    if (entity.online) this.#ask();
  }

  async stop(): Promise<void> {
    for (const unregister of this.#registrations.splice(0)) unregister();
    this.#asking.abort();
  }

  isIn(contact: BareJid, group: string): boolean {
    return this.#groups.get(contact)?.has(group) ?? false;
  }

  #ask(): void {
    this.#asking.abort();
    this.#asking = new AbortController();
    void this.#read(this.#asking.signal);
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { entity, clock, log } = this.#components;
    while (!signal.aborted) {
      try {
        const to = bareOf(entity.jid);
        const result = await entity.request({ to, type: 'get', payload: rosterCodec.toXml([]), signal });
        const payload = iqPayload(result);
        const items = payload ? rosterCodec.fromXml(payload) : [];
        this.#groups.clear();
        for (const item of items) this.#take(item);
        return;
      } catch (error) {
        // Being online again asks again.
        if (error instanceof AbortedError || error instanceof OfflineError) return;
        log.warn({ err: error }, `the roster could not be read: ${messageOf(error)}`);
        await sleep(clock, RETRY_MS, signal).catch(() => undefined); // stopped
      }
    }
  }

  #take({ jid, subscription, groups }: RosterItem): void {
    this.#groups.delete(jid);
    if (subscription === 'remove' || groups.length === 0 || this.#groups.size >= MAX_CONTACTS) return;
    this.#groups.set(jid, new Set(groups));
  }
}
