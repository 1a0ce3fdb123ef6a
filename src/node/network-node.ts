/**
 * One running offering node: builds the parts, starts them from the disk upwards, and stops them
 * from the network downwards.
 */
import { join } from 'node:path';
import type { BanKeeper } from '../access/bans.js';
import { addressesOf, RuleBook } from '../access/rule-book.js';
import { DiskBlockLists } from '../catalogue/disk-block-lists.js';
import { DiskStore } from '../catalogue/disk-store.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import { QueryResponder } from '../channel/query-responder.js';
import type { Clock } from '../clock.js';
import type { AccessRule } from '../config/access-options.js';
import type { NodeConfig } from '../config/options.js';
import { Disco } from '../entity/disco.js';
import type { Entity } from '../entity/entity.js';
import { Presence } from '../entity/presence.js';
import { Roster } from '../entity/roster.js';
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
import type { OwnersConfiguration } from '../service/commands/owner-commands.js';
import { DirectQuestions } from '../service/direct-questions.js';
import { FindService } from '../service/find-service.js';
import { MeteredAnswers, MeteredEngine } from '../service/metered-answers.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import type { BareJid, Jid } from '../stanza/jid.js';
import { KEPT_FEATURE } from '../stanza/standing-question.js';
import type { FileTransferNamespace } from '../stanza/xep0234-file-transfer.js';
import type { Startable } from '../startable.js';
import { offerFile } from '../transfer/send/offer-file.js';
import type { Connector } from '../transport/tcp-connector.js';
import { StandingQuestions } from '../wishes/standing-questions.js';
import { nodeDisco } from './disco-of-us.js';
import { Downloads } from './downloads.js';
import { type Explained, type ExplainInit, explain } from './explained.js';
import { LibraryHashes } from './library-hashes.js';
import { LoopDelay } from './loop-delay.js';
import { NodeChannels } from './node-channels.js';
import { NodeDoors } from './node-doors.js';
import { type Connect, nodeEntity } from './node-entity.js';
import { NodeExtensions } from './node-extensions.js';
import { NodeGuard } from './node-guard.js';
import { NodeLinks } from './node-links.js';
import { NodeOffers } from './node-offers.js';
import type { NodeStatus, TransferStatus } from './node-status.js';
import { uploadsOf } from './node-uploads.js';
import { NodeWishes, withoutIncoming } from './node-wishes.js';
import { areAboutGroups, RunningConfig, rulesOf } from './reload.js';
import type { SentFiles } from './sent-files.js';
import { hashingOf, queriesOf, sharesOf } from './status-of-parts.js';
import type { TransferStack } from './transfer-stack.js';

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

const UNWATCHED_RESCAN_MS = 60_000;

export class NetworkNode implements Startable {
  readonly #components: NetworkNodeComponents;
  readonly #config: RunningConfig;
  readonly #extensions: NodeExtensions | undefined;
  /** Tells them of files. */
  readonly #news: Startable | undefined;
  readonly #access: RuleBook;
  readonly #guard: NodeGuard;
  readonly #library: Library;
  readonly #engine: QueryEngine;
  readonly #entity: Entity;
  readonly #responder: QueryResponder;
  readonly #questions: DirectQuestions;
  readonly #findService: FindService;
  readonly #blockListService: BlockListService;
  /** Where questions are kept. */
  readonly #standing: StandingQuestions | undefined;
  readonly #downloads: Downloads;
  readonly #wishes: NodeWishes | undefined;
  readonly #channels: NodeChannels;
  readonly #transfers: TransferStack;
  readonly #sentFiles: SentFiles;
  /** The same or, where there are extensions, with them in front of it. */
  readonly #files: SentFiles | WatchedFiles;
  /** Over HTTP. */
  readonly #links: NodeLinks | undefined;
  readonly #disco: Disco;
  readonly #doors: NodeDoors;
  readonly #offers: NodeOffers;
  /** Where rules are about its groups. */
  #roster: Roster | undefined;
  /** A component has none: its server knows of it without. */
  readonly #presence: Presence | undefined;
  readonly #loopDelay = new LoopDelay();
  readonly #started = new Set<Startable>();
  readonly #startedAtMs: number;
  readonly #explainInit: ExplainInit;
  /** What its owners change from their clients; without it there are no such commands. */
  configuration?: OwnersConfiguration;
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

    const rules = rulesOf(config);
    const groups = { isIn: (contact: BareJid, group: string) => this.#roster?.isIn(contact, group) ?? false };
    const isBanned = (jid: Jid) => this.#guard.isBanned(jid);
    this.#access = new RuleBook(
      { clock, groups, isBanned },
      { rules, channels: addressesOf(config.channels) },
    );
    const access = this.#access;
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

    const { catalogue } = this.#library;
    const fees = { charge: (asker: string) => this.#guard.fileRequests.charge(asker) };
    const ignores = (jid: Jid) => this.#guard.doorkeeper.ignores(jid);
    const late = { files: () => this.#files, budget: fees, ignores, self: () => this.#entity.jid };
    this.#links = NodeLinks.of({ clock, log, catalogue, access, ...late }, config);
    const { otherSources } = this.#links ?? {};
    this.#news = extensions?.news(this.#library);

    const hashes = new LibraryHashes(this.#library);
    const engine = new MeteredEngine({ engine: this.#engine });
    const bareAnswerer = new Answerer(
      { ...{ access, engine, hashes, blocks: blockLists, clock }, ...(otherSources && { otherSources }) },
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
        sessions: () => uploads.sessions,
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
    this.#questions = new DirectQuestions({ answerer, budget }, { hashWaitMs: limits.hashWaitMs });
    this.#findService = new FindService({ entity, questions: this.#questions });
    this.#blockListService = new BlockListService({
      entity,
      access,
      catalogue: this.#library.catalogue,
      lists: blockLists,
      budget: this.#guard.blockLists,
      ...(extensions && { answerer }),
    });
    this.#channels = new NodeChannels(
      { entity, clock, log, responder: this.#responder, random, ...(standing && { standing }) },
      config.channels,
    );
    const uploads = uploadsOf(
      {
        ...{ entity, clock, log, access, library: this.#library, guard: this.#guard },
        ...(components.connector && { connector: components.connector }),
        ...(extensions && { extensions }),
      },
      config,
    );
    this.#sentFiles = uploads.sent;
    this.#files = uploads.files;
    this.#transfers = uploads.transfers;
    const { xmpp, shares, wishes } = config;
    const { jingle } = this.#transfers;
    this.#downloads = new Downloads(
      { entity, jingle, clock, log },
      { strikesFolder: config.data, strikes: limits.strikes },
    );
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
      nodeDisco(xmpp.mode, config.about.name, components.version, [
        ...jingle.features,
        ...(standing ? [KEPT_FEATURE] : []),
      ]),
    );
    this.#presence =
      xmpp.mode === 'client' ? new Presence({ entity, disco: this.#disco, log }, xmpp) : undefined;
    this.#roster = areAboutGroups(rules) ? new Roster({ entity, clock, log }) : undefined;
    this.#disco.onQuery((iq, signal) => this.#findService.answer2011(iq, signal));
    this.#doors = new NodeDoors(
      {
        ...{ entity, disco: this.#disco, clock, access, hashes, blocks: blockLists },
        catalogue: this.#library.catalogue,
        questions: this.#questions,
        ...(extensions && { answerer }),
        ...(otherSources && { otherSources }),
        ...(standing && { wishes: standing }),
        sent: this.#sentFiles,
        refusals: screen,
        offer: (to, entry, signal) => this.offer(to, entry, signal),
        status: () => this.status(),
        channels: () => this.#channels.status(),
        configuration: () => this.configuration,
        inForce: () => this.#config.current,
        keeper: this.#guard,
        refused: () => this.#guard.refusals.counts(),
        rescan: () => {
          this.#library.rescan().catch((error: unknown) => log.warn({ err: error }, 'a rescan failed'));
        },
      },
      config,
    );
    this.#offers = new NodeOffers(
      {
        ...{ entity, disco: this.#disco, clock, log, access, questions: this.#questions },
        ...{
          catalogue,
          listing: this.#doors.listing,
          folders: this.#doors.folders,
          jingle,
          files: this.#files,
          ready: this.#library.ready,
        },
        ...(this.#links && { links: this.#links }),
        refusals: screen,
        offer: (...offer) => this.offer(...offer),
      },
      config,
    );
    this.#config = new RunningConfig(
      {
        library: this.#library,
        channels: this.#channels,
        access: this.#access,
        knowGroups: (rules) => this.#knowGroups(rules),
        settled: () => this.#engine.settled(),
        bounded: [
          ...[this.#guard, uploads, this.#offers],
          ...(standing ? [{ setLimits: (now: NodeConfig) => standing.setLimits(now.limits) }] : []),
        ],
      },
      config,
    );
  }

  async #knowGroups(rules: readonly AccessRule[]): Promise<void> {
    if (this.#roster || !areAboutGroups(rules)) return;
    const { clock, log } = this.#components;
    this.#roster = new Roster({ entity: this.#entity, clock, log });
    await this.#start(this.#roster);
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
      ...(this.#roster ? [this.#roster] : []),
      this.#doors,
      this.#blockListService,
      ...(this.#standing ? [this.#standing] : []),
      this.#transfers,
      this.#offers,
      ...(this.#links ? [this.#links] : []),
      this.#channels,
    ])
      await this.#start(part);
    // Its listener is the first to hear that we are online: a channel's messages need us to be available.
    if (this.#presence) await this.#start(this.#presence);
    await this.#start(this.#entity);
    await Promise.all([this.#library.ready.then(() => this.#engine.settled()), this.#channels.joined]);
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
    const links = this.#links ? [this.#links] : [];
    const presence = this.#presence ? [this.#presence] : [];
    const network = [...wishes, this.#channels, ...links, this.#transfers, ...presence];
    const standing = this.#standing ? [this.#standing] : [];
    const doors = [
      this.#blockListService,
      this.#doors,
      this.#findService,
      ...(this.#roster ? [this.#roster] : []),
      ...standing,
      this.#disco,
      this.#entity,
    ];
    const below = [this.#engine, this.#library];
    const watching = this.#extensions && this.#news ? [this.#news, this.#extensions.host] : [];
    for (const part of [
      this.#offers,
      ...network,
      ...doors,
      ...below,
      ...watching,
      this.#guard,
      this.#loopDelay,
    ]) {
      if (!this.#started.delete(part)) continue;
      try {
        await part.stop();
      } catch (error) {
        this.#components.log.error({ err: error }, `a part did not stop cleanly: ${messageOf(error)}`);
      }
    }
    this.#sentFiles.stop();
  }

  /**
   * Takes over another configuration, all of it or nothing; see {@link RunningConfig}. Not before {@link start} is
   * over.
   */
  async reload(config: NodeConfig): Promise<readonly string[]> {
    return await this.#config.change(config);
  }

  /** How it would answer, for `shoal explain`. */
  explain(criteria: FileCriteria, signal: AbortSignal): Promise<Explained> {
    const { clock } = this.#components;
    return explain({ engine: this.#engine, clock }, this.#explainInit, criteria, signal);
  }

  /** Offers one of our files to a full address; see {@link offerFile}. */
  offer(
    to: Jid,
    entry: FileEntry,
    signal?: AbortSignal,
    namespace?: FileTransferNamespace,
  ): Promise<FileUpload> {
    const { jingle: uploader } = this.#transfers;
    return offerFile({ server: this.#files, uploader }, to, entry, signal, namespace);
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
    return {
      jid: this.#entity.jid,
      online: this.#entity.online,
      uptimeMs: Math.round(clock.monotonic() - this.#startedAtMs),
      scan: progress.scan,
      shares: sharesOf(progress.shares),
      hashing: hashingOf(progress.hashing),
      channels: this.#channels.status(),
      transfers: this.transfers(),
      wishes: this.#wishes?.status() ?? [],
      keptQuestions: this.#standing?.counts().kept ?? 0,
      queries: queriesOf(this.#responder.outcomes(), this.#questions.counts()),
      ...this.#guard.status(),
      eventLoopDelayMs: this.#loopDelay.take(),
    };
  }
}
