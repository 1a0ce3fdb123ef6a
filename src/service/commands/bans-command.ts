/** *Bans and limits*: whom the node keeps away, whom it turned away and by which rule, and the numbers that it does that by. */
import { type Ban, type BanKeeper, endOfBan, MAX_BAN_MS } from '../../access/bans.js';
import type { RefusalCount } from '../../access/refusals.js';
import type { Clock } from '../../clock.js';
import { durationOf, formatDay } from '../../quantities.js';
import { type BareJid, bareOf, domainOf, type Jid, parseJid } from '../../stanza/jid.js';
import type { DataForm } from '../../stanza/xep0004-data-forms.js';
import type { CommandNote } from '../../stanza/xep0050-commands.js';
import {
  type Command,
  chosenOf,
  info,
  lastStage,
  problem,
  type Stage,
  tableStage,
  tickedOf,
  tickField,
  valuesOf,
} from './command.js';

/** A number in force. */
export interface LimitLine {
  readonly name: string;
  readonly value: string;
}

export interface BansCommandComponents {
  readonly keeper: BanKeeper;
  /** The most frequent first. */
  readonly refusals: () => readonly RefusalCount[];
  readonly limits: () => readonly LimitLine[];
  readonly clock: Pick<Clock, 'now'>;
  readonly owners: () => readonly BareJid[];
}

const LIFT = 'lift';
/** As many as people look through in one window. */
const PAGE_BANS = 50;
const MAX_REFUSALS = 100; // they stand in one stanza

const TOPICS = [
  { value: 'bans', label: 'Who is kept away' },
  { value: 'ban', label: 'Keep somebody away' },
  { value: 'refusals', label: 'Who was turned away, by rule' },
  { value: 'limits', label: 'Limits in force' },
] as const;

export class BansCommand implements Command {
  readonly nodeId = 'bans';
  readonly name = 'Bans and limits';
  readonly #components: BansCommandComponents;

  constructor(components: BansCommandComponents) {
    this.#components = components;
  }

  isFor(asker: Jid): boolean {
    return this.#components.owners().includes(bareOf(asker));
  }

  begin(): Stage {
    return {
      form: {
        type: 'form',
        title: this.name,
        fields: [{ var: 'topic', type: 'list-single', label: 'What', values: ['bans'], options: TOPICS }],
      },
      notes: [],
      submit: (form) => this.#topic(chosenOf(form, 'topic', TOPICS)),
    };
  }

  #topic(topic: (typeof TOPICS)[number]['value'] | undefined): Stage | CommandNote {
    const { refusals, limits } = this.#components;
    switch (topic) {
      case 'bans':
        return this.#bans(0);
      case 'ban':
        return this.#banForm();
      case 'refusals': {
        const rows = refusals().slice(0, MAX_REFUSALS);
        if (rows.length === 0) return lastStage([info('Nobody was turned away since the start.')]);
        const columns = { rule: 'Rule', count: 'Times' };
        return tableStage(
          'Turned away since the start',
          columns,
          rows.map(({ rule, count }) => ({ rule, count: String(count) })),
        );
      }
      case 'limits':
        return tableStage('Limits in force', { name: 'Limit', value: 'Value' }, limits());
      default:
        return info('Choose one of them.');
    }
  }

  /** Those of the last days first. */
  #bans(from: number): Stage {
    const { keeper, clock } = this.#components;
    const nowMs = clock.now();
    const all = [...keeper.bans()].reverse();
    if (all.length === 0) return lastStage([info('Nobody is banned.')]);
    const shown = all.slice(from, from + PAGE_BANS);
    const hasMore = from + shown.length < all.length;
    const labelOf = (ban: Ban) => labelOfBan(ban, nowMs);
    return {
      form: {
        type: 'form',
        title: 'Who is kept away',
        instructions:
          `${all.length} in all. Tick those who may come again` +
          (hasMore ? ', or nothing to see more.' : '.'),
        fields: [tickField({ name: LIFT, label: 'Bans' }, shown, labelOf)],
      },
      notes: [],
      submit: async (form) => {
        const ticked = tickedOf(form, LIFT, shown, labelOf);
        if (ticked.length > 0) return await this.#lift(ticked);
        return hasMore ? this.#bans(from + PAGE_BANS) : info('Tick who may come again, or close the window.');
      },
    };
  }

  async #lift(bans: readonly Ban[]): Promise<Stage> {
    const notes: CommandNote[] = [];
    for (const { who } of bans) {
      const wasThere = await this.#components.keeper.unban(who);
      notes.push(info(`${who} ${wasThere ? 'is no longer banned' : 'was not banned any more'}.`));
    }
    return lastStage(notes);
  }

  #banForm(): Stage {
    return {
      form: {
        type: 'form',
        title: 'Keep somebody away',
        instructions: 'They get no answer, whatever they ask, and what they are being sent ends.',
        fields: [
          {
            ...{ var: 'who', type: 'text-single', label: 'Who', values: [], required: true },
            desc: 'An account such as romeo@example.net, or a domain with all that are at it.',
          },
          {
            ...{ var: 'for', type: 'text-single', label: 'For how long', values: [] },
            desc: '30m, 2h, 7d. Without it: until it is taken back.',
          },
          {
            ...{ var: 'reason', type: 'text-single', label: 'Why', values: [] },
            desc: 'For yourself: nobody else is told.',
          },
        ],
      },
      notes: [],
      submit: (form) => this.#ban(form),
      button: 'complete',
    };
  }

  async #ban(form: DataForm): Promise<Stage | CommandNote> {
    const [[written], [time], [reason]] = [
      valuesOf(form, 'who'),
      valuesOf(form, 'for'),
      valuesOf(form, 'reason'),
    ];
    if (written === undefined)
      return problem('Who: write an account such as romeo@example.net, or a domain.');
    const who = bareOf(parseJid(written.trim()));
    const owner = this.#components.owners().find((each) => each === who || domainOf(each) === who);
    if (owner !== undefined) return problem(`That would keep an owner away: ${owner}.`);
    const forMs = time === undefined ? undefined : durationOf(time.trim());
    if (time !== undefined && (forMs === undefined || forMs > MAX_BAN_MS))
      return problem('For how long: write a time such as 30m, 2h or 7d.');
    const { keeper, clock } = this.#components;
    const ban = await keeper.ban(who, {
      ...(forMs !== undefined && { forMs }),
      ...(reason !== undefined && { reason }),
    });
    return lastStage([info(`Banned: ${labelOfBan(ban, clock.now())}`)]);
  }
}

function labelOfBan(ban: Ban, nowMs: number): string {
  const { who, sinceMs, reason } = ban;
  const why = reason === undefined ? '' : `: ${reason}`;
  return `${who}, since ${formatDay(sinceMs)}, ${endOfBan(ban, nowMs)}${why}`;
}
