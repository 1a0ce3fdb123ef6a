/** A channel whose subscribers do nothing: what the server alone takes to bring an item to them. */
import { randomUUID } from 'node:crypto';
import type { Entity } from '../src/entity/entity.js';
import type { FileCriteria } from '../src/stanza/file-criteria.js';
import { type ChannelAddress, findCodec } from '../src/stanza/file-discovery.js';
import { bareOf } from '../src/stanza/jid.js';
import {
  NODE_CONFIG_FORM,
  PubsubEventElement,
  type PubsubRequest,
  pubsubEventFromXml,
  pubsubIqType,
  pubsubRequestCodec,
} from '../src/stanza/xep0060-pubsub.js';
import { child, type Element } from '../src/stanza/xml.js';

export interface BareChannelComponents {
  readonly publisher: Entity;
  readonly subscribers: readonly Entity[];
}

/** As a node of ours makes a channel. */
const CONFIGURATION = {
  type: 'submit',
  formType: NODE_CONFIG_FORM,
  fields: [
    { var: 'pubsub#access_model', values: ['open'] },
    { var: 'pubsub#publish_model', values: ['open'] },
    { var: 'pubsub#notify_retract', values: ['1'] },
    { var: 'pubsub#persist_items', values: ['1'] },
    { var: 'pubsub#max_items', values: ['50'] },
    { var: 'pubsub#send_last_published_item', values: ['never'] },
  ],
} as const;
const EXPIRES_MS = 10_000;

export class BareChannel {
  readonly #components: BareChannelComponents;
  readonly #channel: ChannelAddress;
  readonly #notified = new Set<Entity>();
  #onLast: () => void = () => undefined;

  constructor(components: BareChannelComponents, channel: ChannelAddress) {
    this.#components = components;
    this.#channel = channel;
  }

  async open(): Promise<void> {
    const { publisher, subscribers } = this.#components;
    const { nodeId } = this.#channel;
    await this.#request(publisher, { type: 'create', nodeId, configuration: CONFIGURATION });
    for (const entity of subscribers) {
      entity.handleMessage(PubsubEventElement.name, PubsubEventElement.ns, ({ stanza }) =>
        this.#onMessage(entity, stanza),
      );
      await this.#request(entity, { type: 'subscribe', nodeId, jid: bareOf(entity.jid) });
    }
  }

  /** A question as an item. Resolves with milliseconds to the last notification; the item is gone again then. */
  async publish(criteria: FileCriteria): Promise<number> {
    const { publisher } = this.#components;
    const { nodeId } = this.#channel;
    this.#notified.clear();
    const last = new Promise<void>((resolve) => {
      this.#onLast = resolve;
    });
    const itemId = randomUUID();
    const began = performance.now();
    const payload = findCodec.toXml({
      id: itemId,
      criteria,
      page: { max: 100 },
      replyTo: publisher.jid,
      expiresMs: Date.now() + EXPIRES_MS,
      spreadMs: 0,
    });
    const published = this.#request(publisher, { type: 'publish', nodeId, item: { id: itemId, payload } });
    await Promise.race([last, published.then(() => last)]); // or what went wrong with publishing
    const ms = performance.now() - began;
    await published;
    await this.#request(publisher, { type: 'retract', nodeId, itemId });
    return ms;
  }

  #onMessage(from: Entity, stanza: Element): void {
    const element = child(stanza, PubsubEventElement.name, PubsubEventElement.ns);
    const event = element && pubsubEventFromXml(element);
    if (event?.type !== 'items' || event.items.length === 0) return;
    this.#notified.add(from);
    if (this.#notified.size === this.#components.subscribers.length) this.#onLast();
  }

  async #request(entity: Entity, request: PubsubRequest): Promise<void> {
    const payload = pubsubRequestCodec.toXml(request);
    await entity.request({ to: this.#channel.service, type: pubsubIqType(request), payload });
  }
}
