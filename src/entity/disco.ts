/**
 * Says who we are and what we can do: service discovery (XEP-0030), ping (XEP-0199), software
 * version (XEP-0092). The parts of the program register their features and items here.
 */

import type { Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import type { DataForm } from '../stanza/xep0004-data-forms.js';
import {
  type DiscoIdentity,
  type DiscoInfo,
  DiscoInfoElement,
  type DiscoItems,
  DiscoItemsElement,
  discoInfoCodec,
  discoItemsCodec,
  discoQueryNodeId,
  discoQueryPage,
} from '../stanza/xep0030-disco.js';
import type { PageRequest } from '../stanza/xep0059-rsm.js';
import { type SoftwareVersion, softwareVersionCodec, VersionElement } from '../stanza/xep0092-version.js';
import {
  CAPS_FEATURE,
  capabilitiesNodeId,
  capabilitiesOf,
  type EntityCapabilities,
} from '../stanza/xep0115-entity-capabilities.js';
import { PingElement } from '../stanza/xep0199-ping.js';
import type { Element } from '../stanza/xml.js';
import type { Startable } from '../startable.js';
import type { Entity, IncomingIq, IqHandler, Unsubscribe } from './entity.js';

export interface DiscoComponents {
  readonly entity: Entity;
}

export interface DiscoInit {
  readonly identities: readonly DiscoIdentity[];
  /** Namespaces beside those of discovery, ping and version, which are always there. */
  readonly features?: readonly string[];
  readonly forms?: readonly DataForm[];
  readonly version?: SoftwareVersion;
  /** A URI of the software, for presence that says what we can do (XEP-0115). Without it there is none. */
  readonly capsNodeId?: string;
}

/** Looks at a disco#info query before it is answered; undefined leaves it to the ordinary answer. */
export type DiscoInterceptor = (
  iq: IncomingIq,
  signal: AbortSignal,
) => Promise<Element | undefined> | Element | undefined;

/** A form about us for one asker (XEP-0128), or undefined. */
export type DiscoFormSource = (
  from: Jid,
  signal: AbortSignal,
) => Promise<DataForm | undefined> | DataForm | undefined;

/** A question for items: of a node of ours, or of us where `nodeId` is undefined. */
export interface DiscoItemsQuery {
  readonly nodeId: string | undefined;
  readonly page: PageRequest;
  readonly from: Jid;
}

/** What is below; undefined when there is no such node. Who has much tells which page of it that is. */
export type DiscoItemsSource = (
  query: DiscoItemsQuery,
  signal: AbortSignal,
) => Promise<DiscoItemsBelow | undefined> | DiscoItemsBelow | undefined;
export type DiscoItemsBelow = Pick<DiscoItems, 'items' | 'page'>;

export class Disco implements Startable {
  readonly #entity: Entity;
  readonly #init: DiscoInit;
  readonly #features = new Set<string>();
  readonly #interceptors: DiscoInterceptor[] = [];
  readonly #formSources: DiscoFormSource[] = [];
  readonly #itemSources: DiscoItemsSource[] = [];
  readonly #changeListeners: (() => void)[] = [];
  readonly #registrations: Unsubscribe[] = [];

  constructor({ entity }: DiscoComponents, init: DiscoInit) {
    this.#entity = entity;
    this.#init = init;
    const own = [DiscoInfoElement.ns, DiscoItemsElement.ns, PingElement.ns];
    const version = init.version === undefined ? [] : [VersionElement.ns];
    const caps = init.capsNodeId === undefined ? [] : [CAPS_FEATURE];
    for (const feature of [...own, ...version, ...caps, ...(init.features ?? [])]) {
      this.#features.add(feature);
    }
  }

  async start(): Promise<void> {
    const answer = (element: { readonly name: string; readonly ns: string }, handler: IqHandler) => {
      this.#registrations.push(this.#entity.handleIq('get', element.name, element.ns, handler));
    };
    answer(DiscoInfoElement, this.#info);
    answer(DiscoItemsElement, this.#items);
    answer(PingElement, () => undefined);
    const { version } = this.#init;
    if (version !== undefined) answer(VersionElement, () => softwareVersionCodec.toXml(version));
  }

  async stop(): Promise<void> {
    for (const unregister of this.#registrations.splice(0)) unregister();
  }

  /** Announces a feature, also while running. */
  addFeature(feature: string): Unsubscribe {
    this.#features.add(feature);
    this.#changed();
    return () => {
      if (this.#features.delete(feature)) this.#changed();
    };
  }

  /** Called after what we announce has changed. */
  onChange(listener: () => void): Unsubscribe {
    return register(this.#changeListeners, listener);
  }

  /** What stands for our answer in presence; undefined where the software has no URI. */
  capabilities(): EntityCapabilities | undefined {
    const { capsNodeId } = this.#init;
    return capsNodeId === undefined ? undefined : capabilitiesOf(capsNodeId, this.#own());
  }

  #changed(): void {
    for (const listener of [...this.#changeListeners]) listener();
  }

  #own(): DiscoInfo {
    const { identities, forms = [] } = this.#init;
    return { identities, features: [...this.#features].sort(), forms };
  }

  async #toldTo(from: Jid, signal: AbortSignal): Promise<DiscoInfo> {
    const own = this.#own();
    const more = await Promise.all([...this.#formSources].map((source) => source(from, signal)));
    return { ...own, forms: [...own.forms, ...more.filter((form) => form !== undefined)] };
  }

  /** Says more of us to whoever asks, beside what everybody is told. Not what presence stands for (XEP-0115). */
  onInfo(source: DiscoFormSource): Unsubscribe {
    return register(this.#formSources, source);
  }

  /** The first interceptor that gives an answer, in the order of registration, has the query. */
  onQuery(interceptor: DiscoInterceptor): Unsubscribe {
    return register(this.#interceptors, interceptor);
  }

  /** The items of all sources together are the answer. */
  onItems(source: DiscoItemsSource): Unsubscribe {
    return register(this.#itemSources, source);
  }

  readonly #info: IqHandler = async (iq, signal) => {
    for (const interceptor of [...this.#interceptors]) {
      const answer = await interceptor(iq, signal);
      if (answer !== undefined) return answer;
    }
    const nodeId = discoQueryNodeId(iq.payload);
    if (nodeId === undefined) return discoInfoCodec.toXml(await this.#toldTo(iq.from, signal));
    const capabilities = this.capabilities();
    if (capabilities !== undefined && capabilitiesNodeId(capabilities) === nodeId) {
      return discoInfoCodec.toXml({ ...this.#own(), nodeId }); // XEP-0115 §6.2
    }
    // A node of ours that nobody answered for does not exist (§7).
    throw new StanzaError('item-not-found');
  };

  readonly #items: IqHandler = async ({ from, payload }, signal) => {
    const nodeId = discoQueryNodeId(payload);
    const query = { nodeId, page: discoQueryPage(payload), from };
    const found = await Promise.all([...this.#itemSources].map((source) => source(query, signal)));
    const known = found.filter((below) => below !== undefined);
    if (nodeId !== undefined && known.length === 0) throw new StanzaError('item-not-found');
    const page = known.find((below) => below.page !== undefined)?.page;
    const items = known.flatMap((below) => below.items);
    return discoItemsCodec.toXml({ ...(nodeId !== undefined && { nodeId }), items, ...(page && { page }) });
  };
}

function register<T>(list: T[], entry: T): Unsubscribe {
  list.push(entry);
  return () => {
    const index = list.indexOf(entry);
    if (index >= 0) list.splice(index, 1);
  };
}
