/** Calls a budget every so much work, so that a search ends soon after its time is over, whatever it is doing. */
export interface Budget {
  /** Throws `LimitError('queryDeadlineMs', …)` when the time is over. Called every tenth of a millisecond or so. */
  check(): void;
}

/** A unit is a byte read or a node of the automaton visited: a few nanoseconds. */
const UNITS_A_CHECK = 16_384;

export class WorkMeter {
  #budget: Budget | undefined;
  #units = 0;

  /** Whom to ask from now on. What was used up counts on: values are short, and there are many. */
  charge(budget: Budget): void {
    this.#budget = budget;
  }

  add(units: number): void {
    this.#units += units;
    if (this.#units < UNITS_A_CHECK) return;
    this.#units = 0;
    this.#budget?.check();
  }
}
