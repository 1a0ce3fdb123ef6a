import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError } from '../../../src/errors.js';
import { type PartFileSystem, realPartFileSystem } from '../../../src/fs/part-file.js';
import { SessionEndedError } from '../../../src/jingle/file-session.js';
import { sha256 } from '../../support/memory-sources.js';
import {
  A,
  B,
  content,
  doneOf,
  events,
  failure,
  run,
  sourcesOf,
  TargetFolder,
  until,
} from './fetch-harness.js';

describe('fetchFile and its .part', () => {
  const folder = TargetFolder.ofEachTest();

  describe('what is there already', () => {
    it('is continued by the next call', async () => {
      await until(100_000, run(sourcesOf({ [A]: { content } }), folder.requestOf()));
      assert.deepEqual(await folder.names(), ['romeo.epub.part', 'romeo.epub.part.json']);
      const sources = sourcesOf({ [B]: { content } });
      const seen = await events(run(sources, folder.requestOf({ sources: [{ jid: B }] })));
      await folder.assertFetched();
      const first = seen.find((event) => event.type === 'progress');
      assert.ok(first?.type === 'progress' && first.resumedBytes >= 100_000);
      assert.equal(sources.askedOf(B)[0]?.range?.offset, first.resumedBytes);
    });

    it('is continued also when no hash is known, if the source is the same', async () => {
      const says = { dateMs: 1_700_000_000_000 };
      const request = folder.requestOf({ file: { name: 'romeo.epub' }, sources: [{ jid: A }] });
      await until(100_000, run(sourcesOf({ [A]: { content, says, hides: ['hashes'] } }), request));
      const sources = sourcesOf({ [A]: { content, says, hides: ['hashes'] } });
      await events(run(sources, request));
      await folder.assertFetched();
      assert.ok((sources.askedOf(A)[0]?.range?.offset ?? 0) >= 100_000);
    });

    it('is not continued when it is of another file', async () => {
      const other = randomBytes(200_000);
      const otherRequest = folder.requestOf({ file: { hash: sha256(other) } });
      await until(100_000, run(sourcesOf({ [A]: { content: other } }), otherRequest));
      const sources = sourcesOf({ [A]: { content } });
      await events(run(sources, folder.requestOf()));
      await folder.assertFetched();
      assert.equal(sources.askedOf(A)[0]?.range, undefined);
    });

    it('is not continued when it is of another range', async () => {
      await until(100_000, run(sourcesOf({ [A]: { content } }), folder.requestOf()));
      await events(
        run(sourcesOf({ [A]: { content } }), folder.requestOf({ range: { offset: 7, length: 9 } })),
      );
      await folder.assertFetched(content.subarray(7, 16));
    });

    it('is not read to its end when the fetch is aborted meanwhile', async () => {
      const large = randomBytes(5_000_000);
      const request = folder.requestOf({ file: { hash: sha256(large) } });
      await until(4_000_000, run(sourcesOf({ [A]: { content: large } }), request));
      const abort = new AbortController();
      let reads = 0;
      const fs: PartFileSystem = {
        ...realPartFileSystem,
        async reopen(path) {
          const handle = await realPartFileSystem.reopen(path);
          const read = handle?.read.bind(handle);
          if (handle && read) {
            handle.read = (buffer, position) => {
              reads += 1;
              abort.abort();
              return read(buffer, position);
            };
          }
          return handle;
        },
      };
      const stream = run(sourcesOf({ [A]: { content: large } }), request, { fs, signal: abort.signal });
      await assert.rejects(events(stream), AbortedError);
      assert.equal(reads, 1);
      const seen = await events(run(sourcesOf({ [A]: { content: large } }), request));
      await folder.assertFetched(large);
      const first = seen.find((event) => event.type === 'progress');
      assert.ok(first?.type === 'progress' && first.resumedBytes >= 4_000_000);
    });

    it('is fetched again when it was damaged meanwhile', async () => {
      await until(100_000, run(sourcesOf({ [A]: { content } }), folder.requestOf()));
      const part = await readFile(`${folder.target}.part`);
      part.fill(0, 50_000, 60_000);
      await writeFile(`${folder.target}.part`, part);
      await events(run(sourcesOf({ [A]: { content } }), folder.requestOf({ sources: [{ jid: A }] })));
      await folder.assertFetched();
    });

    it('needs nobody when only the name was missing', async () => {
      await until(content.length, run(sourcesOf({ [A]: { content } }), folder.requestOf()));
      const sources = sourcesOf({});
      assert.equal(doneOf(await events(run(sources, folder.requestOf({ sources: [] })))).verified, true);
      await folder.assertFetched();
      assert.equal(sources.sessions.length, 0);
    });

    it('is not touched when somebody else made it', async () => {
      await writeFile(`${folder.target}.part`, 'a browser was here');
      const error = await failure(run(sourcesOf({ [A]: { content } }), folder.requestOf()));
      assert.equal(error.code, 'exists');
      assert.match(error.message, /romeo\.epub\.part /);
      assert.equal(await readFile(`${folder.target}.part`, 'utf8'), 'a browser was here');
    });

    it('gives way when replacing was asked for', async () => {
      await writeFile(`${folder.target}.part`, content.subarray(0, 1000));
      const sources = sourcesOf({ [A]: { content } });
      await events(run(sources, folder.requestOf({ overwrite: 'replace' })));
      await folder.assertFetched();
      assert.equal(sources.askedOf(A)[0]?.range, undefined, 'without a journal it is not trusted');
    });

    it('is not written through a second name or a symbolic link', async () => {
      await until(100_000, run(sourcesOf({ [A]: { content } }), folder.requestOf()));
      const precious = join(folder.path, 'precious');
      await link(`${folder.target}.part`, precious);
      const kept = await readFile(precious);
      await events(run(sourcesOf({ [A]: { content } }), folder.requestOf()));
      assert.ok((await readFile(precious)).equals(kept));
      await rm(folder.target);
      await until(100_000, run(sourcesOf({ [A]: { content } }), folder.requestOf()));
      await rm(`${folder.target}.part`);
      await symlink(precious, `${folder.target}.part`);
      await events(run(sourcesOf({ [A]: { content } }), folder.requestOf()));
      assert.ok((await readFile(precious)).equals(kept));
      assert.ok((await readFile(folder.target)).equals(content));
    });
  });

  describe('the target', () => {
    it('is never overwritten unless that was asked for', async () => {
      await writeFile(folder.target, 'mine');
      const sources = sourcesOf({ [A]: { content } });
      assert.equal((await failure(run(sources, folder.requestOf()))).code, 'exists');
      assert.equal(await readFile(folder.target, 'utf8'), 'mine');
      assert.equal(sources.sessions.length, 0);
      await events(run(sources, folder.requestOf({ overwrite: 'replace' })));
      await folder.assertFetched();
    });

    it('is not overwritten when it appears in the last moment; what has come is kept', async () => {
      const fs: PartFileSystem = {
        ...realPartFileSystem,
        async rename(from, to, overwrite) {
          await writeFile(folder.target, 'mine');
          await realPartFileSystem.rename(from, to, overwrite);
        },
      };
      assert.equal(
        (await failure(run(sourcesOf({ [A]: { content } }), folder.requestOf(), { fs }))).code,
        'exists',
      );
      assert.equal(await readFile(folder.target, 'utf8'), 'mine');
      await rm(folder.target);
      await events(run(sourcesOf({}), folder.requestOf({ sources: [] })));
      await folder.assertFetched();
    });

    it('is not given to what took the place of the .part meanwhile', async () => {
      const fs: PartFileSystem = {
        ...realPartFileSystem,
        async rename() {
          assert.fail('renamed');
        },
        async create(path) {
          const handle = await realPartFileSystem.create(path);
          await writeFile(`${path}.other`, 'other');
          await rename(`${path}.other`, path);
          return handle;
        },
      };
      assert.equal(
        (await failure(run(sourcesOf({ [A]: { content } }), folder.requestOf(), { fs }))).code,
        'changed',
      );
      assert.deepEqual(await folder.names(), ['romeo.epub.part']);
    });

    it('may not be a folder, or in a folder that is not there', async () => {
      await mkdir(folder.target);
      for (const overwrite of ['refuse', 'replace'] as const) {
        const error = await failure(run(sourcesOf({ [A]: { content } }), folder.requestOf({ overwrite })));
        assert.equal(error.code, 'not-writable');
      }
      const missing = folder.requestOf({ target: join(folder.path, 'no', 'romeo.epub') });
      assert.equal((await failure(run(sourcesOf({ [A]: { content } }), missing))).code, 'not-writable');
    });

    it('may have a name as long as the file system allows', async () => {
      folder.target = join(folder.path, `${'ñ'.repeat(125)}.epub`);
      await events(
        run(sourcesOf({ [A]: { content, diesAfter: 1000 }, [B]: { content } }), folder.requestOf()),
      );
      assert.ok((await readFile(folder.target)).equals(content));
    });

    it('is written by one fetch at a time', async () => {
      const first = run(sourcesOf({ [A]: { content } }), folder.requestOf());
      await first.next();
      assert.equal((await failure(run(sourcesOf({ [A]: { content } }), folder.requestOf()))).code, 'in-use');
      await events(first);
      await folder.assertFetched();
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
            isAt: (name) => handle.isAt(name),
            truncate: (size) => handle.truncate(size),
            setModified: (modifiedMs) => handle.setModified(modifiedMs),
            sync: () => (fails('sync', 0) ? Promise.reject(error) : handle.sync()),
            close: () => handle.close(),
          };
        },
      };
    }

    it('stops at once when it is full, asks nobody else, and can go on later', async () => {
      const fs = failing('ENOSPC', (operation, position) => operation === 'write' && position >= 100_000);
      const sources = sourcesOf({ [A]: { content }, [B]: { content } });
      assert.equal((await failure(run(sources, folder.requestOf(), { fs }))).code, 'no-space');
      assert.equal(sources.sessions.length, 1);
      assert.equal(sources.open, 0);
      const later = sourcesOf({ [B]: { content } });
      await events(run(later, folder.requestOf({ sources: [{ jid: B }] })));
      await folder.assertFetched();
      assert.ok((later.askedOf(B)[0]?.range?.offset ?? 0) >= 98_304);
    });

    it('asks nobody when there is no room to begin with', async () => {
      const fs: PartFileSystem = { ...realPartFileSystem, freeBytes: () => Promise.resolve(1000) };
      const sources = sourcesOf({ [A]: { content } });
      assert.equal((await failure(run(sources, folder.requestOf(), { fs }))).code, 'no-space');
      assert.equal(sources.sessions.length, 0);
      assert.deepEqual(await folder.names(), []);
    });

    it('says that there is no permission', async () => {
      const fs = failing('EACCES', (operation) => operation === 'create');
      assert.equal(
        (await failure(run(sourcesOf({ [A]: { content } }), folder.requestOf(), { fs }))).code,
        'not-writable',
      );
      assert.deepEqual(await folder.names(), []);
    });

    it('gives no name to bytes that could not be made safe', async () => {
      const fs = failing('EIO', (operation) => operation === 'sync');
      assert.equal(
        (await failure(run(sourcesOf({ [A]: { content } }), folder.requestOf(), { fs }))).code,
        'not-writable',
      );
      assert.ok(!(await folder.names()).includes('romeo.epub'));
    });

    it('notices a part that was cut by another program', async () => {
      await until(100_000, run(sourcesOf({ [A]: { content } }), folder.requestOf()));
      await truncate(`${folder.target}.part`, 40_000);
      await events(run(sourcesOf({ [A]: { content } }), folder.requestOf()));
      await folder.assertFetched();
    });
  });

  describe('when it is called off', () => {
    it('ends the session and keeps what has come', async () => {
      const abort = new AbortController();
      const sources = sourcesOf({ [A]: { content, silentAfter: 100_000 } });
      const fetching = (async () => {
        for await (const event of run(sources, folder.requestOf(), {
          signal: abort.signal,
          init: { idleTimeoutMs: 9999 },
        })) {
          if (event.type === 'progress' && event.receivedBytes === 100_000) setImmediate(() => abort.abort());
        }
      })();
      await assert.rejects(fetching, AbortedError);
      assert.equal(sources.open, 0);
      assert.deepEqual(await folder.names(), ['romeo.epub.part', 'romeo.epub.part.json']);
    });

    it('ends while a source has not answered yet, and while it waits to ask again', async () => {
      for (const source of [
        { content, deaf: true },
        { content, refuses: new SessionEndedError('busy', undefined, undefined) },
      ]) {
        const sources = sourcesOf({ [A]: source });
        const signal = AbortSignal.timeout(20);
        const request = folder.requestOf({ sources: [{ jid: A }] });
        const fetching = events(
          run(sources, request, { signal, init: { retryDelayMs: 9999, idleTimeoutMs: 9999 } }),
        );
        await assert.rejects(fetching, AbortedError);
        assert.equal(sources.open - (source.deaf ? 0 : 0), 0);
      }
      assert.deepEqual(await folder.names(), []);
    });

    it('ends when nobody listens any more', async () => {
      const sources = sourcesOf({ [A]: { content } });
      await until(1, run(sources, folder.requestOf()));
      assert.equal(sources.open, 0);
      await events(run(sourcesOf({ [B]: { content } }), folder.requestOf()));
      await folder.assertFetched();
    });
  });
});
