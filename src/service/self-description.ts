/**
 * What a node says of itself beside its features: a name, a description and a picture (XEP-0054), the time
 * (XEP-0202), and how much there is (XEP-0128), as far as whoever asks may know.
 */
import type { AccessPolicy } from '../access/access-policy.js';
import type { Clock } from '../clock.js';
import type { Disco } from '../entity/disco.js';
import type { Entity, Unsubscribe } from '../entity/entity.js';
import { libraryStatistics } from '../stanza/library-statistics.js';
import { type VCard, VCardElement, vcardCodec } from '../stanza/xep0054-vcard.js';
import { entityTimeCodec, TimeElement } from '../stanza/xep0202-time.js';
import type { Startable } from '../startable.js';
import type { ViewTotals } from './view-totals.js';

export interface SelfDescriptionComponents {
  readonly entity: Entity;
  readonly disco: Disco;
  readonly clock: Clock;
  readonly access: AccessPolicy;
  readonly totals: ViewTotals;
}

export interface SelfDescriptionInit {
  /** Without it: of an account, whose server answers for it. */
  readonly vcard?: VCard;
  /** How many channels are listened to. */
  readonly channels: () => number;
}

export class SelfDescription implements Startable {
  readonly #components: SelfDescriptionComponents;
  readonly #init: SelfDescriptionInit;
  readonly #registrations: Unsubscribe[] = [];
  readonly #stopped = new AbortController();

  constructor(components: SelfDescriptionComponents, init: SelfDescriptionInit) {
    this.#components = components;
    this.#init = init;
  }

  async start(): Promise<void> {
    const { entity, disco, clock, access, totals } = this.#components;
    const { vcard, channels } = this.#init;
    this.#registrations.push(
      entity.handleIq('get', TimeElement.name, TimeElement.ns, () =>
        entityTimeCodec.toXml({ utcMs: clock.now() }),
      ),
      disco.addFeature(TimeElement.ns),
      disco.onInfo(async (from) => {
        const view = access.viewOf({ jid: from });
        const { files, bytes } = await totals.of(view, this.#stopped.signal);
        // Who sees nothing need not know where others look.
        return libraryStatistics({ files, bytes, channels: files === 0 ? 0 : channels() });
      }),
    );
    if (vcard === undefined) return;
    const { name, ns } = VCardElement;
    this.#registrations.push(
      entity.handleIq('get', name, ns, () => vcardCodec.toXml(vcard)),
      disco.addFeature(ns),
    );
  }

  async stop(): Promise<void> {
    for (const unregister of this.#registrations.splice(0)) unregister();
    this.#stopped.abort();
  }
}
