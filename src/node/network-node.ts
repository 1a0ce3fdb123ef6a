/**
 * One running offering node: builds the parts, starts them from the disk upwards, and stops them
 * from the network downwards.
 */
import { join } from 'node:path';
import { DiskBlockLists } from '../catalogue/disk-block-lists.js';
import { DiskStore } from '../catalogue/disk-store.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import { Channel } from '../channel/channel.js';
import { QueryResponder } from '../channel/query-responder.js';
import type { Clock } from '../clock.js';
import type { NodeConfig } from '../config/options.js';
import { Disco } from '../entity/disco.js';
import type { Entity } from '../entity/entity.js';
import { Presence } from '../entity/presence.js';
import { messageOf } from '../errors.js';
import type { WatchedFiles } from '../extensions/transfer-watch.js';
import { RealDataFolder } from '../fs/real-data-folder.js';
import { realFileSystem } from '../fs/real-file-system.js';
import type { FileUpload } from '../jingle/file-session.js';
import type { Log } from '../log.js';
import { Answerer } from '../query/answer.js';
import { IndexFolder } from '../query/index-folder.js';
import type { QueryEngine } from '../query/query-engine.js';
import { WorkerQueryEngine } from '../query/worker-query-engine.js';
import { Library } from '../scan/library.js';
import { BlockListService } from '../service/block-list-service.js';
import { FindService } from '../service/find-service.js';
import { MeteredAnswers, MeteredEngine } from '../service/metered-answers.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import { domainOf, type Jid } from '../stanza/jid.js';
import { KEPT_FEATURE } from '../stanza/standing-question.js';
import type { Startable } from '../startable.js';
import { BandwidthGovernor } from '../transfer/send/bandwidth-governor.js';
import { FileServer } from '../transfer/send/file-server.js';
import { offerFile } from '../transfer/send/offer-file.js';
import type { Connector } from '../transport/tcp-connector.js';
import { StandingQuestions } from '../wishes/standing-questions.js';
import { nodeDisco } from './disco-of-us.js';
import { Downloads } from './downloads.js';
import { type Explained, type ExplainInit, explain } from './explained.js';
import { LibraryHashes } from './library-hashes.js';
import { LoopDelay } from './loop-delay.js';
import { type Connect, nodeEntity, serverHostOf } from './node-entity.js';
import { NodeExtensions } from './node-extensions.js';
import { NodeGuard } from './node-guard.js';
import type { BanKeeper } from './node-question.js';
import type { NodeStatus, TransferStatus } from './node-status.js';
import { NodeWishes, withoutIncoming } from './node-wishes.js';
import { SentFiles } from './sent-files.js';
import { channelStatusOf, sharesOf } from './status-of-parts.js';
import { TransferStack } from './transfer-stack.js';

export interface NetworkNodeComponents {
  readonly clock: Clock;
  readonly log: Log;
  /** Of the program, told to whoever asks (XEP-0092). */
  readonly version: string;
  /** Default: to the server of the configuration. */
  readonly connect?: Connect;
  /** How candidates of peers are reached. Default: by TCP. */
  readonly connector?: Connector;
}

const CHANNEL_RETRY_BASE_MS = 2_000;
const CHANNEL_RETRY_MAX_MS = 5 * 60_000;
const MAX_ITEMS_FETCHED = 50; // as many as a channel of ours keeps
const UNWATCHED_RESCAN_MS = 60_000;

export class NetworkNode implements Startable {
  readonly #components: NetworkNodeComponents;
  readonly #extensions: NodeExtensions | undefined;
  /** Tells them of files. */
  readonly #news: Startable | undefined;
  readonly #guard: NodeGuard;
  readonly #governor: BandwidthGovernor;
  readonly #library: Library;
  readonly #engine: QueryEngine;
  readonly #entity: Entity;
  readonly #responder: QueryResponder;
  readonly #findService: FindService;
  readonly #blockListService: BlockListService;
  /** Where questions are kept. */
  readonly #standing: StandingQuestions | undefined;
  readonly #downloads: Downloads;
  readonly #wishes: NodeWishes | undefined;
  readonly #channels: readonly Channel[];
  readonly #transfers: TransferStack;
  readonly #sentFiles: SentFiles;
  /** The same or, where there are extensions, with them in front of it. */
  readonly #files: SentFiles | WatchedFiles;
  readonly #disco: Disco;
  /** A component has none: its server knows of it without. */
  readonly #presence: Presence | undefined;
  readonly #loopDelay = new LoopDelay();
  readonly #started = new Set<Startable>();
  readonly #startedAtMs: number;
  readonly #explainInit: ExplainInit;
  /** Rejects when the node can't go on, as when the server refuses it for good. Never resolves. */
  readonly failed: Promise<never>;

  constructor(components: NetworkNodeComponents, config: NodeConfig) {
    const { clock, log } = components;
    const { limits } = config;
    this.#components = components;
    this.#explainInit = { max: limits.defaultAnswerFiles, deadlineMs: limits.queryDeadlineMs };
    this.#startedAtMs = clock.monotonic();
    const extensions = NodeExtensions.of(
      { clock, log },
      { extensions: config.extensions, jid: config.xmpp.jid, limitMs: limits.extensionMs },
    );
    this.#extensions = extensions;

    const indexLocation = join(config.data, 'index');
    const blockLists = new DiskBlockLists({ folder: new RealDataFolder(join(config.data, 'blocks')), log });
    this.#library = new Library(
      {
        fs: realFileSystem,
        store: new DiskStore({
          folder: new RealDataFolder(join(config.data, 'catalogue')),
          derived: new IndexFolder({ folder: new RealDataFolder(indexLocation) }),
          clock,
          log,
        }),
        blockLists,
        clock,
        log,
      },
      {
        shares: withoutIncoming(config.shares, config.wishes),
        quietMs: config.scan.quietMs,
        rescanMs: config.scan.intervalS * 1000,
        unwatchedRescanMs: Math.min(UNWATCHED_RESCAN_MS, config.scan.intervalS * 1000),
        hashThreads: limits.hashThreads,
        maxHashWaiters: limits.urgentHashes,
      },
    );
    this.#engine = new WorkerQueryEngine(
      { clock, log, table: this.#library.catalogue.table },
      { maxRunning: limits.concurrentQueries, maxWaiting: limits.queuedQueries, indexLocation },
    );

    this.#news = extensions?.news(this.#library);

    const engine = new MeteredEngine({ engine: this.#engine });
    const bareAnswerer = new Answerer(
      { engine, hashes: new LibraryHashes(this.#library), blocks: blockLists, clock },
      {
        maxFiles: limits.answerFiles,
        defaultFiles: Math.min(limits.defaultAnswerFiles, limits.answerFiles),
        maxAnswerBytes: limits.answerBytes,
        deadlineMs: limits.queryDeadlineMs,
      },
    );
    this.#guard = new NodeGuard(
      {
        clock,
        log,
        folder: new RealDataFolder(join(config.data, 'access')),
        sessions: () => this.#transfers.jingle,
      },
      limits,
    );
    const { queries: budget, refusals, doorkeeper: screen } = this.#guard;
    const metered = new MeteredAnswers({
      ...{ answerer: bareAnswerer, engine, budget },
      suspicion: this.#guard.enumeration,
    });
    const answerer = extensions?.answering(metered) ?? metered;
    const { connect } = components;
    this.#entity = nodeEntity(
      {
        clock,
        log,
        screen,
        ...(connect && { connect }),
        ...(extensions && { between: extensions.connection }),
      },
      config.xmpp,
      { requestTimeoutMs: limits.iqTimeoutMs, maxPendingIqs: limits.pendingIqs },
    );
    const entity = this.#entity;
    this.failed = new Promise((_resolve, reject) => {
      entity.onEvent((event) => {
        if (event.type === 'failed') reject(event.error);
      });
    });
    this.failed.catch(() => undefined); // whoever runs the node listens; a test may not

    const random = Math.random;
    const wishesLocation = join(config.data, 'wishes');
    const standing =
      limits.keptQuestions === 0
        ? undefined
        : new StandingQuestions(
            {
              ...{ entity, clock, log, answerer, budget },
              catalogue: this.#library.catalogue,
              ready: this.#library.ready,
              settled: () => this.#engine.settled(),
              folder: new RealDataFolder(wishesLocation),
            },
            limits,
          );
    this.#standing = standing;
    this.#responder = new QueryResponder(
      { entity, clock, log, answerer, budget, refusals, random, ...(standing && { keeper: standing }) },
      {
        defaultExpiryMs: limits.defaultExpiresMs,
        maxExpiryMs: limits.expiresMs,
        maxSpreadMs: limits.spreadMs,
        hashWaitMs: limits.hashWaitMs,
        confirmTimeoutMs: limits.confirmTimeoutMs,
        maxPendingQueries: limits.pendingAnswers,
        maxSeenQueries: limits.rememberedQueries,
      },
    );
    this.#findService = new FindService({ entity, answerer, budget }, { hashWaitMs: limits.hashWaitMs });
    this.#blockListService = new BlockListService({
      entity,
      catalogue: this.#library.catalogue,
      lists: blockLists,
      budget: this.#guard.blockLists,
      ...(extensions && { answerer }),
    });
    this.#channels = config.channels.map(
      ({ service, node, create, unsubscribeOnStop }) =>
        new Channel(
          { entity, clock, log, responder: this.#responder, random },
          {
            service,
            nodeId: node,
            create,
            unsubscribeOnStop,
            retryBaseMs: CHANNEL_RETRY_BASE_MS,
            retryMaxMs: CHANNEL_RETRY_MAX_MS,
            maxItemsFetched: MAX_ITEMS_FETCHED,
          },
        ),
    );
    this.#governor = new BandwidthGovernor({ clock }, config.bandwidth);
    const fileServer = new FileServer(
      {
        catalogue: this.#library.catalogue,
        files: { open: (entry) => this.#library.openFile(entry) },
        clock,
        log,
        budget: this.#guard.fileRequests,
        refusals: screen,
        governor: this.#governor,
      },
      {
        maxUploads: limits.uploads,
        maxUploadsPerPeer: limits.uploadsPerPeer,
        isFriend: (peer) => config.transfers.friends.some((each) => each === peer || each === domainOf(peer)),
        leastBytesPerSecond: limits.leastUploadBytesPerSecond,
        refusesEarly: extensions === undefined, // one may keep back what is here
      },
    );
    this.#sentFiles = new SentFiles({ files: fileServer, clock });
    this.#files = extensions?.files(this.#sentFiles) ?? this.#sentFiles;
    this.#transfers = new TransferStack(
      { entity, clock, log, ...(components.connector && { connector: components.connector }) },
      {
        serverHost: serverHostOf(config.xmpp),
        ...transferOptions(config.transfers),
        maxSessions: limits.sessions,
        maxSessionsPerPeer: limits.sessionsPerPeer,
        maxSessionsPerDomain: limits.sessionsPerDomain,
        idleMs: limits.sessionIdleMs,
        maxCandidates: limits.candidates,
        candidateTimeoutMs: limits.candidateTimeoutMs,
        maxHandshakes: limits.socksConnections,
        failedConnects: {
          failuresPerAddressPerMinute: limits.failedConnectsPerAddressPerMinute,
          failuresPerPeerPerMinute: limits.failedConnectsPerPeerPerMinute,
          failuresPerMinute: limits.failedConnectsPerMinute,
        },
        ibbBlockBytes: limits.ibbBlockBytes,
        ibbWindow: limits.ibbWindow,
        onFileRequest: this.#files.handle,
      },
    );
    const { xmpp, shares, wishes } = config;
    const { jingle } = this.#transfers;
    this.#downloads = new Downloads({ entity, jingle, clock, log }, { strikesFolder: config.data });
    this.#wishes = NodeWishes.of(
      {
        entity,
        clock,
        log,
        library: this.#library,
        downloads: this.#downloads,
      },
      { wishes, shares, location: wishesLocation },
    );
    this.#disco = new Disco(
      { entity },
      nodeDisco(xmpp.mode, components.version, [...jingle.features, ...(standing ? [KEPT_FEATURE] : [])]),
    );
    this.#presence =
      xmpp.mode === 'client' ? new Presence({ entity, disco: this.#disco, log }, xmpp) : undefined;
    this.#disco.onQuery((iq, signal) => this.#findService.answer2011(iq, signal));
  }

  /** Resolves when the node is attached, has joined its channels, and the first scan can be searched. */
  async start(): Promise<void> {
    const watching = this.#extensions && this.#news ? [this.#extensions.host, this.#news] : [];
    for (const part of [this.#loopDelay, this.#guard, ...watching, this.#library, this.#engine]) {
      await this.#start(part);
    }
    for (const part of [
      this.#disco,
      this.#findService,
      this.#blockListService,
      ...(this.#standing ? [this.#standing] : []),
      this.#transfers,
      ...this.#channels,
    ])
      await this.#start(part);
    // Its listener is the first to hear that we are online: a channel's messages need us to be available.
    if (this.#presence) await this.#start(this.#presence);
    await this.#start(this.#entity);
    await Promise.all([
      this.#library.ready.then(() => this.#engine.settled()),
      ...this.#channels.map((channel) => channel.subscribed),
    ]);
    if (this.#wishes) for (const part of [this.#downloads, this.#wishes]) await this.#start(part);
  }

  async #start(part: Startable): Promise<void> {
    this.#started.add(part);
    await part.start();
  }

  /** Channels and transfers say goodbye over the entity; then the stream ends, then what lies below. */
  async stop(): Promise<void> {
    this.#responder.stop();
    const wishes = this.#wishes ? [this.#wishes, this.#downloads] : [];
    const network = [
      ...wishes,
      ...this.#channels,
      this.#transfers,
      ...(this.#presence ? [this.#presence] : []),
    ];
    const standing = this.#standing ? [this.#standing] : [];
    const doors = [this.#blockListService, this.#findService, ...standing, this.#disco, this.#entity];
    const below = [this.#engine, this.#library];
    const watching = this.#extensions && this.#news ? [this.#news, this.#extensions.host] : [];
    for (const part of [...network, ...doors, ...below, ...watching, this.#guard, this.#loopDelay]) {
      if (!this.#started.delete(part)) continue;
      try {
        await part.stop();
      } catch (error) {
        this.#components.log.error({ err: error }, `a part did not stop cleanly: ${messageOf(error)}`);
      }
    }
    this.#sentFiles.stop();
  }

  /** How it would answer, for `shoal explain`. */
  explain(criteria: FileCriteria, signal: AbortSignal): Promise<Explained> {
    const { clock } = this.#components;
    return explain({ engine: this.#engine, clock }, this.#explainInit, criteria, signal);
  }

  /** Offers one of our files to a full address; see {@link offerFile}. */
  offer(to: Jid, entry: FileEntry, signal?: AbortSignal): Promise<FileUpload> {
    const { jingle: uploader } = this.#transfers;
    return offerFile({ server: this.#files, uploader }, to, entry, signal);
  }

  get banKeeper(): BanKeeper {
    return this.#guard;
  }

  /** What goes out, and what comes. */
  transfers(): TransferStatus[] {
    return [...this.#sentFiles.status(), ...(this.#wishes?.transfers() ?? [])];
  }

  status(): NodeStatus {
    const { clock } = this.#components;
    const progress = this.#library.progress();
    const outcomes = this.#responder.outcomes();
    const direct = this.#findService.counts();
    const dropped = Object.entries(outcomes).filter(([name]) => !['answered', 'no-match'].includes(name));
    return {
      jid: this.#entity.jid,
      online: this.#entity.online,
      uptimeMs: Math.round(clock.monotonic() - this.#startedAtMs),
      scan: progress.scan,
      shares: sharesOf(progress.shares),
      hashing: {
        filesDone: progress.hashing.filesDone,
        filesLeft: progress.hashing.filesLeft,
        bytesLeft: progress.hashing.bytesLeft,
        bytesPerSecond: progress.hashing.bytesPerSecond,
      },
      channels: this.#channels.map(({ address, state }) => channelStatusOf(address, state)),
      transfers: this.transfers(),
      wishes: this.#wishes?.status() ?? [],
      keptQuestions: this.#standing?.counts().kept ?? 0,
      queries: {
        received: Object.values(outcomes).reduce(
          (sum, count) => sum + count,
          direct.answered + direct.refused,
        ),
        answered: outcomes.answered + direct.answered,
        refused: direct.refused,
        dropped: dropped.reduce((sum, [, count]) => sum + count, 0),
      },
      ...this.#guard.status(),
      eventLoopDelayMs: this.#loopDelay.take(),
    };
  }
}

/** Where peers reach us, and where we go at their word. */
function transferOptions(transfers: NodeConfig['transfers']) {
  const { listenHost, lastListenPort, externalPort, gateway } = transfers;
  return {
    listenPort: transfers.listenPort,
    ...(lastListenPort !== undefined && { lastListenPort }),
    ...(listenHost !== undefined && { listenHost }),
    externalHosts: transfers.externalHosts,
    ...(externalPort !== undefined && { externalPort }),
    ...(transfers.mapPort && { mapPort: { ...(gateway !== undefined && { gateway }) } }),
    proxies: transfers.proxies,
    findProxies: transfers.findProxies || transfers.proxies.length > 0 ? 'at-once' : 'never',
    connectToPrivate: transfers.connectToPrivate,
    trustedPeers: transfers.trustedPeers,
  } as const;
}
