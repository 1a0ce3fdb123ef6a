/** How often a minute files may be asked for. Who asks for what is not there pays more: it is guessing. */
import type { Clock } from '../clock.js';
import { type MinuteLimit, minuteLimits, payersOf, ScopedBudget } from './scoped-budget.js';

/** The names are those of the configured limits: a refusal tells which it was. */
export type FileRequestBudgetInit = Readonly<
  Record<MinuteLimit<'fileRequests', 'asker' | 'domain' | 'everybody'>, number>
>;

const MEASURE = 'fileRequests';
/** A download of ranges never misses; one who tries names does nothing else. */
const MISS_COST = 20;

export class FileRequestBudget {
  readonly #requests: ScopedBudget;

  constructor(components: { readonly clock: Clock }, init: FileRequestBudgetInit) {
    this.#requests = new ScopedBudget(components, minuteLimits(init, MEASURE));
  }

  /** Holds at once; what has been used up so far stays used up. */
  setLimits(init: FileRequestBudgetInit): void {
    this.#requests.setLimits(minuteLimits(init, MEASURE));
  }

  /** Counts a request. Throws LimitError naming the bound; a refused one costs nothing. */
  charge(asker: string): void {
    this.check(asker);
    this.#requests.spend(payersOf(asker), 1);
  }

  /** Throws LimitError where `asker` could not ask for anything now. */
  check(asker: string): void {
    this.#requests.check(payersOf(asker));
  }

  /** A millisecond or two went into looking for the file among all. The asker alone pays: it uses up nobody's downloads. */
  looked(asker: string): void {
    this.#requests.spend({ asker }, 1);
  }

  /** The file was not there, or not for this asker. */
  missed(asker: string): void {
    this.#requests.spend({ asker }, MISS_COST - 1);
  }
}
