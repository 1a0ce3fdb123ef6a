/** One simulated network with one download, all of it from a seed; and what must hold of it whatever happens. */
import assert from 'node:assert/strict';
import { FetchError } from '../../../src/transfer/fetch/fetch-request.js';
import type { FoundSource } from '../../../src/transfer/fetch/range-source.js';
import { BLOCK_BYTES, bytesOf, type Outcome, SimulatedWorld, TARGET } from './simulated-download.js';
import { type Behaviour, listOf } from './simulated-sources.js';

const FOREVER = Number.POSITIVE_INFINITY;

/** Mulberry32: numbers from 0 to 1 that are the same each time. */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  is(probability: number): boolean {
    return this.next() < probability;
  }

  from(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  whole(low: number, high: number): number {
    return Math.floor(this.from(low, high + 1));
  }

  of<T>(...all: readonly [T, ...T[]]): T {
    return all[this.whole(0, all.length - 1)] ?? all[0];
  }
}

/** What a source does wrong, if anything. */
interface Fault {
  readonly behaviour: Partial<Behaviour>;
  /** It may be struck for it. */
  readonly isLie?: true;
  /** How often it can cost a block that was on its way. */
  readonly breaks?: number;
}

interface Cast {
  readonly found: FoundSource;
  readonly atMs: number;
  readonly fault: Fault;
  readonly bytesPerMs: number;
}

export class Story {
  readonly world: SimulatedWorld;
  readonly cast: Cast[] = [];
  /** Somebody honest is there all the time, so that the file must come. */
  readonly isSafe: boolean;
  /** There are blocks of other files, or sources without blocks only: parts may have to be begun anew. */
  readonly beginsAnew: boolean;
  readonly killsAtMs: readonly number[];
  readonly #chance: Chance;

  constructor(readonly seed: number) {
    const chance = new Chance(seed);
    this.#chance = chance;
    const size = chance.is(0.05) ? chance.whole(0, 3) : chance.whole(1, chance.of(3, 20, 80) * BLOCK_BYTES);
    this.world = new SimulatedWorld(bytesOf(size, seed));
    this.isSafe = chance.is(0.85);
    this.beginsAnew = chance.is(0.15);
    this.killsAtMs = Array.from({ length: chance.is(0.3) ? chance.whole(1, 3) : 0 }, () =>
      chance.from(100, 6000),
    );
    const count = chance.is(0.1) ? chance.whole(12, 40) : chance.whole(1, 7);
    for (let i = 0; i < count; i++) this.#add(`s${i}`, this.#fault());
    if (this.isSafe) this.#add('safe', { behaviour: {} }, true);
  }

  #add(name: string, fault: Fault, isAtOnce = false): void {
    const chance = this.#chance;
    const bytesPerMs = 2 ** chance.from(1, 5);
    const found = this.world.source(name, {
      bytesPerMs,
      latencyMs: chance.from(5, 300),
      connectMs: chance.is(0.5) ? chance.from(0, 1500) : 0,
      maxReads: chance.of(1, 2, 2),
      ...fault.behaviour,
    });
    const atMs = isAtOnce || chance.is(0.7) ? 0 : chance.from(0, 10_000);
    if (atMs > 0) this.world.answersFrom(found, atMs);
    this.cast.push({ found, atMs, fault, bytesPerMs });
  }

  #fault(): Fault {
    const chance = this.#chance;
    const fromMs = chance.from(0, 8000);
    const toMs = chance.is(0.5) ? FOREVER : fromMs + chance.from(500, 20_000);
    const { length: size } = this.world.content;
    const { content, list } = this.#otherFile();
    const faults: (() => Fault)[] = [
      () => ({ behaviour: { away: [{ fromMs, toMs }] }, breaks: 1 }),
      () => ({ behaviour: { stalls: [{ fromMs, toMs }] }, breaks: 1 }),
      () => ({ behaviour: { lies: this.#lies() }, isLie: true }),
      () => ({
        behaviour: { refuses: chance.of('busy', 'refused', 'not-available', 'unreachable', 'no-ranges') },
      }),
      () => ({ behaviour: { endsAfter: chance.whole(0, size) }, breaks: 3 }),
      () => ({ behaviour: { sendsMore: 10 }, isLie: true, breaks: 1 }),
      () => ({ behaviour: { queuedUntilMs: chance.from(0, 60_000) } }),
      () => ({ behaviour: { gives: chance.of('no-list', 'silence') } }),
      () => ({ behaviour: { gives: 'wrong-list' }, isLie: true }),
    ];
    if (this.beginsAnew) {
      faults.push(
        () => ({ behaviour: { content, list }, isLie: true }),
        () => ({ behaviour: { list: undefined } as unknown as Partial<Behaviour> }),
        () => ({
          behaviour: { list: undefined, lies: this.#lies() } as unknown as Partial<Behaviour>,
          isLie: true,
        }),
      );
    }
    if (chance.is(0.4)) return { behaviour: {} };
    return faults[chance.whole(0, faults.length - 1)]?.() ?? { behaviour: {} };
  }

  #lies(): (block: number) => boolean {
    const { next } = { next: this.#chance.from(0, 1) };
    const first = this.#chance.whole(0, 20);
    return (block) => block >= first && (block * 0.618) % 1 < Math.max(0.1, next);
  }

  #otherFile() {
    const content = bytesOf(this.world.content.length, this.seed + 1_000_000);
    return { content, list: listOf(content, BLOCK_BYTES) };
  }

  async run(): Promise<Outcome> {
    const { world } = this;
    const sources = this.cast.filter(({ atMs }) => atMs === 0).map(({ found }) => found);
    for (const afterMs of this.killsAtMs) {
      const abort = new AbortController();
      const events = world.start(sources, {}, {}, abort.signal);
      const listen = async () => {
        for await (const _ of events);
      };
      const work = listen().catch(() => undefined);
      await world.clock.runUntil(
        new Promise<void>((resolve) => world.clock.after(afterMs, resolve)),
        FOREVER,
      );
      const { parts } = world;
      if (parts.files.has(TARGET) || !parts.has(TARGET).open) {
        abort.abort();
        await world.clock.runUntil(work, 60_000);
        continue;
      }
      world.parts = parts.kill(TARGET);
      abort.abort();
      await world.clock.runUntil(work, 60_000);
    }
    if (world.parts.files.has(TARGET)) return { events: [], tookMs: 0, error: undefined };
    return world.run(sources, {}, {}, 3_600_000);
  }

  check({ events, tookMs, error }: Outcome): void {
    const { world, cast } = this;
    const { content, sources, clock, parts, strikes } = world;
    const { length: size } = content;
    if (error !== undefined) {
      assert.ok(error instanceof FetchError, String(error));
      assert.ok(!this.isSafe, `somebody had the file all the time: ${error.message}`);
      assert.equal(parts.files.has(TARGET), false, 'a file that failed has its name');
    } else {
      assert.ok(world.isFetched, 'the target has other bytes');
      assert.deepEqual(parts.has(TARGET), { open: false, kept: false });
    }
    const liars = new Set(
      cast.filter(({ fault }) => fault.isLie).map(({ found }) => found.jid.split('/')[0]),
    );
    for (const { jid, why } of strikes.all) assert.ok(liars.has(jid), `${jid} was struck for ${why}`);
    assert.equal(sources.openSources, 0, 'a source was left open');
    assert.equal(clock.pendingTimers, 0, 'a timer was left');
    const said = events.filter(({ type }) => type === 'done').length;
    assert.equal(said, error === undefined && events.length > 0 ? 1 : 0);
    if (this.beginsAnew || error !== undefined) return;
    // A block for each fault, and what was on its way when a read was broken off.
    const runs = 1 + this.killsAtMs.length;
    const faults = cast.reduce((sum, { fault }) => sum + (fault.breaks ?? 0) + (fault.isLie ? 2 : 0), 0);
    const breaks = faults + cast.length * runs;
    const most = size + breaks * 2 * BLOCK_BYTES;
    assert.ok(sources.taken() <= most, `${sources.taken() - size} bytes too many, with ${breaks} breaks`);
    if (!this.isSafe) return;
    const speed = cast
      .filter(({ fault, atMs }) => Object.keys(fault.behaviour).length === 0 && atMs === 0)
      .reduce((sum, { bytesPerMs }) => sum + bytesPerMs, 0);
    // A last block can go from one that never answers to the next; each of them is given some seconds.
    const mostMs = (1.4 * size) / speed + 6000 + 3000 * Math.min(10, cast.length - 1);
    assert.ok(tookMs <= mostMs, `it took ${Math.round(tookMs)} ms, and should ${Math.round(mostMs)}`);
  }
}
