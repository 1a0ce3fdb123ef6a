/** A download in a simulated world: a file, sources of it, a disk, a channel on which more are found. */
import { createHash } from 'node:crypto';
import { sleep } from '../../../src/clock.js';
import { silentLog } from '../../../src/log.js';

import { download } from '../../../src/transfer/fetch/download.js';
import type { DownloadEvent } from '../../../src/transfer/fetch/download-events.js';
import type { DownloadInit, DownloadRequest } from '../../../src/transfer/fetch/download-request.js';
import { inlineIntakes } from '../../../src/transfer/fetch/range-intake.js';
import type { FoundSource, SourceFinder, WantedFile } from '../../../src/transfer/fetch/range-source.js';
import { Strikes } from '../../../src/transfer/fetch/strikes.js';
import { inlineWholeHash, type WholeHashing } from '../../../src/transfer/fetch/whole-hash.js';
import { MemoryParts } from './memory-parts.js';
import { SimulatedClock } from './simulated-clock.js';
import { type Behaviour, listOf, SimulatedSources } from './simulated-sources.js';

export const BLOCK_BYTES = 1024;
export const TARGET = 'target';

/** The smaller cousins of the real bounds, so that a block takes as long as a real one at real speeds. */
export const SMALL: Partial<DownloadInit> = { minBlockBytes: BLOCK_BYTES, firstBytes: 4 * BLOCK_BYTES };

export interface Outcome {
  readonly events: readonly DownloadEvent[];
  readonly tookMs: number;
  readonly error: unknown;
}

export class SimulatedWorld {
  readonly clock = new SimulatedClock();
  readonly sources: SimulatedSources;
  readonly content: Uint8Array;
  readonly file: WantedFile;
  readonly list;
  parts = new MemoryParts();
  strikes = new Strikes();
  whole: WholeHashing = inlineWholeHash;
  readonly #later: { readonly found: FoundSource; readonly atMs: number }[] = [];

  constructor(content: Uint8Array) {
    this.content = content;
    this.sources = new SimulatedSources({ clock: this.clock, blockBytes: BLOCK_BYTES });
    const value = createHash('sha256').update(content).digest('base64');
    this.file = { hash: { algo: 'sha-256', value }, size: content.length };
    this.list = listOf(content, BLOCK_BYTES);
  }

  /** A source with the right bytes and the list of their blocks, unless it is said to be otherwise. */
  source(name: string, behaviour: Partial<Behaviour> & { readonly bytesPerMs: number }): FoundSource {
    return this.sources.add(name, { content: this.content, list: this.list, latencyMs: 50, ...behaviour });
  }

  /** One that has the file and no list. */
  plain(name: string, behaviour: Partial<Behaviour> & { readonly bytesPerMs: number }): FoundSource {
    return this.sources.add(name, { content: this.content, latencyMs: 50, ...behaviour });
  }

  /** Answers the channel from then on. */
  answersFrom(found: FoundSource, atMs: number): void {
    this.#later.push({ found, atMs });
  }

  get finder(): SourceFinder {
    const { clock } = this;
    const later = this.#later;
    return {
      async *find(_file, signal) {
        await sleep(clock, 100, signal);
        yield* later.filter(({ atMs }) => atMs <= clock.monotonic()).map(({ found }) => found);
        await sleep(clock, 400, signal);
      },
    };
  }

  start(
    sources: readonly FoundSource[],
    request: Partial<DownloadRequest> = {},
    init: Partial<DownloadInit> = {},
    signal?: AbortSignal,
  ): AsyncGenerator<DownloadEvent, void, undefined> {
    const { clock, parts, strikes } = this;
    return download(
      {
        sources: this.sources,
        parts,
        strikes,
        clock,
        log: silentLog,
        hashing: { intakes: inlineIntakes, whole: this.whole },
        ...(this.#later.length > 0 && { finder: this.finder }),
      },
      { file: this.file, sources, target: TARGET, overwrite: 'refuse', ...request },
      { ...SMALL, ...init },
      signal,
    );
  }

  /** Runs a download to its end. */
  async run(
    sources: readonly FoundSource[],
    request: Partial<DownloadRequest> = {},
    init: Partial<DownloadInit> = {},
    mostMs = 3_600_000 + (request.waitMs ?? 0),
  ): Promise<Outcome> {
    const beganMs = this.clock.monotonic();
    const events: DownloadEvent[] = [];
    let error: unknown;
    const listen = async () => {
      try {
        for await (const event of this.start(sources, request, init)) events.push(event);
      } catch (thrown) {
        error = thrown;
      }
    };
    await this.clock.runUntil(listen(), mostMs);
    return { events, tookMs: this.clock.monotonic() - beganMs, error };
  }

  /** Whether the target has the right bytes. */
  get isFetched(): boolean {
    const bytes = this.parts.files.get(TARGET);
    return bytes !== undefined && Buffer.compare(bytes, this.content) === 0;
  }
}

/** Bytes that look like nothing in particular, and are the same each time. */
export function bytesOf(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = (seed + 1) >>> 0;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
