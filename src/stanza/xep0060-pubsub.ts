/**
 * XEP-0060: Publish-Subscribe
 * https://xmpp.org/extensions/xep-0060.html, version 1.30.0 (2025-11-11)
 *
 * What a subscriber and a publisher need: requests, the answers to them, and notifications.
 * Both ways, so that a service can be played in tests.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { type BareJid, type Jid, parseBareJid, parseJid } from './jid.js';
import { NS } from './namespaces.js';
import type { StanzaError } from './stanza-error.js';
import { type DataForm, dataFormCodec } from './xep0004-data-forms.js';
import { attribute, child, children, type Element, elements, is, requiredAttribute, xml } from './xml.js';

/** An item: its payload is one element, or nothing. */
export interface PubsubItem {
  readonly id: string;
  /** Who published it, where the service says so (§7.1.2.3). */
  readonly publisher?: Jid;
  readonly payload?: Element;
}

/** The payload of an iq to a pubsub service. */
export type PubsubRequest =
  /** §6.1 */
  | { readonly type: 'subscribe'; readonly nodeId: string; readonly jid: BareJid }
  /** §6.2 */
  | { readonly type: 'unsubscribe'; readonly nodeId: string; readonly jid: BareJid }
  /** §8.1; the service fills in what the configuration leaves out. */
  | { readonly type: 'create'; readonly nodeId: string; readonly configuration?: DataForm }
  /** §6.5 */
  | { readonly type: 'items'; readonly nodeId: string; readonly maxItems?: number }
  /** §7.1 */
  | { readonly type: 'publish'; readonly nodeId: string; readonly item: PubsubItem }
  /** §7.2; subscribers are told. */
  | { readonly type: 'retract'; readonly nodeId: string; readonly itemId: string };

/** What a request's iq type is (§6–§8). */
export function pubsubIqType(request: PubsubRequest): 'get' | 'set' {
  return request.type === 'items' ? 'get' : 'set';
}

/** The content of a notification (§7.1.2.1, §7.2.2.1, §8.4.2, §8.5.2). Others are `undefined`. */
export type PubsubEvent =
  | {
      readonly type: 'items';
      readonly nodeId: string;
      readonly items: readonly PubsubItem[];
      readonly retractedIds: readonly string[];
    }
  | { readonly type: 'purge'; readonly nodeId: string }
  /** The service or the owner changed a subscription (§13.14). */
  | {
      readonly type: 'subscription';
      readonly nodeId: string;
      readonly jid: Jid;
      readonly state: SubscriptionState;
    }
  | { readonly type: 'delete'; readonly nodeId: string };

/** The children that notifications arrive as. */
export const PubsubEventElement = { name: 'event', ns: NS.pubsubEvent } as const;
export const PubsubRequestElement = { name: 'pubsub', ns: NS.pubsub } as const;

export const pubsubRequestCodec: Codec<PubsubRequest> = {
  fromXml(element) {
    if (!is(element, 'pubsub', NS.pubsub)) throw new ParseError('not a <pubsub/>', { field: 'pubsub' });
    for (const action of elements(element)) {
      const request = requestFromXml(element, action);
      if (request) return request;
    }
    throw new ParseError('<pubsub/> holds no request that is known here', { field: 'pubsub' });
  },
  toXml(request) {
    const node = request.nodeId;
    switch (request.type) {
      case 'subscribe':
      case 'unsubscribe':
        return pubsub(xml(request.type, { node, jid: request.jid }));
      case 'create':
        return pubsub(
          xml('create', { node }),
          request.configuration && xml('configure', {}, dataFormCodec.toXml(request.configuration)),
        );
      case 'items':
        return pubsub(xml('items', { node, max_items: request.maxItems }));
      case 'publish':
        return pubsub(xml('publish', { node }, itemToXml(request.item)));
      case 'retract':
        return pubsub(xml('retract', { node, notify: true }, xml('item', { id: request.itemId })));
    }
  },
};

function pubsub(...content: (Element | undefined)[]): Element {
  return xml('pubsub', { xmlns: NS.pubsub }, content);
}

function requestFromXml(element: Element, action: Element): PubsubRequest | undefined {
  const nodeId = attribute(action, 'node') ?? '';
  switch (action.getName()) {
    case 'subscribe':
    case 'unsubscribe':
      return {
        type: action.getName() as 'subscribe' | 'unsubscribe',
        nodeId,
        jid: parseBareJid(requiredAttribute(action, 'jid')),
      };
    case 'create': {
      const form = child(element, 'configure', NS.pubsub)?.getChild('x', NS.dataForms);
      return { type: 'create', nodeId, ...(form && { configuration: dataFormCodec.fromXml(form) }) };
    }
    case 'items': {
      const max = Number.parseInt(attribute(action, 'max_items') ?? '', 10);
      return { type: 'items', nodeId, ...(max >= 0 && { maxItems: max }) };
    }
    case 'publish': {
      const [item] = children(action, 'item', NS.pubsub);
      if (!item) throw new ParseError('<publish/> needs an item', { field: 'item' });
      return { type: 'publish', nodeId, item: itemFromXml(item) };
    }
    case 'retract': {
      const [item] = children(action, 'item', NS.pubsub);
      if (!item) throw new ParseError('<retract/> needs an item', { field: 'item' });
      return { type: 'retract', nodeId, itemId: requiredAttribute(item, 'id') };
    }
    default:
      return undefined;
  }
}

/** The items in the result of an `items` request (§6.5.2). Throws {@link ParseError}. */
export function itemsOfResult(result: Element): PubsubItem[] {
  const items = child(result, 'pubsub', NS.pubsub)?.getChild('items', NS.pubsub);
  if (!items) throw new ParseError('the service answered without <items/>', { field: 'items' });
  return children(items, 'item', NS.pubsub).flatMap(wellFormedItem);
}

/** The result of an `items` request. */
export function itemsToXml(nodeId: string, items: readonly PubsubItem[]): Element {
  return pubsub(xml('items', { node: nodeId }, items.map(itemToXml)));
}

export const SubscriptionState = ['none', 'pending', 'unconfigured', 'subscribed'] as const;
export type SubscriptionState = (typeof SubscriptionState)[number];

/** The state that the result of a `subscribe` request tells (§6.1.2); `subscribed` where it tells none. */
export function subscriptionOfResult(result: Element): SubscriptionState {
  const subscription = child(result, 'pubsub', NS.pubsub)?.getChild('subscription', NS.pubsub);
  const state = subscription && attribute(subscription, 'subscription');
  return SubscriptionState.find((each) => each === state) ?? 'subscribed';
}

/** The result of a `subscribe` request. */
export function subscriptionToXml(nodeId: string, jid: BareJid): Element {
  return pubsub(xml('subscription', { node: nodeId, jid, subscription: 'subscribed' }));
}

/** Reads `<event/>`. An item that is malformed is left out, the others count. Throws {@link ParseError} for no event at all. */
export function pubsubEventFromXml(element: Element): PubsubEvent | undefined {
  if (!is(element, 'event', NS.pubsubEvent)) throw new ParseError('not an <event/>', { field: 'event' });
  for (const each of elements(element)) {
    const nodeId = attribute(each, 'node') ?? '';
    if (each.getName() === 'purge' || each.getName() === 'delete') {
      return { type: each.getName() as 'purge' | 'delete', nodeId };
    }
    if (each.getName() === 'subscription') {
      const state = SubscriptionState.find((one) => one === attribute(each, 'subscription'));
      if (state === undefined) return undefined;
      return { type: 'subscription', nodeId, jid: parseJid(requiredAttribute(each, 'jid')), state };
    }
    if (each.getName() !== 'items') continue;
    const items = children(each, 'item', NS.pubsubEvent).flatMap(wellFormedItem);
    const retractedIds = children(each, 'retract', NS.pubsubEvent).flatMap(
      (one) => attribute(one, 'id') ?? [],
    );
    return { type: 'items', nodeId, items, retractedIds };
  }
  return undefined;
}

export function pubsubEventToXml(event: PubsubEvent): Element {
  return xml('event', { xmlns: NS.pubsubEvent }, eventContent(event));
}

/** A notification as a message; of type `headline`, so that no server keeps it for who is away (RFC 6121 §5.2.2). */
export function pubsubEventMessage(to: Jid, event: PubsubEvent): Element {
  return xml('message', { to, type: 'headline' }, pubsubEventToXml(event));
}

function eventContent(event: PubsubEvent): Element {
  const node = event.nodeId;
  switch (event.type) {
    case 'items':
      return xml(
        'items',
        { node },
        event.items.map(itemToXml),
        event.retractedIds.map((id) => xml('retract', { id })),
      );
    case 'subscription':
      return xml('subscription', { node, jid: event.jid, subscription: event.state });
    case 'purge':
    case 'delete':
      return xml(event.type, { node });
  }
}

function itemFromXml(element: Element): PubsubItem {
  const publisher = attribute(element, 'publisher');
  const [payload] = elements(element);
  return {
    id: attribute(element, 'id') ?? '',
    ...(publisher !== undefined && { publisher: parseJid(publisher, 'publisher') }),
    ...(payload && { payload }),
  };
}

function wellFormedItem(element: Element): PubsubItem[] {
  try {
    return [itemFromXml(element)];
  } catch {
    return [];
  }
}

function itemToXml(item: PubsubItem): Element {
  return xml('item', { id: item.id || undefined, publisher: item.publisher }, item.payload);
}

/** True when a pubsub service said that there is no such node (§6.1.3.12). */
export function isNoSuchNode(error: StanzaError): boolean {
  return error.condition === 'item-not-found';
}

/** The FORM_TYPE of a node's configuration (§16.4.4). */
export const NODE_CONFIG_FORM = `${NS.pubsub}#node_config`;
