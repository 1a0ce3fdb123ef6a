/** What the tests of `fetchFile` share: a folder, a file to fetch, and short ways to run a fetch. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock.js';
import { type PartFileSystem, realPartFileSystem } from '../../../src/fs/part-file.js';
import { silentLog } from '../../../src/log.js';
import { parseJid } from '../../../src/stanza/jid.js';
import { type FetchInit, fetchFile } from '../../../src/transfer/fetch/fetch-file.js';
import { FetchError, type FetchEvent, type FetchRequest } from '../../../src/transfer/fetch/fetch-request.js';
import { type MemorySource, MemorySources, seededBytes, sha256 } from '../../support/memory-sources.js';

export const A = parseJid('a.example/n');
export const B = parseJid('b.example/n');
export const C = parseJid('c.example/n');

export const content = seededBytes(300_000, 3);
export const hash = sha256(content);

type Sources = Readonly<Record<string, MemorySource | ((session: number) => MemorySource)>>;

export function sourcesOf(sources: Sources): MemorySources {
  return new MemorySources(new Map(Object.entries(sources).map(([jid, source]) => [parseJid(jid), source])));
}

export interface RunOptions {
  readonly init?: Partial<FetchInit>;
  readonly fs?: PartFileSystem;
  readonly signal?: AbortSignal;
}

export function run(downloader: MemorySources, request: FetchRequest, { init, fs, signal }: RunOptions = {}) {
  return fetchFile(
    { downloader, fs: fs ?? realPartFileSystem, clock: systemClock, log: silentLog },
    request,
    { retryDelayMs: 1, checksumWaitMs: 60, idleTimeoutMs: 200, progressIntervalMs: 0, ...init },
    signal,
  );
}

export async function events(stream: AsyncIterable<FetchEvent>): Promise<FetchEvent[]> {
  const seen: FetchEvent[] = [];
  for await (const event of stream) seen.push(event);
  return seen;
}

/** Ends the fetch when so many bytes are there. */
export async function until(bytes: number, stream: AsyncIterable<FetchEvent>): Promise<void> {
  for await (const event of stream) {
    if (event.type === 'progress' && event.receivedBytes >= bytes) return;
  }
  assert.fail('the fetch ended too early');
}

export async function failure(stream: AsyncIterable<FetchEvent>): Promise<FetchError> {
  try {
    await events(stream);
  } catch (error) {
    assert.ok(error instanceof FetchError, String(error));
    return error;
  }
  assert.fail('the fetch succeeded');
}

export function doneOf(seen: readonly FetchEvent[]) {
  const done = seen.at(-1);
  assert.equal(done?.type, 'done');
  return done;
}

/** A folder for each test, and the target in it. */
export class TargetFolder {
  path = '';
  target = '';

  /** Registers the hooks that make and remove it. */
  static ofEachTest(): TargetFolder {
    const folder = new TargetFolder();
    beforeEach(async () => {
      folder.path = await mkdtemp(join(tmpdir(), 'shoal-fetch-'));
      folder.target = join(folder.path, 'romeo.epub');
    });
    afterEach(() => rm(folder.path, { recursive: true, force: true }));
    return folder;
  }

  requestOf(change: Partial<FetchRequest> = {}): FetchRequest {
    return {
      file: { hash, name: 'romeo.epub', size: content.length },
      sources: [{ jid: A }, { jid: B }, { jid: C }],
      target: this.target,
      overwrite: 'refuse',
      ...change,
    };
  }

  /** The names in it. */
  async names(): Promise<string[]> {
    return (await readdir(this.path)).sort();
  }

  async assertFetched(bytes: Uint8Array = content): Promise<void> {
    assert.ok((await readFile(this.target)).equals(bytes), 'the target has other bytes');
    assert.deepEqual(await this.names(), ['romeo.epub'], 'something is left beside the target');
  }
}
