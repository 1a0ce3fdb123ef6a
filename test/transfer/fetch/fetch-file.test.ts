import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock.js';
import { AbortedError } from '../../../src/errors.js';
import { type PartFileSystem, realPartFileSystem } from '../../../src/fs/part-file.js';
import { SessionEndedError } from '../../../src/jingle/file-session.js';
import { silentLog } from '../../../src/log.js';
import { parseJid } from '../../../src/stanza/jid.js';
import { StanzaError } from '../../../src/stanza/stanza-error.js';
import { type FetchInit, fetchFile } from '../../../src/transfer/fetch/fetch-file.js';
import { FetchError, type FetchEvent, type FetchRequest } from '../../../src/transfer/fetch/fetch-request.js';
import { type MemorySource, MemorySources, sha256 } from '../../support/memory-sources.js';

const A = parseJid('a.example/n');
const B = parseJid('b.example/n');
const C = parseJid('c.example/n');

describe('fetchFile', () => {
  const content = randomBytes(300_000);
  const hash = sha256(content);
  let folder: string;
  let target: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-fetch-'));
    target = join(folder, 'romeo.epub');
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  type Sources = Readonly<Record<string, MemorySource | ((session: number) => MemorySource)>>;

  function sourcesOf(sources: Sources): MemorySources {
    return new MemorySources(
      new Map(Object.entries(sources).map(([jid, source]) => [parseJid(jid), source])),
    );
  }

  function requestOf(change: Partial<FetchRequest> = {}): FetchRequest {
    return {
      file: { hash, name: 'romeo.epub', size: content.length },
      sources: [{ jid: A }, { jid: B }, { jid: C }],
      target,
      overwrite: 'refuse',
      ...change,
    };
  }

  interface Run {
    readonly init?: Partial<FetchInit>;
    readonly fs?: PartFileSystem;
    readonly signal?: AbortSignal;
  }

  function run(downloader: MemorySources, request = requestOf(), { init, fs, signal }: Run = {}) {
    return fetchFile(
      { downloader, fs: fs ?? realPartFileSystem, clock: systemClock, log: silentLog },
      request,
      { retryDelayMs: 1, checksumWaitMs: 60, idleTimeoutMs: 200, progressIntervalMs: 0, ...init },
      signal,
    );
  }

  async function events(stream: AsyncIterable<FetchEvent>): Promise<FetchEvent[]> {
    const seen: FetchEvent[] = [];
    for await (const event of stream) seen.push(event);
    return seen;
  }

  /** Ends the fetch when so many bytes are there. */
  async function until(bytes: number, stream: AsyncIterable<FetchEvent>): Promise<void> {
    for await (const event of stream) {
      if (event.type === 'progress' && event.receivedBytes >= bytes) return;
    }
    assert.fail('the fetch ended too early');
  }

  async function failure(stream: AsyncIterable<FetchEvent>): Promise<FetchError> {
    try {
      await events(stream);
    } catch (error) {
      assert.ok(error instanceof FetchError, String(error));
      return error;
    }
    assert.fail('the fetch succeeded');
  }

  function doneOf(seen: readonly FetchEvent[]) {
    const done = seen.at(-1);
    assert.equal(done?.type, 'done');
    return done;
  }

  async function assertFetched(bytes: Uint8Array = content): Promise<void> {
    assert.ok((await readFile(target)).equals(bytes), 'the target has other bytes');
    assert.deepEqual(await readdir(folder), ['romeo.epub'], 'something is left beside the target');
  }

  it('fetches a file whole, tells how it goes, and leaves nothing else', async () => {
    const sources = sourcesOf({ [A]: { content } });
    const seen = await events(run(sources));
    await assertFetched();
    assert.deepEqual(seen[0], { type: 'source', jid: A, state: 'asking' });
    assert.deepEqual(seen[1], { type: 'source', jid: A, state: 'receiving', transport: 's5b' });
    assert.ok(seen.some((event) => event.type === 'progress' && event.totalBytes === content.length));
    assert.deepEqual(seen.slice(-2), [
      { type: 'verifying' },
      { type: 'done', path: target, bytes: content.length, hash, verified: true },
    ]);
    assert.deepEqual(
      sources.sessions.map((session) => session.outcome),
      ['success'],
    );
  });

  it('asks by hash, name and size, and for no range when it wants all', async () => {
    const sources = sourcesOf({ [A]: { content } });
    await events(run(sources, requestOf({ sources: [{ jid: A, path: 'books/romeo.epub' }] })));
    assert.deepEqual(sources.askedOf(A), [
      {
        name: 'books/romeo.epub',
        path: 'books/romeo.epub',
        size: content.length,
        hashes: [hash],
        hashesUsed: [],
      },
    ]);
  });

  it('fetches an empty file', async () => {
    const empty = Buffer.alloc(0);
    const file = { hash: sha256(empty), size: 0 };
    assert.equal(
      doneOf(await events(run(sourcesOf({ [A]: { content: empty } }), requestOf({ file })))).bytes,
      0,
    );
    await assertFetched(empty);
  });

  describe('when a source fails', () => {
    it('goes on at the same byte with the next', async () => {
      const sources = sourcesOf({ [A]: { content, diesAfter: 100_000 }, [B]: { content } });
      const seen = await events(run(sources));
      await assertFetched();
      assert.equal(sources.askedOf(B)[0]?.range?.offset, 100_000);
      assert.equal(sources.sentBytes, content.length);
      const failed = seen.find((event) => event.type === 'source' && event.state === 'failed');
      assert.equal(failed?.type === 'source' && failed.jid, A);
    });

    it('takes an early end of the stream for a failure', async () => {
      const sources = sourcesOf({ [A]: { content, endsAfter: 70_000 }, [B]: { content } });
      await events(run(sources));
      await assertFetched();
      assert.equal(sources.askedOf(B)[0]?.range?.offset, 70_000);
    });

    it('gives up one that falls silent, and one that never answers', async () => {
      const sources = sourcesOf({
        [A]: { content, deaf: true },
        [B]: { content, silentAfter: 50_000 },
        [C]: { content },
      });
      await events(run(sources, requestOf(), { init: { idleTimeoutMs: 30 } }));
      await assertFetched();
      assert.equal(sources.askedOf(C)[0]?.range?.offset, 50_000);
      assert.equal(sources.open, 0);
    });

    it('asks the only source again, after a pause', async () => {
      const sources = sourcesOf({
        [A]: (session) => ({ content, ...(session < 2 && { diesAfter: 100_000 }) }),
      });
      await events(run(sources, requestOf({ sources: [{ jid: A }] })));
      await assertFetched();
      assert.deepEqual(
        sources.askedOf(A).map((file) => file.range?.offset),
        [undefined, 100_000, 200_000],
      );
    });

    it('names every source and its failure when none is left', async () => {
      const sources = sourcesOf({
        [A]: {
          content,
          refuses: new SessionEndedError('failed-application', undefined, 'file-not-available'),
        },
        [B]: { content, refuses: new StanzaError('service-unavailable') },
        [C]: { content, refuses: new SessionEndedError('busy', undefined, undefined) },
      });
      const error = await failure(run(sources));
      assert.equal(error.code, 'no-source-left');
      assert.deepEqual(new Set(error.failures.map(({ jid }) => jid)), new Set([A, B, C]));
      assert.equal(sources.askedOf(A).length, 1, 'what is not there is not asked for again');
      assert.equal(sources.askedOf(C).length, 3, 'who is busy is asked again, a bounded number of times');
      assert.deepEqual(await readdir(folder), []);
    });

    it('says so when nobody is known to have the file', async () => {
      assert.equal((await failure(run(sourcesOf({}), requestOf({ sources: [] })))).code, 'no-source-left');
    });
  });

  describe('when a source lies', () => {
    it('names it, condemns what it sent, and starts anew with another', async () => {
      const sources = sourcesOf({ [A]: { content, corruptAt: 250_000 }, [B]: { content } });
      const seen = await events(run(sources));
      await assertFetched();
      const failed = seen.find((event) => event.type === 'source' && event.state === 'failed');
      assert.ok(failed?.type === 'source' && failed.jid === A && failed.error instanceof FetchError);
      assert.equal(failed.error.code, 'hash-mismatch');
      assert.equal(sources.askedOf(B)[0]?.range, undefined);
      assert.ok(seen.some((event) => event.type === 'progress' && event.receivedBytes === 0));
      assert.deepEqual(
        sources.sessions.map((session) => session.outcome),
        ['failed-application', 'success'],
      );
    });

    it('leaves no wrong byte under the target name when it is the only one', async () => {
      const error = await failure(
        run(sourcesOf({ [A]: { content, corruptAt: 5 } }), requestOf({ sources: [{ jid: A }] })),
      );
      assert.equal(error.code, 'hash-mismatch');
      assert.match(error.message, /a\.example\/n/);
      assert.deepEqual(await readdir(folder), []);
    });

    it('does not trust a mixture, and gets the file from an honest third', async () => {
      const sources = sourcesOf({
        [A]: { content, diesAfter: 100_000 },
        [B]: { content, corruptAt: 200_000 },
        [C]: { content },
      });
      await events(run(sources));
      await assertFetched();
    });

    it('refuses one that offers another hash or size, before a byte is taken', async () => {
      const sources = sourcesOf({
        [A]: { content, says: { hashes: [sha256(Buffer.from('other'))] } },
        [B]: { content, says: { size: content.length + 1 } },
      });
      const error = await failure(run(sources, requestOf({ sources: [{ jid: A }, { jid: B }] })));
      assert.equal(error.code, 'changed');
      assert.equal(
        sources.sessions.every((session) => session.outcome === 'failed-application'),
        true,
      );
      assert.deepEqual(await readdir(folder), []);
    });

    it('cuts off what comes behind the end', async () => {
      await events(run(sourcesOf({ [A]: { content, surplus: Buffer.from('more') } })));
      await assertFetched();
    });

    it('condemns bytes with a surplus when nothing else says that they are right', async () => {
      const liar: MemorySource = { content, surplus: Buffer.from('more'), hides: ['hashes'] };
      const request = requestOf({ file: { name: 'romeo.epub' }, sources: [{ jid: A }] });
      const error = await failure(run(sourcesOf({ [A]: liar }), request));
      assert.match(error.message, /more bytes than the file has/);
      assert.deepEqual(await readdir(folder), []);
    });

    it('is not drawn into taking more than the disk holds', async () => {
      const sources = sourcesOf({ [A]: { content, says: { size: 2 ** 52 } }, [B]: { content } });
      await events(run(sources, requestOf({ file: { hash } })));
      await assertFetched();
    });
  });

  describe('with ranges', () => {
    it('puts just those bytes into the target, verified by the checksum of the range', async () => {
      const sources = sourcesOf({ [A]: { content, checksum: 'range' } });
      const done = doneOf(await events(run(sources, requestOf({ range: { offset: 1000, length: 5000 } }))));
      await assertFetched(content.subarray(1000, 6000));
      assert.equal(done.verified, true);
      assert.equal(done.bytes, 5000);
    });

    it('says that they are not verified when the sender gives no checksum', async () => {
      const sources = sourcesOf({ [A]: { content } });
      const done = doneOf(await events(run(sources, requestOf({ range: { offset: 290_000 } }))));
      await assertFetched(content.subarray(290_000));
      assert.equal(done.verified, false);
    });

    it('fails when the checksum is of other bytes', async () => {
      const sources = sourcesOf({
        [A]: { content, checksum: 'wrong-range' },
        [B]: { content, checksum: 'range' },
      });
      const done = doneOf(await events(run(sources, requestOf({ range: { offset: 10, length: 20_000 } }))));
      await assertFetched(content.subarray(10, 20_010));
      assert.equal(done.verified, true);
      assert.equal(sources.askedOf(B)[0]?.range?.offset, 10);
    });

    it('goes on inside the range, and is not verified by the checksum of its last piece', async () => {
      const sources = sourcesOf({
        [A]: { content, diesAfter: 3000, chunkBytes: 1000 },
        [B]: { content, checksum: 'range' },
      });
      const done = doneOf(await events(run(sources, requestOf({ range: { offset: 10_000, length: 8000 } }))));
      await assertFetched(content.subarray(10_000, 18_000));
      assert.deepEqual(sources.askedOf(B)[0]?.range, { offset: 13_000, length: 5000, hashes: [] });
      assert.equal(done.verified, false);
    });

    it('ends at the end of the file, and does not ask for more than that', async () => {
      const sources = sourcesOf({ [A]: { content } });
      const done = doneOf(await events(run(sources, requestOf({ range: { offset: 299_990, length: 500 } }))));
      assert.equal(done.bytes, 10);
      assert.deepEqual(sources.askedOf(A)[0]?.range, { offset: 299_990, length: 10, hashes: [] });
      await assertFetched(content.subarray(299_990));
    });

    it('refuses a range that begins behind the end', async () => {
      const file = { name: 'romeo.epub' };
      const request = requestOf({ file, range: { offset: 300_001 }, sources: [{ jid: A }] });
      assert.equal((await failure(run(sourcesOf({ [A]: { content } }), request))).code, 'changed');
      assert.deepEqual(await readdir(folder), []);
    });

    it('takes the bytes out of the whole file from a source that knows no ranges', async () => {
      const sources = sourcesOf({ [A]: { content, ignoresRanges: true } });
      await events(run(sources, requestOf({ range: { offset: 100_000, length: 5000 } })));
      await assertFetched(content.subarray(100_000, 105_000));
      assert.equal(sources.askedOf(A).at(-1)?.range, undefined);
    });

    it('resumes with such a source, dropping what is there already', async () => {
      const sources = sourcesOf({
        [A]: { content, diesAfter: 100_000 },
        [B]: { content, ignoresRanges: true },
      });
      await events(run(sources));
      await assertFetched();
    });

    it('believes nobody who gives a range and does not say which', async () => {
      const sources = sourcesOf({ [A]: { content, diesAfter: 100_000 }, [B]: { content, hides: ['range'] } });
      await events(run(sources));
      await assertFetched();
      assert.equal(sources.askedOf(B).length, 2);
      assert.equal(sources.askedOf(B)[1]?.range, undefined);
    });
  });

  describe('without a hash', () => {
    const file = { name: 'romeo.epub' };

    it('verifies by the hash that the source gives', async () => {
      const done = doneOf(await events(run(sourcesOf({ [A]: { content } }), requestOf({ file }))));
      assert.equal(done.verified, true);
      await assertFetched();
    });

    it('verifies by the checksum that comes after the bytes', async () => {
      const sources = sourcesOf({ [A]: { content, hides: ['hashes'], checksum: 'file' } });
      assert.equal(doneOf(await events(run(sources, requestOf({ file })))).verified, true);
      await assertFetched();
    });

    it('says so when there is neither', async () => {
      const sources = sourcesOf({ [A]: { content, hides: ['hashes', 'size'] } });
      assert.equal(doneOf(await events(run(sources, requestOf({ file })))).verified, false);
      await assertFetched();
    });

    it('never puts bytes of two files together', async () => {
      const other = randomBytes(content.length);
      const sources = sourcesOf({ [A]: { content, diesAfter: 100_000 }, [B]: { content: other } });
      await events(run(sources, requestOf({ file })));
      await assertFetched(other);
    });

    it('does not continue at another source what no hash holds together', async () => {
      const sources = sourcesOf({
        [A]: { content, diesAfter: 100_000, hides: ['hashes'] },
        [B]: { content, hides: ['hashes'] },
      });
      await events(run(sources, requestOf({ file })));
      await assertFetched();
      assert.equal(sources.askedOf(B).at(-1)?.range, undefined);
    });

    it('continues at the same source when size and date are the same', async () => {
      const says = { dateMs: 1_700_000_000_000 };
      const sources = sourcesOf({
        [A]: (session) => ({
          content,
          hides: ['hashes'],
          says,
          ...(session === 0 && { diesAfter: 100_000 }),
        }),
      });
      await events(run(sources, requestOf({ file, sources: [{ jid: A }] })));
      await assertFetched();
      assert.equal(sources.sentBytes, content.length);
    });

    it('starts anew when the file has changed there', async () => {
      const newer = randomBytes(content.length + 10);
      const sources = sourcesOf({
        [A]: (session) => (session === 0 ? { content, diesAfter: 100_000 } : { content: newer }),
      });
      await events(run(sources, requestOf({ file, sources: [{ jid: A }] })));
      await assertFetched(newer);
    });

    it('does not call verified what has a hash we cannot compute', async () => {
      const asked = { algo: 'blake2b-256', value: createHash('sha256').digest('base64') } as const;
      const done = doneOf(
        await events(run(sourcesOf({ [A]: { content } }), requestOf({ file: { hash: asked } }))),
      );
      assert.equal(done.verified, false);
    });
  });

  describe('what is there already', () => {
    it('is continued by the next call', async () => {
      await until(100_000, run(sourcesOf({ [A]: { content } })));
      assert.deepEqual((await readdir(folder)).sort(), ['romeo.epub.part', 'romeo.epub.part.json']);
      const sources = sourcesOf({ [B]: { content } });
      const seen = await events(run(sources, requestOf({ sources: [{ jid: B }] })));
      await assertFetched();
      const first = seen.find((event) => event.type === 'progress');
      assert.ok(first?.type === 'progress' && first.resumedBytes >= 100_000);
      assert.equal(sources.askedOf(B)[0]?.range?.offset, first.resumedBytes);
    });

    it('is continued also when no hash is known, if the source is the same', async () => {
      const says = { dateMs: 1_700_000_000_000 };
      const request = requestOf({ file: { name: 'romeo.epub' }, sources: [{ jid: A }] });
      await until(100_000, run(sourcesOf({ [A]: { content, says, hides: ['hashes'] } }), request));
      const sources = sourcesOf({ [A]: { content, says, hides: ['hashes'] } });
      await events(run(sources, request));
      await assertFetched();
      assert.ok((sources.askedOf(A)[0]?.range?.offset ?? 0) >= 100_000);
    });

    it('is not continued when it is of another file', async () => {
      const other = randomBytes(200_000);
      const otherRequest = requestOf({ file: { hash: sha256(other) } });
      await until(100_000, run(sourcesOf({ [A]: { content: other } }), otherRequest));
      const sources = sourcesOf({ [A]: { content } });
      await events(run(sources));
      await assertFetched();
      assert.equal(sources.askedOf(A)[0]?.range, undefined);
    });

    it('is not continued when it is of another range', async () => {
      await until(100_000, run(sourcesOf({ [A]: { content } })));
      await events(run(sourcesOf({ [A]: { content } }), requestOf({ range: { offset: 7, length: 9 } })));
      await assertFetched(content.subarray(7, 16));
    });

    it('is fetched again when it was damaged meanwhile', async () => {
      await until(100_000, run(sourcesOf({ [A]: { content } })));
      const part = await readFile(`${target}.part`);
      part.fill(0, 50_000, 60_000);
      await writeFile(`${target}.part`, part);
      await events(run(sourcesOf({ [A]: { content } }), requestOf({ sources: [{ jid: A }] })));
      await assertFetched();
    });

    it('needs nobody when only the name was missing', async () => {
      await until(content.length, run(sourcesOf({ [A]: { content } })));
      const sources = sourcesOf({});
      assert.equal(doneOf(await events(run(sources, requestOf({ sources: [] })))).verified, true);
      await assertFetched();
      assert.equal(sources.sessions.length, 0);
    });

    it('is not touched when somebody else made it', async () => {
      await writeFile(`${target}.part`, 'a browser was here');
      const error = await failure(run(sourcesOf({ [A]: { content } })));
      assert.equal(error.code, 'exists');
      assert.match(error.message, /romeo\.epub\.part /);
      assert.equal(await readFile(`${target}.part`, 'utf8'), 'a browser was here');
    });

    it('gives way when replacing was asked for', async () => {
      await writeFile(`${target}.part`, content.subarray(0, 1000));
      const sources = sourcesOf({ [A]: { content } });
      await events(run(sources, requestOf({ overwrite: 'replace' })));
      await assertFetched();
      assert.equal(sources.askedOf(A)[0]?.range, undefined, 'without a journal it is not trusted');
    });

    it('is not written through a second name or a symbolic link', async () => {
      await until(100_000, run(sourcesOf({ [A]: { content } })));
      const precious = join(folder, 'precious');
      await link(`${target}.part`, precious);
      const kept = await readFile(precious);
      await events(run(sourcesOf({ [A]: { content } })));
      assert.ok((await readFile(precious)).equals(kept));
      await rm(target);
      await until(100_000, run(sourcesOf({ [A]: { content } })));
      await rm(`${target}.part`);
      await symlink(precious, `${target}.part`);
      await events(run(sourcesOf({ [A]: { content } })));
      assert.ok((await readFile(precious)).equals(kept));
      assert.ok((await readFile(target)).equals(content));
    });
  });

  describe('the target', () => {
    it('is never overwritten unless that was asked for', async () => {
      await writeFile(target, 'mine');
      const sources = sourcesOf({ [A]: { content } });
      assert.equal((await failure(run(sources))).code, 'exists');
      assert.equal(await readFile(target, 'utf8'), 'mine');
      assert.equal(sources.sessions.length, 0);
      await events(run(sources, requestOf({ overwrite: 'replace' })));
      await assertFetched();
    });

    it('is not overwritten when it appears in the last moment; what has come is kept', async () => {
      const fs: PartFileSystem = {
        ...realPartFileSystem,
        async rename(from, to, overwrite) {
          await writeFile(target, 'mine');
          await realPartFileSystem.rename(from, to, overwrite);
        },
      };
      assert.equal((await failure(run(sourcesOf({ [A]: { content } }), requestOf(), { fs }))).code, 'exists');
      assert.equal(await readFile(target, 'utf8'), 'mine');
      await rm(target);
      await events(run(sourcesOf({}), requestOf({ sources: [] })));
      await assertFetched();
    });

    it('may not be a folder, or in a folder that is not there', async () => {
      await mkdir(target);
      for (const overwrite of ['refuse', 'replace'] as const) {
        const error = await failure(run(sourcesOf({ [A]: { content } }), requestOf({ overwrite })));
        assert.equal(error.code, 'not-writable');
      }
      const missing = requestOf({ target: join(folder, 'no', 'romeo.epub') });
      assert.equal((await failure(run(sourcesOf({ [A]: { content } }), missing))).code, 'not-writable');
    });

    it('may have a name as long as the file system allows', async () => {
      target = join(folder, `${'ñ'.repeat(125)}.epub`);
      await events(run(sourcesOf({ [A]: { content, diesAfter: 1000 }, [B]: { content } })));
      assert.ok((await readFile(target)).equals(content));
    });

    it('is written by one fetch at a time', async () => {
      const first = run(sourcesOf({ [A]: { content } }));
      await first.next();
      assert.equal((await failure(run(sourcesOf({ [A]: { content } })))).code, 'in-use');
      await events(first);
      await assertFetched();
    });
  });

  describe('when the disk fails', () => {
    function failing(code: string, fails: (operation: string, bytes: number) => boolean): PartFileSystem {
      const error = Object.assign(new Error(code), { code });
      return {
        ...realPartFileSystem,
        async create(path) {
          if (fails('create', 0)) throw error;
          const handle = await realPartFileSystem.create(path);
          return {
            read: (buffer, position) => handle.read(buffer, position),
            write: (bytes, position) =>
              fails('write', position) ? Promise.reject(error) : handle.write(bytes, position),
            size: () => handle.size(),
            truncate: (size) => handle.truncate(size),
            sync: () => (fails('sync', 0) ? Promise.reject(error) : handle.sync()),
            close: () => handle.close(),
          };
        },
      };
    }

    it('stops at once when it is full, asks nobody else, and can go on later', async () => {
      const fs = failing('ENOSPC', (operation, position) => operation === 'write' && position >= 100_000);
      const sources = sourcesOf({ [A]: { content }, [B]: { content } });
      assert.equal((await failure(run(sources, requestOf(), { fs }))).code, 'no-space');
      assert.equal(sources.sessions.length, 1);
      assert.equal(sources.open, 0);
      const later = sourcesOf({ [B]: { content } });
      await events(run(later, requestOf({ sources: [{ jid: B }] })));
      await assertFetched();
      assert.ok((later.askedOf(B)[0]?.range?.offset ?? 0) >= 98_304);
    });

    it('asks nobody when there is no room to begin with', async () => {
      const fs: PartFileSystem = { ...realPartFileSystem, freeBytes: () => Promise.resolve(1000) };
      const sources = sourcesOf({ [A]: { content } });
      assert.equal((await failure(run(sources, requestOf(), { fs }))).code, 'no-space');
      assert.equal(sources.sessions.length, 0);
      assert.deepEqual(await readdir(folder), []);
    });

    it('says that there is no permission', async () => {
      const fs = failing('EACCES', (operation) => operation === 'create');
      assert.equal(
        (await failure(run(sourcesOf({ [A]: { content } }), requestOf(), { fs }))).code,
        'not-writable',
      );
      assert.deepEqual(await readdir(folder), []);
    });

    it('gives no name to bytes that could not be made safe', async () => {
      const fs = failing('EIO', (operation) => operation === 'sync');
      assert.equal(
        (await failure(run(sourcesOf({ [A]: { content } }), requestOf(), { fs }))).code,
        'not-writable',
      );
      assert.ok(!(await readdir(folder)).includes('romeo.epub'));
    });

    it('notices a part that was cut by another program', async () => {
      await until(100_000, run(sourcesOf({ [A]: { content } })));
      await truncate(`${target}.part`, 40_000);
      await events(run(sourcesOf({ [A]: { content } })));
      await assertFetched();
    });
  });

  describe('when it is called off', () => {
    it('ends the session and keeps what has come', async () => {
      const abort = new AbortController();
      const sources = sourcesOf({ [A]: { content, silentAfter: 100_000 } });
      const fetching = (async () => {
        for await (const event of run(sources, requestOf(), {
          signal: abort.signal,
          init: { idleTimeoutMs: 9999 },
        })) {
          if (event.type === 'progress' && event.receivedBytes === 100_000) setImmediate(() => abort.abort());
        }
      })();
      await assert.rejects(fetching, AbortedError);
      assert.equal(sources.open, 0);
      assert.deepEqual((await readdir(folder)).sort(), ['romeo.epub.part', 'romeo.epub.part.json']);
    });

    it('ends while a source has not answered yet, and while it waits to ask again', async () => {
      for (const source of [
        { content, deaf: true },
        { content, refuses: new SessionEndedError('busy', undefined, undefined) },
      ]) {
        const sources = sourcesOf({ [A]: source });
        const signal = AbortSignal.timeout(20);
        const request = requestOf({ sources: [{ jid: A }] });
        const fetching = events(
          run(sources, request, { signal, init: { retryDelayMs: 9999, idleTimeoutMs: 9999 } }),
        );
        await assert.rejects(fetching, AbortedError);
        assert.equal(sources.open - (source.deaf ? 0 : 0), 0);
      }
      assert.deepEqual(await readdir(folder), []);
    });

    it('ends when nobody listens any more', async () => {
      const sources = sourcesOf({ [A]: { content } });
      await until(1, run(sources));
      assert.equal(sources.open, 0);
      await events(run(sourcesOf({ [B]: { content } })));
      await assertFetched();
    });
  });
});
