/**
 * The connection of a node as extensions see it: every stanza that comes and goes, but for those that keep the stream
 * alive. They may keep one back; what RFC 6120 says must be answered is answered all the same.
 */
import type { Connection, ConnectionListener } from '../entity/connection.js';
import { OfflineError } from '../entity/entity.js';
import { ParseError } from '../errors.js';
import { iqError, stanzaType } from '../stanza/iq.js';
import { type Jid, parseJid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { attribute, type Element, xmlSafe } from '../stanza/xml.js';
import type { Stanza } from './api.js';
import type { Extensions } from './extension-host.js';
import { readStanzaVerdict } from './verdicts.js';

export interface WatchedConnectionComponents {
  readonly connection: Connection;
  readonly extensions: Extensions;
}

export class WatchedConnection implements Connection {
  readonly #connection: Connection;
  readonly #extensions: Extensions;

  constructor({ connection, extensions }: WatchedConnectionComponents) {
    this.#connection = connection;
    this.#extensions = extensions;
  }

  get jid(): Jid {
    return this.#connection.jid;
  }

  get online(): boolean {
    return this.#connection.online;
  }

  isOurs(to: Jid): boolean {
    return this.#connection.isOurs(to);
  }

  start(listener: ConnectionListener): Promise<void> {
    return this.#connection.start({
      onStanza: (stanza) => {
        if (this.#isVetoed('onStanzaIn', stanza)) this.#refuse(stanza);
        else listener.onStanza(stanza);
      },
      onEvent: (event) => listener.onEvent(event),
    });
  }

  stop(): Promise<void> {
    return this.#connection.stop();
  }

  /**
   * A vetoed request fails for the part of the node that made it, with the `StanzaError` it would have had from a
   * server that does not allow it. In place of a vetoed answer goes an error: RFC 6120 §8.2.3 wants one of the two.
   */
  write(stanza: Element, text: string): void {
    if (!this.#isVetoed('onStanzaOut', stanza, text)) {
      this.#connection.write(stanza, text);
    } else if (stanza.getName() === 'iq') {
      if (isRequest(stanza)) throw new StanzaError('not-allowed', 'an extension keeps it back');
      this.#answer(stanza, { from: attribute(stanza, 'to'), to: attribute(stanza, 'from') });
    }
  }

  #isVetoed(hook: 'onStanzaIn' | 'onStanzaOut', stanza: Element, text?: string): boolean {
    const asked = this.#extensions.having(hook);
    if (asked.length === 0) return false;
    const view = new StanzaView(stanza, text);
    return asked.some((each) => each.decideNow(hook, view, readStanzaVerdict) === 'vetoed');
  }

  /** As XEP-0191 §3 has it for the stanzas of somebody who is blocked. */
  #refuse(stanza: Element): void {
    if (stanza.getName() !== 'iq' || !isRequest(stanza)) return;
    this.#answer(stanza, { from: attribute(stanza, 'from'), to: attribute(stanza, 'to') });
  }

  #answer(
    iq: Element,
    request: { readonly from: string | undefined; readonly to: string | undefined },
  ): void {
    const id = attribute(iq, 'id');
    if (id === undefined || request.from === undefined) return;
    try {
      const from = parseJid(request.from);
      const to = request.to === undefined ? this.jid : parseJid(request.to);
      const error = iqError({ from, to, id }, new StanzaError('service-unavailable'));
      this.#connection.write(error, xmlSafe(error.toString()));
    } catch (thrown) {
      // Who has no address can't be answered.
      if (!(thrown instanceof OfflineError || thrown instanceof ParseError)) throw thrown;
    }
  }
}

function isRequest(iq: Element): boolean {
  const type = stanzaType(iq);
  return type === 'get' || type === 'set';
}

/** The element itself stays with us. */
class StanzaView implements Stanza {
  readonly #stanza: Element;
  #text: string | undefined;

  constructor(stanza: Element, text: string | undefined) {
    this.#stanza = stanza;
    this.#text = text;
  }

  get name(): Stanza['name'] {
    return this.#stanza.getName() as Stanza['name'];
  }

  get type(): string | undefined {
    return stanzaType(this.#stanza);
  }

  get from(): string | undefined {
    return attribute(this.#stanza, 'from');
  }

  get to(): string | undefined {
    return attribute(this.#stanza, 'to');
  }

  get id(): string | undefined {
    return attribute(this.#stanza, 'id');
  }

  get text(): string {
    this.#text ??= this.#stanza.toString();
    return this.#text;
  }
}
