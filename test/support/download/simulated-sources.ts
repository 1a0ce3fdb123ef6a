/**
 * Sources on a simulated network: each has a speed that its reads share, a latency, a way of failing, perhaps a
 * queue. They are strict with the engine: a read that is not asked for as it may be throws.
 */

import { createHash } from 'node:crypto';
import {
  type BlockList,
  type BlockTree,
  blockListOf,
  isSameTree,
  rootOf,
} from '../../../src/blocks/block-tree.js';
import { type Clock, sleep } from '../../../src/clock.js';
import { AbortedError } from '../../../src/errors.js';
import { type Jid, parseJid } from '../../../src/stanza/jid.js';
import type { Range } from '../../../src/stanza/xep0234-file-transfer.js';
import {
  type FoundSource,
  type RangeSource,
  type RangeSourceState,
  type RangeSources,
  SourceError,
  type SourceErrorCode,
  type WantedFile,
} from '../../../src/transfer/fetch/range-source.js';

/** How one source behaves. Times in ms from the start of the clock. */
export interface Behaviour {
  readonly content: Uint8Array;
  readonly bytesPerMs: number;
  readonly latencyMs?: number;
  /** Before the first read only. */
  readonly connectMs?: number;
  readonly chunkBytes?: number;
  /** Blocks that it vouches for; missing: none. */
  readonly list?: BlockList;
  /** What it gives when asked for the list, instead of the right one. */
  readonly gives?: 'no-list' | 'wrong-list' | 'silence';
  /** From here to there it can't be reached; what is under way breaks. */
  readonly away?: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** In these times nothing comes, and nothing breaks. */
  readonly stalls?: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** Whether the bytes of a block are sent wrong. */
  readonly lies?: (block: number) => boolean;
  readonly refuses?: SourceErrorCode;
  /** After so many bytes of a read it ends, or sends more than it should. */
  readonly endsAfter?: number;
  readonly sendsMore?: number;
  /** Until then every read waits in its queue. */
  readonly queuedUntilMs?: number;
  readonly maxReads?: number;
}

export interface SimulatedSourcesInit {
  readonly clock: Clock;
  readonly blockBytes: number;
}

const TURN_MS = 50;

export class SimulatedSources implements RangeSources {
  readonly #init: SimulatedSourcesInit;
  readonly #behaviours = new Map<Jid, Behaviour>();
  readonly #opened: SimulatedSource[] = [];

  constructor(init: SimulatedSourcesInit) {
    this.#init = init;
  }

  add(name: string, behaviour: Behaviour): FoundSource {
    const jid = parseJid(`${name}.example/n`);
    this.#behaviours.set(jid, behaviour);
    return { jid, ...(behaviour.list && { tree: treeOf(behaviour.list) }) };
  }

  open(found: FoundSource, file: WantedFile): RangeSource {
    const behaviour = this.#behaviours.get(found.jid);
    if (behaviour === undefined) throw new TypeError('nobody is there');
    const source = new SimulatedSource(found.jid, behaviour, file, this.#init);
    this.#opened.push(source);
    return source;
  }

  /** Sources that were opened and not closed, and reads that have not ended: 0 when a download is over. */
  get openSources(): number {
    return this.#opened.filter((source) => !source.isClosed || source.reads > 0).length;
  }

  /** Bytes that the engine has taken from a source, or from all. */
  taken(name?: string): number {
    const jid = name === undefined ? undefined : parseJid(`${name}.example/n`);
    return this.#opened
      .filter((source) => jid === undefined || source.jid === jid)
      .reduce((bytes, source) => bytes + source.takenBytes, 0);
  }
}

export function treeOf({ algo, blockBytes, count, root }: BlockList): BlockTree {
  return { algo, blockBytes, count, root };
}

/** The hashes of the blocks of a content. */
export function listOf(content: Uint8Array, blockBytes: number): BlockList {
  const count = Math.max(1, Math.ceil(content.length / blockBytes));
  const hashes = Buffer.concat(
    Array.from({ length: count }, (_, block) =>
      createHash('sha256')
        .update(content.subarray(block * blockBytes, (block + 1) * blockBytes))
        .digest(),
    ),
  );
  const root = Buffer.from(rootOf(hashes)).toString('base64');
  const list = blockListOf({ algo: 'sha-256', blockBytes, count, root }, content.length, hashes);
  if (list === undefined) throw new TypeError('a list that does not match itself');
  return list;
}

class SimulatedSource implements RangeSource {
  readonly #behaviour: Behaviour;
  readonly #clock: Clock;
  readonly #blockBytes: number;
  readonly #file: WantedFile;
  state: RangeSourceState = { type: 'idle' };
  onState: (() => void) | undefined;
  reads = 0;
  takenBytes = 0;
  isClosed = false;
  #isConnected = false;
  #sending = 0;

  constructor(
    readonly jid: Jid,
    behaviour: Behaviour,
    file: WantedFile,
    { clock, blockBytes }: SimulatedSourcesInit,
  ) {
    this.#behaviour = behaviour;
    this.#clock = clock;
    this.#file = file;
    this.#blockBytes = blockBytes;
  }

  get maxReads(): number {
    return this.#behaviour.maxReads ?? 2;
  }

  async read(
    range: Required<Range>,
    take: (bytes: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.isClosed) throw new TypeError('a read of a closed source');
    if (range.length <= 0 || range.offset < 0 || range.offset + range.length > this.#file.size)
      throw new TypeError('a range outside the file');
    this.reads += 1;
    if (this.reads > this.maxReads + 1) throw new TypeError('too many reads at once'); // one may be ending
    try {
      await this.#connect(signal);
      this.#sending += 1;
      await this.#send(range, take, signal).finally(() => {
        this.#sending -= 1;
      });
    } finally {
      this.reads -= 1;
      if (this.reads === 0) this.#is({ type: 'idle' });
    }
  }

  async blocks(tree: BlockTree, signal: AbortSignal): Promise<BlockList> {
    if (this.isClosed) throw new TypeError('blocks of a closed source');
    const { list, gives, latencyMs = 0 } = this.#behaviour;
    await this.#pass(latencyMs, signal);
    if (gives === 'silence') await this.#pass(Number.POSITIVE_INFINITY, signal);
    if (gives === 'wrong-list') throw new SourceError('bad-list', 'its list is not that of its root');
    if (gives === 'no-list' || list === undefined) throw new SourceError('not-available', 'no list');
    if (!isSameTree(list, tree)) throw new TypeError('asked for a list that it does not vouch for');
    return list;
  }

  async close(): Promise<void> {
    if (this.isClosed) throw new TypeError('closed twice');
    this.isClosed = true;
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { latencyMs = 0, connectMs = 0, refuses, queuedUntilMs = 0 } = this.#behaviour;
    if (this.reads === 1) this.#is({ type: 'connecting' });
    await this.#pass(latencyMs + (this.#isConnected ? 0 : connectMs), signal);
    if (refuses !== undefined) throw new SourceError(refuses, `it is ${refuses}`);
    this.#isConnected = true;
    while (this.#clock.monotonic() < queuedUntilMs) {
      const leftMs = queuedUntilMs - this.#clock.monotonic();
      this.#is({ type: 'queued', position: Math.ceil(leftMs / 1000) });
      await this.#pass(Math.min(1000, leftMs), signal);
    }
    this.#is({ type: 'sending' });
  }

  async #send(range: Required<Range>, take: (bytes: Uint8Array) => Promise<void>, signal: AbortSignal) {
    const { bytesPerMs, content, endsAfter = Infinity, sendsMore = 0 } = this.#behaviour;
    const chunkBytes = this.#behaviour.chunkBytes ?? Math.max(1, Math.round(bytesPerMs * TURN_MS));
    const until = Math.min(range.length, endsAfter);
    for (let sent = 0; sent < until; ) {
      const bytes = Math.min(chunkBytes, until - sent);
      const stalledMs = this.#stalledUntil() - this.#clock.monotonic();
      if (stalledMs > 0) await this.#pass(stalledMs, signal);
      await this.#pass((bytes * this.#sending) / bytesPerMs, signal);
      const at = range.offset + sent;
      const chunk = content.slice(at, at + bytes);
      this.#falsify(chunk, at);
      this.takenBytes += chunk.length;
      await take(chunk);
      if (signal.aborted) throw new AbortedError('the read was aborted');
      sent += bytes;
    }
    if (sendsMore > 0) throw new SourceError('too-many', 'it sent more than it was asked for');
    if (until < range.length) throw new SourceError('too-few', 'it ended early');
  }

  #falsify(chunk: Uint8Array, at: number): void {
    for (let i = 0; i < chunk.length; i++) {
      const position = at + i;
      if (position % this.#blockBytes !== 0 && i > 0) continue;
      const block = Math.floor(position / this.#blockBytes);
      if (this.#behaviour.lies?.(block)) chunk[i] = ((chunk[i] ?? 0) + 1) % 256;
    }
  }

  #stalledUntil(): number {
    const nowMs = this.#clock.monotonic();
    const stall = this.#behaviour.stalls?.find(({ fromMs, toMs }) => fromMs <= nowMs && nowMs < toMs);
    return stall?.toMs ?? nowMs;
  }

  /** Time passes, unless the source goes away meanwhile. */
  async #pass(delayMs: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonic();
    const away = this.#behaviour.away?.find(({ fromMs, toMs }) => fromMs < nowMs + delayMs && nowMs < toMs);
    if (away === undefined) return sleep(this.#clock, Math.min(delayMs, 1e9), signal);
    await sleep(this.#clock, Math.max(0, away.fromMs - nowMs), signal);
    this.#isConnected = false;
    throw new SourceError('unreachable', 'the connection broke');
  }

  #is(state: RangeSourceState): void {
    if (state.type === this.state.type && state.type !== 'queued') return;
    this.state = state;
    this.onState?.();
  }
}
