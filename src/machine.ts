/**
 * State machines as tables. A machine is a list of rows, each citing its clause, and a pure
 * step; a driver performs the effects. An event that has no row in a state is the caller's to
 * refuse: `step` answers `undefined`, it never ignores.
 */

/** A value of a discriminated union, told apart by `type`. */
export interface Tagged {
  readonly type: string;
}

type Of<U extends Tagged, T extends U['type']> = Extract<U, { type: T }>;

/** What a row leads to: the next state and what the driver has to do. */
export interface Step<State extends Tagged, Effect extends Tagged> {
  readonly state: State;
  readonly effects: readonly Effect[];
}

export interface Row<State extends Tagged, Event extends Tagged, Effect extends Tagged> {
  readonly in: State['type'];
  readonly on: Event['type'];
  /** The clause that asks for this row, such as `XEP-0166 §6.5`; `local` for decisions of our own. */
  readonly spec: string;
  readonly to: (state: State, event: Event) => Step<State, Effect>;
}

export interface Machine<State extends Tagged, Event extends Tagged, Effect extends Tagged> {
  readonly name: string;
  readonly rows: readonly Row<State, Event, Effect>[];
  /** The next state and its effects, or undefined where the event has no row in this state. */
  step(state: State, event: Event): Step<State, Effect> | undefined;
}

/** Builds rows whose `to` sees the state and event types that the row names. */
export function rowsOf<State extends Tagged, Event extends Tagged, Effect extends Tagged>() {
  return <S extends State['type'], E extends Event['type']>(
    inStates: S | readonly S[],
    onEvent: E,
    spec: string,
    to: (state: Of<State, S>, event: Of<Event, E>) => { state: State; effects?: readonly Effect[] },
  ): Row<State, Event, Effect>[] => {
    const states: readonly S[] = typeof inStates === 'string' ? [inStates] : inStates;
    return states.map((name) => ({
      in: name,
      on: onEvent,
      spec,
      to: (state, event) => {
        const next = to(state as Of<State, S>, event as Of<Event, E>);
        return { state: next.state, effects: next.effects ?? [] };
      },
    }));
  };
}

/** Makes a machine of rows. Throws when two rows answer the same event in the same state. */
export function defineMachine<State extends Tagged, Event extends Tagged, Effect extends Tagged>(
  name: string,
  rows: readonly Row<State, Event, Effect>[],
): Machine<State, Event, Effect> {
  const table = new Map<string, Row<State, Event, Effect>>();
  for (const row of rows) {
    const key = `${row.in} ${row.on}`;
    if (table.has(key)) throw new TypeError(`${name}: two rows for '${row.on}' in '${row.in}'`);
    table.set(key, row);
  }
  return {
    name,
    rows,
    step: (state, event) => table.get(`${state.type} ${event.type}`)?.to(state, event),
  };
}
