/**
 * XEP-0030: Service Discovery
 * https://xmpp.org/extensions/xep-0030.html, version 2.5.0 (2024-04-30)
 *
 * What an entity says of itself (§3) and what it has (§4), in pages where that is much (XEP-0059).
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { type Jid, parseJid } from './jid.js';
import { NS } from './namespaces.js';
import { type DataForm, dataFormCodec } from './xep0004-data-forms.js';
import { type PageRequest, type PageResult, pageRequestCodec, pageResultCodec } from './xep0059-rsm.js';
import { attribute, child, children, type Element, is, requiredAttribute, xml } from './xml.js';

export const DiscoInfoElement = { name: 'query', ns: NS.discoInfo } as const;
export const DiscoItemsElement = { name: 'query', ns: NS.discoItems } as const;

export interface DiscoIdentity {
  readonly category: string;
  readonly type: string;
  readonly name?: string;
  /** Of the name. */
  readonly lang?: string;
}

export interface DiscoInfo {
  /** The node that is asked about, where it is not the entity itself. */
  readonly nodeId?: string;
  readonly identities: readonly DiscoIdentity[];
  readonly features: readonly string[];
  /** XEP-0128 (version 1.0.1, 2019-07-30). */
  readonly forms: readonly DataForm[];
}

export interface DiscoItem {
  readonly jid: Jid;
  readonly nodeId?: string;
  readonly name?: string;
}

export interface DiscoItems {
  readonly nodeId?: string;
  readonly items: readonly DiscoItem[];
  readonly page?: PageResult;
}

/** A question for info or items: the node asked about, or nothing. Throws {@link ParseError}. */
export function discoQueryNodeId(element: Element): string | undefined {
  if (!is(element, 'query', NS.discoInfo) && !is(element, 'query', NS.discoItems)) {
    throw new ParseError('not a disco query', { field: 'query' });
  }
  return attribute(element, 'node');
}

/** Which page of the items is asked for. Throws {@link ParseError}. */
export function discoQueryPage(element: Element): PageRequest {
  const set = child(element, 'set', NS.rsm);
  return set ? pageRequestCodec.fromXml(set) : {};
}

/** A question for info or items. */
export function discoQueryToXml(of: 'info' | 'items', nodeId?: string, page?: PageRequest): Element {
  const ns = of === 'info' ? NS.discoInfo : NS.discoItems;
  return xml('query', { xmlns: ns, node: nodeId }, page && pageRequestCodec.toXml(page));
}

export const discoInfoCodec: Codec<DiscoInfo> = {
  fromXml(element) {
    expectQuery(element, NS.discoInfo);
    return {
      ...nodeIdOf(element),
      identities: children(element, 'identity', NS.discoInfo).map((each) => ({
        category: requiredAttribute(each, 'category'),
        type: requiredAttribute(each, 'type'),
        ...nameOf(each),
        ...langOf(each),
      })),
      features: children(element, 'feature', NS.discoInfo).map((each) => requiredAttribute(each, 'var')),
      forms: children(element, 'x', NS.dataForms).map((each) => dataFormCodec.fromXml(each)),
    };
  },
  toXml: ({ nodeId, identities, features, forms }) =>
    xml(
      'query',
      { xmlns: NS.discoInfo, node: nodeId },
      identities.map(({ category, type, name, lang }) =>
        xml('identity', { category, type, name, 'xml:lang': lang }),
      ),
      features.map((feature) => xml('feature', { var: feature })),
      forms.map((form) => dataFormCodec.toXml(form)),
    ),
};

export const discoItemsCodec: Codec<DiscoItems> = {
  fromXml(element) {
    expectQuery(element, NS.discoItems);
    const set = child(element, 'set', NS.rsm);
    return {
      ...nodeIdOf(element),
      ...(set && { page: pageResultCodec.fromXml(set) }),
      items: children(element, 'item', NS.discoItems).map((each) => ({
        jid: parseJid(requiredAttribute(each, 'jid')),
        ...nodeIdOf(each),
        ...nameOf(each),
      })),
    };
  },
  toXml: ({ nodeId, items, page }) =>
    xml(
      'query',
      { xmlns: NS.discoItems, node: nodeId },
      items.map((item) => xml('item', { jid: item.jid, node: item.nodeId, name: item.name })),
      page && pageResultCodec.toXml(page),
    ),
};

/** True when this disco#info answer has the feature. */
export function hasFeature(query: Element, feature: string): boolean {
  return children(query, 'feature', NS.discoInfo).some((each) => attribute(each, 'var') === feature);
}

/** The `<query/>` in an iq's result, or undefined. */
export function discoAnswerOf(iq: Element, of: 'info' | 'items'): Element | undefined {
  return child(iq, 'query', of === 'info' ? NS.discoInfo : NS.discoItems);
}

function expectQuery(element: Element, ns: string): void {
  if (!is(element, 'query', ns)) throw new ParseError('not a disco query', { field: 'query' });
}

function nodeIdOf(element: Element): { nodeId?: string } {
  const nodeId = attribute(element, 'node');
  return nodeId === undefined ? {} : { nodeId };
}

function langOf(element: Element): { lang?: string } {
  const lang = attribute(element, 'xml:lang');
  return lang === undefined ? {} : { lang };
}

function nameOf(element: Element): { name?: string } {
  const name = attribute(element, 'name');
  return name === undefined ? {} : { name };
}
