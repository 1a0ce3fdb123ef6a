/** The doors for clients that people already have: search windows, folders, commands, and what we say of ourselves. */
import type { AccessPolicy } from '../access/access-policy.js';
import type { BanKeeper } from '../access/bans.js';
import type { RefusalCount, Refusals } from '../access/refusals.js';
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import type { Clock } from '../clock.js';
import type { Table } from '../config/option.js';
import { type NodeConfig, nodeOptions } from '../config/options.js';
import type { Disco } from '../entity/disco.js';
import type { Entity } from '../entity/entity.js';
import type { FileUpload } from '../jingle/file-session.js';
import { formatBytes, formatDuration } from '../quantities.js';
import type { Answering } from '../query/answer.js';
import { FileDescriber, type FileDescriberComponents } from '../query/file-describer.js';
import { Slices } from '../scan/slices.js';
import { BrowseService } from '../service/browse-service.js';
import type { LimitLine } from '../service/commands/bans-command.js';
import { BrowseCommand } from '../service/commands/browse-command.js';
import { CommandService } from '../service/commands/command-service.js';
import { FindCommand } from '../service/commands/find-command.js';
import {
  type OwnersConfiguration,
  ownerCommands,
  type StatusLine,
} from '../service/commands/owner-commands.js';
import { TransfersCommand } from '../service/commands/transfers-command.js';
import { type KeptWishes, WishesCommand } from '../service/commands/wishes-command.js';
import type { DirectQuestions } from '../service/direct-questions.js';
import { FileOffers } from '../service/file-offers.js';
import { FilesWalk } from '../service/files-walk.js';
import { SearchService } from '../service/search-service.js';
import { SelfDescription } from '../service/self-description.js';
import { ShareListing } from '../service/share-listing.js';
import { SharedFolders } from '../service/shared-folders.js';
import { SharedTree } from '../service/shared-tree.js';
import { ToldFiles } from '../service/told-files.js';
import { ViewTotals } from '../service/view-totals.js';
import type { Jid } from '../stanza/jid.js';
import type { Startable } from '../startable.js';
import type { ChannelStatus, NodeStatus } from './node-status.js';
import { OUR_PICTURE } from './our-picture.js';
import { OutgoingFiles } from './outgoing-files.js';
import type { SentFiles } from './sent-files.js';

export interface NodeDoorsComponents extends FileDescriberComponents {
  readonly entity: Entity;
  readonly disco: Disco;
  readonly clock: Clock;
  readonly access: AccessPolicy;
  readonly catalogue: ReadonlyCatalogue;
  readonly questions: DirectQuestions;
  readonly sent: SentFiles;
  readonly offer: (to: Jid, entry: FileEntry, signal: AbortSignal) => Promise<FileUpload>;
  readonly status: () => NodeStatus;
  readonly channels: () => readonly ChannelStatus[];
  readonly rescan: () => void;
  /** What owners change, where they can. */
  readonly configuration: () => OwnersConfiguration | undefined;
  /** What holds now. */
  readonly inForce: () => NodeConfig;
  readonly keeper: BanKeeper;
  /** Where questions are kept. */
  readonly wishes?: KeptWishes;
  readonly refusals: Pick<Refusals, 'count'>;
  /** What it turned away so far, for owners. */
  readonly refused: () => readonly RefusalCount[];
  /** With extensions: they decide what is told, at these doors too. */
  readonly answerer?: Answering;
}

export class NodeDoors implements Startable {
  /** What everything behind these doors looks through; for other doors too. */
  readonly folders: SharedFolders;
  readonly offers: FileOffers;
  readonly listing: ShareListing;
  readonly #parts: readonly Startable[];

  constructor(components: NodeDoorsComponents, config: NodeConfig) {
    const {
      entity,
      disco,
      clock,
      access,
      catalogue,
      questions,
      sent,
      offer,
      status,
      channels,
      rescan,
      configuration,
      inForce,
      keeper,
      wishes,
      answerer,
      refusals,
      refused,
    } = components;
    const { limits, about, xmpp } = config;
    const listing = new ShareListing({ catalogue, clock });
    const describer = new FileDescriber(components);
    const folders = new SharedFolders(
      {
        access,
        listing,
        describer,
        questions,
        ...(answerer && { told: new ToldFiles({ answerer, catalogue }) }),
      },
      {
        defaultEntries: Math.min(limits.defaultAnswerFiles, limits.answerFiles),
        maxEntries: limits.answerFiles,
        maxBytes: limits.answerBytes,
        hashWaitMs: limits.hashWaitMs,
      },
    );
    const outgoing = new OutgoingFiles({ sent, offer });
    const offers = new FileOffers({ folders, send: outgoing.send, refusals });
    const tree = new SharedTree({ access, catalogue, clock, listing, folders, questions });
    const totals = new ViewTotals({ table: catalogue.table, slices: new Slices({ clock }), clock });
    const { name, description: desc } = about;
    const vcard = { name, ...(desc !== undefined && { desc }), photo: OUR_PICTURE };
    const commands = [
      new FindCommand({ questions, offers }),
      new BrowseCommand({ folders, offers }),
      new TransfersCommand({ transfers: outgoing }),
      ...(wishes ? [new WishesCommand({ wishes })] : []),
      ...ownerCommands({
        status: () => statusLines(status()),
        channels: () => channelLines(channels()),
        ...{ rescan, configuration, keeper, clock, refusals: refused },
        owners: () => inForce().owners,
        limits: () => limitLines(inForce()),
        shares: () => inForce().shares.map((share) => share.name),
        places: () => inForce().ownersMayShare,
      }),
    ];
    this.folders = folders;
    this.offers = offers;
    this.listing = listing;
    this.#parts = [
      listing,
      new SearchService({ entity, disco, questions }),
      new BrowseService({ entity, disco, folders }),
      new FilesWalk({ entity, disco, folders, offers, tree }),
      new CommandService({ entity, disco, clock, commands, refusals }),
      new SelfDescription(
        { entity, disco, clock, access, totals },
        { channels: () => channels().length, ...(xmpp.mode === 'component' && { vcard }) },
      ),
    ];
  }

  async start(): Promise<void> {
    for (const part of this.#parts) await part.start();
  }

  async stop(): Promise<void> {
    for (const part of [...this.#parts].reverse()) await part.stop();
  }
}

function channelLines(channels: readonly ChannelStatus[]) {
  return channels.map(({ service, node, state, text }) => ({
    service,
    node,
    state: text === undefined ? state : `${state}: ${text}`,
  }));
}

/** As they stand in the file, with their units. */
function limitLines({ limits, bandwidth }: NodeConfig): LimitLine[] {
  const { times, ...rates } = bandwidth;
  const rows: readonly (readonly [key: string, value: unknown])[] = [
    ...Object.entries(limits).map(([name, value]) => [`limits.${name}`, value] as const),
    ...Object.entries(rates).map(([name, value]) => [`bandwidth.${name}`, value ?? 'unbounded'] as const),
    ...(times.length > 0 ? [['bandwidth.times', `${counted(times.length, 'period')}`] as const] : []),
  ];
  return rows.map(([name, value]) => {
    const unit = typeof value === 'number' ? (nodeOptions as Table)[name]?.unit : undefined;
    return { name, value: unit === undefined ? String(value) : `${value} ${unit}` };
  });
}

function statusLines(status: NodeStatus): StatusLine[] {
  const { shares, hashing, channels, transfers, queries, wishes } = status;
  const files = shares.reduce((sum, share) => sum + share.files, 0);
  const bytes = shares.reduce((sum, share) => sum + share.bytes, 0);
  const gone = shares.filter(({ available }) => !available).map(({ name }) => name);
  const lines: readonly (readonly [name: string, label: string, value: string | undefined])[] = [
    ['uptime', 'Up for', formatDuration(status.uptimeMs)],
    ['files', 'Files', `${files}, ${formatBytes(bytes)}, in ${counted(shares.length, 'share')}`],
    ['gone', 'Shares that are gone', gone.length === 0 ? undefined : gone.join(', ')],
    ['scan', 'Scan', status.scan === 'first' ? 'the first one is under way' : 'done'],
    ['hashing', 'To be hashed', `${counted(hashing.filesLeft, 'file')}, ${formatBytes(hashing.bytesLeft)}`],
    [
      'channels',
      'Channels',
      `${channels.filter(({ state }) => state === 'joined').length} of ${channels.length} joined`,
    ],
    ['transfers', 'Transfers', String(transfers.filter(({ state }) => state !== 'ended').length)],
    [
      'queries',
      'Questions',
      `${queries.answered} answered, ${queries.refused} refused, ${queries.dropped} left`,
    ],
    ['kept', 'Questions kept', String(status.keptQuestions)],
    [
      'wishes',
      'Wishes',
      wishes.length === 0
        ? undefined
        : wishes.map((wish) => `${wish.name}: ${wish.fetchedFiles} files`).join(', '),
    ],
  ];
  return lines.flatMap(([name, label, value]) => (value === undefined ? [] : { name, label, value }));
}

function counted(number: number, word: string): string {
  return number === 1 ? `1 ${word}` : `${number} ${word}s`;
}
