/** A running asker: a client connection, channels to ask on, and file transfer. */

import { ChannelAsker, type ChannelQuestion } from '../channel/channel-asker.js';
import type { Clock } from '../clock.js';
import type { AskerConfig } from '../config/options.js';
import { clientEntity } from '../entity/client-entity.js';
import { Disco } from '../entity/disco.js';
import type { Entity } from '../entity/entity.js';
import { AbortedError } from '../errors.js';
import { realPartFileSystem } from '../fs/part-file.js';
import type { Log } from '../log.js';
import type { ChannelAddress, Found } from '../stanza/file-discovery.js';
import { bareOf, type Jid } from '../stanza/jid.js';
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';
import type { DownloadEvent } from '../transfer/fetch/download-events.js';
import { fetchFile } from '../transfer/fetch/fetch-file.js';
import type { FetchEvent, FetchRequest } from '../transfer/fetch/fetch-request.js';
import type { Connector } from '../transport/tcp-connector.js';
import type { TransportType } from '../transport/transport.js';
import { keepAsking } from '../wishes/keep-asking.js';
import type {
  Asker,
  DownloadOrder,
  FindEvent,
  FindRequest,
  FoundFile,
  WantEvent,
  WantRequest,
} from './asker.js';
import { AudienceFinder } from './audience-finder.js';
import { askerDisco } from './disco-of-us.js';
import { Downloads } from './downloads.js';
import { TransferStack } from './transfer-stack.js';

export interface NetworkAskerComponents {
  readonly clock: Clock;
  readonly log: Log;
  /** How candidates of peers are reached. Default: by TCP. */
  readonly connector?: Connector;
}

/** Beside the configuration; for tests and programs. */
export interface NetworkAskerOptions {
  /** Default: SOCKS5, then in-band. */
  readonly transports?: readonly TransportType[];
  /** Where peers are told to connect to. Default: the addresses of this machine. */
  readonly external?: { readonly host: string; readonly port: number };
  /** What is remembered from one run to the next: who sent wrong bytes. Default: nothing is. */
  readonly stateFolder?: string;
}

const SPREAD_MS = 100; // small: one asker and a few hundred nodes; a larger one makes every answer later
const PAGE_FILES = 100;
const MAX_ANSWERS = 10_000;

export class NetworkAsker implements Asker {
  readonly #components: NetworkAskerComponents;
  readonly #entity: Entity;
  readonly #channels: ChannelAsker;
  readonly #transfers: TransferStack;
  readonly #downloads: Downloads;
  readonly #disco: Disco;

  constructor(components: NetworkAskerComponents, config: AskerConfig, options: NetworkAskerOptions = {}) {
    const { clock, log } = components;
    this.#components = components;
    this.#entity = clientEntity(components, config);
    const entity = this.#entity;
    this.#channels = new ChannelAsker(
      { entity, clock, log },
      { spreadMs: SPREAD_MS, pageFiles: PAGE_FILES, maxAnswers: MAX_ANSWERS },
    );
    this.#transfers = new TransferStack(
      { entity, clock, log, ...(components.connector && { connector: components.connector }) },
      {
        serverHost: config.server.host,
        listenPort: 0,
        externalHosts: options.external ? [options.external.host] : [],
        ...(options.external && { externalPort: options.external.port }),
        findProxies: 'when-needed',
        connectToPrivate: true,
        maxSessions: 64,
        maxSessionsPerPeer: 1, // nobody has a reason to begin a session with an asker
        idleMs: 60_000,
        maxCandidates: 10,
        candidateTimeoutMs: 5000,
        maxHandshakes: 64,
        ibbBlockBytes: 8192,
        ibbWindow: 8,
        ...(options.transports && { transports: options.transports }),
      },
    );
    const { jingle } = this.#transfers;
    this.#downloads = new Downloads(
      { entity, jingle, clock, log },
      { strikesFolder: options.stateFolder, strikes: config.strikes },
    );
    this.#disco = new Disco({ entity }, askerDisco(this.#transfers.jingle.features));
  }

  /** Our full JID, once started. */
  get jid(): Jid {
    return this.#entity.jid;
  }

  async start(): Promise<void> {
    await this.#downloads.start();
    await this.#disco.start();
    await this.#channels.start();
    await this.#transfers.start();
    await this.#entity.start();
  }

  async stop(): Promise<void> {
    await this.#transfers.stop();
    await this.#channels.stop();
    await this.#disco.stop();
    await this.#entity.stop();
    await this.#downloads.stop();
  }

  async *find(request: FindRequest, signal?: AbortSignal): AsyncGenerator<FindEvent> {
    if (signal?.aborted) throw new AbortedError('aborted before the question was asked');
    const question: ChannelQuestion = {
      criteria: request.criteria,
      ...(request.order && { order: request.order }),
      maxFiles: request.max,
      waitMs: request.waitMs,
    };
    const channels = addressesOf(request);
    const answers =
      request.to === undefined
        ? this.#channels.ask(channels, question, signal)
        : this.#channels.askNode(request.to, question, signal);
    const pending = new Map<Jid, number>();
    for await (const answer of answers) {
      if (answer.type === 'refused') {
        yield { type: 'refused', jid: answer.from, error: answer.error };
        continue;
      }
      const { found, from } = answer;
      for (const file of filesOf(found, from)) yield { type: 'file', file };
      pending.set(from, (pending.get(from) ?? 0) + found.pending);
      if (answer.last)
        yield { type: 'answer', jid: from, total: found.total, pending: pending.get(from) ?? 0 };
    }
  }

  async *want(request: WantRequest, signal: AbortSignal): AsyncGenerator<WantEvent> {
    const { clock, log } = this.#components;
    const components = { entity: this.#entity, asker: this.#channels, clock, log, random: Math.random };
    const { criteria, to, max: maxFiles } = request;
    const wish = { criteria, ...(to !== undefined && { to }), channels: addressesOf(request), maxFiles };
    for await (const event of keepAsking(components, wish, signal)) {
      if (event.type === 'refused') yield { type: 'refused', jid: event.from, error: event.error };
      else if (event.type !== 'found') yield event;
      else for (const file of filesOf(event.found, event.from)) yield { type: 'file', file };
    }
  }

  download(
    { audience, onOtherSize, ...request }: DownloadOrder,
    signal?: AbortSignal,
  ): AsyncIterable<DownloadEvent> {
    const finder = new AudienceFinder({ asker: this, log: this.#components.log, onOtherSize }, audience);
    return this.#downloads.download(request, finder, signal);
  }

  fetch(request: FetchRequest, signal?: AbortSignal): AsyncIterable<FetchEvent> {
    const { clock, log } = this.#components;
    return fetchFile(
      { downloader: this.#transfers.jingle, fs: realPartFileSystem, clock, log },
      request,
      {},
      signal,
    );
  }
}

function addressesOf({ channels }: Pick<FindRequest, 'channels'>): ChannelAddress[] {
  return channels.map(({ service, node }) => ({ service: bareOf(service), nodeId: node }));
}

function filesOf({ files, channel }: Found, from: Jid): FoundFile[] {
  const source = { jid: from, ...(channel && { channel: channel.nodeId }) };
  return files.flatMap((file) => (file.name === undefined ? [] : foundFile(file, file.name, source)));
}

function foundFile(file: FileDescription, name: string, source: { jid: Jid; channel?: string }) {
  return {
    name,
    ...(file.path !== undefined && { path: file.path }),
    ...(file.size !== undefined && { size: file.size }),
    ...(file.dateMs !== undefined && { dateMs: file.dateMs }),
    ...(file.mediaType !== undefined && { mediaType: file.mediaType }),
    ...(file.blocks !== undefined && { blocks: file.blocks }),
    hashes: file.hashes,
    source,
  };
}
