/**
 * Sources that give a file out of memory, each with the faults a test wants of it. They keep to
 * `FileDownload` more strictly than a network does: a session that is never finished is counted.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  type FileDownload,
  type FileDownloadRequest,
  FileNotAvailableError,
  SessionEndedError,
} from '../../src/jingle/file-session.js';
import type { Jid } from '../../src/stanza/jid.js';
import type { FileDescription, Range } from '../../src/stanza/xep0234-file-transfer.js';
import type { Hash } from '../../src/stanza/xep0300-hashes.js';
import type { Downloader } from '../../src/transfer/fetch/fetch-request.js';
import { TransportFailedError } from '../../src/transport/transport.js';

export interface MemorySource {
  readonly content: Uint8Array;
  /** Added to what session-accept says, or put in its place. */
  readonly says?: Partial<FileDescription>;
  /** Left out of session-accept. */
  readonly hides?: readonly ('size' | 'hashes' | 'range')[];
  readonly refuses?: Error;
  /** Called before it accepts: tells places in its queue. */
  readonly queue?: (tell: (place: number) => void) => Promise<void>;
  /** Never answers. */
  readonly deaf?: boolean;
  /** The connection breaks when so many bytes of a session have been read. */
  readonly diesAfter?: number;
  /** The stream ends, as if all were sent, after so many bytes of a session. */
  readonly endsAfter?: number;
  /** Nothing more comes after so many bytes of a session. */
  readonly silentAfter?: number;
  /** This byte of the file is sent wrong. */
  readonly corruptAt?: number;
  /** Bytes sent behind the end. */
  readonly surplus?: Uint8Array;
  /** Sends the whole file whatever range was asked for. */
  readonly ignoresRanges?: boolean;
  /** What the checksum after the bytes is of; `wrong` is one of other bytes. Default none. */
  readonly checksum?: 'file' | 'range' | 'wrong-range';
  readonly chunkBytes?: number;
  /** Called before each chunk. */
  readonly pace?: () => Promise<void>;
}

/** A session as the source saw it. */
export interface SeenSession {
  readonly jid: Jid;
  readonly asked: FileDescription;
  sentBytes: number;
  outcome: string | undefined;
}

export class MemorySources implements Downloader {
  readonly sessions: SeenSession[] = [];
  readonly #sources: ReadonlyMap<Jid, MemorySource | ((session: number) => MemorySource)>;

  /** A function is asked for each session anew, with its number for that source from 0. */
  constructor(sources: ReadonlyMap<Jid, MemorySource | ((session: number) => MemorySource)>) {
    this.#sources = sources;
  }

  /** Sessions that nobody has finished: 0 when a fetch is over, however it ended. */
  get open(): number {
    return this.sessions.filter((session) => session.outcome === undefined).length;
  }

  /** Bytes that all sources have sent. */
  get sentBytes(): number {
    return this.sessions.reduce((sum, session) => sum + session.sentBytes, 0);
  }

  askedOf(jid: Jid): FileDescription[] {
    return this.sessions.filter((session) => session.jid === jid).map((session) => session.asked);
  }

  download(request: FileDownloadRequest): FileDownload {
    const before = this.sessions.filter((session) => session.jid === request.peer).length;
    const known = this.#sources.get(request.peer);
    const source = typeof known === 'function' ? known(before) : known;
    const seen: SeenSession = { jid: request.peer, asked: request.file, sentBytes: 0, outcome: undefined };
    this.sessions.push(seen);
    return new MemoryDownload(source, seen, `sid-${this.sessions.length}`);
  }
}

class MemoryDownload implements FileDownload {
  readonly accepted: Promise<FileDescription>;
  readonly stream: Readable;
  readonly transport = 's5b';
  readonly range = undefined;
  readonly queuePlace = undefined;
  readonly checksums: { hash: Hash; range?: Range }[] = [];
  readonly #seen: SeenSession;
  readonly #listeners: ((place: number) => void)[] = [];
  #giveUp: (error: Error) => void = () => undefined;

  constructor(
    source: MemorySource | undefined,
    seen: SeenSession,
    readonly sid: string,
  ) {
    this.#seen = seen;
    const refusal =
      source === undefined ? new FileNotAvailableError('no such source') : refusalOf(source, seen.asked);
    const givenUp = new Promise<never>((_, reject) => {
      this.#giveUp = reject;
    });
    givenUp.catch(() => undefined);
    if (source === undefined || refusal || source.deaf) {
      this.accepted = refusal ? Promise.reject(refusal) : givenUp;
      this.stream = new Readable({ read: () => undefined });
      return;
    }
    const turn = source.queue?.((place) => {
      for (const listener of this.#listeners) listener(place);
    });
    const answer = Promise.resolve(turn).then(() => acceptanceOf(source, seen.asked));
    this.accepted = Promise.race([answer, givenUp]);
    this.stream = Readable.from(this.#bytes(source), { objectMode: false, highWaterMark: 65_536 });
  }

  onQueued(listener: (place: number) => void): void {
    this.#listeners.push(listener);
  }

  receive(): void {
    throw new TypeError('this one is read as a stream');
  }

  async finish(outcome: string): Promise<void> {
    if (this.#seen.outcome !== undefined) throw new Error('finished twice');
    this.#seen.outcome = outcome;
    this.#giveUp(new SessionEndedError('cancel', undefined, undefined));
    this.stream.destroy();
    await Promise.resolve();
  }

  async *#bytes(source: MemorySource): AsyncGenerator<Buffer, void, undefined> {
    const { start, end } = source.ignoresRanges
      ? { start: 0, end: source.content.length }
      : spanOf(source, this.#seen.asked);
    const honest = Buffer.from(source.content.subarray(start, end));
    const bytes = Buffer.concat([honest, source.surplus ?? Buffer.alloc(0)]);
    const { corruptAt } = source;
    if (corruptAt !== undefined && corruptAt >= start && corruptAt < end) {
      bytes.writeUInt8((bytes.readUInt8(corruptAt - start) + 1) % 256, corruptAt - start);
    }
    const limit = Math.min(
      source.diesAfter ?? bytes.length,
      source.endsAfter ?? bytes.length,
      source.silentAfter ?? bytes.length,
    );
    const chunkBytes = source.chunkBytes ?? 16_384;
    for (let at = 0; at < limit; at += chunkBytes) {
      await source.pace?.();
      const chunk = bytes.subarray(at, Math.min(limit, at + chunkBytes));
      this.#seen.sentBytes += chunk.length;
      yield chunk;
    }
    if (source.silentAfter !== undefined) await new Promise(() => undefined);
    if (source.diesAfter !== undefined && source.diesAfter < bytes.length) {
      // A stream that fails drops what nobody has read yet; how much that is would be chance.
      while (this.stream.readableLength > 0 && !this.stream.destroyed)
        await new Promise((resolve) => setImmediate(resolve));
      throw new TransportFailedError('the connection broke');
    }
    this.#sum(source, start, end);
  }

  #sum(source: MemorySource, start: number, end: number): void {
    const piece = source.content.subarray(start, end);
    if (source.checksum === 'file') this.checksums.push({ hash: sha256(source.content) });
    if (source.checksum === 'range') {
      this.checksums.push({ hash: sha256(piece), range: { offset: start, length: end - start } });
    }
    if (source.checksum === 'wrong-range') {
      this.checksums.push({
        hash: sha256(Buffer.from('other')),
        range: { offset: start, length: end - start },
      });
    }
  }
}

export function sha256(bytes: Uint8Array): Hash {
  return { algo: 'sha-256', value: createHash('sha256').update(bytes).digest('base64') };
}

/** As an honest node selects: every hash and size asked for must be that of the file. */
function refusalOf(source: MemorySource, asked: FileDescription): Error | undefined {
  if (source.refuses) return source.refuses;
  const wrongSize = asked.size !== undefined && asked.size !== source.content.length;
  const wrongHash = asked.hashes.some(
    (hash) => hash.algo === 'sha-256' && hash.value !== sha256(source.content).value,
  );
  const lies = source.says !== undefined || source.corruptAt !== undefined;
  if ((wrongSize || wrongHash) && !lies)
    return new SessionEndedError('failed-application', undefined, 'file-not-available');
  return undefined;
}

function acceptanceOf(source: MemorySource, asked: FileDescription): FileDescription {
  const { start, end } = spanOf(source, asked);
  const hides = source.hides ?? [];
  return {
    ...(!hides.includes('size') && { size: source.content.length }),
    hashes: hides.includes('hashes') ? [] : [sha256(source.content)],
    hashesUsed: [],
    ...(asked.range &&
      !source.ignoresRanges &&
      !hides.includes('range') && { range: { offset: start, length: end - start, hashes: [] } }),
    ...source.says,
  };
}

function spanOf(source: MemorySource, asked: FileDescription): { start: number; end: number } {
  const size = source.content.length;
  const start = Math.min(size, asked.range?.offset ?? 0);
  const length = asked.range?.length ?? size;
  return { start, end: Math.min(size, start + length) };
}

/** Bytes that look random and are the same for the same seed. */
export function seededBytes(size: number, seed: number): Buffer {
  const pieces = Array.from({ length: Math.ceil(size / 64) }, (_, index) =>
    createHash('sha512').update(`${seed} ${index}`).digest(),
  );
  return Buffer.concat(pieces).subarray(0, size);
}
