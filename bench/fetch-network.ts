/** Nodes that share the same files, each behind a port of which the speed can be set, and askers that are processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { freePorts } from '../src/cli/free-ports.js';
import type { BareJid } from '../src/stanza/jid.js';
import type { Cleanups } from './cleanups.js';
import type { FetchOrder, Told } from './fetch-asker.js';
import type { NodeProcess } from './node-process.js';
import { PrivateNetwork } from './private-network.js';
import { ThrottledPort } from './throttled-port.js';

const ASKER = fileURLToPath(new URL('./fetch-asker.js', import.meta.url));
const CHANNEL = 'bench';
/** Six times what the slowest takes. */
const PATIENCE_MS = 90_000;
/** A fetch has many contents in a session, and there are several fetches in a minute. */
const LIMITS = { uploads: 100, uploadsPerPeer: 100, sessionsPerPeer: 100 };

export interface SourceNode {
  readonly jid: BareJid;
  readonly process: NodeProcess;
  readonly port: ThrottledPort;
}

export interface SharedFile {
  readonly name: string;
  readonly sha256: string;
  readonly size: number;
}

export class FetchNetwork {
  readonly #folder: string;
  readonly #cleanups: Cleanups;
  readonly #network: PrivateNetwork;
  readonly #hashed = new Set<string>();
  #deadPort = 0;

  constructor(folder: string, cleanups: Cleanups) {
    this.#folder = folder;
    this.#cleanups = cleanups;
    this.#network = new PrivateNetwork(folder, cleanups);
  }

  async start(nodes: number): Promise<void> {
    await this.#network.start(nodes);
    const { jid, password, server } = this.#network.askerConfig('asker');
    const passwordFile = join(this.#folder, 'password');
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    const address = `${server.host}:${server.port}`;
    writeFileSync(this.#configFile, stringify({ jid, passwordFile, server: address, tls: 'off' }));
    mkdirSync(join(this.#folder, 'state'));
    [this.#deadPort = 0] = await freePorts(1);
  }

  /** Started, with all its files hashed; reached through its port, or `direct`. */
  async node(at: number, share: string, reached: 'held back' | 'direct'): Promise<SourceNode> {
    const [listenPort = 0, port = 0] = await freePorts(2);
    const throttled = new ThrottledPort({ port, target: listenPort });
    await throttled.start();
    this.#cleanups.add(() => throttled.stop());
    const node = this.#network.node(at, {
      shares: [{ name: 's', path: share }],
      channels: [CHANNEL],
      transfers: reached === 'direct' ? { listenPort } : { listenPort, externalPort: port },
      limits: LIMITS,
    });
    node.spawn();
    // Whoever has hashed them before has nothing to say of it.
    const isNew = !this.#hashed.has(`${at} ${share}`);
    await Promise.all([node.logged('ready'), ...(isNew ? [node.logged('all files are hashed')] : [])]);
    this.#hashed.add(`${at} ${share}`);
    return { jid: this.#network.address(at), process: node, port: throttled };
  }

  /** A fetch of `file` to `target` that has begun. */
  fetch(file: SharedFile, sources: number, target: string): FetchRun {
    const order: FetchOrder = {
      configFile: this.#configFile,
      service: this.#network.pubsub,
      channel: CHANNEL,
      sha256: file.sha256,
      size: file.size,
      target,
      sources,
      deadPort: this.#deadPort,
      stateFolder: join(this.#folder, 'state'),
      waitMs: 60_000,
    };
    const run = new FetchRun(order);
    this.#cleanups.add(() => run.kill());
    return run;
  }

  get #configFile(): string {
    return join(this.#folder, 'asker.yaml');
  }
}

/** One process that fetches. */
export class FetchRun {
  readonly told: Told[] = [];
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #listeners = new Set<(told: Told) => void>();
  #errors = '';

  constructor(order: FetchOrder) {
    const child = spawn(process.execPath, [ASKER, JSON.stringify(order)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#closed = once(child, 'close');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const told = JSON.parse(line) as Told;
      this.told.push(told);
      for (const listener of this.#listeners) listener(told);
    });
    child.stderr.on('data', (bytes: Buffer) => {
      this.#errors += bytes.toString();
    });
  }

  /** Resolves with the first that is told and `wanted`; rejects when the process ends without. */
  async first(wanted: (told: Told) => boolean): Promise<Told> {
    const known = this.told.find(wanted);
    if (known !== undefined) return known;
    const told = new Promise<Told>((resolve) => {
      const listener = (each: Told) => {
        if (!wanted(each)) return;
        this.#listeners.delete(listener);
        resolve(each);
      };
      this.#listeners.add(listener);
    });
    const ended = this.#closed.then(() => {
      const late = this.told.find(wanted);
      if (late !== undefined) return late;
      throw new Error(`the fetch ended early: ${this.#errors}${JSON.stringify(this.told.slice(-3))}`);
    });
    ended.catch(() => undefined);
    return await Promise.race([told, ended]);
  }

  /** Milliseconds from the beginning to the end, when the file is there. Rejects when that takes longer than anything should. */
  async done(): Promise<number> {
    const timer = setTimeout(() => {
      this.#errors += 'it was given up: ';
      this.#child.kill('SIGKILL');
    }, PATIENCE_MS);
    const end = await this.first(({ type }) => type === 'done').finally(() => clearTimeout(timer));
    const begin = this.told.find(({ type }) => type === 'begin');
    await this.#closed;
    return end.at - (begin?.at ?? Number.NaN);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }
}
