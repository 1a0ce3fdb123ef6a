/** A component's connection to its server (XEP-0114), over `@xmpp/component`. */
import { component } from '@xmpp/component';
import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import type { BareJid } from '../stanza/jid.js';
import type { StreamCondition } from '../stanza/stream.js';
import type { Connection } from './connection.js';
import type { ConnectionTimes, Loss } from './connection-machine.js';
import { RefusedError } from './entity.js';
import { brokenBy, LibraryStream, StreamLostError } from './library-stream.js';
import { SupervisedConnection } from './supervised-connection.js';

export interface ConnectionComponents {
  readonly clock: Clock;
  readonly log: Log;
}

export interface ComponentConnectionInit {
  /** The component's domain, as the server's configuration has it. */
  readonly jid: BareJid;
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  readonly times?: Partial<ConnectionTimes>;
}

export function componentConnection(
  { clock, log }: ConnectionComponents,
  { jid, host, port, secret, times }: ComponentConnectionInit,
): Connection {
  const lossOf = (error: StreamCondition) => componentLoss(error, `${host}:${port}`, jid);
  return new SupervisedConnection(
    {
      clock,
      log,
      openStream: (listener) =>
        new LibraryStream({ clock }, listener, {
          entity: component({ service: 'xmpp://localhost', domain: jid, password: secret }),
          host,
          port,
          domain: jid,
          isLogin: () => false,
          inspect: (element) => element,
          lossOf,
          lossOfError: brokenBy,
        }),
    },
    // To ourselves: a component need not know the address of its server, which has to route this in any case.
    { jid, mode: 'component', pingTo: jid, ...(times && { times }) },
  );
}

/** What a stream error (RFC 6120 §4.9.3) means for a component. */
export function componentLoss({ condition, text }: StreamCondition, server: string, jid: BareJid): Loss {
  const words = text === undefined ? '' : ` (${text})`;
  const refused = (why: string): Loss => ({ type: 'refused', error: new RefusedError(`${why}${words}`) });
  switch (condition) {
    case 'not-authorized':
      return refused(
        `${server} does not accept our secret for ${jid}: xmpp.secret differs from the server's`,
      );
    case 'host-unknown':
      return refused(`${server} knows no component ${jid}: it has to be in the server's configuration`);
    case 'invalid-namespace':
    case 'bad-namespace-prefix':
      return refused(`${server} is not a port for components`);
    case 'unsupported-version':
      return refused(`${server} does not speak XEP-0114`);
    case 'conflict':
      return {
        type: 'conflict',
        error: new RefusedError(`another program is connected to ${server} as ${jid}${words}`),
      };
    default:
      return {
        type: 'broken',
        error: new StreamLostError(`${server} ended the stream: ${condition}${words}`),
      };
  }
}
