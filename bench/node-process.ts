/** `shoal serve` as a process of its own: what it logs, what it says of itself, what memory it takes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';
import { type Clock, systemClock } from '../src/clock.js';
import type { NodeStatus } from '../src/node/node-status.js';
import { readStatusSocket, statusSocketPath } from '../src/node/status-socket.js';
import { type LogLine, SHOAL } from '../test/support/served-node.js';

/** A node that does not end when it is told to is ended by force. */
const STOP_MS = 60_000;
/** Waits for an answer ten times as long: a node that is late for seconds is to be measured, not given up. */
const patientClock: Clock = {
  ...systemClock,
  after: (delayMs, callback) => systemClock.after(delayMs * 10, callback),
};
const BYTES_A_KB = 1024;
const CLOCK_TICKS_A_SECOND = 100; // USER_HZ, the same on every Linux that Node runs on
const MB = 1e6;

export interface Memory {
  readonly megabytes: number;
  /** The most it ever was. */
  readonly peakMegabytes: number;
}

export class NodeProcess {
  readonly #config: string;
  readonly #data: string;
  #child: ChildProcess | undefined;
  #closed = false;
  #spawnedAt = 0;
  #log: LogLine[] = [];
  #errors = '';
  readonly #news = new EventEmitter();

  /** `config` needs no `data`. */
  constructor(folder: string, config: object) {
    mkdirSync(folder, { recursive: true });
    this.#config = join(folder, 'node.yaml');
    this.#data = join(folder, 'data');
    writeFileSync(this.#config, stringify({ ...config, data: this.#data }), { mode: 0o600 });
  }

  /** By its first line, as people do. Does not wait for anything. */
  spawn(): void {
    if (this.#closed) throw new Error('the measurement is over');
    this.#log = [];
    this.#spawnedAt = Date.now();
    const child = spawn(SHOAL, ['serve', '--config', this.#config], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#log.push(JSON.parse(line) as LogLine);
      this.#news.emit('news');
    });
    child.stderr.on('data', (bytes: Buffer) => {
      this.#errors += bytes.toString();
    });
    child.once('exit', () => this.#news.emit('news'));
  }

  /** Waits for a message in the log. Resolves with milliseconds from `spawn` to it. */
  async logged(msg: string): Promise<number> {
    for (;;) {
      const line = this.#log.find((each) => each.msg === msg);
      if (line !== undefined) return Date.parse(String(line.time)) - this.#spawnedAt;
      if (this.#hasEnded) {
        const last = JSON.stringify(this.#log.slice(-3));
        throw new Error(`the node ended before it said '${msg}': ${this.#errors}${last}`);
      }
      await once(this.#news, 'news');
    }
  }

  /** Warnings and errors of the log. */
  get complaints(): readonly LogLine[] {
    const warn = 40; // pino's
    return this.#log.filter(({ level }) => typeof level === 'number' && level >= warn);
  }

  async status(): Promise<NodeStatus> {
    return (await readStatusSocket({ clock: patientClock }, statusSocketPath(this.#data))) as NodeStatus;
  }

  memory(): Memory {
    const text = readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8');
    const megabytes = (name: string) =>
      (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * BYTES_A_KB) / MB;
    return { megabytes: megabytes('VmRSS'), peakMegabytes: megabytes('VmHWM') };
  }

  /** That its threads have used so far, in all. */
  cpuSeconds(): number {
    const text = readFileSync(`/proc/${this.#child?.pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // from the third on (proc(5))
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_A_SECOND;
  }

  /** As a fault would: SIGKILL, SIGSTOP, SIGCONT. */
  async signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const child = this.#child;
    if (!child || this.#hasEnded) return;
    const ended = name === 'SIGKILL' ? once(child, 'exit') : undefined;
    child.kill(name);
    await ended;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || this.#hasEnded) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => {
      process.stderr.write('the node did not stop when it was told to\n');
      child.kill('SIGKILL');
    }, STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  /** Stops it for good. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.stop();
  }

  get #hasEnded(): boolean {
    return this.#child !== undefined && (this.#child.exitCode !== null || this.#child.signalCode !== null);
  }
}
