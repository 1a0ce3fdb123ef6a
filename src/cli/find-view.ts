/** What a person sees of `shoal find`: rows that grow on a terminal, finished lines elsewhere. */
import type { Clock, Timer } from '../clock.js';
import type { FindEvent, FoundFile } from '../node/asker.js';
import { FoundRows, rowToJson } from './found-rows.js';
import { LiveRegion } from './live-region.js';
import { cut, printable } from './printable.js';
import { rowLines } from './row-table.js';
import type { Io } from './terminal.js';

const REPAINT_MS = 50;
const SHOWN_REFUSALS = 3;
const WAITING = 'waiting for answers; Ctrl-C ends it';

export interface FindViewComponents {
  readonly clock: Clock;
  readonly io: Pick<Io, 'out' | 'err'>;
}

export interface FindViewInit {
  readonly form: 'table' | 'json';
  readonly withHash: boolean;
}

export class FindView {
  readonly rows = new FoundRows();
  readonly #clock: Clock;
  readonly #io: FindViewComponents['io'];
  readonly #init: FindViewInit;
  readonly #region: LiveRegion | undefined;
  readonly #answered = new Set<string>();
  readonly #refusals = new Map<string, string>();
  readonly #pending = new Map<string, number>();
  readonly #totals = new Map<string, number>();
  /** Sources that belong to rows which can't be painted any more. */
  #stale = 0;
  #repaint: Timer | undefined;

  constructor({ clock, io }: FindViewComponents, init: FindViewInit) {
    this.#clock = clock;
    this.#io = io;
    this.#init = init;
    this.#region = io.out.isTerminal && init.form === 'table' ? new LiveRegion(io.out) : undefined;
    this.#paint();
  }

  take(event: FindEvent): void {
    switch (event.type) {
      case 'file':
        this.#answered.add(event.file.source.jid);
        this.#add(event.file);
        return;
      case 'answer':
        this.#answered.add(event.jid);
        if (event.pending !== undefined && event.pending > 0) this.#pending.set(event.jid, event.pending);
        if (event.total !== undefined) this.#totals.set(event.jid, event.total);
        return;
      case 'refused':
        this.#refusals.set(event.jid, event.error.message);
        return;
    }
  }

  /** Prints what is not printed yet. May be called after a failure too. */
  finish(): void {
    this.#repaint?.cancel();
    if (this.#region !== undefined) this.#region.paint(this.#lines());
    else for (const line of this.#lines()) this.#io.out.write(`${line}\n`);
  }

  /** One line on standard error, so that it is never taken for an answer. */
  summarise(max: number): void {
    const files = this.rows.size;
    const facts = [
      files === 0 ? 'nothing found' : `${count(files, 'file')} from ${count(this.#answered.size, 'node')}`,
    ];
    const pending = [...this.#pending.values()].reduce((sum, each) => sum + each, 0);
    const more = [...this.#totals.values()].reduce((sum, each) => sum + each, 0);
    if (files >= max) facts.push(`stopped at ${max}, --max N shows more`);
    else if (more > files && [...this.#totals.values()].some((each) => each > max)) {
      facts.push(`nodes have ${more} matches, --max N shows more`);
    }
    if (pending > 0) facts.push(`${pending} more not hashed yet, ask again later`);
    if (this.#stale > 0) {
      facts.push(`${count(this.#stale, 'source')} found after the row had left the screen, --json shows all`);
    }
    const refusals = [...this.#refusals];
    for (const [jid, text] of refusals.slice(0, SHOWN_REFUSALS)) {
      facts.push(`${printable(jid)} refused: ${printable(text)}`);
    }
    if (refusals.length > SHOWN_REFUSALS) facts.push(`${refusals.length - SHOWN_REFUSALS} more refused`);
    this.#io.err.write(`${facts.join('; ')}\n`);
  }

  #add(file: FoundFile): void {
    const before = this.rows.size;
    const place = this.rows.add(file);
    if (this.#region === undefined) return;
    const linesPerRow = this.#init.withHash ? 2 : 1;
    if (this.rows.size === before && place * linesPerRow < this.#region.left) this.#stale += 1;
    this.#paintSoon();
  }

  #lines(): string[] {
    const rows = this.rows.rows;
    if (this.#init.form === 'json') return rows.map(rowToJson);
    return rowLines(rows, {
      withHash: this.#init.withHash,
      ...(this.#region !== undefined && { columns: this.#io.out.columns }),
    });
  }

  #paintSoon(): void {
    this.#repaint ??= this.#clock.after(REPAINT_MS, () => {
      this.#repaint = undefined;
      this.#paint();
    });
  }

  #paint(): void {
    this.#region?.paint([...this.#lines(), cut(WAITING, this.#io.out.columns)]);
  }
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}
