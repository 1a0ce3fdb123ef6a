/** An asker over files in memory: it answers by name and hash, fetches by writing nothing, and keeps the rules of the interface. */
import { AbortedError } from '../../src/errors.js';
import type {
  Asker,
  DownloadOrder,
  FindEvent,
  FindRequest,
  FoundFile,
  WantEvent,
  WantRequest,
} from '../../src/node/asker.js';
import type { FileCriteria } from '../../src/stanza/file-criteria.js';
import type { DownloadEvent } from '../../src/transfer/fetch/download-events.js';
import { FetchError, type FetchEvent, type FetchRequest } from '../../src/transfer/fetch/fetch-request.js';

export interface LibraryAskerInit {
  readonly files: readonly FoundFile[];
  /** Said after the files. */
  readonly after?: readonly FindEvent[];
  /** What is heard in a download beside its progress. */
  readonly happens?: readonly DownloadEvent[];
  /** They have nothing of what they say. */
  readonly liars?: readonly string[];
  /** They have gone: what only they have is waited for. */
  readonly gone?: readonly string[];
  /** What a download ends with, by the size of its file. */
  readonly ends?: ReadonlyMap<number, Error>;
  /** Called a moment after a download has ended well. */
  readonly onDone?: () => void;
  /** What comes to whoever keeps asking. */
  readonly news?: readonly WantEvent[];
  /** Keeps waiting until it is aborted, as an asker does whose time is not over. */
  readonly patient?: boolean;
}

export class LibraryAsker implements Asker {
  readonly #init: LibraryAskerInit;
  #state: 'new' | 'started' | 'stopped' = 'new';
  readonly found: FindRequest[] = [];
  readonly wanted: WantRequest[] = [];
  readonly fetched: FetchRequest[] = [];
  readonly downloaded: DownloadOrder[] = [];

  constructor(init: LibraryAskerInit) {
    this.#init = init;
  }

  get state(): string {
    return this.#state;
  }

  async start(): Promise<void> {
    if (this.#state !== 'new') throw new Error('started twice');
    this.#state = 'started';
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') throw new Error('stopped twice');
    this.#state = 'stopped';
  }

  async *find(request: FindRequest, signal?: AbortSignal): AsyncGenerator<FindEvent> {
    if (this.#state !== 'started') throw new Error('not started');
    this.found.push(request);
    for (const file of this.#init.files.filter((each) => matches(each, request.criteria))) {
      if (request.to === undefined || request.to === file.source.jid) yield { type: 'file', file };
    }
    yield* this.#init.after ?? [];
    if (this.#init.patient !== true) return;
    await new Promise<void>((resolve) => {
      if (signal?.aborted) resolve();
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
    throw new AbortedError('aborted while waiting');
  }

  /** Says what there is, then waits until it is aborted. */
  async *want(request: WantRequest, signal: AbortSignal): AsyncGenerator<WantEvent> {
    if (this.#state !== 'started') throw new Error('not started');
    this.wanted.push(request);
    yield { type: 'asking', againMs: 120_000 };
    yield* this.#init.news ?? [];
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** Half from each of two sources, where there are two. */
  async *download(order: DownloadOrder, signal?: AbortSignal): AsyncGenerator<DownloadEvent> {
    if (this.#state !== 'started') throw new Error('not started');
    this.downloaded.push(order);
    const { target: path } = order;
    const sources = order.sources.filter(({ jid }) => !this.#init.liars?.includes(jid));
    const { hash, size: bytes } = order.file;
    const error = this.#init.ends?.get(bytes);
    if (error) throw error;
    if (sources.length === 0) throw new FetchError('no-source-left', 'nobody has it');
    if (sources.every(({ jid }) => this.#init.gone?.includes(jid))) {
      yield { type: 'waiting', forMs: order.waitMs ?? 0 };
      await new Promise<void>((resolve) => {
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
      throw new AbortedError('aborted while waiting');
    }
    const gave = sources
      .slice(0, 2)
      .map(({ jid }, _, all) => ({ jid, keptBytes: Math.floor(bytes / all.length) }));
    for (const { jid } of sources) yield { type: 'source-found', jid };
    yield* this.#init.happens ?? [];
    for (const receivedBytes of [0, bytes]) {
      yield {
        type: 'progress',
        totalBytes: bytes,
        receivedBytes,
        settledBytes: receivedBytes,
        resumedBytes: 0,
        wastedBytes: 0,
        bytesPerSecond: 1000,
        blockBytes: 262_144,
        there: receivedBytes === 0 ? [] : [{ start: 0, end: bytes }],
        underWay: receivedBytes === 0 ? [{ start: 0, end: bytes }] : [],
        sources: gave.map((each) => ({
          ...each,
          state: 'receiving',
          transport: 's5b',
          bytesPerSecond: 500,
          wastedBytes: 0,
          strikes: 0,
        })),
      };
    }
    yield { type: 'verifying' };
    yield { type: 'done', path, bytes, hash, sources: gave };
    if (this.#init.onDone) setTimeout(this.#init.onDone, 0);
  }

  async *fetch(request: FetchRequest): AsyncGenerator<FetchEvent> {
    if (this.#state !== 'started') throw new Error('not started');
    this.fetched.push(request);
    const source = request.sources[0];
    if (source === undefined) throw new FetchError('no-source-left', 'nobody has it');
    const bytes = request.file.size ?? 0;
    yield { type: 'source', jid: source.jid, state: 'asking' };
    yield { type: 'source', jid: source.jid, state: 'receiving', transport: 's5b' };
    yield { type: 'progress', receivedBytes: 0, totalBytes: bytes, resumedBytes: 0 };
    yield { type: 'progress', receivedBytes: bytes, totalBytes: bytes, resumedBytes: 0 };
    yield { type: 'verifying' };
    yield { type: 'done', path: request.target, bytes, verified: request.range === undefined };
  }
}

function matches(file: FoundFile, criteria: FileCriteria): boolean {
  const name = criteria.name?.some((test) =>
    test.type === 'contains'
      ? file.name.includes(test.value)
      : new RegExp(test.pattern, 'iu').test(file.name),
  );
  const path = criteria.path?.some((test) =>
    test.type === 'contains'
      ? file.path?.includes(test.value)
      : new RegExp(test.pattern, 'u').test(file.path ?? ''),
  );
  const hash = criteria.hash?.some((each) => file.hashes.some((has) => has.value === each.value));
  const words = criteria.text?.some((text) => file.name.toLowerCase().includes(text.toLowerCase()));
  return [name, path, hash, words].every((answer) => answer !== false);
}
