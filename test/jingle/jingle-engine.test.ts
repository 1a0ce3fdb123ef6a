import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { AbortedError, LimitError } from '../../src/errors.js';
import { type FileDownload, SessionEndedError } from '../../src/jingle/file-session.js';
import { parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { ASKER, bytesOf, JinglePair, type JinglePairInit, NODE } from '../support/jingle-pair.js';
import { sha256 } from '../support/memory-files.js';

const BYTES = randomBytes(700_000);

describe('JingleEngine', () => {
  let pair: JinglePair;
  const open = async (init?: JinglePairInit) => {
    pair = await JinglePair.open(init);
    return pair;
  };
  afterEach(() => pair.close());

  describe('a file requested', () => {
    it('comes whole, with what is known of it and an end in good order', async () => {
      const { files } = await open();
      files.offer('folder/a.bin', BYTES, { desc: 'noise' });
      const download = pair.download({ name: 'share/folder/a.bin' });
      const accepted = await download.accepted;
      assert.equal(accepted.name, 'a.bin');
      assert.equal(accepted.path, 'share/folder/a.bin');
      assert.equal(accepted.size, BYTES.length);
      assert.equal(accepted.desc, 'noise');
      assert.deepEqual(accepted.hashes, [{ algo: 'sha-256', value: sha256(BYTES) }]);
      assert.deepEqual(accepted.hashesUsed, []);
      assert.deepEqual(await bytesOf(download.stream), BYTES);
      assert.equal(download.transport, 's5b');
      await download.finish('success');
      await pair.ended();
      // The checksum, which said nothing new, may have crossed the end.
      assert.deepEqual(
        pair.actions.filter((action) => action !== 'n session-info'),
        ['a session-initiate', 'n session-accept', 'a session-terminate success'],
      );
    });

    it('may be selected by its hash alone', async () => {
      const { files } = await open();
      files.offer('a', BYTES);
      const hashes = [{ algo: 'sha-256', value: sha256(BYTES) }] as const;
      assert.deepEqual(await pair.fetch({ hashes }), BYTES);
    });

    it('has its checksum told before its bytes end, where it was not hashed yet', async () => {
      const { files } = await open();
      files.offer('a', BYTES, { hashed: false });
      const download = pair.download({ name: 'a' });
      const accepted = await download.accepted;
      assert.deepEqual([accepted.hashes, accepted.hashesUsed], [[], ['sha-256']]);
      assert.deepEqual(await bytesOf(download.stream), BYTES);
      assert.deepEqual(download.checksums, [{ hash: { algo: 'sha-256', value: sha256(BYTES) } }]);
      await download.finish('success');
      await pair.ended();
    });

    for (const [offset, length] of [
      [0, 1],
      [1, undefined],
      [300_000, 262_144],
      [699_999, 1],
      [699_999, undefined],
      [0, 699_999],
    ] as const) {
      it(`comes in part: ${length ?? 'all'} from ${offset}, with the checksum of that part where it is wanted`, async () => {
        const { files } = await open();
        files.offer('a', BYTES);
        const range = { offset, ...(length !== undefined && { length }) };
        const selected = { name: 'a', range: { ...range, hashes: [] } };
        const download = pair.download({ ...selected, hashesUsed: ['sha-256'] });
        const part = BYTES.subarray(offset, length === undefined ? undefined : offset + length);
        const accepted = await download.accepted;
        assert.deepEqual(accepted.range, { offset, length: part.length, hashes: [] });
        assert.equal(accepted.size, BYTES.length);
        assert.deepEqual(await bytesOf(download.stream), part);
        assert.deepEqual(download.checksums, [
          { hash: { algo: 'sha-256', value: sha256(part) }, range: { offset, length: part.length } },
        ]);
        await download.finish('success');
        await pair.ended();
      });
    }

    it('may be empty, and so may a part of it', async () => {
      const { files } = await open();
      files.offer('empty', Buffer.alloc(0));
      files.offer('a', BYTES);
      assert.equal((await pair.fetch({ name: 'empty' })).length, 0);
      assert.equal((await pair.fetch({ name: 'a', range: { offset: 5, length: 0, hashes: [] } })).length, 0);
      assert.equal((await pair.fetch({ name: 'a', range: { offset: BYTES.length, hashes: [] } })).length, 0);
      await pair.ended();
    });

    it('goes over IBB where that is all there is', async () => {
      const { files } = await open({ transports: ['ibb'] });
      files.offer('a', BYTES);
      const download = pair.download({ name: 'a' });
      assert.deepEqual(await bytesOf(download.stream), BYTES);
      assert.equal(download.transport, 'ibb');
      await download.finish('success');
      await pair.ended();
    });

    it('goes by several at once', async () => {
      const { files } = await open();
      const contents = Array.from({ length: 8 }, (_, index) => randomBytes(100_000 + index));
      for (const [index, bytes] of contents.entries()) files.offer(`f${index}`, bytes);
      const fetched = await Promise.all(contents.map((_, index) => pair.fetch({ name: `f${index}` })));
      assert.deepEqual(fetched, contents);
      await pair.ended();
    });

    it('is answered from the address that was asked', async () => {
      const { files } = await open();
      files.offer('a', BYTES);
      const peer = parseJid(`${NODE}/books`);
      const download = pair.asking.download({ peer, file: { name: 'a', hashes: [], hashesUsed: [] } });
      assert.deepEqual(await bytesOf(download.stream), BYTES);
      await download.finish('success');
      const jingle = pair.stanzas.filter(({ attrs }) => attrs.from !== undefined && attrs.to !== undefined);
      for (const { attrs } of jingle) assert.ok([attrs.from, attrs.to].includes(peer), String(attrs.from));
    });
  });

  describe('a request refused', () => {
    const refusal = async (download: FileDownload): Promise<SessionEndedError> => {
      const error = await download.accepted.then(
        () => assert.fail('accepted'),
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof SessionEndedError, String(error));
      assert.equal(download.stream.errored, error);
      return error;
    };

    it('says that there is no such file', async () => {
      await open();
      const { reason, condition } = await refusal(pair.download({ name: 'nothing' }));
      assert.deepEqual([reason, condition], ['failed-application', 'file-not-available']);
      await pair.ended();
    });

    for (const range of [
      { offset: 11 },
      { offset: 0, length: 11 },
      { offset: 10, length: 1 },
      { offset: 5, length: Number.MAX_SAFE_INTEGER - 5 },
    ]) {
      it(`says that a range is beyond the end: ${JSON.stringify(range)}`, async () => {
        const { files } = await open();
        files.offer('a', randomBytes(10));
        const { reason, condition, text } = await refusal(
          pair.download({ name: 'a', range: { ...range, hashes: [] } }),
        );
        assert.deepEqual([reason, condition], ['failed-application', 'bad-request']);
        assert.match(text ?? '', /'(offset|length)' .*end of the file/);
        await pair.ended();
      });
    }

    it('lets a request wait where every slot is taken, as long as that is known', async () => {
      const { files } = await open({ maxUploads: 1, engine: { timeouts: { idleMs: 3_600_000 } } });
      files.offer('a', BYTES);
      const first = pair.download({ name: 'a' });
      await first.accepted;
      const second = pair.download({ name: 'a' });
      const places: number[] = [];
      second.onQueued((place) => places.push(place));
      await pair.until(() => second.queuePlace === 1);
      const third = pair.download({ name: 'a' });
      await pair.until(() => third.queuePlace === 2);
      await pair.clock.advance(600_000); // longer than any answer may take that nobody speaks of
      assert.equal(second.queuePlace, 1);
      await third.finish('cancel');
      await first.finish('cancel');
      assert.deepEqual(await bytesOf(second.stream), BYTES);
      assert.equal(second.queuePlace, undefined);
      await second.finish('success');
      assert.ok(places.length > 10 && places.every((place) => place === 1));
    });

    it('tells nothing of an error that is none of the peer’s business', async () => {
      await open({ onFileRequest: () => Promise.reject(new Error('/srv/secret: EACCES')) });
      const { reason, text } = await refusal(pair.download({ name: 'a' }));
      assert.deepEqual([reason, text], ['general-error', undefined]);
    });

    it('is the answer of a node that serves nothing', async () => {
      await open();
      const download = pair.serving.download({
        peer: pair.asker.jid,
        file: { name: 'a', hashes: [], hashesUsed: [] },
      });
      assert.equal((await refusal(download)).reason, 'unsupported-applications');
      await pair.ended();
    });

    it('comes at once when there are too many sessions', async () => {
      const { files } = await open({ engine: { maxSessionsPerPeer: 2 } });
      files.offer('a', BYTES);
      const begun = [pair.download({ name: 'a' }), pair.download({ name: 'a' })];
      await Promise.all(begun.map(({ accepted }) => accepted));
      await assert.rejects(
        pair.download({ name: 'a' }).accepted,
        (error: StanzaError) => error instanceof StanzaError && error.condition === 'resource-constraint',
      );
      pair.serving.setLimits({ maxSessions: 10, maxSessionsPerPeer: 3 });
      begun.push(pair.download({ name: 'a' }));
      await begun[2]?.accepted;
      await Promise.all(begun.map((each) => each.finish('cancel')));
      await pair.ended();
      assert.deepEqual(await pair.fetch({ name: 'a' }), BYTES);
    });
  });

  it('begins no more sessions than it may', async () => {
    const { files } = await open({ engine: { maxSessions: 1 } });
    files.offer('a', BYTES);
    const first = pair.download({ name: 'a' });
    await assert.rejects(pair.download({ name: 'a' }).accepted, LimitError);
    assert.deepEqual(await bytesOf(first.stream), BYTES);
    await first.finish('success');
    await pair.ended();
  });

  describe('a download given up', () => {
    it('by its signal, before and after it is accepted', async () => {
      const { files } = await open();
      files.offer('a', BYTES);
      await assert.rejects(pair.download({ name: 'a' }, AbortSignal.abort()).accepted, AbortedError);
      const early = new AbortController();
      const unheard = pair.download({ name: 'a' }, early.signal);
      early.abort();
      await assert.rejects(unheard.accepted, AbortedError);
      const late = new AbortController();
      const download = pair.download({ name: 'a' }, late.signal);
      await download.accepted;
      late.abort();
      await assert.rejects(bytesOf(download.stream), AbortedError);
      await pair.ended();
      assert.deepEqual(pair.actions.filter((action) => /terminate/.test(action)).slice(-1), [
        'a session-terminate cancel',
      ]);
    });

    it('by destroying the stream in the middle', async () => {
      const { files } = await open();
      files.offer('a', randomBytes(5_000_000));
      const download = pair.download({ name: 'a' });
      for await (const chunk of download.stream) {
        assert.ok(chunk.length > 0);
        break; // which destroys it
      }
      await pair.ended();
      assert.equal(pair.actions.at(-1), 'a session-terminate cancel');
    });

    it('because its bytes are wrong', async () => {
      const outcomes: string[] = [];
      const { files } = await open();
      files.offer('a', BYTES);
      const { handle } = pair.server;
      await pair.serving.stop();
      const watched = await JinglePair.open({
        onFileRequest: async (request, signal) => {
          const source = await handle(request, signal);
          return {
            file: source.file,
            range: source.range,
            open: (wanted) => source.open(wanted),
            checksum: () => source.checksum(),
            release: (outcome) => {
              outcomes.push(outcome.type === 'failed' ? outcome.error.message : outcome.type);
              source.release(outcome);
            },
          };
        },
      });
      const download = watched.download({ name: 'a' });
      await bytesOf(download.stream);
      await download.finish('media-error');
      await watched.ended();
      assert.deepEqual(outcomes, [
        'the peer ended the session: media-error (the bytes are not those of the hash)',
      ]);
      await watched.close();
    });
  });

  it('ends its sessions with gone when it stops', async () => {
    const { files } = await open();
    files.offer('a', randomBytes(5_000_000));
    const download = pair.download({ name: 'a' });
    await download.accepted;
    await pair.until(() => download.stream.readableLength > 0);
    await pair.serving.stop();
    const error = await bytesOf(download.stream).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof SessionEndedError);
    assert.equal(error.reason, 'gone');
    await pair.ended();
    await assert.rejects(
      pair.serving.download({ peer: pair.asker.jid, file: { hashes: [], hashesUsed: [] } }).accepted,
    );
  });

  it('stops in bounded time though nobody acknowledges', async () => {
    const { files } = await open({ engine: { stopGraceMs: 500 } });
    files.offer('a', randomBytes(5_000_000));
    const download = pair.download({ name: 'a' });
    await download.accepted;
    pair.net.drop(() => true);
    const stopped = pair.serving.stop();
    await pair.clock.advance(499);
    assert.equal(pair.serving.sessionCount, 1);
    await pair.clock.advance(1);
    await stopped;
    assert.equal(pair.serving.sessionCount, 0);
    void download.finish('cancel');
    await pair.clock.advance(60_000);
  });

  it('leaves no timer when it is cut off while the peer acknowledges its end', async () => {
    const { clock, files, net } = await open();
    files.offer('a', BYTES);
    const download = pair.download({ name: 'a' });
    assert.deepEqual(await bytesOf(download.stream), BYTES);
    await clock.advance(0);
    net.delay = 4_000;
    net.watch((stanza) => {
      if (stanza.getChild('jingle')?.attrs.action === 'session-terminate') net.cut(ASKER);
    });
    const finished = download.finish('success');
    await clock.advance(4_000);
    await finished;
    await pair.ended();
    assert.equal(net.underWay, 1); // the acknowledgement, which nobody waits for
  });

  it('ends many sessions at once, and Node sees no leak in that', async () => {
    const { files } = await open({
      engine: { stopGraceMs: 500, maxSessionsPerPeer: 20 },
      maxUploads: 20,
      maxUploadsPerPeer: 20,
    });
    files.offer('a', randomBytes(5_000_000));
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    try {
      const downloads = Array.from({ length: 12 }, () => pair.download({ name: 'a' }));
      await Promise.all(downloads.map(({ accepted }) => accepted));
      pair.net.drop(() => true);
      const stopped = Promise.all([pair.asking.stop(), pair.serving.stop()]);
      await pair.clock.advance(500);
      await stopped;
      await pair.clock.advance(60_000);
    } finally {
      process.off('warning', onWarning);
    }
    assert.deepEqual(warnings, []);
  });

  it('tells no checksum where there is none (XEP-0234 §8.2)', async () => {
    await open({
      onFileRequest: async () => ({
        file: { size: BYTES.length, hashes: [], hashesUsed: [] },
        range: { offset: 0, length: BYTES.length },
        open: () => Readable.from([BYTES]),
        checksum: () => undefined,
        release: () => undefined,
      }),
    });
    const download = pair.download({ name: 'a' });
    assert.deepEqual(await bytesOf(download.stream), BYTES);
    await pair.clock.advance(1_000);
    await download.finish('success');
    await pair.ended();
    assert.ok(!pair.actions.includes('n session-info'), pair.actions.join());
  });

  it('hands a file that was found too late back', async () => {
    let found: (() => void) | undefined;
    const released: string[] = [];
    await open({
      onFileRequest: async () => {
        await new Promise<void>((resolve) => {
          found = resolve;
        });
        return {
          file: { hashes: [], hashesUsed: [] },
          range: { offset: 0, length: 0 },
          open: () => assert.fail('opened'),
          checksum: () => assert.fail('asked for'),
          release: ({ type }) => released.push(type),
        };
      },
    });
    const download = pair.download({ name: 'a' });
    await pair.until(() => found !== undefined);
    await download.finish('cancel');
    found?.();
    await pair.until(() => released.length > 0);
    assert.deepEqual(released, ['failed']);
    await assert.rejects(download.accepted, AbortedError);
  });

  it('announces what it speaks', async () => {
    await open();
    assert.deepEqual(pair.serving.features, [
      'urn:xmpp:jingle:1',
      'urn:xmpp:jingle:apps:file-transfer:5',
      'urn:xmpp:jingle:apps:file-transfer:4',
      'urn:xmpp:jingle:transports:s5b:1',
      'urn:xmpp:jingle:transports:ibb:1',
    ]);
  });
});
