/**
 * Hands the stanzas of in-band bytestreams (XEP-0047) to the bytestream they speak of. One for an
 * entity: only one handler may be registered for a payload.
 */
import type { Entity, IncomingIq, Unsubscribe } from '../entity/entity.js';
import { ParseError } from '../errors.js';
import type { Jid } from '../stanza/jid.js';
import { NS } from '../stanza/namespaces.js';
import { StanzaError } from '../stanza/stanza-error.js';
import {
  type IbbData,
  type IbbOpen,
  type IbbStanza,
  ibbCloseCodec,
  ibbDataCodec,
  ibbOpenCodec,
  ibbSid,
} from '../stanza/xep0047-ibb.js';
import { child, type Element } from '../stanza/xml.js';
import type { Startable } from '../startable.js';

/** A bytestream that is agreed on. What these throw or reject with answers the stanza. */
export interface IbbEndpoint {
  onOpen(open: IbbOpen): void;
  /** Resolves when the reader has room for more, which is when the sender is told. */
  onData(data: IbbData, by: IbbStanza): Promise<void>;
  /** Data that can't be read: the bytestream is over. */
  onMalformed(): void;
  /** Resolves when we too have sent all that we had. */
  onClose(): Promise<void>;
}

/** Which bytestream: sids are the sender's choice, so both addresses belong to it. */
export interface IbbAddress {
  readonly self: Jid;
  readonly peer: Jid;
  readonly sid: string;
}

type IbbIq = Pick<IncomingIq, 'from' | 'to' | 'payload'>;

export class IbbDispatcher implements Startable {
  readonly #entity: Pick<Entity, 'handleIq' | 'handleMessage'>;
  readonly #endpoints = new Map<string, IbbEndpoint>();
  #registrations: Unsubscribe[] = [];

  constructor(components: { entity: Pick<Entity, 'handleIq' | 'handleMessage'> }) {
    this.#entity = components.entity;
  }

  async start(): Promise<void> {
    this.#registrations = [
      this.#entity.handleIq('set', 'open', NS.ibb, (iq) => this.#onOpen(iq)),
      this.#entity.handleIq('set', 'data', NS.ibb, (iq) => this.#onData(iq, 'iq')),
      this.#entity.handleIq('set', 'close', NS.ibb, (iq) => this.#onClose(iq)),
      this.#entity.handleMessage('data', NS.ibb, ({ from, to, stanza }) => {
        const payload = child(stanza, 'data', NS.ibb);
        // A message has no answer: the bytestream itself is closed where something is wrong.
        if (payload) this.#onData({ from, to, payload }, 'message').catch(() => undefined);
      }),
    ];
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#registrations) unsubscribe();
    this.#registrations = [];
    this.#endpoints.clear();
  }

  /** The stanzas of this bytestream go to `endpoint` until the returned function is called. */
  expect(address: IbbAddress, endpoint: IbbEndpoint): () => void {
    const key = keyOf(address);
    if (this.#endpoints.has(key)) throw new StanzaError('conflict', 'this bytestream is there already');
    this.#endpoints.set(key, endpoint);
    return () => {
      if (this.#endpoints.get(key) === endpoint) this.#endpoints.delete(key);
    };
  }

  #onOpen(iq: IbbIq): undefined {
    const open = ibbOpenCodec.fromXml(iq.payload);
    const endpoint = this.#find(iq, open.sid);
    // XEP-0047 §2.1: a bytestream that nobody agreed on is one that we don't wish.
    if (!endpoint) throw new StanzaError('not-acceptable');
    endpoint.onOpen(open);
  }

  async #onData(iq: IbbIq, by: IbbStanza): Promise<undefined> {
    const endpoint = this.#known(iq);
    await endpoint.onData(readData(iq.payload, endpoint), by);
  }

  async #onClose(iq: IbbIq): Promise<undefined> {
    ibbCloseCodec.fromXml(iq.payload);
    await this.#known(iq).onClose();
  }

  #known(iq: IbbIq): IbbEndpoint {
    const endpoint = this.#find(iq, ibbSid(iq.payload));
    if (!endpoint) throw new StanzaError('item-not-found', 'no such bytestream'); // XEP-0047 §2.2, §2.3
    return endpoint;
  }

  #find({ from, to }: IbbIq, sid: string): IbbEndpoint | undefined {
    return this.#endpoints.get(keyOf({ self: to, peer: from, sid }));
  }
}

function readData(payload: Element, endpoint: IbbEndpoint): IbbData {
  try {
    return ibbDataCodec.fromXml(payload);
  } catch (thrown) {
    if (!(thrown instanceof ParseError)) throw thrown;
    endpoint.onMalformed();
    throw new StanzaError('bad-request', thrown.message, { type: 'cancel', cause: thrown }); // XEP-0047 §2.2
  }
}

function keyOf({ self, peer, sid }: IbbAddress): string {
  return JSON.stringify([self, peer, sid]);
}
