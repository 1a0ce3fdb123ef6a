import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { sleep, systemClock } from '../../../src/clock.js';
import { ContentHash } from '../../../src/jingle/content-hash.js';
import { SessionEndedError } from '../../../src/jingle/file-session.js';
import { StanzaError } from '../../../src/stanza/stanza-error.js';
import { FetchError } from '../../../src/transfer/fetch/fetch-request.js';
import { type MemorySource, sha256 } from '../../support/memory-sources.js';
import {
  A,
  B,
  C,
  content,
  doneOf,
  events,
  failure,
  hash,
  run,
  sourcesOf,
  TargetFolder,
} from './fetch-harness.js';

describe('fetchFile', () => {
  const folder = TargetFolder.ofEachTest();

  it('fetches a file whole, tells how it goes, and leaves nothing else', async () => {
    const sources = sourcesOf({ [A]: { content } });
    const seen = await events(run(sources, folder.requestOf()));
    await folder.assertFetched();
    assert.deepEqual(seen[0], { type: 'source', jid: A, state: 'asking' });
    assert.deepEqual(seen[1], { type: 'source', jid: A, state: 'receiving', transport: 's5b' });
    assert.ok(seen.some((event) => event.type === 'progress' && event.totalBytes === content.length));
    assert.deepEqual(seen.slice(-2), [
      { type: 'verifying' },
      { type: 'done', path: folder.target, bytes: content.length, hash, verified: true },
    ]);
    assert.deepEqual(
      sources.sessions.map((session) => session.outcome),
      ['success'],
    );
  });

  it('asks by hash, name and size, and for no range when it wants all', async () => {
    const sources = sourcesOf({ [A]: { content } });
    await events(run(sources, folder.requestOf({ sources: [{ jid: A, path: 'books/romeo.epub' }] })));
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
      doneOf(await events(run(sourcesOf({ [A]: { content: empty } }), folder.requestOf({ file })))).bytes,
      0,
    );
    await folder.assertFetched(empty);
  });

  describe('when a source fails', () => {
    it('goes on at the same byte with the next', async () => {
      const sources = sourcesOf({ [A]: { content, diesAfter: 100_000 }, [B]: { content } });
      const seen = await events(run(sources, folder.requestOf()));
      await folder.assertFetched();
      assert.equal(sources.askedOf(B)[0]?.range?.offset, 100_000);
      assert.equal(sources.sentBytes, content.length);
      const failed = seen.find((event) => event.type === 'source' && event.state === 'failed');
      assert.equal(failed?.type === 'source' && failed.jid, A);
    });

    it('takes an early end of the stream for a failure', async () => {
      const sources = sourcesOf({ [A]: { content, endsAfter: 70_000 }, [B]: { content } });
      await events(run(sources, folder.requestOf()));
      await folder.assertFetched();
      assert.equal(sources.askedOf(B)[0]?.range?.offset, 70_000);
    });

    it('gives up one that falls silent, and one that never answers', async () => {
      const sources = sourcesOf({
        [A]: { content, deaf: true },
        [B]: { content, silentAfter: 50_000 },
        [C]: { content },
      });
      await events(run(sources, folder.requestOf(), { init: { idleTimeoutMs: 30 } }));
      await folder.assertFetched();
      assert.equal(sources.askedOf(C)[0]?.range?.offset, 50_000);
      assert.equal(sources.open, 0);
    });

    it('asks the only source again, after a pause', async () => {
      const sources = sourcesOf({
        [A]: (session) => ({ content, ...(session < 2 && { diesAfter: 100_000 }) }),
      });
      await events(run(sources, folder.requestOf({ sources: [{ jid: A }] })));
      await folder.assertFetched();
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
      const error = await failure(run(sources, folder.requestOf()));
      assert.equal(error.code, 'no-source-left');
      assert.deepEqual(new Set(error.failures.map(({ jid }) => jid)), new Set([A, B, C]));
      assert.equal(sources.askedOf(A).length, 1, 'what is not there is not asked for again');
      assert.equal(sources.askedOf(C).length, 3, 'who is busy is asked again, a bounded number of times');
      assert.deepEqual(await folder.names(), []);
    });

    it('says so when nobody is known to have the file', async () => {
      assert.equal(
        (await failure(run(sourcesOf({}), folder.requestOf({ sources: [] })))).code,
        'no-source-left',
      );
    });
  });

  describe('when a source lies', () => {
    it('names it, condemns what it sent, and starts anew with another', async () => {
      const sources = sourcesOf({ [A]: { content, corruptAt: 250_000 }, [B]: { content } });
      const seen = await events(run(sources, folder.requestOf()));
      await folder.assertFetched();
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
        run(sourcesOf({ [A]: { content, corruptAt: 5 } }), folder.requestOf({ sources: [{ jid: A }] })),
      );
      assert.equal(error.code, 'hash-mismatch');
      assert.match(error.message, /a\.example\/n/);
      assert.deepEqual(await folder.names(), []);
    });

    it('does not trust a mixture, and gets the file from an honest third', async () => {
      const sources = sourcesOf({
        [A]: { content, diesAfter: 100_000 },
        [B]: { content, corruptAt: 200_000 },
        [C]: { content },
      });
      await events(run(sources, folder.requestOf()));
      await folder.assertFetched();
    });

    it('refuses one that offers another hash or size, before a byte is taken', async () => {
      const sources = sourcesOf({
        [A]: { content, says: { hashes: [sha256(Buffer.from('other'))] } },
        [B]: { content, says: { size: content.length + 1 } },
      });
      const error = await failure(run(sources, folder.requestOf({ sources: [{ jid: A }, { jid: B }] })));
      assert.equal(error.code, 'changed');
      assert.equal(
        sources.sessions.every((session) => session.outcome === 'failed-application'),
        true,
      );
      assert.deepEqual(await folder.names(), []);
    });

    it('cuts off what comes behind the end', async () => {
      await events(run(sourcesOf({ [A]: { content, surplus: Buffer.from('more') } }), folder.requestOf()));
      await folder.assertFetched();
    });

    it('condemns bytes with a surplus when nothing else says that they are right', async () => {
      const liar: MemorySource = { content, surplus: Buffer.from('more'), hides: ['hashes'] };
      const request = folder.requestOf({ file: { name: 'romeo.epub' }, sources: [{ jid: A }] });
      const error = await failure(run(sourcesOf({ [A]: liar }), request));
      assert.match(error.message, /more bytes than the file has/);
      assert.deepEqual(await folder.names(), []);
    });

    it('is not drawn into taking more than the disk holds', async () => {
      const sources = sourcesOf({ [A]: { content, says: { size: 2 ** 52 } }, [B]: { content } });
      await events(run(sources, folder.requestOf({ file: { hash } })));
      await folder.assertFetched();
    });
  });

  describe('with ranges', () => {
    it('puts just those bytes into the folder.target, verified by the checksum of the range', async () => {
      const sources = sourcesOf({ [A]: { content, checksum: 'range' } });
      const done = doneOf(
        await events(run(sources, folder.requestOf({ range: { offset: 1000, length: 5000 } }))),
      );
      await folder.assertFetched(content.subarray(1000, 6000));
      assert.equal(done.verified, true);
      assert.equal(done.bytes, 5000);
    });

    it('says that they are not verified when the sender gives no checksum', async () => {
      const sources = sourcesOf({ [A]: { content } });
      const done = doneOf(await events(run(sources, folder.requestOf({ range: { offset: 290_000 } }))));
      await folder.assertFetched(content.subarray(290_000));
      assert.equal(done.verified, false);
    });

    it('fails when the checksum is of other bytes', async () => {
      const sources = sourcesOf({
        [A]: { content, checksum: 'wrong-range' },
        [B]: { content, checksum: 'range' },
      });
      const done = doneOf(
        await events(run(sources, folder.requestOf({ range: { offset: 10, length: 20_000 } }))),
      );
      await folder.assertFetched(content.subarray(10, 20_010));
      assert.equal(done.verified, true);
      assert.equal(sources.askedOf(B)[0]?.range?.offset, 10);
    });

    it('goes on inside the range, and is not verified by the checksum of its last piece', async () => {
      const sources = sourcesOf({
        [A]: { content, diesAfter: 3000, chunkBytes: 1000 },
        [B]: { content, checksum: 'range' },
      });
      const done = doneOf(
        await events(run(sources, folder.requestOf({ range: { offset: 10_000, length: 8000 } }))),
      );
      await folder.assertFetched(content.subarray(10_000, 18_000));
      assert.deepEqual(sources.askedOf(B)[0]?.range, { offset: 13_000, length: 5000, hashes: [] });
      assert.equal(done.verified, false);
    });

    it('ends at the end of the file, and does not ask for more than that', async () => {
      const sources = sourcesOf({ [A]: { content } });
      const done = doneOf(
        await events(run(sources, folder.requestOf({ range: { offset: 299_990, length: 500 } }))),
      );
      assert.equal(done.bytes, 10);
      assert.deepEqual(sources.askedOf(A)[0]?.range, { offset: 299_990, length: 10, hashes: [] });
      await folder.assertFetched(content.subarray(299_990));
    });

    it('refuses a range that begins behind the end', async () => {
      const file = { name: 'romeo.epub' };
      const request = folder.requestOf({ file, range: { offset: 300_001 }, sources: [{ jid: A }] });
      assert.equal((await failure(run(sourcesOf({ [A]: { content } }), request))).code, 'changed');
      assert.deepEqual(await folder.names(), []);
    });

    it('takes the bytes out of the whole file from a source that knows no ranges', async () => {
      const sources = sourcesOf({ [A]: { content, ignoresRanges: true } });
      await events(run(sources, folder.requestOf({ range: { offset: 100_000, length: 5000 } })));
      await folder.assertFetched(content.subarray(100_000, 105_000));
      assert.equal(sources.askedOf(A).at(-1)?.range, undefined);
    });

    it('resumes with such a source, dropping what is there already', async () => {
      const sources = sourcesOf({
        [A]: { content, diesAfter: 100_000 },
        [B]: { content, ignoresRanges: true },
      });
      await events(run(sources, folder.requestOf()));
      await folder.assertFetched();
    });

    it('believes nobody who gives a range and does not say which', async () => {
      const sources = sourcesOf({ [A]: { content, diesAfter: 100_000 }, [B]: { content, hides: ['range'] } });
      await events(run(sources, folder.requestOf()));
      await folder.assertFetched();
      assert.equal(sources.askedOf(B).length, 2);
      assert.equal(sources.askedOf(B)[1]?.range, undefined);
    });
  });

  describe('without a hash', () => {
    const file = { name: 'romeo.epub' };

    it('verifies by the hash that the source gives', async () => {
      const done = doneOf(await events(run(sourcesOf({ [A]: { content } }), folder.requestOf({ file }))));
      assert.equal(done.verified, true);
      await folder.assertFetched();
    });

    it('verifies by the checksum that comes after the bytes', async () => {
      const sources = sourcesOf({ [A]: { content, hides: ['hashes'], checksum: 'file' } });
      assert.equal(doneOf(await events(run(sources, folder.requestOf({ file })))).verified, true);
      await folder.assertFetched();
    });

    it('says so when there is neither', async () => {
      const sources = sourcesOf({ [A]: { content, hides: ['hashes', 'size'] } });
      assert.equal(doneOf(await events(run(sources, folder.requestOf({ file })))).verified, false);
      await folder.assertFetched();
    });

    it('never puts bytes of two files together', async () => {
      const other = randomBytes(content.length);
      const sources = sourcesOf({ [A]: { content, diesAfter: 100_000 }, [B]: { content: other } });
      await events(run(sources, folder.requestOf({ file })));
      await folder.assertFetched(other);
    });

    it('does not continue at another source what no hash holds together', async () => {
      const sources = sourcesOf({
        [A]: { content, diesAfter: 100_000, hides: ['hashes'] },
        [B]: { content, hides: ['hashes'] },
      });
      await events(run(sources, folder.requestOf({ file })));
      await folder.assertFetched();
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
      await events(run(sources, folder.requestOf({ file, sources: [{ jid: A }] })));
      await folder.assertFetched();
      assert.equal(sources.sentBytes, content.length);
    });

    it('starts anew when the file has changed there', async () => {
      const newer = randomBytes(content.length + 10);
      const sources = sourcesOf({
        [A]: (session) => (session === 0 ? { content, diesAfter: 100_000 } : { content: newer }),
      });
      await events(run(sources, folder.requestOf({ file, sources: [{ jid: A }] })));
      await folder.assertFetched(newer);
    });

    it('verifies by whichever function the asker names', async () => {
      for (const algo of ['sha-1', 'sha-512', 'sha3-256', 'blake2b-256', 'blake2b-512'] as const) {
        const hash = new ContentHash(algo);
        hash.update(content);
        const request = folder.requestOf({ file: { hash: hash.value() }, overwrite: 'replace' });
        const done = doneOf(await events(run(sourcesOf({ [A]: { content } }), request)));
        assert.equal(done.verified, true);
        await folder.assertFetched();
      }
    });
  });

  describe('where a source has no slot', () => {
    const tellsOf = (places: number, everyMs: number) => async (tell: (place: number) => void) => {
      for (let place = places; place > 0; place -= 1) {
        await sleep(systemClock, everyMs);
        tell(place);
      }
      await sleep(systemClock, everyMs);
    };
    it('waits there as long as it hears of its place, if nobody else has the file', async () => {
      const sources = sourcesOf({ [A]: { content, queue: tellsOf(4, 30) } });
      const request = folder.requestOf({ sources: [{ jid: A }] });
      await events(run(sources, request, { init: { idleTimeoutMs: 100 } }));
      assert.equal(sources.sessions.length, 1);
      await folder.assertFetched();
    });

    it('asks somebody else', async () => {
      const sources = sourcesOf({ [A]: { content, queue: tellsOf(1000, 1) }, [B]: { content } });
      await events(run(sources, folder.requestOf({ sources: [{ jid: A }, { jid: B }] })));
      assert.deepEqual(
        sources.sessions.map(({ jid }) => jid),
        [A, B],
      );
      await folder.assertFetched();
    });
  });
});
