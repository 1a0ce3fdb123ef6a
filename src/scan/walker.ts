/** The main thread's side of the walking worker. */
import { Worker } from 'node:worker_threads';
import type { ShareConfig } from '../catalogue/share.js';
import type { Clock, Timer } from '../clock.js';
import { AbortedError, messageOf, ShoalError } from '../errors.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import type { Finding, LookRequest } from './listing.js';
import type { FromWalker, LookPriority, ToWalker } from './walk-loop.js';

/**
 * A worker that has had nothing to do for this long ends: it keeps tens of megabytes of what it walked. Another is
 * there in some 50 ms.
 */
const IDLE_MS = 3000;

/** Thrown when the worker ended in the middle of a look. The next look has a new worker. */
export class WalkerEndedError extends ShoalError {
  readonly code = 'walker-ended';
}

/** Takes what a look found, as it comes. The worker waits when several calls are not over. */
export type FindingsHandler = (findings: readonly Finding[]) => void | Promise<void>;

interface Look {
  readonly take: FindingsHandler;
  readonly resolve: (tookMs: number) => void;
  readonly reject: (error: Error) => void;
  /** Resolves when everything received so far has been dealt with. */
  taken: Promise<unknown>;
}

export interface WalkerComponents {
  readonly log: Log;
  readonly clock: Pick<Clock, 'after'>;
}

export class Walker implements Startable {
  readonly #clock: WalkerComponents['clock'];
  readonly #log: Log;
  readonly #shares: readonly ShareConfig[];
  readonly #looks = new Map<number, Look>();
  #worker: Worker | undefined;
  #idle: Timer | undefined;
  /** One that is sent away ends with it. */
  #ending: Promise<unknown> = Promise.resolve();
  #stopped = false;
  #nextId = 0;

  constructor(components: WalkerComponents, init: { readonly shares: readonly ShareConfig[] }) {
    this.#clock = components.clock;
    this.#log = components.log;
    this.#shares = init.shares;
  }

  async start(): Promise<void> {
    this.#running();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#fail(new AbortedError('the walker was stopped'));
    this.#dismiss();
    await this.#ending;
  }

  /** Resolves when everything found has been taken, with the milliseconds the worker spent on it. Rejects with {@link AbortedError}, {@link WalkerEndedError}. */
  look(
    request: LookRequest,
    priority: LookPriority,
    take: FindingsHandler,
    signal?: AbortSignal,
  ): Promise<number> {
    if (this.#stopped || signal?.aborted) return Promise.reject(new AbortedError('the walk was stopped'));
    this.#idle?.cancel();
    const worker = this.#running();
    const id = this.#nextId++;
    const looked = new Promise<number>((resolve, reject) => {
      this.#looks.set(id, { take, resolve, reject, taken: Promise.resolve() });
    });
    const onAbort = () => {
      this.#looks.get(id)?.reject(new AbortedError('the walk was stopped'));
      this.#looks.delete(id);
      this.#post({ type: 'cancel', id });
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    worker.postMessage({ type: 'look', id, request, priority } satisfies ToWalker);
    return looked.finally(() => {
      signal?.removeEventListener('abort', onAbort);
      this.#rest();
    });
  }

  #rest(): void {
    if (this.#looks.size > 0 || this.#stopped) return;
    this.#idle?.cancel();
    this.#idle = this.#clock.after(IDLE_MS, () => this.#dismiss());
  }

  /** The next look has another worker. */
  #dismiss(): void {
    this.#idle?.cancel();
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker !== undefined) this.#ending = Promise.all([this.#ending, worker.terminate()]);
  }

  #running(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL('../../workers/walk.js', import.meta.url), {
      workerData: this.#shares,
      // It ends when there is nothing to walk: the memory is only lent. A smaller nursery costs a twentieth of the time.
      resourceLimits: { maxYoungGenerationSizeMb: 32 },
    });
    worker.on('message', (message: FromWalker) => this.#receive(worker, message));
    worker.on('error', (error) => this.#ended(worker, messageOf(error)));
    worker.on('exit', (code) => this.#ended(worker, `exit ${code}`));
    this.#worker = worker;
    return worker;
  }

  /** At once and in the order of arrival: what was read later must not be overtaken by what was read before. */
  #receive(worker: Worker, message: FromWalker): void {
    const look = this.#looks.get(message.id);
    if (message.type === 'found') {
      const credit = () => worker.postMessage({ type: 'credit' } satisfies ToWalker);
      if (look === undefined) {
        credit();
        return;
      }
      const taken = take(look, message.findings).catch((error: unknown) => {
        this.#looks.delete(message.id);
        worker.postMessage({ type: 'cancel', id: message.id } satisfies ToWalker);
        look.reject(error instanceof Error ? error : new Error(String(error)));
      });
      look.taken = Promise.all([look.taken, taken.finally(credit)]);
    } else if (look !== undefined) {
      look.taken = look.taken.then(() => {
        this.#looks.delete(message.id);
        look.resolve(message.tookMs);
      });
    }
  }

  #post(message: ToWalker): void {
    this.#worker?.postMessage(message);
  }

  #ended(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#log.error({ why }, 'the walking worker ended; the next look starts another');
    this.#fail(new WalkerEndedError(`the walking worker ended: ${why}`));
  }

  #fail(error: Error): void {
    for (const look of this.#looks.values()) look.reject(error);
    this.#looks.clear();
  }
}

async function take(look: Look, findings: readonly Finding[]): Promise<void> {
  await look.take(findings);
}
