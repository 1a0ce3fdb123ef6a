/** A process that downloads from a node for as long as it is told to, and throws away what comes. */
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../src/clock.js';
import type { AskerConfig } from '../src/config/options.js';
import { clientEntity } from '../src/entity/client-entity.js';
import { silentLog } from '../src/log.js';
import { TransferStack } from '../src/node/transfer-stack.js';
import { parseJid } from '../src/stanza/jid.js';

export interface DownloadsTask {
  readonly config: AskerConfig;
  readonly node: string;
  readonly files: readonly string[];
}

export type DownloadsOrder =
  /** All files at once, each again and again; `bytesPerSecond` is that of one, undefined as fast as it goes. */
  { readonly type: 'begin'; readonly bytesPerSecond?: number } | { readonly type: 'end' };

export type DownloadsReport =
  | { readonly type: 'ready' }
  /** Bytes flow on every connection. */
  | { readonly type: 'flowing' }
  | { readonly type: 'ended'; readonly bytes: number; readonly ms: number };

const MS_A_SECOND = 1000;

const task = JSON.parse(process.argv[2] ?? '') as DownloadsTask;
const components = { clock: systemClock, log: silentLog };
const entity = clientEntity(components, task.config);
const stack = new TransferStack(
  { entity, ...components },
  {
    serverHost: task.config.server.host,
    listenPort: 0,
    externalHosts: [],
    connectToPrivate: true,
    findProxies: 'never',
    maxSessions: 100,
    maxSessionsPerPeer: 1,
    idleMs: 60_000,
    maxCandidates: 10,
    candidateTimeoutMs: 5000,
    maxHandshakes: 100,
    ibbBlockBytes: 8192,
    ibbWindow: 8,
    transports: ['s5b'],
  },
);

class Downloads {
  readonly #over = new AbortController();
  readonly #flowing = new Set<string>();
  readonly #bytesPerSecond: number;
  readonly #began = performance.now();
  readonly #running: Promise<unknown>;
  #bytes = 0;

  constructor(bytesPerSecond = Number.POSITIVE_INFINITY) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#running = Promise.all(task.files.map((name) => this.#again(name)));
    this.#running.catch(fail);
  }

  async end(): Promise<void> {
    const ms = performance.now() - this.#began;
    this.#over.abort();
    await this.#running;
    tell({ type: 'ended', bytes: this.#bytes, ms });
  }

  async #again(name: string): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      const download = stack.jingle.download({
        peer: parseJid(task.node),
        file: { name, hashes: [], hashesUsed: [] },
      });
      try {
        await pipeline(download.stream, this.#sink(name), { signal });
        await download.finish('success');
      } catch (error) {
        if (!signal.aborted) throw error;
        await download.finish('cancel').catch(() => undefined); // it was cut in the middle
      }
    }
  }

  /** Takes no more a second than it should. */
  #sink(name: string): Writable {
    const began = performance.now();
    let taken = 0;
    return new Writable({
      write: (chunk: Buffer, _, done) => {
        this.#bytes += chunk.length;
        taken += chunk.length;
        this.#noteFlow(name);
        const aheadMs = (taken / this.#bytesPerSecond) * MS_A_SECOND - (performance.now() - began);
        if (aheadMs <= 1) done();
        else void pause(aheadMs).then(() => done());
      },
    });
  }

  #noteFlow(name: string): void {
    if (this.#flowing.has(name)) return;
    this.#flowing.add(name);
    if (this.#flowing.size === task.files.length) tell({ type: 'flowing' });
  }
}

function tell(report: DownloadsReport): void {
  process.send?.(report);
}

function fail(error: unknown): void {
  process.stderr.write(`a download failed: ${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
}

let downloads: Downloads | undefined;
process.on('message', (order: DownloadsOrder) => {
  if (order.type === 'begin') downloads = new Downloads(order.bytesPerSecond);
  else downloads?.end().catch(fail);
});
// Whoever started this is gone.
process.on('disconnect', () => process.exit());
process.on('SIGINT', () => undefined); // who started this ends it, in order

await stack.start();
await entity.start();
tell({ type: 'ready' });
