/**
 * The stream below an entity: a component's, a client's or, in tests, none at all. It connects,
 * stays connected and moves stanzas; what they mean is `stanza-router.ts`'s business.
 */
import type { Jid } from '../stanza/jid.js';
import type { Element } from '../stanza/xml.js';
import type { EntityEvent } from './entity.js';

/** Who is told what happens on a connection. */
export interface ConnectionListener {
  /** A stanza came: an iq, message or presence. Must not throw. */
  onStanza(stanza: Element): void;
  onEvent(event: EntityEvent): void;
}

export interface Connection {
  /** Our address; before the first `online`, the one configured. */
  readonly jid: Jid;
  readonly online: boolean;
  /** True when stanzas to `to` come to us. */
  isOurs(to: Jid): boolean;
  /** Begins to connect. Resolves when online for the first time; rejects when it has failed or `stop` was called. */
  start(listener: ConnectionListener): Promise<void>;
  /** Closes the stream politely, if there is one. */
  stop(): Promise<void>;
  /** Writes a stanza whose `text`, its XML, is fit to be sent. Throws `OfflineError`. */
  write(stanza: Element, text: string): void;
}
