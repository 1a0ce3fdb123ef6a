/**
 * A client's connection to its server (RFC 6120), over `@xmpp/client`: TLS as configured, with
 * the certificate checked, and no password in the clear beyond this machine.
 */
import { pbkdf2Sync } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import { client } from '@xmpp/client';
import { bareOf, domainOf, isFull, type Jid } from '../stanza/jid.js';
import { presence } from '../stanza/presence.js';
import {
  isSaslSuccess,
  isStarttlsFailure,
  isStreamFeatures,
  offersStarttls,
  type ScramChallenge,
  type StreamCondition,
  saslFailureOf,
  scramChallengeOf,
  withoutUnwantedFeatures,
} from '../stanza/stream.js';
import type { Element } from '../stanza/xml.js';
import type { ConnectionComponents } from './component-connection.js';
import type { Connection } from './connection.js';
import type { ConnectionTimes, Loss } from './connection-machine.js';
import { RefusedError } from './entity.js';
import {
  brokenBy,
  isAnswer,
  type LibraryEntity,
  LibraryStream,
  type LibraryStreamKind,
  StreamLostError,
} from './library-stream.js';
import { StreamManagement, type StreamManagementInit } from './stream-management.js';
import { SupervisedConnection } from './supervised-connection.js';
import type { XmppStream, XmppStreamListener } from './xmpp-stream.js';

export interface ClientConnectionInit {
  /** The account; with a resource, that one is asked for. */
  readonly jid: Jid;
  readonly password: string;
  readonly server: { readonly host: string; readonly port: number };
  /** `required`: no login without encryption. `allowed`: encrypted where offered. `off`: never. Default `required`. */
  readonly tls?: 'required' | 'allowed' | 'off';
  /**
   * `plain` presence lets messages to the bare JID reach us. `none` leaves it to whoever knows more to
   * say, see presence.ts. Default `plain`.
   */
  readonly presence?: 'plain' | 'none';
  /** XEP-0198, where the server has it. */
  readonly management?: StreamManagementInit;
  readonly times?: Partial<ConnectionTimes>;
}

export function clientConnection(
  { clock, log }: ConnectionComponents,
  init: ClientConnectionInit,
): Connection {
  const management = new StreamManagement({ clock, log }, init.management);
  const openStream = (listener: XmppStreamListener, last: Jid | undefined): XmppStream =>
    new LibraryStream({ clock }, listener, { ...clientKind(init, last ?? init.jid), management });
  return new SupervisedConnection(
    { clock, log, openStream, management },
    {
      jid: init.jid,
      mode: 'client',
      pingTo: domainOf(init.jid),
      ...(init.presence !== 'none' && { greeting: () => presence({}) }),
      times: { maxInitialFailures: 1, ...init.times },
    },
  );
}

const SHA1_BYTES = 20;
const MAX_SCRAM_ITERATIONS = 200_000; // servers ask for 4096 to 100,000; this many take 0.1 s

function clientKind(init: ClientConnectionInit, jid: Jid): LibraryStreamKind {
  const { server, password } = init;
  const domain = domainOf(jid);
  const tls = init.tls ?? 'required';
  const username = bareOf(jid).slice(0, -domain.length - 1);
  const salted = new Uint8Array(SHA1_BYTES);
  let socket: Socket | undefined;
  let login: 'none' | 'under way' | 'done' = 'none';
  const entity = client({
    service: 'xmpp://localhost',
    domain,
    ...(isFull(jid) && { resource: jid.slice(jid.indexOf('/') + 1) }),
    credentials: async (authenticate, mechanisms) => {
      // Its last parameter is for XEP-0388 only, which we take back from the server's offers.
      const prove = authenticate as unknown as (credentials: object, mechanism: string) => Promise<void>;
      login = 'under way';
      // The library hashes a password by some ten thousand asynchronous calls, which take most of a second. It takes a
      // hashed one where the salt is one that it was given; no byte of an empty salt differs from the server's.
      const hashed = { salt: [], saltedPassword: salted };
      await prove({ username, password, ...hashed }, mechanismOf(mechanisms, isProtected(socket)));
    },
  });
  return {
    // The library's types and what it does differ in small ways; what we use of it is LibraryEntity.
    entity: entity as unknown as LibraryEntity,
    host: server.host,
    port: server.port,
    domain,
    isLogin: isAnswer,
    inspect: (element, now) => {
      socket = now;
      if (login === 'under way' && isSaslSuccess(element)) login = 'done';
      const challenge = scramChallengeOf(element);
      if (challenge !== undefined) salted.set(saltedPassword(password, challenge));
      return inspect(element, {
        tls,
        encrypted: isEncrypted(now),
        loggedIn: login === 'done',
        account: bareOf(jid),
      });
    },
    lossOf: (error) => clientLoss(error, domain, bareOf(jid)),
    lossOfError: (error) => clientLossOfError(error, domain),
  };
}

/** How far logging in has come. */
interface Login {
  readonly tls: 'required' | 'allowed' | 'off';
  readonly encrypted: boolean;
  readonly loggedIn: boolean;
  readonly account: Jid;
}

/** Throws {@link RefusedError}. */
function inspect(element: Element, { tls, encrypted, loggedIn, account }: Login): Element {
  const failure = saslFailureOf(element);
  if (failure !== undefined) throw saslError(failure, account);
  if (isStarttlsFailure(element)) throw new RefusedError('the server offers encryption and then refuses it');
  if (!isStreamFeatures(element)) return element;
  if (!encrypted && tls === 'required' && !offersStarttls(element)) {
    throw new RefusedError(
      'the server offers no encryption; the option tls (--tls allowed) lets us do without',
    );
  }
  return withoutUnwantedFeatures(element, { starttls: !encrypted && tls !== 'off', bind: loggedIn });
}

/** `Hi` of RFC 5802 §2.2. Throws {@link RefusedError}. */
function saltedPassword(password: string, { salt, iterations }: ScramChallenge): Uint8Array {
  if (iterations > MAX_SCRAM_ITERATIONS) {
    throw new RefusedError('the server asks for more iterations of the password’s hash than is reasonable');
  }
  return pbkdf2Sync(password, salt, Math.max(1, iterations), SHA1_BYTES, 'sha1');
}

/** RFC 6120 §6.5: what is the password's fault, and what time may mend. */
function saslError({ condition, text }: StreamCondition, account: Jid): Error {
  const words = text === undefined ? '' : ` (${text})`;
  return condition === 'temporary-auth-failure'
    ? new StreamLostError(`the server can't check passwords now${words}`)
    : new RefusedError(`the server does not accept the password of ${account}: ${condition}${words}`);
}

/** SCRAM if there is; PLAIN only where nobody can listen. Throws {@link RefusedError}. */
export function mechanismOf(offered: readonly string[], isProtected: boolean): string {
  const usable = offered.filter((each) => each !== 'ANONYMOUS' && (each !== 'PLAIN' || isProtected));
  const mechanism = usable.find((each) => each !== 'PLAIN') ?? usable[0];
  if (mechanism === undefined) {
    const why = offered.includes('PLAIN')
      ? 'it wants the password in the clear on a connection that is not encrypted'
      : 'it offers no mechanism that we know';
    throw new RefusedError(`can't log in to the server: ${why}`);
  }
  return mechanism;
}

function isEncrypted(socket: Socket): boolean {
  return 'encrypted' in socket && socket.encrypted === true;
}

function isProtected(socket: Socket | undefined): boolean {
  return socket !== undefined && (isEncrypted(socket) || isLoopback(socket.remoteAddress ?? ''));
}

/** True for 127.0.0.0/8 and ::1, also as IPv4 inside IPv6. */
export function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, '');
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

/** What a stream error (RFC 6120 §4.9.3) means for a client. */
export function clientLoss({ condition, text }: StreamCondition, domain: string, account: Jid): Loss {
  const words = text === undefined ? '' : ` (${text})`;
  switch (condition) {
    case 'host-unknown':
    case 'host-gone':
      return { type: 'refused', error: new RefusedError(`the server is not ${domain}'s${words}`) };
    case 'policy-violation': // also for too much at once
      return {
        type: 'refused',
        passing: true,
        error: new RefusedError(`the server refuses us: ${condition}${words}`),
      };
    case 'not-authorized':
    case 'invalid-namespace':
    case 'unsupported-version':
      return { type: 'refused', error: new RefusedError(`the server refuses us: ${condition}${words}`) };
    case 'conflict':
      return {
        type: 'conflict',
        error: new RefusedError(`another program is connected as ${account} with our resource${words}`),
      };
    default:
      return {
        type: 'broken',
        error: new StreamLostError(`the server ended the stream: ${condition}${words}`),
      };
  }
}

const CERTIFICATE_FAULT =
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_|INVALID_CA|HOSTNAME_MISMATCH)/;
const TLS_FAULT = /^ERR_SSL_/;

/** What the library or the socket throws. */
export function clientLossOfError(error: unknown, domain: string): Loss {
  if (error instanceof RefusedError) return { type: 'refused', error };
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const refused = (why: string): Loss => ({
    type: 'refused',
    passing: true,
    error: new RefusedError(why, { cause: error }),
  });
  if (CERTIFICATE_FAULT.test(code)) return refused(`the server does not prove that it is ${domain}: ${code}`);
  if (TLS_FAULT.test(code)) return refused(`encryption with the server fails: ${code}`);
  return brokenBy(error);
}
