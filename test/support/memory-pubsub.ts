/**
 * A pubsub service (XEP-0060) on a memory network: leaf nodes that everybody may create,
 * subscribe to and publish on. Says who published an item as the real services do, or doesn't.
 */
import type { Entity, IncomingIq } from '../../src/entity/entity.js';
import { type BareJid, bareOf, type Jid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import {
  itemsToXml,
  type PubsubEvent,
  type PubsubItem,
  type PubsubRequest,
  PubsubRequestElement,
  pubsubEventToXml,
  pubsubRequestCodec,
  subscriptionToXml,
} from '../../src/stanza/xep0060-pubsub.js';
import { type Element, xml } from '../../src/stanza/xml.js';
import type { Startable } from '../../src/startable.js';

/** How `publisher` is stated: ejabberd's way, Prosody's way, or not at all. */
export type PublisherStyle = 'full' | 'bare' | 'none';

interface LeafNode {
  readonly items: Map<string, PubsubItem>;
  readonly subscribers: Set<Jid>;
}

export class MemoryPubsub implements Startable {
  readonly #entity: Entity;
  readonly #nodes = new Map<string, LeafNode>();
  publisherStyle: PublisherStyle = 'full';

  constructor(entity: Entity) {
    this.#entity = entity;
  }

  async start(): Promise<void> {
    const { name, ns } = PubsubRequestElement;
    this.#entity.handleIq('get', name, ns, (iq) => this.#handle(iq));
    this.#entity.handleIq('set', name, ns, (iq) => this.#handle(iq));
    await this.#entity.start();
  }

  async stop(): Promise<void> {
    await this.#entity.stop();
  }

  subscribersOf(nodeId: string): readonly Jid[] {
    return [...(this.#nodes.get(nodeId)?.subscribers ?? [])];
  }

  itemsOf(nodeId: string): readonly PubsubItem[] {
    return [...(this.#nodes.get(nodeId)?.items.values() ?? [])];
  }

  /** Deletes a node, telling its subscribers (§8.4.2). */
  deleteNode(nodeId: string): void {
    const node = this.#node(nodeId);
    this.#nodes.delete(nodeId);
    this.#notify(node, { type: 'delete', nodeId });
  }

  /** Ends a subscription as the owner of a node may, telling the former subscriber (§8.8.4). */
  endSubscription(nodeId: string, jid: BareJid): void {
    const node = this.#node(nodeId);
    this.#notify(node, { type: 'subscription', nodeId, jid, state: 'none' });
    node.subscribers.delete(jid);
  }

  #handle(iq: IncomingIq): Element | undefined {
    const request = pubsubRequestCodec.fromXml(iq.payload);
    switch (request.type) {
      case 'create':
        if (this.#nodes.has(request.nodeId)) throw new StanzaError('conflict');
        this.#nodes.set(request.nodeId, { items: new Map(), subscribers: new Set() });
        return undefined;
      case 'subscribe':
        if (request.jid !== bareOf(iq.from)) throw new StanzaError('bad-request', 'invalid-jid');
        this.#node(request.nodeId).subscribers.add(request.jid);
        return subscriptionToXml(request.nodeId, request.jid);
      case 'unsubscribe':
        if (!this.#node(request.nodeId).subscribers.delete(request.jid))
          throw new StanzaError('unexpected-request');
        return undefined;
      case 'items': {
        const all = [...this.#node(request.nodeId).items.values()];
        return itemsToXml(request.nodeId, all.slice(-(request.maxItems ?? all.length)));
      }
      case 'publish':
        this.#publish(iq.from, request);
        return undefined;
      case 'retract': {
        const node = this.#node(request.nodeId);
        if (!node.items.delete(request.itemId)) throw new StanzaError('item-not-found');
        const retractedIds = [request.itemId];
        this.#notify(node, { type: 'items', nodeId: request.nodeId, items: [], retractedIds });
        return undefined;
      }
    }
  }

  #publish(from: Jid, request: Extract<PubsubRequest, { type: 'publish' }>): void {
    const node = this.#node(request.nodeId);
    const { id, payload } = request.item;
    const publisher = { full: from, bare: bareOf(from), none: undefined }[this.publisherStyle];
    const item: PubsubItem = { id, ...(publisher && { publisher }), ...(payload && { payload }) };
    node.items.set(id, item);
    this.#notify(node, { type: 'items', nodeId: request.nodeId, items: [item], retractedIds: [] });
  }

  #notify(node: LeafNode, event: PubsubEvent): void {
    for (const to of node.subscribers) this.#entity.send(xml('message', { to }, pubsubEventToXml(event)));
  }

  #node(nodeId: string): LeafNode {
    const node = this.#nodes.get(nodeId);
    if (!node) throw new StanzaError('item-not-found');
    return node;
  }
}
