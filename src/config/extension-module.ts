/**
 * Loads the modules of operators' extensions: the code of the file runs, and its default export must be a function.
 * What that function does and returns is `src/extensions`' business.
 */
import { pathToFileURL } from 'node:url';
import type { Clock } from '../clock.js';
import { messageOf, ShoalError } from '../errors.js';

/** What modules are written against: `src/extensions/api.ts`. */
export const EXTENSION_API_VERSION = 1;

/** What stands in a configuration of one extension. */
export interface ExtensionConfig {
  /** Absolute path of the module. */
  readonly module: string;
  /** Its own options, as they stand in the file. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The folder of the configuration, where relative paths begin. */
  readonly folder: string;
}

/** The default export of a module. */
export type ExtensionFactory = (context: object) => unknown;

/** Thrown when a module can't be used; the message says why, without its path. */
export class ModuleError extends ShoalError {
  readonly code = 'module';
}

export interface ExtensionModules {
  /** The same factory every time. Throws {@link ModuleError}. */
  load(path: string): Promise<ExtensionFactory>;
}

/** A module may wait for something at its top level, but not for ever. */
const MAX_LOAD_MS = 10_000;

export class ImportedModules implements ExtensionModules {
  readonly #clock: Clock;

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  async load(path: string): Promise<ExtensionFactory> {
    const loaded = await this.#inTime(import(pathToFileURL(path).href));
    const { default: factory, apiVersion = EXTENSION_API_VERSION } = loaded as Record<string, unknown>;
    if (apiVersion !== EXTENSION_API_VERSION) {
      throw new ModuleError(
        `is written for version ${String(apiVersion)} of the interface; here it is ${EXTENSION_API_VERSION}`,
      );
    }
    if (typeof factory !== 'function') throw new ModuleError('has no function as its default export');
    return factory as ExtensionFactory;
  }

  /** While nothing else keeps the process alive, as when a configuration is read, its own port does. */
  async #inTime<T>(loading: Promise<T>): Promise<T> {
    const { port1: alive } = new MessageChannel();
    alive.ref();
    try {
      return await new Promise<T>((resolve, reject) => {
        const timer = this.#clock.after(MAX_LOAD_MS, () =>
          reject(new ModuleError(`is still not loaded after ${MAX_LOAD_MS / 1000} s`)),
        );
        loading
          .finally(() => timer.cancel())
          .then(resolve, (cause: unknown) =>
            reject(new ModuleError(`can't be loaded: ${reasonOf(cause)}`, { cause })),
          );
      });
    } finally {
      alive.close();
    }
  }
}

/** Where a syntax error is, Node keeps to itself. */
function reasonOf(cause: unknown): string {
  return cause instanceof SyntaxError
    ? `${cause.message} ('node --check' with its path tells where)`
    : messageOf(cause);
}
