/**
 * One extension at work. Whatever its hooks do (throw, reject, never end, take long, return nonsense), who asks it
 * gets an answer in time, and the log says what happened.
 *
 * A hook that fails is logged and called again. One that is too slow costs a strike as well, for its time is
 * everybody's: after {@link MAX_STRIKES} within {@link STRIKES_COUNT_MS} the extension is dropped.
 */
import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { ExtensionHooks } from './api.js';
import { DecidingHook, type HearingHook, type HookName } from './hooks.js';

export interface RunningExtensionComponents {
  readonly clock: Clock;
  /** With the name of the extension. */
  readonly log: Log;
  /** Told once, when it has been dropped. */
  readonly onDropped: () => void;
}

export interface RunningExtensionInit {
  readonly name: string;
  /** Its place among the extensions. */
  readonly order: number;
  readonly hooks: ExtensionHooks;
  /** How long a promise of a hook is waited for. */
  readonly limitMs: number;
}

/** What an extension said; undefined where it said nothing, `vetoed` also where it had to be asked and failed. */
export type Said<T> = T | 'vetoed' | undefined;

export const MAX_STRIKES = 5;
export const STRIKES_COUNT_MS = 600_000;
/** Nothing else runs while a hook does: transfers begin to stutter. */
const BLOCKING_MS = 100;
/** The same fault is told no more often. */
const SAME_FAULT_MS = 60_000;
/** Calls of one extension that only tells, under way at once. */
const MAX_NOTICES = 1_000;

export class RunningExtension {
  readonly name: string;
  readonly order: number;
  readonly #components: RunningExtensionComponents;
  readonly #init: RunningExtensionInit;
  /** When the last strikes were, the oldest first. */
  readonly #strikesMs: number[] = [];
  readonly #faults = new Map<HookName, { sinceMs: number; untold: number }>();
  readonly #notices = new Set<Promise<void>>();
  #dropped = false;
  #stopped: Promise<void> | undefined;

  constructor(components: RunningExtensionComponents, init: RunningExtensionInit) {
    this.name = init.name;
    this.order = init.order;
    this.#components = components;
    this.#init = init;
  }

  /** Whether there is any use in calling it. */
  has(hook: HookName): boolean {
    if (this.#init.hooks[hook] === undefined) return false;
    return !this.#dropped || (this.#required && isDeciding(hook));
  }

  get #required(): boolean {
    return this.#init.hooks.required === true;
  }

  /**
   * Asks it; `read` makes an answer of what it returned, or throws what is wrong with that. Never rejects, and
   * takes no longer than the limit.
   */
  async decide<H extends DecidingHook, T>(
    hook: H,
    argument: ArgumentOf<H>,
    read: (returned: unknown) => Said<T>,
    signal?: AbortSignal,
  ): Promise<Said<T>> {
    if (this.#dropped) return this.#unanswered();
    const limit = new AbortController();
    const until = signal ? AbortSignal.any([signal, limit.signal]) : limit.signal;
    let answer: Said<T>;
    const ended = await this.#guard(hook, limit, async () => {
      answer = read(await this.#call(hook, argument, until));
    });
    return ended === 'well' ? answer : this.#unanswered();
  }

  /** Asks a hook that must answer at once. Never throws. */
  decideNow<H extends DecidingHook, T>(
    hook: H,
    argument: ArgumentOf<H>,
    read: (returned: unknown) => Said<T>,
  ): Said<T> {
    if (this.#dropped) return this.#unanswered();
    try {
      const returned = this.#call(hook, argument);
      if (!isThenable(returned)) return read(returned);
      Promise.resolve(returned).catch(() => undefined); // too late, whatever it says
      this.#fault(hook, 'must answer at once, and returned a promise');
    } catch (error) {
      this.#fault(hook, messageOf(error));
    }
    return this.#unanswered();
  }

  /** Tells it something. Never throws, and waits for nothing. */
  tell(hook: HearingHook, argument: object): void {
    void this.told(hook, argument);
  }

  /** The same, and resolves when it has dealt with it or had its time. */
  async told(hook: HearingHook, argument: object): Promise<void> {
    if (!this.has(hook)) return;
    if (this.#notices.size >= MAX_NOTICES) {
      this.#fault(hook, `deals with ${MAX_NOTICES} calls already; it is not told`);
      return;
    }
    const limit = new AbortController();
    const notice = this.#guard(hook, limit, async () => {
      await this.#call(hook, argument);
    }).then(() => undefined);
    this.#notices.add(notice);
    await notice;
    this.#notices.delete(notice);
  }

  /** Waits for what it was told, then lets it put its things away. Never rejects, and does so once. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#notices);
    if (this.#init.hooks.stop === undefined) return;
    await this.#guard('stop', new AbortController(), async () => {
      await this.#call('stop');
    });
  }

  /** `this` is what the factory returned, so that hooks may be methods. */
  #call(hook: HookName, ...args: unknown[]): unknown {
    const { hooks } = this.#init;
    const called = hooks[hook] as ((...args: unknown[]) => unknown) | undefined;
    const { clock } = this.#components;
    const fromMs = clock.monotonic();
    try {
      return called?.apply(hooks, args);
    } finally {
      const tookMs = clock.monotonic() - fromMs;
      if (tookMs > BLOCKING_MS) this.#strike(hook, `kept everything waiting for ${Math.round(tookMs)} ms`);
    }
  }

  /** Resolves when `work` has ended or had its time, and says how. Aborts `limit` in the end. */
  #guard(hook: HookName, limit: AbortController, work: () => Promise<void>): Promise<'well' | 'badly'> {
    const { limitMs } = this.#init;
    return new Promise((resolve) => {
      const timer = this.#components.clock.after(limitMs, () => {
        this.#strike(hook, `took longer than ${limitMs} ms`);
        resolve('badly');
        limit.abort();
      });
      work()
        .then(
          () => resolve('well'),
          (error: unknown) => {
            if (!limit.signal.aborted) this.#fault(hook, messageOf(error));
            resolve('badly');
          },
        )
        .finally(() => timer.cancel());
    });
  }

  #unanswered(): Said<never> {
    return this.#required ? 'vetoed' : undefined;
  }

  #fault(hook: HookName, what: string): void {
    const nowMs = this.#components.clock.monotonic();
    const last = this.#faults.get(hook);
    if (last && nowMs - last.sinceMs < SAME_FAULT_MS) {
      last.untold += 1;
      return;
    }
    const more = last && last.untold > 0 ? { untold: last.untold } : {};
    this.#faults.set(hook, { sinceMs: nowMs, untold: 0 });
    this.#components.log.warn({ hook, error: what, ...more }, 'an extension failed');
  }

  #strike(hook: HookName, what: string): void {
    if (this.#dropped || hook === 'stop') {
      this.#components.log.warn({ hook, error: what }, 'an extension is slow');
      return;
    }
    const { clock, log, onDropped } = this.#components;
    const nowMs = clock.monotonic();
    while (nowMs - (this.#strikesMs[0] ?? nowMs) > STRIKES_COUNT_MS) this.#strikesMs.shift();
    this.#strikesMs.push(nowMs);
    log.warn({ hook, error: what, strikes: this.#strikesMs.length }, 'an extension is slow');
    if (this.#strikesMs.length < MAX_STRIKES) return;
    this.#dropped = true;
    const after = this.#required ? '; it is required: what it would be asked is refused' : '';
    log.error({ hook }, `an extension is too slow and has been dropped${after}`);
    onDropped();
  }
}

type ArgumentOf<H extends DecidingHook> = Parameters<NonNullable<ExtensionHooks[H]>>[0];

function isDeciding(hook: HookName): boolean {
  return DecidingHook.some((each) => each === hook);
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value;
}
