/**
 * What is measured of fetching. Nodes are processes on a private Prosody, each behind a port of its own that is as fast as
 * a measurement wants; the asker is a process as well.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cleanups } from './cleanups.js';
import type { Told } from './fetch-asker.js';
import { FetchNetwork, type FetchRun, type SharedFile, type SourceNode } from './fetch-network.js';
import { median, type Row } from './table.js';

const MB = 1e6;
const MS_A_SECOND = 1000;
const RATE = 10 * MB;
/** A limited source is measured for so long, whatever their number. */
const LIMITED_S = 10;
const UNEVEN = [1, 2, 4, 8] as const;
const FAULT_BYTES = 200 * MB;
const BIG_BYTES = 1000 * MB;
const FAULT_REPEATS = 3;
const KILLS = 50;
const DYING_MS = 50;
const BLOCK_BYTES = 262_144;
/** Given with the goals, measured with ncdc 1.23 on another machine of the same kind; not run here. */
const NCDC_MB_A_SECOND = 155.5;
const LATE_SHARE = 0.8;

export class FetchBench {
  readonly #network: FetchNetwork;
  readonly #folder: string;
  readonly #share: string;
  readonly #files = new Map<number, SharedFile>();
  readonly #nodes: SourceNode[] = [];
  #reached: 'held back' | 'direct' = 'held back';
  /** Of the asker in the last fetch. */
  #cpuMs = Number.NaN;
  readonly #cpu: Row[] = [];

  private constructor(network: FetchNetwork, folder: string) {
    this.#network = network;
    this.#folder = folder;
    this.#share = join(folder, 'share');
  }

  static async make(folder: string, cleanups: Cleanups): Promise<FetchBench> {
    const bench = new FetchBench(new FetchNetwork(folder, cleanups), folder);
    mkdirSync(bench.#share);
    const sizes = [1, 2, 4, 8].map((sources) => sources * RATE * LIMITED_S);
    for (const size of new Set([...sizes, 15 * MB * LIMITED_S, FAULT_BYTES, BIG_BYTES])) bench.#plant(size);
    await bench.#network.start(9);
    return bench;
  }

  /** Seconds that the asker's process took of processors, after `unlimited`. */
  get cpu(): readonly Row[] {
    return this.#cpu;
  }

  /** MB/s from as many sources of 10 MB/s. */
  async limited(sources: number): Promise<Row> {
    await this.#only(sources, RATE);
    const file = this.#file(sources * RATE * LIMITED_S);
    const ms = await this.#fetched(file, sources);
    progress(`${sources} × 10 MB/s: ${rateOf(file.size, ms).toFixed(1)}`);
    return {
      work: `${sources} × 10 MB/s`,
      ours: rateOf(file.size, ms),
      peer: { name: 'their sum', value: sources * 10 },
      goal: { kind: 'at least', ratio: 0.95 },
    };
  }

  async uneven(): Promise<Row> {
    await this.#only(UNEVEN.length, RATE);
    const sum = UNEVEN.reduce<number>((all, each) => all + each, 0);
    for (const [at, rate] of UNEVEN.entries()) this.#node(at).port.bytesPerSecond = rate * MB;
    const file = this.#file(sum * MB * LIMITED_S);
    const ms = await this.#fetched(file, UNEVEN.length);
    progress(`1 + 2 + 4 + 8 MB/s: ${rateOf(file.size, ms).toFixed(1)}`);
    return {
      work: '1 + 2 + 4 + 8 MB/s',
      ours: rateOf(file.size, ms),
      peer: { name: 'their sum', value: sum },
      goal: { kind: 'at least', ratio: 0.9 },
    };
  }

  /** `libervia`: MB/s of one transfer of its. */
  async unlimited(libervia: number | undefined): Promise<Row[]> {
    const file = this.#file(BIG_BYTES);
    const hashed = hashRate(readFileSync(join(this.#share, file.name)));
    const rows: Row[] = [];
    for (const sources of [1, 4]) {
      await this.#only(sources, undefined);
      const times: number[] = [];
      for (let turn = 0; turn < 3; turn += 1) times.push(await this.#fetched(file, sources));
      this.#cpu.push({
        work: `${sources} ${sources === 1 ? 'node' : 'nodes'}, 1 GB`,
        ours: this.#cpuMs / MS_A_SECOND,
        peer: { name: 'sha256 of it', value: BIG_BYTES / MB / hashed },
      });
      const ours = rateOf(file.size, median(times));
      const work = sources === 1 ? '1 node, 1 GB' : `${sources} nodes, 1 GB`;
      rows.push({
        work,
        ours,
        peer: { name: 'sha256 of it, 1 thread', value: hashed },
        ...(sources > 1 && { goal: { kind: 'at least', ratio: 0.6 } as const }),
      });
      if (sources === 1) continue;
      rows.push({
        work,
        ours,
        peer: { name: 'ncdc, given', value: NCDC_MB_A_SECOND },
        goal: { kind: 'at least', ratio: 4 },
      });
      if (libervia === undefined) continue;
      rows.push({
        work,
        ours,
        peer: { name: 'one Libervia transfer', value: libervia },
        goal: { kind: 'at least', ratio: 3 },
      });
    }
    for (const { work, ours } of rows) progress(`${work}: ${ours.toFixed(0)} MB/s`);
    return rows;
  }

  /** One more source comes while the file is fetched. */
  async late(): Promise<Row> {
    await this.#only(2, RATE);
    const late = this.#node(1);
    await late.process.stop();
    const file = this.#file(4 * RATE * LIMITED_S);
    const run = this.#run(file, 1);
    await run.first(({ type }) => type === 'progress');
    late.process.spawn();
    await late.process.logged('ready');
    const readyAt = performance.timeOrigin + performance.now();
    const found = await run.first((told) => told.type === 'found' && told.jid === late.jid);
    const reached = await run.first((told) => keptRate(run.told, told, late.jid) >= LATE_SHARE * RATE);
    await run.done();
    progress(`late: ${((reached.at - found.at) / MS_A_SECOND).toFixed(1)} s`);
    return {
      work: `1 + 1 source; found ${((found.at - readyAt) / MS_A_SECOND).toFixed(1)} s after it was there`,
      ours: (reached.at - found.at) / MS_A_SECOND,
      goal: { kind: 'no more than', value: 2 },
    };
  }

  async faults(
    kinds: readonly ('dies' | 'stalls' | 'lies')[],
  ): Promise<{ readonly times: Row[]; readonly wasted: Row[] }> {
    const file = this.#file(FAULT_BYTES);
    await this.#only(3, RATE);
    const without = await this.#fetched(file, 3);
    const times: Row[] = [];
    const wasted: Row[] = [];
    const signals = { dies: 'SIGKILL', stalls: 'SIGSTOP' } as const;
    for (const kind of kinds) {
      if (kind === 'lies') continue;
      const name = `${kind} (${signals[kind]})`;
      const runs: FetchRun[] = [];
      const taken: number[] = [];
      for (let turn = 0; turn < FAULT_REPEATS; turn += 1) {
        await this.#only(4, RATE);
        const node = this.#node(3);
        const run = this.#run(file, 4);
        await run.first(({ type }) => type === 'progress');
        await pause(Math.random() * 3000);
        await node.process.signal(signals[kind]);
        taken.push(await run.done());
        runs.push(run);
        await node.process.signal('SIGCONT');
        await node.process.stop();
        this.#nodes.pop();
      }
      times.push(faultRow(name, taken, without));
      wasted.push(wasteRow(name, runs));
      progress(`${name}: ${taken.map((ms) => (ms / MS_A_SECOND).toFixed(1)).join(', ')} s`);
    }
    if (!kinds.includes('lies')) return { times, wasted };
    const { taken, runs } = await this.#lies(file);
    times.push(faultRow('lies', taken, without));
    wasted.push(wasteRow('lies', runs));
    progress(`lies: ${taken.map((ms) => (ms / MS_A_SECOND).toFixed(1)).join(', ')} s`);
    return { times, wasted };
  }

  /** Three honest sources and one whose bytes are not those that it has hashed. */
  async #lies(file: SharedFile) {
    await this.#only(3, RATE);
    const runs: FetchRun[] = [];
    const taken: number[] = [];
    for (let turn = 0; turn < FAULT_REPEATS; turn += 1) {
      const share = join(this.#folder, `lies${turn}`);
      mkdirSync(share);
      const path = join(share, file.name);
      copyFileSync(join(this.#share, file.name), path);
      utimesSync(path, CHANGED_S, CHANGED_S);
      // What is changed while a node runs, it sees.
      await (await this.#network.node(8, share, 'held back')).process.stop();
      corrupt(path);
      const liar = await this.#network.node(8, share, 'held back');
      liar.port.bytesPerSecond = RATE;
      rmSync(join(this.#folder, 'state'), { recursive: true, force: true }); // what was remembered of it
      mkdirSync(join(this.#folder, 'state'));
      const run = this.#run(file, 4);
      taken.push(await run.done());
      runs.push(run);
      const struck = new Set(run.told.flatMap((told) => (told.type === 'strike' ? [told.jid] : [])));
      if (struck.size !== 1 || !struck.has(liar.jid)) {
        throw new Error(`named as liars: ${[...struck].join(', ') || 'nobody'}; it was ${liar.jid}`);
      }
      await liar.process.stop();
    }
    return { taken, runs };
  }

  /** Killed again and again in the middle: how much more went over the wire than the file has. */
  async kills(): Promise<Row> {
    await this.#only(4, RATE);
    const file = this.#file(4 * RATE * LIMITED_S);
    const target = join(this.#folder, 'killed');
    const before = this.#sentBytes();
    let kills = 0;
    /** A part of it: what still went while the process was dying, which takes the system some 20 ms. */
    let afterwards = 0;
    for (let done = false; !done; ) {
      const run = this.#network.fetch(file, 4, target);
      if (kills >= KILLS) {
        await run.done();
        done = true;
        break;
      }
      // So that all of them come before the end.
      const ms = Math.random() * 2 * ((LIMITED_S * MS_A_SECOND * 0.8) / KILLS);
      const ended = await Promise.race([
        run.first(({ type }) => type === 'progress').then(() => pause(ms, false)),
        run.done().then(() => true),
      ]);
      if (ended) break;
      const atKill = this.#sentBytes();
      await run.kill();
      await pause(DYING_MS);
      afterwards += this.#sentBytes() - atKill;
      kills += 1;
    }
    const extra = (this.#sentBytes() - before - file.size) / MB;
    check(target, file);
    rmSync(target);
    const late = (afterwards / MB).toFixed(1);
    progress(
      `killed ${kills} times: ${extra.toFixed(1)} MB beyond the file, ${late} of them after the kills`,
    );
    return {
      work: `killed ${kills} times at random, 400 MB from 4 × 10 MB/s: went over the wire beyond the file (${late} of it after the kills)`,
      ours: extra,
      goal: { kind: 'no more than', value: Math.round((kills * BLOCK_BYTES) / MB) },
    };
  }

  #sentBytes(): number {
    return this.#nodes.reduce((sum, { port }) => sum + port.bytes, 0);
  }

  /** As many nodes as that, each as fast as that; undefined: as it goes. */
  async #only(nodes: number, bytesPerSecond: number | undefined): Promise<void> {
    const reached = bytesPerSecond === undefined ? 'direct' : 'held back';
    const kept = reached === this.#reached ? nodes : 0;
    this.#reached = reached;
    while (this.#nodes.length > kept) await this.#nodes.pop()?.process.stop();
    while (this.#nodes.length < nodes)
      this.#nodes.push(await this.#network.node(this.#nodes.length, this.#share, reached));
    for (const { port } of this.#nodes) port.bytesPerSecond = bytesPerSecond;
  }

  #node(at: number): SourceNode {
    const node = this.#nodes[at];
    if (node === undefined) throw new TypeError(`there is no node ${at}`);
    return node;
  }

  #file(size: number): SharedFile {
    const file = this.#files.get(size);
    if (file === undefined) throw new TypeError(`there is no file of ${size} bytes`);
    return file;
  }

  #run(file: SharedFile, sources: number): FetchRun {
    const target = join(this.#folder, 'got');
    rmSync(target, { force: true });
    return this.#network.fetch(file, sources, target);
  }

  async #fetched(file: SharedFile, sources: number): Promise<number> {
    const run = this.#run(file, sources);
    const ms = await run.done();
    const end = run.told.findLast(({ type }) => type === 'done');
    this.#cpuMs = end?.type === 'done' ? end.cpuMs : Number.NaN;
    check(join(this.#folder, 'got'), file);
    return ms;
  }

  #plant(size: number): void {
    const name = `${size / MB} MB`;
    const fd = openSync(join(this.#share, name), 'wx');
    const hash = createHash('sha256');
    const piece = randomBytes(MB);
    for (let at = 0; at < size; at += MB) {
      piece.writeUInt32LE(at / MB); // no piece is like the one before
      writeSync(fd, piece);
      hash.update(piece);
    }
    closeSync(fd);
    this.#files.set(size, { name, sha256: hash.digest('base64'), size });
  }
}

function faultRow(name: string, taken: readonly number[], without: number): Row {
  return {
    work: `one of four ${name}, the worst of ${taken.length}`,
    ours: Math.max(...taken) / MS_A_SECOND,
    peer: { name: 'without that source', value: without / MS_A_SECOND },
    goal: { kind: 'at most', ratio: 1.4 },
  };
}

/** Blocks of 256 KiB; one may be fetched twice. */
function wasteRow(name: string, runs: readonly FetchRun[]): Row {
  const wasted = runs.map(({ told }) =>
    told.reduce((most, each) => Math.max(most, 'wastedBytes' in each ? each.wastedBytes : 0), 0),
  );
  return {
    work: `one of four ${name}, the worst of ${runs.length}`,
    ours: Math.max(...wasted) / MB,
    goal: { kind: 'no more than', value: Math.ceil((BLOCK_BYTES / MB) * 100) / 100 },
  };
}

const RATE_WINDOW_MS = 500;

/** Bytes a second that a source gave in the half second before `now`. */
function keptRate(told: readonly Told[], now: Told, jid: string): number {
  if (now.type !== 'progress') return 0;
  const before = told.findLast((each) => each.type === 'progress' && each.at <= now.at - RATE_WINDOW_MS);
  if (before?.type !== 'progress') return 0;
  return (((now.kept[jid] ?? 0) - (before.kept[jid] ?? 0)) * MS_A_SECOND) / (now.at - before.at);
}

/** A time that can be set again to the last digit. */
const CHANGED_S = 1_000_000_000;

/** Other bytes, of the same size and the same time of last change. */
function corrupt(path: string): void {
  const { size } = statSync(path);
  const fd = openSync(path, 'r+');
  const wrong = randomBytes(MB);
  for (let at = 0; at < size; at += wrong.length)
    writeSync(fd, wrong, 0, Math.min(wrong.length, size - at), at);
  closeSync(fd);
  utimesSync(path, CHANGED_S, CHANGED_S);
}

function check(path: string, file: SharedFile): void {
  const bytes = readFileSync(path);
  if (createHash('sha256').update(bytes).digest('base64') !== file.sha256)
    throw new Error('wrong bytes came');
}

function hashRate(bytes: Buffer): number {
  const times = [0, 1, 2].map(() => {
    const began = performance.now();
    createHash('sha256').update(bytes).digest();
    return performance.now() - began;
  });
  return rateOf(bytes.length, median(times));
}

function rateOf(bytes: number, ms: number): number {
  return (bytes / MB / ms) * MS_A_SECOND;
}

function progress(what: string): void {
  process.stderr.write(`${what}\n`);
}
