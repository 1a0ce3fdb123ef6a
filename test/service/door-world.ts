/** A node with all doors for clients, in memory: what the tests of the doors play in. */
import { type AccessPolicy, allowAll } from '../../src/access/access-policy.js';
import { Bans } from '../../src/access/bans.js';
import { QueryBudget, type QueryBudgetInit } from '../../src/access/query-budget.js';
import { type CatalogueChange, type FileEntry, keyOf } from '../../src/catalogue/file-entry.js';
import { isMade, type MadeFile } from '../../src/catalogue/made-file.js';
import { Disco } from '../../src/entity/disco.js';
import type { Entity } from '../../src/entity/entity.js';
import { AbortedError, type LimitError } from '../../src/errors.js';
import { silentLog } from '../../src/log.js';
import { Answerer, type AskedQuestion } from '../../src/query/answer.js';
import { FileDescriber, type HashSource } from '../../src/query/file-describer.js';
import { LocalQueryEngine } from '../../src/query/local-query-engine.js';
import { Slices } from '../../src/scan/slices.js';
import { BrowseService } from '../../src/service/browse-service.js';
import { BrowseCommand } from '../../src/service/commands/browse-command.js';
import { CommandService } from '../../src/service/commands/command-service.js';
import { FindCommand } from '../../src/service/commands/find-command.js';
import { type OwnersConfiguration, ownerCommands } from '../../src/service/commands/owner-commands.js';
import { type OutgoingTransfer, TransfersCommand } from '../../src/service/commands/transfers-command.js';
import { type KeptWish, WishesCommand } from '../../src/service/commands/wishes-command.js';
import { DirectQuestions } from '../../src/service/direct-questions.js';
import { FileOffers } from '../../src/service/file-offers.js';
import { FilesWalk } from '../../src/service/files-walk.js';
import { SearchService } from '../../src/service/search-service.js';
import { SelfDescription } from '../../src/service/self-description.js';
import { ShareListing } from '../../src/service/share-listing.js';
import { SharedFolders } from '../../src/service/shared-folders.js';
import { SharedTree } from '../../src/service/shared-tree.js';
import { ToldFiles } from '../../src/service/told-files.js';
import { ViewTotals } from '../../src/service/view-totals.js';
import { type BareJid, bareOf, type Jid, parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import type { Element } from '../../src/stanza/xml.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { SearchedCatalogue } from '../support/searched-catalogue.js';
import { VirtualClock } from '../support/virtual-clock.js';

export const FILES = parseBareJid('files.example.org');
export const JULIET = parseJid('juliet@example.org/pda');
export const ROMEO = parseJid('romeo@example.org/orchard');
export const OWNER = parseJid('owner@example.org/desk');
export const SHA = Buffer.alloc(32, 7).toString('base64');

const UNLIMITED: QueryBudgetInit = {
  queriesPerAskerPerMinute: 100_000,
  queriesPerChannelPerMinute: 100_000,
  queriesPerMinute: 100_000,
  concurrentQueriesPerAsker: 100,
};

export interface DoorWorldInit {
  readonly budget?: Partial<QueryBudgetInit>;
  readonly maxBytes?: number;
  /** As an extension does, keeps these from everybody. */
  readonly hides?: (path: string) => boolean;
  /** Default: no hash comes in time. */
  readonly hashNow?: HashSource['hashNow'];
}

export class DoorWorld {
  readonly clock = new VirtualClock();
  readonly net = new MemoryNetwork({ clock: this.clock });
  readonly entity: Entity = this.net.component(FILES);
  readonly disco = new Disco({ entity: this.entity }, { identities: [] });
  readonly files: SearchedCatalogue;
  readonly commands: CommandService;
  /** Who was offered what. */
  readonly offered: [to: Jid, path: string][] = [];
  /** Files that were made for somebody, and offered. */
  readonly made: MadeFile[] = [];
  /** What becomes of the next offer. */
  refusal: LimitError | undefined;
  transfers: OutgoingTransfer[] = [];
  readonly cancelled: OutgoingTransfer[] = [];
  wishes: readonly KeptWish[] = [];
  rescans = 0;
  configuration: OwnersConfiguration | undefined;
  owners: readonly BareJid[] = [bareOf(OWNER)];
  readonly bans = new Bans({ clock: this.clock });
  /** Folders in which an owner may choose shares. */
  places: readonly string[] = [];
  /** Limits that somebody was over and heard of in a note. */
  readonly noted: string[] = [];
  /** Who sees what. */
  access: AccessPolicy = allowAll;
  readonly #clients = new Map<Jid, Promise<Entity>>();
  readonly #parts: readonly { start(): Promise<void>; stop(): Promise<void> }[];

  constructor(init: DoorWorldInit = {}) {
    const { clock, entity, disco } = this;
    this.files = new SearchedCatalogue((table) => new LocalQueryEngine({ clock, log: silentLog, table }));
    const { engine, catalogue } = this.files;
    const access: AccessPolicy = { viewOf: (asker) => this.access.viewOf(asker) };
    const tooLate = () => Promise.reject(new AbortedError('too late'));
    const hashes: HashSource = { hashNow: init.hashNow ?? tooLate };
    const maxAnswerBytes = init.maxBytes ?? 48_000;
    const answerer = new Answerer(
      { access, engine, hashes, clock },
      { maxFiles: 100, defaultFiles: 50, maxAnswerBytes, deadlineMs: 10_000 },
    );
    const budget = new QueryBudget({ clock }, { ...UNLIMITED, ...init.budget });
    const questions = new DirectQuestions({ answerer, budget }, { hashWaitMs: 0 });
    const listing = new ShareListing({ catalogue, clock });
    const { hides } = init;
    const hiding = hides && {
      check: answerer.check.bind(answerer),
      answer: async (question: AskedQuestion, signal: AbortSignal) => {
        const answer = await answerer.answer(question, signal);
        return { ...answer, files: answer.files.filter(({ path = '' }) => !hides(path)) };
      },
    };
    const told = hiding && new ToldFiles({ answerer: hiding, catalogue });
    const describer = new FileDescriber({ hashes, clock });
    const folders = new SharedFolders(
      { access, listing, describer, questions, ...(told && { told }) },
      { defaultEntries: 50, maxEntries: 100, maxBytes: maxAnswerBytes, hashWaitMs: 0 },
    );
    const refusals = { count: (rule: string) => void this.noted.push(rule) };
    const offers = new FileOffers({
      folders,
      refusals,
      send: async (to: Jid, entry: FileEntry) => {
        if (this.refusal) throw this.refusal;
        if (isMade(entry)) this.made.push(entry);
        else this.offered.push([to, keyOf(entry)]);
      },
    });
    this.commands = new CommandService({
      ...{ entity, disco, clock, refusals },
      commands: [
        new FindCommand({ questions, offers }),
        new BrowseCommand({ folders, offers }),
        new TransfersCommand({
          transfers: {
            to: (account) => this.transfers.filter(({ peer }) => bareOf(peer) === account),
            cancel: (transfer) => this.cancelled.push(transfer) > 0,
          },
        }),
        new WishesCommand({
          wishes: {
            of: (account) => this.wishes.filter(({ asker }) => bareOf(asker) === account),
            forget: (wish) => {
              this.wishes = this.wishes.filter((each) => each !== wish);
              return true;
            },
          },
        }),
        ...ownerCommands({
          status: () => [{ name: 'files', label: 'Files', value: '12' }],
          channels: () => [{ service: 'pubsub.example.org', node: 'books', state: 'joined' }],
          rescan: () => {
            this.rescans += 1;
          },
          configuration: () => this.configuration,
          shares: () => ['books', 'many'],
          places: () => this.places,
          clock,
          keeper: {
            bans: () => this.bans.list(),
            ban: async (who, { forMs, reason }) =>
              this.bans.add(who, {
                ...(forMs !== undefined && { untilMs: clock.now() + forMs }),
                ...(reason !== undefined && { reason }),
              }),
            unban: async (who) => this.bans.lift(who),
          },
          refusals: () => [{ rule: 'queriesPerAskerPerMinute', count: 12 }],
          limits: () => [{ name: 'limits.uploads', value: '32' }],
          owners: () => this.owners,
        }),
      ],
    });
    const tree = new SharedTree({ access, catalogue, clock, listing, folders, questions });
    const totals = new ViewTotals({ table: catalogue.table, slices: new Slices({ clock }), clock });
    this.#parts = [
      engine,
      disco,
      listing,
      new SearchService({ entity, disco, questions }),
      new BrowseService({ entity, disco, folders }),
      new FilesWalk({ entity, disco, folders, offers, tree }),
      this.commands,
      new SelfDescription(
        { entity, disco, clock, access, totals },
        { channels: () => 3, vcard: { name: 'The library' } },
      ),
      entity,
    ];
  }

  async start(changes: readonly CatalogueChange[] = []): Promise<void> {
    for (const part of this.#parts) await part.start();
    await this.files.apply(changes);
  }

  async stop(): Promise<void> {
    for (const part of [...this.#parts].reverse()) await part.stop();
    for (const client of this.#clients.values()) await (await client).stop();
  }

  /** Sends an iq to the node and gives the payload of the result. Throws StanzaError. */
  async ask(type: 'get' | 'set', payload: Element, from = JULIET): Promise<Element | undefined> {
    const client = await this.#client(from);
    const iq = await client.request({ to: FILES, type, payload });
    return iq.getChildElements()[0];
  }

  /** The same, of what is refused: the error, as text. */
  async refused(type: 'get' | 'set', payload: Element, from = JULIET): Promise<string> {
    try {
      const answer = await this.ask(type, payload, from);
      return `answered: ${answer}`;
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
      const { type: kind, condition, text = '', detail } = error;
      return [kind, condition, text, detail?.getName() ?? ''].join('|');
    }
  }

  #client(jid: Jid): Promise<Entity> {
    const known = this.#clients.get(jid);
    if (known !== undefined) return known;
    const client = this.net.client(jid);
    const started = client.start().then(() => client);
    this.#clients.set(jid, started);
    return started;
  }
}
