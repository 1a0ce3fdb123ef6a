/** A connection that counts what comes over it. */
import type { Connection, ConnectionListener } from '../src/entity/connection.js';
import type { Jid } from '../src/stanza/jid.js';
import type { Element } from '../src/stanza/xml.js';

export interface Received {
  readonly stanzas: number;
  /** As they are written anew here: within some bytes what the server sent. */
  readonly bytes: number;
}

export class CountedConnection implements Connection {
  readonly #connection: Connection;
  #stanzas = 0;
  #bytes = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get jid(): Jid {
    return this.#connection.jid;
  }

  get online(): boolean {
    return this.#connection.online;
  }

  received(): Received {
    return { stanzas: this.#stanzas, bytes: this.#bytes };
  }

  isOurs(to: Jid): boolean {
    return this.#connection.isOurs(to);
  }

  start(listener: ConnectionListener): Promise<void> {
    return this.#connection.start({
      onStanza: (stanza) => {
        this.#stanzas += 1;
        this.#bytes += Buffer.byteLength(stanza.toString());
        listener.onStanza(stanza);
      },
      onEvent: (event) => listener.onEvent(event),
    });
  }

  stop(): Promise<void> {
    return this.#connection.stop();
  }

  write(stanza: Element, text: string): void {
    this.#connection.write(stanza, text);
  }
}
