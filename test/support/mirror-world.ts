/** A wish of a node with what it needs: real files, virtual time, and sources that give what they are told to. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import { AbortedError } from '../../src/errors.js';
import { type PartFileSystem, realPartFileSystem } from '../../src/fs/part-file.js';
import { RealDataFolder } from '../../src/fs/real-data-folder.js';
import { silentLog } from '../../src/log.js';
import { parseJid } from '../../src/stanza/jid.js';
import { FetchError } from '../../src/transfer/fetch/fetch-request.js';
import { FetchMemory } from '../../src/wishes/fetch-memory.js';
import type { Fetcher, FetchOrder } from '../../src/wishes/fetcher.js';
import type { WishEvent } from '../../src/wishes/keep-asking.js';
import { INCOMING, Mirror, type MirrorInit } from '../../src/wishes/mirror.js';
import { eventually } from './eventually.js';
import { MemoryFolder } from './memory-folder.js';
import { type TemporaryFolder, temporaryFolder } from './temporary-folder.js';
import { VirtualClock } from './virtual-clock.js';

export const DAY_MS = 86_400_000;
export const shaOf = (content: string) => createHash('sha256').update(content).digest('base64');
export const hexOf = (content: string) => createHash('sha256').update(content).digest('hex');

/** Gives every file whose content it knows, or fails as it is told. */
export class Sources implements Fetcher {
  readonly #contents = new Map<string, string>();
  readonly orders: FetchOrder[] = [];
  error: Error | undefined;
  /** Gives so many bytes and goes. */
  leaves = 0;
  /** Gives nothing until it is stopped, or told to go on. */
  stalls = false;
  go: () => void = () => undefined;

  know(content: string): void {
    this.#contents.set(shaOf(content), content);
  }

  async fetch(order: FetchOrder, onProgress: (bytes: number) => void, signal: AbortSignal): Promise<void> {
    this.orders.push(order);
    if (this.error) throw this.error;
    const content = this.#contents.get(order.sha256);
    if (content === undefined) throw new FetchError('no-source-left', 'nobody has it');
    if (this.leaves > 0) {
      await writeFile(`${order.target}.part`, Buffer.alloc(this.leaves, 1));
      throw new FetchError('no-source-left', 'all have gone');
    }
    if (this.stalls) {
      await writeFile(`${order.target}.part`, content.slice(0, 1));
      onProgress(1);
      await new Promise<void>((resolve, reject) => {
        this.go = resolve;
        signal.addEventListener('abort', () => reject(new AbortedError('stopped')), { once: true });
      });
    }
    await writeFile(order.target, content);
    onProgress(order.size);
  }
}

/** What a wish works with; it lives until {@link MirrorWorld.end}. */
export class MirrorWorld {
  readonly clock = new VirtualClock();
  readonly catalogue = new Catalogue();
  readonly sources = new Sources();
  readonly remembered = new MemoryFolder();
  readonly stops: (() => Promise<void>)[] = [];
  readonly share: string;
  readonly #folder: TemporaryFolder;
  freeBytes = 1_000_000;

  private constructor(folder: TemporaryFolder) {
    this.#folder = folder;
    this.share = join(folder.path, 'copies');
  }

  static async begin(): Promise<MirrorWorld> {
    const world = new MirrorWorld(await temporaryFolder());
    await mkdir(world.share);
    return world;
  }

  async end(): Promise<void> {
    for (const stop of this.stops) await stop();
    await this.#folder.remove();
    assert.equal(this.clock.pendingTimers, 0, 'timers are left');
  }

  async filesInShare(): Promise<string[]> {
    return (await readdir(this.share)).filter((name) => name !== INCOMING).sort();
  }

  idle(mirror: Mirror) {
    return eventually(
      async () => {
        await this.clock.advance(0);
        return mirror.status();
      },
      ({ waitingFiles, state }) => waitingFiles === 0 && state !== 'starting' && state !== 'fetching',
    );
  }
}

export async function startMirror(
  world: MirrorWorld,
  init: Partial<MirrorInit> = {},
  disk: Partial<PartFileSystem> = {},
) {
  const { share, clock, catalogue, sources, remembered, stops } = world;
  const events = new Readable({ objectMode: true, read: () => {} });
  const memory = new FetchMemory({ folder: remembered, clock, log: silentLog, random: () => 0.5 });
  await memory.start();
  const mirror = new Mirror(
    {
      async *ask(signal) {
        signal.addEventListener('abort', () => events.push(null), { once: true });
        for await (const event of events) yield event as WishEvent;
      },
      fetcher: sources,
      catalogue,
      hashed: () => Promise.resolve(),
      memory,
      disk: { ...realPartFileSystem, freeBytes: async () => world.freeBytes, ...disk },
      incoming: new RealDataFolder(join(share, INCOMING)),
      jid: () => parseJid('us.example.org'),
      clock,
      log: silentLog,
    },
    {
      name: 'plays',
      criteria: { sizeMax: 1001 },
      channels: [],
      share: { name: 'copies', path: share },
      maxFileBytes: 1000,
      maxShareBytes: 10_000,
      maxShareFiles: 100,
      keepFreeBytes: 1000,
      ...init,
    },
  );
  await mirror.start();
  let isStopped = false;
  const stop = async () => {
    if (isStopped) return;
    isStopped = true;
    await mirror.stop();
    await memory.stop();
  };
  stops.push(stop);
  /** Somebody offers these. */
  const offer = (jid: string, ...files: { readonly name: string; readonly content: string }[]) =>
    events.push({
      type: 'found',
      from: parseJid(jid),
      last: true,
      found: {
        total: files.length,
        more: false,
        pending: 0,
        page: {},
        files: files.map(({ name, content }) => ({
          name,
          path: `books/${name}`,
          size: content.length,
          hashes: [{ algo: 'sha-256', value: shaOf(content) }],
          hashesUsed: [],
        })),
      },
    } satisfies WishEvent);
  return { mirror, offer, stop, events, memory };
}
