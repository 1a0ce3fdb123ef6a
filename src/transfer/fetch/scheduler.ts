/**
 * Who reads which blocks next. Pure: looks at a picture of the download and answers with moves, without a
 * clock and without state of its own; `block-fetch.ts` makes the picture and carries out the moves.
 *
 * While blocks are free, a source that runs dry gets the first of them, as many as it reads in some seconds at
 * its speed, but no more than let everybody end at the same time. When none are free, whoever has nothing to do
 * takes the tail of what would be finished last, so much that both end together; and in the end the block itself
 * that a much slower source is still reading.
 */
import type { RangeSet, Span } from './range-set.js';

/** Blocks that a source is reading, in their order. */
export interface ReadPicture {
  readonly id: number;
  /** The block that is being read. */
  readonly start: number;
  readonly end: number;
  /** Bytes of block `start` that are here. */
  readonly into: number;
  /** When bytes come, from now: 0 when they do, Infinity when there is no telling (queued, stalled). */
  readonly startsInMs: number;
}

export interface SourcePicture {
  readonly id: number;
  /** While it is read from; missing when that is not known yet. */
  readonly bytesPerMs?: number;
  /** From a request to its first byte. */
  readonly latencyMs: number;
  /** How many reads it takes at once; 0 for one that is to get no more. */
  readonly maxReads: number;
  readonly reads: readonly ReadPicture[];
}

export interface Picture {
  readonly fileBytes: number;
  readonly blockBytes: number;
  /** What a source is asked for first: how fast it is shows within so much. */
  readonly firstBytes: number;
  /** Blocks that are not there and that nobody is reading. */
  readonly free: RangeSet;
  /** Those of them whose first bytes are there: only a read that begins with one goes on behind these. */
  readonly begun: ReadonlySet<number>;
  readonly sources: readonly SourcePicture[];
}

export type Move =
  | { readonly type: 'read'; readonly source: number; readonly blocks: Span }
  /** The read ends before block `end`; when that is the block being read, it ends at once. */
  | { readonly type: 'shorten'; readonly read: number; readonly end: number };

/** How much a source is asked for at a time: short enough to be told again soon, long enough for few requests. */
const RANGE_MS = 3000;
/** The second range, asked for while the first still comes, is so much larger. */
const SECOND_FACTOR = 4;
/** The next range is asked for so long before the present one ends, or twice its latency. */
const LEAD_MS = 400;
const MAX_LEAD_MS = 4000;
/** Less is not worth a request. */
const WORTHWHILE_MS = 150;
/** The block that a source is reading is taken from it when it would end so much later than elsewhere. */
const TAKEOVER_FACTOR = 2;
const TAKEOVER_MS = 500;

interface Work {
  readonly source: SourcePicture;
  readonly reads: { id: number | undefined; start: number; end: number; into: number; startsInMs: number }[];
}

/** The moves that give everybody work; none when everybody has it, or there is none. */
export function plan(picture: Picture): Move[] {
  return new Planning(picture).moves();
}

class Planning {
  readonly #picture: Picture;
  readonly #works: Work[];
  readonly #free: RangeSet;
  readonly #moves: Move[] = [];
  /** Of a source whose speed is not known. */
  readonly #usual: number | undefined;

  constructor(picture: Picture) {
    this.#picture = picture;
    this.#free = picture.free.copy();
    this.#works = picture.sources.map((source) => ({
      source,
      reads: source.reads.map(({ id, start, end, into, startsInMs }) => ({
        id,
        start,
        end,
        into,
        startsInMs,
      })),
    }));
    const known = picture.sources.flatMap(({ bytesPerMs }) => bytesPerMs ?? []).sort((a, b) => a - b);
    this.#usual = known[known.length >> 1];
  }

  moves(): Move[] {
    const hungry = this.#works.filter((work) => this.#isHungry(work));
    hungry.sort((a, b) => a.reads.length - b.reads.length || this.#speed(b) - this.#speed(a));
    for (const work of hungry) if (this.#free.size > 0) this.#give(work);
    for (const work of hungry) if (this.#isHungry(work)) this.#steal(work);
    return this.#moves;
  }

  /** Whether it has nothing to do, or soon will. */
  #isHungry({ source, reads }: Work): boolean {
    if (reads.length >= source.maxReads) return false;
    if (reads.length === 0) return true;
    if (reads.some((read) => read.startsInMs > 0)) return false;
    if (source.bytesPerMs === undefined) return true;
    const leadMs = Math.min(MAX_LEAD_MS, Math.max(LEAD_MS, 2 * source.latencyMs));
    return this.#left(reads) < source.bytesPerMs * leadMs;
  }

  #give(work: Work): void {
    const { source } = work;
    const first = this.#free.firstFrom(0);
    if (first === undefined) return;
    const { blockBytes, firstBytes } = this.#picture;
    const wanted =
      source.bytesPerMs === undefined
        ? work.reads.length === 0
          ? firstBytes
          : firstBytes * SECOND_FACTOR
        : Math.min(source.bytesPerMs * RANGE_MS, this.#fairShare(work));
    const blocks = Math.max(1, Math.round(wanted / blockBytes));
    let end = Math.min(first.end, first.start + blocks);
    for (const block of this.#picture.begun) if (block > first.start) end = Math.min(end, block);
    this.#read(work, { start: first.start, end });
  }

  /** What it should still take on for everybody to end at the same time. */
  #fairShare(work: Work): number {
    let bytes = this.#free.size * this.#picture.blockBytes;
    let speed = 0;
    for (const each of this.#works) {
      if (each.source.maxReads === 0 || each.reads.some((read) => read.startsInMs === Infinity)) continue;
      bytes += this.#left(each.reads);
      speed += this.#speed(each);
    }
    return (bytes * this.#speed(work)) / (speed + this.#tiny) - this.#left(work.reads);
  }

  #steal(thief: Work): void {
    const { blockBytes } = this.#picture;
    const victims = this.#works
      .filter((work) => work !== thief && work.reads.length > 0)
      .map((work) => ({ work, endsMs: this.#endsInMs(work) }))
      .sort((a, b) => b.endsMs - a.endsMs);
    const speed = this.#speed(thief);
    const beginsMs = this.#endsInMs(thief) + thief.source.latencyMs;
    for (const { work, endsMs } of victims) {
      const read = work.reads.at(-1);
      if (read === undefined || read.id === undefined) continue; // given out just now
      if (read.end <= read.start) continue; // all of it is here
      const most = this.#bytesOf(read.start + 1, read.end);
      const own = this.#speed(work);
      const even =
        endsMs === Infinity ? most : ((endsMs - beginsMs) * speed * own) / (speed + own + this.#tiny);
      const lack = read.end * blockBytes - Math.min(read.end * blockBytes, this.#picture.fileBytes);
      const whole = Math.floor((Math.min(even, most) + lack) / blockBytes + 0.5);
      const blocks = Math.min(read.end - read.start - 1, whole);
      const endsThereMs = beginsMs + (blocks * blockBytes) / speed;
      if (blocks > 0 && endsThereMs + WORTHWHILE_MS < endsMs) {
        this.#take(work, thief, read.end - blocks);
        return;
      }
      if (read.end - read.start > 1 || thief.reads.length > 0) continue;
      if (read.startsInMs > 0 && read.startsInMs < Infinity) continue; // has just been asked for
      const rest = this.#bytesOf(read.start, read.end) - read.into;
      if (endsMs > TAKEOVER_FACTOR * (beginsMs + rest / speed) + TAKEOVER_MS) {
        this.#take(work, thief, read.start);
        return;
      }
    }
  }

  /** The thief gets the last read of the victim from block `from` on. */
  #take(victim: Work, thief: Work, from: number): void {
    const read = victim.reads.at(-1);
    if (read?.id === undefined) return;
    const blocks = { start: from, end: read.end };
    this.#moves.push({ type: 'shorten', read: read.id, end: from });
    read.end = from;
    if (read.end <= read.start) victim.reads.pop();
    this.#read(thief, blocks);
  }

  #read(work: Work, blocks: Span): void {
    this.#free.remove(blocks.start, blocks.end);
    this.#moves.push({ type: 'read', source: work.source.id, blocks });
    const startsInMs = work.source.latencyMs;
    work.reads.push({ id: undefined, ...blocks, into: 0, startsInMs });
  }

  #endsInMs(work: Work): number {
    if (work.reads.length === 0) return 0;
    const waitMs = Math.min(...work.reads.map((read) => read.startsInMs));
    return waitMs + this.#left(work.reads) / this.#speed(work);
  }

  #left(reads: Work['reads']): number {
    let bytes = 0;
    for (const { start, end, into } of reads) bytes += this.#bytesOf(start, end) - into;
    return bytes;
  }

  #bytesOf(start: number, end: number): number {
    const { fileBytes, blockBytes } = this.#picture;
    return Math.max(0, Math.min(end * blockBytes, fileBytes) - start * blockBytes);
  }

  #speed({ source }: Work): number {
    return Math.max(this.#tiny, source.bytesPerMs ?? this.#usual ?? this.#picture.firstBytes / RANGE_MS);
  }

  /** Slower than anything, and not 0. */
  get #tiny(): number {
    return 1e-6;
  }
}
