/** The files that `shoal want --get` fetches: a few at a time, each to a name of its own. */
import { join } from 'node:path';
import type { Clock } from '../clock.js';
import { AbortedError, ShoalError } from '../errors.js';
import { realPartFileSystem } from '../fs/part-file.js';
import type { Asker, WantRequest } from '../node/asker.js';
import { FetchError } from '../transfer/fetch/fetch-request.js';
import { numberedName } from '../transfer/fetch/numbered-name.js';
import { mayTake, partOwner } from '../transfer/fetch/part-owner.js';
import { safeFileName } from '../transfer/fetch/safe-file-name.js';
import { runJob } from './fetch-job.js';
import type { FoundRow } from './found-rows.js';
import { exists } from './local-files.js';
import { isThere } from './there-already.js';
import type { WantView } from './want-view.js';

export interface WantFetchesComponents {
  readonly asker: Asker;
  readonly clock: Clock;
  readonly view: WantView;
  readonly signal: AbortSignal;
}

export interface WantFetchesInit {
  readonly folder: string;
  /** Who is asked for further sources. */
  readonly audience: Pick<WantRequest, 'to' | 'channels'>;
  /** Called when something went wrong that nobody foresaw; {@link WantFetches.done} throws it. */
  readonly onFault: () => void;
}

const AT_ONCE = 3; // small files spend most of their time waiting for their sessions
const MAX_NUMBER = 1000;

export class WantFetches {
  readonly #components: WantFetchesComponents;
  readonly #init: WantFetchesInit;
  readonly #states = new Map<string, 'waiting' | 'fetched' | 'failed'>();
  readonly #waiting = new Map<string, FoundRow>();
  readonly #running = new Set<Promise<void>>();
  /** Names that are being written. */
  readonly #taken = new Set<string>();
  /** What nobody foresaw: thrown by {@link done}. */
  #fault: { readonly error: unknown } | undefined;

  constructor(components: WantFetchesComponents, init: WantFetchesInit) {
    this.#components = components;
    this.#init = init;
  }

  get fetched(): number {
    return this.#count('fetched');
  }

  get failed(): number {
    return this.#states.size - this.fetched;
  }

  /** What is there, or on its way, is not fetched; what has failed before is. */
  add(key: string, row: FoundRow): void {
    const state = this.#states.get(key);
    if (state === 'waiting' || state === 'fetched') return;
    this.#states.set(key, 'waiting');
    this.#waiting.set(key, row);
    this.#next();
  }

  /** Resolves when nothing is fetched any more. */
  async done(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault) throw fault.error;
  }

  #count(state: string): number {
    return [...this.#states.values()].filter((each) => each === state).length;
  }

  #next(): void {
    if (this.#components.signal.aborted || this.#fault) return;
    while (this.#running.size < AT_ONCE) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const [key, row] = next;
      this.#waiting.delete(key);
      const running: Promise<void> = this.#get(key, row).then(() => {
        this.#running.delete(running);
        this.#next();
      });
      this.#running.add(running);
    }
  }

  /** Never rejects. */
  async #get(key: string, row: FoundRow): Promise<void> {
    const { asker, clock, signal, view } = this.#components;
    const { to, channels } = this.#init.audience;
    const audience = { channels, nodes: to === undefined ? [] : [to] };
    const sha256 = row.hashes.find(({ algo }) => algo === 'sha-256')?.value;
    let target: string | undefined;
    try {
      target = await this.#targetOf(row, sha256);
      if (target !== undefined) {
        const job = { row, target, overwrite: 'refuse', audience, waitMs: 0 } as const;
        for await (const event of runJob({ asker, clock }, job, signal)) {
          if (event.type === 'done') view.fetched(target, event.bytes, sha256);
        }
      }
      this.#states.set(key, 'fetched');
    } catch (thrown) {
      this.#states.set(key, 'failed');
      if (signal.aborted && thrown instanceof AbortedError) return;
      if (thrown instanceof ShoalError) view.failed(row.name, thrown);
      else {
        this.#fault ??= { error: thrown };
        this.#init.onFault();
      }
    } finally {
      if (target !== undefined) this.#taken.delete(target);
    }
  }

  /** A free name; undefined when the file is there already. Throws FetchError and AbortedError. */
  async #targetOf(row: FoundRow, sha256: string | undefined): Promise<string | undefined> {
    const { signal } = this.#components;
    const name = safeFileName(row.name);
    const hash = row.hashes.find(({ algo }) => algo === 'sha-256') ?? row.hashes[0];
    for (let number = 1; number <= MAX_NUMBER; number += 1) {
      const target = join(this.#init.folder, numberedName(name, number));
      if (this.#taken.has(target)) continue;
      this.#taken.add(target); // before anything is waited for
      const isFree = !(await exists(target));
      if (isFree && mayTake(await partOwner(realPartFileSystem, target), hash)) return target;
      this.#taken.delete(target);
      if (isFree) continue; // its `.part` is in the way
      if (sha256 === undefined || row.size === undefined) continue;
      if (await isThere(target, { size: row.size, sha256 }, signal)) return undefined;
    }
    throw new FetchError(
      'exists',
      `${join(this.#init.folder, name)} and ${MAX_NUMBER} others of this name exist`,
    );
  }
}
