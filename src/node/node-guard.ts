/** What protects a node from others: budgets, bans, and who stands at the door; put together, with bans kept on disk. */
import { type Ban, type BanKeeper, Bans, formatBans } from '../access/bans.js';
import { BlockListBudget } from '../access/block-list-budget.js';
import { Breaker } from '../access/breaker.js';
import { Doorkeeper } from '../access/doorkeeper.js';
import { Enumeration } from '../access/enumeration.js';
import { FileRequestBudget } from '../access/file-request-budget.js';
import { QueryBudget } from '../access/query-budget.js';
import { Refusals } from '../access/refusals.js';
import type { DataFolder } from '../catalogue/data-folder.js';
import { SavedText } from '../catalogue/saved-text.js';
import type { Clock } from '../clock.js';
import type { Limits, NodeConfig } from '../config/options.js';
import type { Log } from '../log.js';
import type { BareJid, Jid } from '../stanza/jid.js';
import type { Startable } from '../startable.js';
import type { NodeStatus } from './node-status.js';

export interface NodeGuardComponents {
  readonly clock: Clock;
  readonly log: Log;
  /** Where bans are kept. */
  readonly folder: DataFolder;
  readonly sessions: () => GuardedSessions;
}

/** What of transfers it needs. */
export interface GuardedSessions {
  isInSession(peer: Jid): boolean;
  dismiss(isMeant: (peer: Jid) => boolean): void;
}

const MAX_FILE_BYTES = 16 << 20; // more than all bans take

export class NodeGuard implements Startable, BanKeeper {
  readonly refusals: Refusals;
  readonly doorkeeper: Doorkeeper;
  readonly queries: QueryBudget;
  readonly blockLists: BlockListBudget;
  readonly fileRequests: FileRequestBudget;
  readonly enumeration: Enumeration;
  readonly #components: NodeGuardComponents;
  readonly #bans: Bans;
  readonly #breaker: Breaker;
  readonly #file: SavedText;

  constructor(components: NodeGuardComponents, limits: Limits) {
    const { clock, log, sessions } = components;
    this.#components = components;
    this.refusals = new Refusals({ clock, log });
    this.#bans = new Bans({ clock });
    this.doorkeeper = new Doorkeeper(
      {
        clock,
        bans: this.#bans,
        refusals: this.refusals,
        isInSession: (peer) => sessions().isInSession(peer),
        load: () => this.#breaker.load,
      },
      limits,
    );
    this.queries = new QueryBudget({ clock, gate: this.doorkeeper }, limits);
    this.#breaker = new Breaker(
      { clock, log, active: () => this.queries.active },
      {
        ...delaysOf(limits),
        maxActive: limits.concurrentQueries + limits.queuedQueries,
      },
    );
    this.enumeration = new Enumeration({ clock, refusals: this.refusals });
    this.blockLists = new BlockListBudget({ clock }, limits);
    this.fileRequests = new FileRequestBudget({ clock }, limits);
    this.#file = new SavedText(components, {
      name: 'bans.jsonl',
      maxBytes: MAX_FILE_BYTES,
      text: () => formatBans(this.#bans.list()),
    });
  }

  async start(): Promise<void> {
    this.#bans.restore(await this.#file.read());
    await this.#breaker.start();
  }

  async stop(): Promise<void> {
    await this.#breaker.stop();
    await this.#file.stop();
  }

  /** Holds at once. Nobody gets back what is used up. */
  setLimits({ limits }: Pick<NodeConfig, 'limits'>): void {
    for (const each of [this.doorkeeper, this.queries, this.blockLists, this.fileRequests])
      each.setLimits(limits);
    this.#breaker.setLimits(delaysOf(limits));
  }

  status(): Pick<NodeStatus, 'refusals' | 'bans' | 'ignored' | 'load'> {
    return {
      refusals: this.refusals.counts(),
      bans: this.#bans.list().length,
      ignored: this.doorkeeper.ignored,
      load: this.#breaker.load,
    };
  }

  isBanned(jid: Jid): boolean {
    return this.#bans.covering(jid) !== undefined;
  }

  bans(): readonly Ban[] {
    return this.#bans.list();
  }

  /** Ends their sessions too. Resolves when it is on disk. Throws LimitError when there are too many. */
  async ban(
    who: BareJid,
    { forMs, reason }: { readonly forMs?: number; readonly reason?: string },
  ): Promise<Ban> {
    const { clock, log, sessions } = this.#components;
    const ban = this.#bans.add(who, {
      ...(forMs !== undefined && { untilMs: clock.now() + forMs }),
      ...(reason !== undefined && { reason }),
    });
    log.info({ ...ban }, 'banned');
    sessions().dismiss((peer) => this.isBanned(peer));
    await this.#changed();
    return ban;
  }

  /** False when there was no such ban. Resolves when it is on disk. */
  async unban(who: BareJid): Promise<boolean> {
    const wasThere = this.#bans.lift(who);
    if (wasThere) this.#components.log.info({ who }, 'no longer banned');
    await this.#changed();
    return wasThere;
  }

  async #changed(): Promise<void> {
    this.#file.changed();
    await this.#file.written();
  }
}

function delaysOf({ busyDelayMs, overloadDelayMs }: Limits) {
  return { busyDelayMs, overloadDelayMs };
}
