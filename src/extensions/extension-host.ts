/**
 * The extensions of a node: makes them of their modules when it starts, keeps the order in which they are asked,
 * and lets them put their things away when it stops.
 */
import { resolve } from 'node:path';
import type { Clock } from '../clock.js';
import type { ExtensionConfig, ExtensionModules } from '../config/extension-module.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { Jid } from '../stanza/jid.js';
import type { Startable } from '../startable.js';
import { API_VERSION, type ExtensionContext, type ExtensionHooks, type ExtensionLog } from './api.js';
import { ExtensionError, type HookName, hooksOf } from './hooks.js';
import { RunningExtension } from './running-extension.js';

/** What parts of the node know of it. */
export interface Extensions {
  /** Those that have the hook, in their order. */
  having(hook: HookName): readonly RunningExtension[];
}

export interface ExtensionHostComponents {
  readonly clock: Clock;
  readonly log: Log;
  readonly modules: ExtensionModules;
}

export interface ExtensionHostInit {
  readonly extensions: readonly ExtensionConfig[];
  readonly jid: Jid;
  /** How long a promise of a hook is waited for. */
  readonly limitMs: number;
}

/** The start of the node waits for it. */
const MAX_CREATE_MS = 10_000;
const NONE: readonly RunningExtension[] = [];

export class ExtensionHost implements Extensions, Startable {
  readonly #components: ExtensionHostComponents;
  readonly #init: ExtensionHostInit;
  readonly #running: { readonly extension: RunningExtension; readonly abort: AbortController }[] = [];
  /** What `having` gave out since the last change. */
  readonly #having = new Map<HookName, readonly RunningExtension[]>();

  constructor(components: ExtensionHostComponents, init: ExtensionHostInit) {
    this.#components = components;
    this.#init = init;
  }

  having(hook: HookName): readonly RunningExtension[] {
    const known = this.#having.get(hook);
    if (known) return known;
    const having = this.#running.map(({ extension }) => extension).filter((each) => each.has(hook));
    this.#having.set(hook, having.length === 0 ? NONE : having);
    return having;
  }

  /** Throws {@link ExtensionError}, naming the module. */
  async start(): Promise<void> {
    for (const config of this.#init.extensions) await this.#add(config);
    const names = this.#running.map(({ extension }) => extension.name);
    this.#components.log.info({ extensions: names }, 'extensions are at work');
  }

  /** The last first. */
  async stop(): Promise<void> {
    for (const { extension, abort } of this.#running.splice(0).reverse()) {
      abort.abort();
      await extension.stop();
    }
    this.#having.clear();
  }

  async #add(config: ExtensionConfig): Promise<void> {
    const { clock, modules } = this.#components;
    const log = this.#components.log.child({ extension: config.module });
    const abort = new AbortController();
    let hooks: ExtensionHooks;
    try {
      const create = await modules.load(config.module);
      const context = contextOf(config, { jid: this.#init.jid, log, signal: abort.signal });
      hooks = hooksOf(await this.#inTime(async () => await create(context)));
    } catch (cause) {
      abort.abort();
      throw new ExtensionError(`the extension ${config.module} did not start: ${messageOf(cause)}`, {
        cause,
      });
    }
    const onDropped = () => {
      this.#having.clear();
      abort.abort();
      void extension.stop();
    };
    const order = this.#running.length;
    const init = { name: config.module, order, hooks, limitMs: this.#init.limitMs };
    const extension = new RunningExtension({ clock, log, onDropped }, init);
    this.#running.push({ extension, abort });
    this.#having.clear();
  }

  #inTime<T>(create: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new ExtensionError(`it took longer than ${MAX_CREATE_MS / 1000} s`));
      const timer = this.#components.clock.after(MAX_CREATE_MS, late);
      create()
        .finally(() => timer.cancel())
        .then(resolve, reject);
    });
  }
}

function contextOf(
  { config, folder }: ExtensionConfig,
  { jid, log, signal }: { readonly jid: Jid; readonly log: Log; readonly signal: AbortSignal },
): ExtensionContext {
  return Object.freeze({
    apiVersion: API_VERSION,
    jid,
    log: logOf(log),
    config: frozen(structuredClone(config)),
    resolve: (path: string) => resolve(folder, path),
    signal,
  });
}

/** An interface of its own: pino is not promised to anybody. */
function logOf(log: Log): ExtensionLog {
  return Object.freeze({
    debug: (message: string, fields: object = {}) => log.debug(fields, message),
    info: (message: string, fields: object = {}) => log.info(fields, message),
    warn: (message: string, fields: object = {}) => log.warn(fields, message),
    error: (message: string, fields: object = {}) => log.error(fields, message),
  });
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const each of Object.values(value)) frozen(each);
  return Object.freeze(value);
}
