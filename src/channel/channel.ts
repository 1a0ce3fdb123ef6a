/**
 * One channel that we listen to: keeps the subscription (`channel-machine.ts` decides, this
 * file does) and hands queries to the responder.
 */
import type { Clock, Timer } from '../clock.js';
import type { Entity, EntityEvent, Unsubscribe } from '../entity/entity.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import { bareOf } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import type { DataForm } from '../stanza/xep0004-data-forms.js';
import {
  isNoSuchNode,
  itemsOfResult,
  NODE_CONFIG_FORM,
  type PubsubEvent,
  PubsubEventElement,
  type PubsubRequest,
  pubsubEventFromXml,
  pubsubIqType,
  pubsubRequestCodec,
  subscriptionOfResult,
} from '../stanza/xep0060-pubsub.js';
import { delayOf } from '../stanza/xep0203-delay.js';
import { child, type Element } from '../stanza/xml.js';
import type { Startable } from '../startable.js';
import {
  type ChannelEffect,
  type ChannelEvent,
  type ChannelState,
  channelMachine,
} from './channel-machine.js';
import type { QueryResponder } from './query-responder.js';

export interface ChannelInit extends ChannelAddress {
  /** Create the node when there is none. */
  readonly create: boolean;
  /** End the subscription at a clean stop; otherwise the service keeps it for our return. */
  readonly unsubscribeOnStop: boolean;
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  /** Items looked at after a subscription. */
  readonly maxItemsFetched: number;
}

export interface ChannelComponents {
  readonly entity: Entity;
  readonly clock: Clock;
  readonly log: Log;
  readonly responder: QueryResponder;
  readonly random: () => number;
}

/** What a channel of ours is created with (XEP-0060 §16.4.4): all may ask, retractions are told, little is kept. */
const NODE_CONFIGURATION: DataForm = {
  type: 'submit',
  formType: NODE_CONFIG_FORM,
  fields: [
    { var: 'pubsub#access_model', values: ['open'] },
    { var: 'pubsub#publish_model', values: ['open'] },
    { var: 'pubsub#notify_retract', values: ['1'] },
    { var: 'pubsub#persist_items', values: ['1'] },
    { var: 'pubsub#max_items', values: ['50'] },
    { var: 'pubsub#send_last_published_item', values: ['never'] },
    { var: 'pubsub#itemreply', values: ['publisher'] },
  ],
};

export class Channel implements Startable {
  readonly #components: ChannelComponents;
  readonly #init: ChannelInit;
  readonly #registrations: Unsubscribe[] = [];
  readonly #stopping = new AbortController();
  /** Resolves when the service has confirmed the subscription for the first time. */
  readonly subscribed: Promise<void>;
  #resolveSubscribed: () => void = () => {};
  #state: ChannelState = { type: 'offline', first: true };
  #retry: Timer | undefined;

  constructor(components: ChannelComponents, init: ChannelInit) {
    this.#components = components;
    this.#init = init;
    this.subscribed = new Promise((resolve) => {
      this.#resolveSubscribed = resolve;
    });
  }

  get address(): ChannelAddress {
    return { service: this.#init.service, nodeId: this.#init.nodeId };
  }

  get state(): ChannelState {
    return this.#state;
  }

  async start(): Promise<void> {
    const { entity } = this.#components;
    this.#registrations.push(
      entity.onEvent((event) => this.#onEntityEvent(event)),
      entity.handleMessage(PubsubEventElement.name, PubsubEventElement.ns, ({ from, stanza }) => {
        if (bareOf(from) === this.#init.service) this.#onNotification(stanza);
      }),
    );
    if (entity.online) this.#step({ type: 'online' });
  }

  async stop(): Promise<void> {
    await this.#end(this.#init.unsubscribeOnStop);
  }

  /** As `stop`, and ends the subscription. */
  async leave(): Promise<void> {
    await this.#end(true);
  }

  async #end(unsubscribes: boolean): Promise<void> {
    const leave = unsubscribes && this.#state.type === 'subscribed';
    this.#step({ type: 'stop' });
    for (const unregister of this.#registrations.splice(0)) unregister();
    if (leave) {
      await this.#request({ type: 'unsubscribe', nodeId: this.#init.nodeId, jid: this.#jid }).catch(
        (error: unknown) =>
          this.#components.log.warn({ channel: this.address }, `not unsubscribed: ${messageOf(error)}`),
      );
    }
    this.#stopping.abort();
  }

  get #jid() {
    return bareOf(this.#components.entity.jid);
  }

  #onEntityEvent(event: EntityEvent): void {
    if (event.type === 'online') this.#step({ type: event.resumed ? 'resumed' : 'online' });
    else if (event.type !== 'peer-gone') this.#step({ type: 'offline' });
  }

  #onNotification(stanza: Element): void {
    const element = child(stanza, PubsubEventElement.name, PubsubEventElement.ns);
    const event = element && pubsubEventFromXml(element);
    if (!event || event.nodeId !== this.#init.nodeId) return;
    if (event.type === 'items') this.#onItems(event, stanza);
    else if (event.type === 'delete') this.#step({ type: 'node-deleted' });
    else if (event.type === 'subscription' && bareOf(event.jid) === this.#jid) {
      if (event.state === 'none') this.#step({ type: 'subscription-ended' });
      if (event.state === 'subscribed') this.#step({ type: 'subscription-approved' });
    }
  }

  #onItems(event: Extract<PubsubEvent, { type: 'items' }>, stanza: Element): void {
    const { responder } = this.#components;
    const sentAtMs = delayOf(stanza);
    for (const itemId of event.retractedIds) responder.withdraw(this.address, itemId);
    for (const item of event.items) {
      const received = {
        channel: this.address,
        item,
        missed: false,
        ...(sentAtMs !== undefined && { sentAtMs }),
      };
      void responder.handle(received); // never rejects
    }
  }

  #step(event: ChannelEvent): void {
    const { log } = this.#components;
    const next = channelMachine.step(this.#state, event);
    if (!next) return; // a late answer to a request of an earlier state
    const from = this.#state.type;
    this.#state = next.state;
    if (from !== next.state.type) {
      log.debug({
        machine: channelMachine.name,
        id: this.#init.nodeId,
        from,
        to: next.state.type,
        event: event.type,
      });
    }
    if (next.state.type === 'subscribed' && from !== 'subscribed') {
      log.info({ channel: this.address }, 'subscribed');
      this.#resolveSubscribed();
    }
    if (next.state.type === 'waiting') {
      log.warn({ channel: this.address, reason: next.state.reason }, 'not subscribed; trying again later');
    }
    for (const effect of next.effects) this.#perform(effect);
  }

  #perform(effect: ChannelEffect): void {
    switch (effect.type) {
      case 'subscribe':
        void this.#subscribe(); // ends in an event
        break;
      case 'create':
        void this.#create(); // ends in an event
        break;
      case 'fetch-items':
        void this.#fetchItems(effect.as); // logs its failure
        break;
      case 'retry-after':
        this.#retry = this.#components.clock.after(this.#retryDelayMs(effect.attempt), () =>
          this.#step({ type: 'retry-due' }),
        );
        break;
      case 'cancel-retry':
        this.#retry?.cancel();
        this.#retry = undefined;
        break;
    }
  }

  /** Doubles with each attempt, less up to half at random, so that nodes don't come back all at once. */
  #retryDelayMs(attempt: number): number {
    const { retryBaseMs, retryMaxMs } = this.#init;
    const fullMs = Math.min(retryMaxMs, retryBaseMs * 2 ** Math.min(attempt - 1, 20));
    return fullMs * (1 - this.#components.random() / 2);
  }

  /** Reports how a request ended, unless the machine has moved on since it was sent. */
  #reporter(): (event: ChannelEvent) => void {
    const sentIn = this.#state;
    return (event) => {
      if (this.#state === sentIn) this.#step(event);
    };
  }

  async #subscribe(): Promise<void> {
    const report = this.#reporter();
    try {
      const result = await this.#request({ type: 'subscribe', nodeId: this.#init.nodeId, jid: this.#jid });
      const state = subscriptionOfResult(result);
      if (state === 'subscribed') report({ type: 'subscription-confirmed' });
      else report({ type: 'refused', reason: `the service answered '${state}'` });
    } catch (error) {
      if (error instanceof StanzaError && isNoSuchNode(error) && this.#init.create)
        report({ type: 'no-such-node' });
      else report({ type: 'refused', reason: messageOf(error) });
    }
  }

  /** With our configuration or, where the service won't have that, with its own. */
  async #create(): Promise<void> {
    const report = this.#reporter();
    const { nodeId } = this.#init;
    try {
      await this.#request({ type: 'create', nodeId, configuration: NODE_CONFIGURATION }).catch(
        (error: unknown) => {
          if (error instanceof StanzaError && error.condition === 'conflict') return; // another node was faster
          if (error instanceof StanzaError && error.type === 'modify')
            return this.#request({ type: 'create', nodeId });
          throw error;
        },
      );
      report({ type: 'node-created' });
    } catch (error) {
      report({ type: 'refused', reason: messageOf(error) });
    }
  }

  async #fetchItems(as: 'history' | 'missed'): Promise<void> {
    const { responder, log } = this.#components;
    const { nodeId, maxItemsFetched } = this.#init;
    try {
      const result = await this.#request({ type: 'items', nodeId, maxItems: maxItemsFetched });
      for (const item of itemsOfResult(result)) {
        // Neither ever rejects.
        if (as === 'history') void responder.inherit(this.address, item);
        else void responder.handle({ channel: this.address, item, missed: true });
      }
    } catch (error) {
      log.info({ channel: this.address }, `what lies on the channel can't be read: ${messageOf(error)}`);
    }
  }

  #request(request: PubsubRequest): Promise<Element> {
    return this.#components.entity.request({
      to: this.#init.service,
      type: pubsubIqType(request),
      payload: pubsubRequestCodec.toXml(request),
      signal: this.#stopping.signal,
    });
  }
}
