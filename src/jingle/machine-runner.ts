/**
 * Runs one machine: holds its state, keeps the one timer of the state it is in, logs every
 * change, hands the effects to whoever performs them. An event is handled to its end before the
 * next; an effect may raise a further event, which then finds the new state.
 */
import type { Clock, Timer } from '../clock.js';
import type { Log } from '../log.js';
import type { Machine, Tagged } from '../machine.js';

export interface MachineRunnerComponents<State extends Tagged, Event extends Tagged, Effect extends Tagged> {
  readonly machine: Machine<State, Event | TimeoutEvent, Effect>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface TimeoutEvent {
  readonly type: 'timeout';
}

export interface MachineRunnerInit<State extends Tagged, Effect extends Tagged> {
  /** For the log. */
  readonly id: string;
  readonly initial: State;
  /** How long a state may last before its `timeout`; undefined for a state that waits for nothing. */
  readonly waitMs: (state: State['type']) => number | undefined;
  readonly perform: (effect: Effect) => void;
  /** True when what the state waits for has moved since it was last asked: the wait then starts anew. */
  readonly moved?: () => boolean;
  /** True when a step that stays in a state waits for something new in it. */
  readonly waitsAnew?: (before: State, after: State) => boolean;
  /** Called after the effects of a step that led to another state. */
  readonly onChange?: (state: State) => void;
}

export class MachineRunner<State extends Tagged, Event extends Tagged, Effect extends Tagged> {
  readonly #machine: Machine<State, Event | TimeoutEvent, Effect>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #init: MachineRunnerInit<State, Effect>;
  #state: State;
  #sinceMs: number;
  #timer: Timer | undefined;

  constructor(
    components: MachineRunnerComponents<State, Event, Effect>,
    init: MachineRunnerInit<State, Effect>,
  ) {
    this.#machine = components.machine;
    this.#clock = components.clock;
    this.#log = components.log;
    this.#init = init;
    this.#state = init.initial;
    this.#sinceMs = this.#clock.monotonic();
    this.#arm();
  }

  get state(): State {
    return this.#state;
  }

  /** Takes one step. False when the event has no row in this state; nothing has happened then. */
  handle(event: Event | TimeoutEvent): boolean {
    const step = this.#machine.step(this.#state, event);
    if (!step) return false;
    const before = this.#state;
    const from = before.type;
    this.#state = step.state;
    if (from !== step.state.type) this.#changed(from, event.type);
    else if (this.#init.waitsAnew?.(before, step.state)) this.#arm();
    for (const effect of step.effects) this.#init.perform(effect);
    if (from !== step.state.type) this.#init.onChange?.(step.state);
    return true;
  }

  /** Whether the event has a row in this state. */
  accepts(event: Event | TimeoutEvent): boolean {
    return this.effectsOf(event) !== undefined;
  }

  /** What the event would lead to now; undefined where it has no row. */
  effectsOf(event: Event | TimeoutEvent): readonly Effect[] | undefined {
    return this.#machine.step(this.#state, event)?.effects;
  }

  /** Cancels the timer. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #changed(from: string, event: string): void {
    const nowMs = this.#clock.monotonic();
    this.#log.debug(
      {
        machine: this.#machine.name,
        id: this.#init.id,
        from,
        to: this.#state.type,
        event,
        ms: Math.round(nowMs - this.#sinceMs),
      },
      'state',
    );
    this.#sinceMs = nowMs;
    this.#arm();
  }

  #arm(): void {
    this.stop();
    const waitMs = this.#init.waitMs(this.#state.type);
    if (waitMs === undefined) return;
    this.#timer = this.#clock.after(waitMs, () => {
      if (this.#init.moved?.()) this.#arm();
      else this.handle({ type: 'timeout' });
    });
  }
}
