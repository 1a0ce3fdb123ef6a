import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { allowAll } from '../../../src/access/access-policy.js';
import { fromBytes } from '../../../src/catalogue/share-path.js';
import { AbortedError, LimitError, ParseError } from '../../../src/errors.js';
import { ContentHash } from '../../../src/jingle/content-hash.js';
import {
  FileChangedError,
  FileNotAvailableError,
  type FileRequest,
  type FileSource,
} from '../../../src/jingle/file-session.js';
import { silentLog } from '../../../src/log.js';
import { type Jid, parseJid } from '../../../src/stanza/jid.js';
import type { FileDescription, Range } from '../../../src/stanza/xep0234-file-transfer.js';
import { HashAlgorithm, isHashAlgorithm } from '../../../src/stanza/xep0300-hashes.js';
import { chunkBytes, FileServer } from '../../../src/transfer/send/file-server.js';
import { MAX_CHECKED_BYTES } from '../../../src/transfer/send/hash-check.js';
import { UPLOAD_WAITS } from '../../../src/transfer/send/upload-turn.js';
import { bytesOf } from '../../support/jingle-pair.js';
import { MemoryFiles, sha256 } from '../../support/memory-files.js';
import { settle, VirtualClock } from '../../support/virtual-clock.js';

const PEER = parseJid('juliet@example.org/pda');
const SUCCESS = { type: 'success', bytes: 0 } as const;

describe('FileServer', () => {
  let files: MemoryFiles;
  let server: FileServer;
  let clock: VirtualClock;

  beforeEach(() => {
    files = new MemoryFiles();
    clock = new VirtualClock();
    server = new FileServer(
      { access: allowAll, catalogue: files.catalogue, files, clock, log: silentLog },
      { maxUploads: 3, maxUploadsPerPeer: 2 },
    );
  });

  afterEach(async () => {
    await settle();
    assert.equal(server.uploads, 0, 'slots are left taken');
    assert.equal(server.waiting, 0, 'requests are left waiting');
    assert.equal(clock.pendingTimers, 0, 'timers are left');
    assert.equal(files.openFiles, 0, 'files are left open');
  });

  const request = (
    file: Partial<FileDescription>,
    peer = PEER,
    signal = new AbortController().signal,
    more: Partial<FileRequest> = {},
  ) =>
    server.handle(
      { peer, sid: randomUUID(), ...more, file: { hashes: [], hashesUsed: [], ...file } },
      signal,
    );

  /** The path of the file that a request finds; undefined where there is none. */
  async function found(file: Partial<FileDescription>): Promise<string | undefined> {
    try {
      const source = await request(file);
      source.release(SUCCESS);
      return source.file.path;
    } catch (error) {
      assert.ok(error instanceof FileNotAvailableError, String(error));
      return undefined;
    }
  }

  describe('finds a file', () => {
    const one = Buffer.from('one');
    const two = Buffer.from('twoo');
    const hash = (bytes: Buffer) => ({ algo: 'sha-256' as const, value: sha256(bytes) });

    beforeEach(() => {
      files.offer('b/song.mp3', two, { mediaType: 'audio/mpeg' });
      files.offer('a/song.mp3', one, { mediaType: 'audio/mpeg' });
      files.offer('a/copy', two);
      files.offer('fresh', one, { hashed: false });
    });

    it('by full path, by name, by hash, by size, by type', async () => {
      assert.equal(await found({ name: 'share/b/song.mp3' }), 'share/b/song.mp3');
      assert.equal(await found({ path: 'share/b/song.mp3' }), 'share/b/song.mp3');
      assert.equal(await found({ name: 'copy' }), 'share/a/copy');
      assert.equal(await found({ hashes: [hash(one)] }), 'share/a/song.mp3');
      assert.equal(await found({ size: 4, mediaType: 'audio/mpeg' }), 'share/b/song.mp3');
      assert.equal(await found({ mediaType: 'Audio/MPEG; codecs=mp3' }), 'share/a/song.mp3');
    });

    it('that is the first by path where several fit', async () => {
      assert.equal(await found({ name: 'song.mp3' }), 'share/a/song.mp3');
      assert.equal(await found({ hashes: [hash(two)] }), 'share/a/copy');
      assert.equal(await found({ size: 3 }), 'share/a/song.mp3');
    });

    it('only where everything that was said fits', async () => {
      assert.equal(await found({ name: 'song.mp3', hashes: [hash(two)] }), 'share/b/song.mp3');
      assert.equal(await found({ name: 'share/b/song.mp3', path: 'share/b/song.mp3' }), 'share/b/song.mp3');
      assert.equal(await found({ name: 'song.mp3', path: 'share/b/song.mp3' }), 'share/b/song.mp3');
      assert.equal(await found({ name: 'copy', hashes: [hash(one)] }), undefined);
      assert.equal(await found({ name: 'copy', size: 3 }), undefined);
      assert.equal(await found({ path: 'share/a/song.mp3', name: 'copy' }), undefined);
      assert.equal(await found({ name: 'copy', mediaType: 'audio/mpeg' }), undefined);
    });

    it('by name before it is hashed, but by no hash then', async () => {
      assert.equal(await found({ name: 'fresh' }), 'share/fresh');
      assert.equal(await found({ name: 'fresh', hashes: [hash(one)] }), undefined);
      const source = await request({ name: 'fresh' });
      assert.deepEqual([source.file.hashes, source.file.hashesUsed], [[], ['sha-256']]);
      assert.deepEqual(await bytesOf(source.open(source.range)), one);
      assert.deepEqual(source.checksum(), hash(one));
      source.release(SUCCESS);
    });

    describe('by hashes that nobody knows of it', () => {
      const hashed = (algo: HashAlgorithm, bytes: Buffer) => {
        const whole = new ContentHash(algo);
        whole.update(bytes);
        return whole.value();
      };
      const algorithms = Object.keys(HashAlgorithm).filter(isHashAlgorithm);

      for (const algo of algorithms) {
        it(`${algo}, with a name, a size or a type beside it`, async () => {
          assert.equal(await found({ name: 'copy', hashes: [hashed(algo, two)] }), 'share/a/copy');
          assert.equal(await found({ name: 'copy', hashes: [hashed(algo, one)] }), undefined);
          assert.equal(await found({ size: 4, hashes: [hashed(algo, two)] }), 'share/a/copy');
          assert.equal(
            await found({ mediaType: 'audio/mpeg', hashes: [hashed(algo, two)] }),
            'share/b/song.mp3',
          );
        });
      }

      it('which are then known', async () => {
        const sha512 = hashed('sha-512', two);
        const source = await request({ name: 'copy', hashes: [sha512, sha512] });
        assert.deepEqual(source.file.hashes, [hash(two), sha512]);
        source.release(SUCCESS);
        const fresh = await request({ name: 'fresh', hashes: [hashed('sha-1', one)] });
        assert.deepEqual([fresh.file.hashes, fresh.file.hashesUsed], [[hashed('sha-1', one)], ['sha-256']]);
        fresh.release(SUCCESS);
      });

      it('all of them', async () => {
        const [sha1, sha512] = [hashed('sha-1', two), hashed('sha-512', one)];
        assert.equal(await found({ name: 'copy', hashes: [sha1, sha512] }), undefined);
        assert.equal(await found({ name: 'copy', hashes: [sha1, hash(two)] }), 'share/a/copy');
      });

      it('but not by them alone, and not where that would mean reading much', async () => {
        assert.equal(await found({ hashes: [hashed('sha-512', two)] }), undefined);
        let read = 0;
        files.beforeRead = () => {
          read += 1;
        };
        for (let index = 0; index < 100; index += 1) files.offer(`a/0${index}`, Buffer.alloc(7, index));
        const last = Buffer.alloc(7, 99);
        assert.equal(await found({ size: 7, hashes: [hashed('sha-512', last)] }), undefined);
        assert.equal(read, 4);
        const large = files.offer('large', last, { size: MAX_CHECKED_BYTES + 1 });
        assert.equal(await found({ name: large.path, hashes: [hashed('sha-512', last)] }), undefined);
        assert.equal(read, 4);
      });

      it('and not where much would have to be computed, of many functions for one', async () => {
        let read = 0;
        files.beforeRead = () => {
          read += 1;
        };
        const others = algorithms.filter((algo) => algo !== 'sha-256');
        const most = Buffer.alloc(Math.floor(MAX_CHECKED_BYTES / others.length) + 1);
        files.offer('most', most);
        const hashes = others.map((algo) => ({ algo, value: hashed(algo, two).value }));
        assert.equal(await found({ name: 'most', hashes }), undefined);
        assert.equal(read, 0);
        const twice = [hashes[0], hashes[0]].flatMap((each) => each ?? []);
        assert.equal(await found({ name: 'most', hashes: twice }), undefined);
        assert.ok(read > 0, 'a function that is named twice is computed once');
      });

      it('for one request after the other', async () => {
        let reading = 0;
        let most = 0;
        files.beforeRead = async () => {
          reading += 1;
          most = Math.max(most, reading);
          await settle();
          reading -= 1;
        };
        const asked = { name: 'copy', hashes: [hashed('sha-512', two)] };
        const other = parseJid('romeo@example.org/x');
        const gone = new AbortController();
        const [one, left, another] = await Promise.allSettled([
          request(asked),
          request(asked, PEER, gone.signal),
          request(asked, other),
          Promise.resolve().then(() => gone.abort(new AbortedError('went away'))),
        ]);
        assert.deepEqual([one.status, left.status, another.status], ['fulfilled', 'rejected', 'fulfilled']);
        for (const each of [one, another]) if (each.status === 'fulfilled') each.value.release(SUCCESS);
        assert.equal(most, 1);
      });

      it('and goes on where a file changed, and where whoever asked went away', async () => {
        files.write(files.offer('a/0', two), one);
        assert.equal(await found({ size: 4, hashes: [hashed('sha-512', two)] }), 'share/a/copy');
        const gone = new AbortController();
        files.beforeRead = () => gone.abort(new AbortedError('went away'));
        const asking = request({ name: 'copy', hashes: [hashed('sha-512', two)] }, PEER, gone.signal);
        await assert.rejects(asking, AbortedError);
      });
    });

    it('never outside what is offered', async () => {
      for (const name of [
        '../etc/passwd',
        '/etc/passwd',
        'share/../../x',
        'share/a',
        '',
        '.',
        'a/../a/copy',
      ]) {
        assert.equal(await found({ name }), undefined);
      }
    });

    it('and says that nothing selects one', async () => {
      await assert.rejects(request({}), (error: ParseError) => error.field === 'file');
    });

    it('whose name XML can’t hold, by the name that is shown for it', async () => {
      files.offer('bell\u0007.txt', one);
      files.offer(`latin-${fromBytes(Buffer.from([0xe9]))}.txt`, one);
      files.offer('two\r\nlines', one);
      assert.equal(await found({ name: 'bell\uFFFD.txt' }), 'share/bell\u0007.txt');
      assert.equal(await found({ name: 'latin-\uFFFD.txt' }), 'share/latin-\uFFFD.txt');
      assert.equal(await found({ name: 'share/two\nlines' }), 'share/two\r\nlines');
      assert.equal(await found({ name: 'b\uFFFDll' }), undefined);
    });

    it('in a time that does not grow with the words of the request', async () => {
      for (let index = 0; index < 20_000; index += 1) files.offer(`many/${index}`, one);
      const long = '\uFFFD'.repeat(200_000); // read for every file, it held everybody up for more than ten seconds
      assert.equal(await found({ name: long }), undefined);
      assert.equal(await found({ path: long }), undefined);
      assert.equal(await found({ mediaType: `a/b;${long}` }), undefined);
    });

    it('among very many without holding up others', async () => {
      for (let index = 0; index < 20_000; index += 1) files.offer(`many/${index}`, one);
      let turns = 0;
      const counting = setInterval(() => {
        turns += 1;
      }, 0);
      assert.equal(await found({ name: '19999' }), 'share/many/19999');
      clearInterval(counting);
      assert.ok(turns > 0);
      const gone = new AbortController();
      const searching = request({ name: 'nowhere' }, PEER, gone.signal);
      gone.abort(new AbortedError('went away'));
      await assert.rejects(searching, AbortedError);
    });
  });

  it('gives every part of a file byte for byte, and its hash where that is wanted', async () => {
    const bytes = randomBytes(600_000);
    files.offer('a', bytes);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length), fc.option(fc.nat(bytes.length)), async (offset, most) => {
        const length = most === null ? undefined : Math.min(most, bytes.length - offset);
        const range: Range = { offset, ...(length !== undefined && { length }) };
        const source = await request({ name: 'a', range: { ...range, hashes: [] }, hashesUsed: ['sha-256'] });
        const part = bytes.subarray(offset, offset + (length ?? bytes.length));
        assert.deepEqual(await bytesOf(source.open(source.range)), part);
        assert.equal(source.checksum()?.value, sha256(part));
        assert.equal(source.checksum()?.value, sha256(part)); // also when it is asked for again
        assert.equal(source.file.size, bytes.length);
        source.release(SUCCESS);
      }),
      { numRuns: 60 },
    );
  });

  it('hashes no part that nobody asked the hash of, unless no hash of the file is known', async () => {
    files.offer('a', Buffer.from('0123456789'));
    files.offer('fresh', Buffer.from('0123456789'), { hashed: false });
    const range = { offset: 3, length: 4, hashes: [] };
    const known = await request({ name: 'a', range });
    assert.deepEqual([known.file.hashes.length, known.file.hashesUsed], [1, []]);
    assert.equal((await bytesOf(known.open(known.range))).toString(), '3456');
    assert.equal(known.checksum(), undefined);
    known.release(SUCCESS);
    const fresh = await request({ name: 'fresh', range });
    assert.deepEqual(fresh.file.hashesUsed, ['sha-256']);
    await bytesOf(fresh.open(fresh.range));
    assert.equal(fresh.checksum()?.value, sha256(Buffer.from('3456')));
    fresh.release(SUCCESS);
  });

  it('refuses a range that is not inside the file, and frees the slot', async () => {
    files.offer('a', Buffer.from('0123456789'));
    for (const range of [{ offset: 11 }, { offset: 3, length: 8 }, { offset: -1 }, { offset: 0.5 }]) {
      await assert.rejects(request({ name: 'a', range: { ...range, hashes: [] } }), ParseError);
    }
  });

  describe('where all slots are taken', () => {
    const ROMEO = parseJid('romeo@example.org/orchard');
    const NURSE = parseJid('nurse@example.org/hall');
    const never = () => new AbortController().signal;
    /** What a peer was told, and how its request ended. */
    interface Asked {
      readonly places: number[];
      readonly source: Promise<FileSource>;
      answer: FileSource | Error | undefined;
    }
    const ask = (peer: Jid, known = true, signal = never(), more: Partial<FileRequest> = {}): Asked => {
      const places: number[] = [];
      const queued = async (place: number) => {
        places.push(place);
        return known;
      };
      const source = request({ name: 'a' }, peer, signal, { queued, ...more });
      const asked: Asked = { places, source, answer: undefined };
      source.then(
        (given) => {
          asked.answer = given;
        },
        (error: Error) => {
          asked.answer = error;
        },
      );
      return asked;
    };

    beforeEach(() => {
      files.offer('a', Buffer.from('a'));
    });

    it('lets a request wait, tells it its place, and goes on when a slot is free', async () => {
      const sending = [
        await request({ name: 'a' }),
        await request({ name: 'a' }),
        await request({ name: 'a' }, ROMEO),
      ];
      const waiting = ask(NURSE);
      const behind = ask(ROMEO);
      await settle();
      assert.deepEqual([waiting.places, behind.places], [[1], [2]]);
      assert.equal(files.openFiles, 3);
      sending[0]?.release(SUCCESS);
      const source = await waiting.source;
      await clock.advance(UPLOAD_WAITS.lookMs);
      assert.deepEqual(behind.places, [2, 1]);
      sending[2]?.release(SUCCESS);
      for (const each of [source, await behind.source, sending[1]]) each?.release(SUCCESS);
    });

    it('tells a place again that stays, so that nobody takes it for gone', async () => {
      const sending = [
        await request({ name: 'a' }),
        await request({ name: 'a' }),
        await request({ name: 'a' }, ROMEO),
      ];
      const waiting = ask(NURSE);
      await clock.advance(3 * UPLOAD_WAITS.repeatMs + UPLOAD_WAITS.lookMs);
      assert.deepEqual(waiting.places, [1, 1, 1, 1]);
      for (const each of sending) each.release(SUCCESS);
      (await waiting.source).release(SUCCESS);
    });

    it('is soon busy to a peer that knows no places, and in the end to all', async () => {
      const sending = [await request({ name: 'a' }), await request({ name: 'a' })];
      const old = ask(PEER, false);
      const known = ask(PEER);
      const deaf = request({ name: 'a' }, PEER);
      deaf.catch(() => undefined);
      await settle();
      await clock.advance(UPLOAD_WAITS.unknownMs);
      assert.ok(old.answer instanceof LimitError);
      await assert.rejects(deaf, LimitError);
      assert.deepEqual([old.places.length, known.answer], [1, undefined]);
      await clock.advance(UPLOAD_WAITS.knownMs);
      assert.ok(known.answer instanceof LimitError);
      for (const each of sending) each.release(SUCCESS);
    });

    it('forgets who goes away', async () => {
      const sending = [await request({ name: 'a' }), await request({ name: 'a' })];
      const gone = new AbortController();
      const first = ask(PEER, true, gone.signal);
      const second = ask(PEER);
      await settle();
      gone.abort();
      await settle();
      assert.ok(first.answer instanceof AbortedError);
      await clock.advance(UPLOAD_WAITS.lookMs);
      assert.deepEqual(second.places, [2, 1]);
      for (const each of sending) each.release(SUCCESS);
      (await second.source).release(SUCCESS);
    });

    it('says at once that there is no such file', async () => {
      const sending = [await request({ name: 'a' }), await request({ name: 'a' })];
      await assert.rejects(request({ name: 'none' }), FileNotAvailableError);
      await assert.rejects(request({ path: 'share/none' }), FileNotAvailableError);
      const hashes = [{ algo: 'sha-256' as const, value: sha256(Buffer.from('none')) }];
      await assert.rejects(request({ hashes }), FileNotAvailableError);
      for (const each of sending) each.release(SUCCESS);
    });

    it('counts the files of one session as one', async () => {
      const sid = 'one session';
      const shared = await Promise.all(
        Array.from({ length: 5 }, () => request({ name: 'a' }, PEER, never(), { sid })),
      );
      const other = await request({ name: 'a' });
      const third = ask(PEER);
      await settle();
      assert.deepEqual(third.places, [1]);
      for (const each of shared.slice(1)) each.release(SUCCESS);
      await settle();
      assert.equal(third.answer, undefined, 'the session has a file under way');
      shared[0]?.release(SUCCESS);
      for (const each of [other, await third.source]) each.release(SUCCESS);
    });

    it('does not offer, as nobody waits for an offer', async () => {
      const sending = [await request({ name: 'a' }), await request({ name: 'a' })];
      const entry = files.catalogue.get('share/a' as Parameters<typeof files.catalogue.get>[0]);
      assert.ok(entry);
      await assert.rejects(server.source(entry, PEER, never()), LimitError);
      for (const each of sending) each.release(SUCCESS);
    });
  });

  it('has no file that changed since it was looked at, or can’t be opened', async () => {
    const touched = files.offer('touched', Buffer.from('a'));
    const longer = files.offer('longer', Buffer.from('a'));
    const removed = files.offer('removed', Buffer.from('a'));
    files.write(touched, Buffer.from('b'));
    files.write(longer, Buffer.from('aa'), longer.mtimeMs);
    files.remove(removed);
    for (const name of ['touched', 'longer', 'removed']) assert.equal(await found({ name }), undefined);
  });

  it('opens a file whose date has a fraction that the catalogue leaves out', async () => {
    const entry = files.offer('a', Buffer.from('a'));
    files.write(entry, Buffer.from('a'), entry.mtimeMs + 0.73);
    assert.equal(await found({ name: 'a' }), 'share/a');
  });

  it('keeps the last bytes back when the file changed while it was read', async () => {
    const bytes = randomBytes(600_000);
    const entry = files.offer('a', bytes);
    for (const range of [undefined, { offset: 100, length: 400_000, hashes: [] }]) {
      files.write(entry, bytes, entry.mtimeMs);
      const source = await request({ name: 'a', ...(range && { range }) });
      files.beforeRead = (position) => {
        if (position > 200_000) files.write(entry, randomBytes(600_000));
      };
      await assert.rejects(bytesOf(source.open(source.range)), FileChangedError);
      source.release({ type: 'failed', bytes: 0, error: new Error('changed') });
      files.beforeRead = undefined;
    }
  });

  it('reads in smaller pieces when it sends very many', () => {
    assert.deepEqual(
      [1, 64, 65, 256, 257, 10_000].map(chunkBytes),
      [262144, 262144, 131072, 131072, 65536, 65536],
    );
  });
});
