/**
 * Jingle file transfer for programs that use nothing else of this one: `import … from 'shoal/jingle'`.
 * Logs in to an account, sends and receives files, and can be found by clients that do. How it is
 * used is in docs/jingle.md.
 *
 * What is exported here stays as it is within a major version.
 */
import { type Clock, systemClock } from '../clock.js';
import { type ClientConnectionInit, clientConnection } from '../entity/client-connection.js';
import { Disco } from '../entity/disco.js';
import type { Entity } from '../entity/entity.js';
import { Presence, type SubscriptionRule } from '../entity/presence.js';
import { StanzaRouter } from '../entity/stanza-router.js';
import { ParseError } from '../errors.js';
import { type Log, silentLog } from '../log.js';
import { type Jid, parseJid } from '../stanza/jid.js';
import { NS } from '../stanza/namespaces.js';
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';
import { HashAlgorithm, hashFunctionFeature, isHashAlgorithm } from '../stanza/xep0300-hashes.js';
import type { Startable } from '../startable.js';
import { AddressPolicy } from '../transport/address-policy.js';
import { ConnectBudget } from '../transport/connect-budget.js';
import { IbbTransport } from '../transport/ibb-transport.js';
import {
  defaultConnectBudget,
  defaultIbbLimits,
  defaultListenerLimits,
  defaultProxyLimits,
  defaultS5bLimits,
} from '../transport/limits.js';
import { peerAllowance } from '../transport/peer-allowance.js';
import { ProxyFinder, serverOf } from '../transport/proxy-finder.js';
import { S5bListener } from '../transport/s5b-listener.js';
import { S5bTransport } from '../transport/s5b-transport.js';
import { TcpConnector } from '../transport/tcp-connector.js';
import type {
  FileDownload,
  FileOfferHandler,
  FileRequestHandler,
  FileSession,
  FileSource,
  FileUpload,
} from './file-session.js';
import { JingleEngine } from './jingle-engine.js';
import type { JingleTimeouts } from './timeouts.js';

export { LimitError } from '../errors.js';
export type { Log } from '../log.js';
export type { FileDescription, Range } from '../stanza/xep0234-file-transfer.js';
export type { Hash, HashAlgorithm } from '../stanza/xep0300-hashes.js';
export type {
  ByteReader,
  DownloadVerdict,
  FileAcceptance,
  FileDownload,
  FileOffer,
  FileOfferHandler,
  FileRequest,
  FileRequestHandler,
  FileSession,
  FileSource,
  FileUpload,
  SessionOutcome,
  TransferOutcome,
} from './file-session.js';
export {
  FileChangedError,
  FileNotAvailableError,
  FileTooLargeError,
  SessionEndedError,
} from './file-session.js';
export { SessionFailedError } from './reason.js';
export { type Received, type ReceiveOptions, receiveInto } from './receive-into.js';
export { type StreamSourceInit, streamSource } from './stream-source.js';
export type { JingleTimeouts } from './timeouts.js';

export interface FileTransferInit {
  /** The account; with a resource, that one is asked for. */
  readonly jid: string;
  readonly password: string;
  readonly server: { readonly host: string; readonly port: number };
  /** `required`: no login without encryption, and certificates are checked. Default `required`. */
  readonly tls?: ClientConnectionInit['tls'];
  /** Files that others may take. Without it nobody can. */
  readonly onRequest?: FileRequestHandler;
  /** Files that others want to give us. Without it all are declined. */
  readonly onOffer?: FileOfferHandler;
  /** Whose wish to see that we are there is granted. Clients offer files only to those whom they see. Default `domain`. */
  readonly subscriptions?: SubscriptionRule;
  readonly socks5?: {
    /** TCP port that peers connect to. Default any. */
    readonly port?: number;
    /** Names and addresses under which they reach it. Default those of this machine's interfaces. */
    readonly hosts?: readonly string[];
    /** Proxies (XEP-0065); `search` asks the server for its own. Default `search`. */
    readonly proxies?: readonly string[] | 'search';
    /** Whether peers of our own server may have us connect to private networks and to this machine. Default false. */
    readonly connectToPrivate?: boolean;
  };
  /** Sessions at once, in all and with one peer. Default 64 and 16. */
  readonly maxSessions?: number;
  readonly maxSessionsPerPeer?: number;
  readonly timeouts?: Partial<JingleTimeouts>;
  /** Default: nothing is logged. */
  readonly log?: Log;
}

/** An account that is logged in, and transfers files. */
export interface FileTransfer {
  /** Our full address. */
  readonly jid: string;
  /**
   * Resolves when the account is logged out for good, and never rejects: without an error after `stop`, with one where the
   * connection is given up because the server will not have us any more. A connection that is lost otherwise is opened again.
   */
  readonly closed: Promise<Error | undefined>;
  /** Offers a file. Never throws: the upload tells what became of it. */
  offer(to: string, source: FileSource, options?: TransferOptions): FileUpload;
  /** Asks for a file by name, size, media type, hash or several of them. Never throws: the download fails. */
  request(from: string, file: Partial<FileDescription>, options?: TransferOptions): FileDownload;
  /** Several files in one session: add them, then `begin` it, within the 20 s of `timeouts.prepareMs`. Never throws: they fail. */
  session(peer: string, options?: TransferOptions): FileSession;
  /** Ends what is under way, and logs out. */
  stop(): Promise<void>;
}

export interface TransferOptions {
  /** Withdraws it. */
  readonly signal?: AbortSignal;
  /** 4 for clients that know no newer one of XEP-0234. Default 5. */
  readonly version?: 4 | 5;
}

/**
 * Logs in and resolves when files can go. Rejects with `RefusedError` when the server will not have
 * us, with others when it can't be reached; a connection that is lost later is opened again.
 */
export async function connectFileTransfer(init: FileTransferInit): Promise<FileTransfer> {
  const transfer = new AccountTransfer({ clock: systemClock, log: init.log ?? silentLog }, init);
  await transfer.start();
  return transfer;
}

const IBB_BLOCK_BYTES = 8_192; // measured: larger ones gain little, and are cut by some servers
const FEATURES = [NS.hashes2, ...Object.keys(HashAlgorithm).filter(isHashAlgorithm).map(hashFunctionFeature)];

class AccountTransfer implements FileTransfer, Startable {
  readonly #entity: Entity;
  readonly #jingle: JingleEngine;
  /** In the order in which they are started. */
  readonly #parts: readonly Startable[];
  #started: Startable[] = [];
  readonly closed: Promise<Error | undefined>;
  #close: (error: Error | undefined) => void = () => undefined;

  constructor(components: { readonly clock: Clock; readonly log: Log }, init: FileTransferInit) {
    const { server, password, tls, socks5 = {} } = init;
    const { port = 0, hosts = [], proxies = 'search', connectToPrivate = false } = socks5;
    const connection = clientConnection(components, {
      jid: parseJid(init.jid),
      password,
      server,
      presence: 'none',
      ...(tls && { tls }),
    });
    const entity = new StanzaRouter({ ...components, connection });
    const listener = new S5bListener(components, {
      ...defaultListenerLimits,
      hosts,
      loopback: connectToPrivate,
      port,
    });
    const finder = new ProxyFinder(
      { ...components, entity },
      {
        ...defaultProxyLimits,
        proxies: proxies === 'search' ? [] : proxies.map((each) => parseJid(each)),
        search: proxies === 'search' ? 'when-needed' : 'never',
      },
    );
    const s5b = new S5bTransport(
      {
        ...components,
        entity,
        listener,
        connector: new TcpConnector(),
        policy: new AddressPolicy({
          allowPrivate: false,
          allowLoopback: false,
          allowance: peerAllowance({
            ownServer: () => serverOf(entity.jid),
            connectToPrivate,
            connectToLoopback: connectToPrivate,
            trusted: [],
          }),
        }),
        gate: new ConnectBudget(components, defaultConnectBudget),
        proxies: finder,
      },
      defaultS5bLimits,
    );
    const ibb = new IbbTransport(
      { ...components, entity },
      { ...defaultIbbLimits, blockSize: IBB_BLOCK_BYTES },
    );
    const { onRequest, onOffer, timeouts } = init;
    this.#entity = entity;
    this.#jingle = new JingleEngine(
      { ...components, entity, transports: [s5b, ibb] },
      {
        maxSessions: init.maxSessions ?? 64,
        maxSessionsPerPeer: init.maxSessionsPerPeer ?? 16,
        ...(onRequest && { onFileRequest: onRequest }),
        ...(onOffer && { onFileOffer: onOffer }),
        ...(timeouts && { timeouts }),
      },
    );
    const disco = new Disco(
      { entity },
      {
        identities: [{ category: 'client', type: 'bot', name: 'shoal/jingle' }],
        capsNodeId: NS.shoal,
        features: [...FEATURES, ...this.#jingle.features],
      },
    );
    const presence = new Presence(
      { entity, disco, log: components.log },
      { subscriptions: init.subscriptions ?? 'domain' },
    );
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
    entity.onEvent((event) => {
      if (event.type === 'failed') this.#close(event.error);
    });
    this.#parts = [disco, listener, finder, ibb, this.#jingle, entity, presence];
  }

  get jid(): string {
    return this.#entity.jid;
  }

  async start(): Promise<void> {
    try {
      for (const part of this.#parts) {
        this.#started.push(part);
        await part.start();
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const started = this.#started;
    this.#started = [];
    // Sessions first: they say goodbye over what is stopped after them.
    const first = started.filter((part) => part === this.#jingle);
    const last = started.filter((part) => part !== this.#jingle).reverse();
    const faults: unknown[] = [];
    for (const part of [...first, ...last]) {
      await part.stop().catch((fault: unknown) => faults.push(fault)); // the others are stopped all the same
    }
    this.#close(undefined);
    if (faults.length > 0) throw faults[0];
  }

  offer(to: string, source: FileSource, options: TransferOptions = {}): FileUpload {
    return this.#jingle.offer({ ...sessionOf(to, options), source });
  }

  request(from: string, file: Partial<FileDescription>, options: TransferOptions = {}): FileDownload {
    const description = { hashes: [], hashesUsed: [], ...file };
    return this.#jingle.download({ ...sessionOf(from, options), file: description });
  }

  session(peer: string, options: TransferOptions = {}): FileSession {
    return this.#jingle.session(sessionOf(peer, options));
  }
}

function sessionOf(peer: string, { signal, version }: TransferOptions) {
  return {
    ...peerOf(peer),
    ...(version === 4 && { namespace: NS.fileTransfer4 }),
    ...(signal && { signal }),
  };
}

/** What is no address fails as one does where nobody is: its source is released, whoever waits hears of it. */
function peerOf(written: string): { readonly peer: Jid; readonly fault?: Error } {
  try {
    return { peer: parseJid(written) };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return { peer: written as Jid, fault: error };
  }
}
