/**
 * Our presence as a client (RFC 6121): that we are there and what we can do (XEP-0115), and who
 * else may know. Clients of people offer files only to those whose presence says that they can take them.
 */
import type { Log } from '../log.js';
import { bareOf, domainOf, type Jid } from '../stanza/jid.js';
import { presence } from '../stanza/presence.js';
import { capabilitiesCodec, capabilitiesNodeId } from '../stanza/xep0115-entity-capabilities.js';
import type { Element } from '../stanza/xml.js';
import type { Startable } from '../startable.js';
import type { Disco } from './disco.js';
import { type Entity, OfflineError, type Unsubscribe } from './entity.js';

/** Whose requests to see our presence are granted: everybody's, those of our own domain, nobody's. */
export type SubscriptionRule = 'everyone' | 'domain' | 'none';

export interface PresenceComponents {
  readonly entity: Entity;
  readonly disco: Disco;
  readonly log: Log;
}

export interface PresenceInit {
  readonly subscriptions: SubscriptionRule;
}

export class Presence implements Startable {
  readonly #components: PresenceComponents;
  readonly #init: PresenceInit;
  readonly #registrations: Unsubscribe[] = [];
  /** What the presence of this session says that we can do; undefined before it was sent. */
  #announced: string | undefined;

  constructor(components: PresenceComponents, init: PresenceInit) {
    this.#components = components;
    this.#init = init;
  }

  async start(): Promise<void> {
    const { entity, disco } = this.#components;
    this.#registrations.push(
      entity.onEvent((event) => {
        // XEP-0198 §5: a session that is resumed has its presence still.
        if (event.type === 'online' && !event.resumed) this.#announce();
        if (event.type === 'offline') this.#announced = undefined;
      }),
      entity.handlePresence(({ from, type }) => {
        if (type === 'subscribe') this.#answer(from);
      }),
      disco.onChange(() => {
        if (this.#announced !== undefined) this.#announceNews(); // XEP-0115 §6.1
      }),
    );
    if (entity.online) this.#announce();
  }

  /** Takes leave, so that nobody begins anything with us. */
  async stop(): Promise<void> {
    for (const unregister of this.#registrations.splice(0)) unregister();
    if (this.#announced !== undefined) this.#send(presence({ type: 'unavailable' }));
    this.#announced = undefined;
  }

  #announce(): void {
    this.#announced = undefined;
    this.#announceNews();
  }

  #announceNews(): void {
    const capabilities = this.#components.disco.capabilities();
    const said = capabilities === undefined ? '' : capabilitiesNodeId(capabilities);
    if (said === this.#announced) return;
    this.#announced = said;
    this.#send(presence({}, capabilities && capabilitiesCodec.toXml(capabilities)));
  }

  #answer(from: Jid): void {
    const { entity, log } = this.#components;
    const grants = maySubscribe(this.#init.subscriptions, from, entity.jid);
    log.info({ from, granted: grants }, 'somebody wants to see our presence');
    // RFC 6121 §3.1.4: to the account, whichever of its programs asked.
    this.#send(presence({ type: grants ? 'subscribed' : 'unsubscribed', to: bareOf(from) }));
  }

  /** Where there is no stream there is no presence to be kept right. */
  #send(stanza: Element): void {
    try {
      this.#components.entity.send(stanza);
    } catch (error) {
      if (!(error instanceof OfflineError)) throw error;
    }
  }
}

export function maySubscribe(rule: SubscriptionRule, who: Jid, us: Jid): boolean {
  return rule === 'everyone' || (rule === 'domain' && domainOf(who) === domainOf(us));
}
