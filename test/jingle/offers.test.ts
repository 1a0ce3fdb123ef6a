import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { AbortedError, LimitError } from '../../src/errors.js';
import {
  type FileAcceptance,
  type FileDownload,
  type FileOffer,
  type FileSource,
  FileTooLargeError,
  type FileUpload,
  SessionEndedError,
} from '../../src/jingle/file-session.js';
import { SessionFailedError } from '../../src/jingle/reason.js';
import { streamSource } from '../../src/jingle/stream-source.js';
import { defaultJingleTimeouts } from '../../src/jingle/timeouts.js';
import { NS } from '../../src/stanza/namespaces.js';
import type { Range } from '../../src/stanza/xep0234-file-transfer.js';
import { ASKER, bytesOf, JinglePair, type JinglePairInit, NODE } from '../support/jingle-pair.js';
import { sha256 } from '../support/memory-files.js';
import { contentOf, RawJinglePeer } from '../support/raw-jingle-peer.js';

const BYTES = randomBytes(700_000);
const HASH = { algo: 'sha-256', value: sha256(BYTES) } as const;

describe('A file offered', () => {
  let pair: JinglePair;
  let offers: FileOffer[];
  let downloads: FileDownload[];

  /** The asker answers every offer with `answer`. */
  async function open(
    answer: (offer: FileOffer) => Omit<FileAcceptance, 'take'> | Error = () => ({}),
    init: JinglePairInit = {},
  ) {
    offers = [];
    downloads = [];
    pair = await JinglePair.open({
      onFileOffer: async (offer) => {
        offers.push(offer);
        const answered = answer(offer);
        if (answered instanceof Error) throw answered;
        return { ...answered, take: (download) => downloads.push(download) };
      },
      ...init,
    });
    return pair.files.offer('a', BYTES, { desc: 'noise' });
  }
  afterEach(() => pair.close());

  async function taken(count = 1): Promise<FileDownload> {
    await pair.until(() => downloads.length >= count);
    const download = downloads[count - 1];
    assert.ok(download);
    return download;
  }

  it('comes whole, and both sides know how it ended', async () => {
    const entry = await open();
    const upload = await pair.offer(entry);
    const download = await taken();
    assert.deepEqual(await bytesOf(download.stream), BYTES);
    assert.deepEqual(await upload.accepted, { offset: 0, length: BYTES.length });
    assert.equal(upload.transport, 's5b');
    await download.finish('success');
    assert.deepEqual(await upload.done, { type: 'success', bytes: BYTES.length });
    assert.equal(upload.sentBytes, BYTES.length);
    await pair.ended();
    const [offer] = offers;
    assert.equal(offer?.peer, NODE);
    assert.deepEqual([offer?.file.hashes, offer?.file.hashesUsed], [[], ['sha-256']], 'told at the end');
    assert.deepEqual(download.checksums, [{ hash: HASH }]);
    assert.deepEqual([offer?.file.name, offer?.file.size, offer?.file.desc], ['a', BYTES.length, 'noise']);
    assert.deepEqual(offer?.file.range, { offset: 0, hashes: [] }, 'ranges are understood');
    assert.deepEqual(
      pair.actions.filter((action) => !/info/.test(action)),
      ['n session-initiate', 'a session-accept', 'a session-terminate success'],
    );
  });

  for (const range of [
    { offset: 300_000 },
    { offset: 5, length: 10 },
    { offset: 0, length: 1 },
    { offset: 700_000 },
  ] as Range[]) {
    it(`comes in part where the receiver wants no more: ${JSON.stringify(range)}`, async () => {
      const entry = await open(() => ({ range }));
      const upload = await pair.offer(entry);
      const download = await taken();
      const length = range.length ?? BYTES.length - range.offset;
      const part = BYTES.subarray(range.offset, range.offset + length);
      assert.deepEqual(await bytesOf(download.stream), part);
      assert.deepEqual(await upload.accepted, { offset: range.offset, length });
      await download.finish('success');
      assert.deepEqual(await upload.done, { type: 'success', bytes: length });
      await pair.ended();
    });
  }

  it('has its late checksum where it was not hashed', async () => {
    await open();
    const upload = await pair.offer(pair.files.offer('fresh', BYTES, { hashed: false }));
    const download = await taken();
    assert.deepEqual(offers[0]?.file.hashesUsed, ['sha-256']);
    assert.deepEqual(await bytesOf(download.stream), BYTES);
    assert.deepEqual(download.checksums, [{ hash: HASH }]);
    await download.finish('success');
    assert.equal((await upload.done).type, 'success');
  });

  it('goes to clients that know version 4 only', async () => {
    const entry = await open();
    const source = await pair.server.source(entry, ASKER, new AbortController().signal);
    const upload = pair.serving.offer({ peer: ASKER, source, namespace: NS.fileTransfer4 });
    const download = await taken();
    assert.deepEqual(await bytesOf(download.stream), BYTES);
    await download.finish('success');
    assert.equal((await upload.done).type, 'success');
    const described = pair.stanzas.flatMap(
      (each) => each.getChild('jingle')?.getChild('content')?.getChild('description')?.getNS() ?? [],
    );
    assert.deepEqual([...new Set(described)], [NS.fileTransfer4]);
  });

  for (const [error, reason, condition] of [
    [new SessionFailedError('decline', 'not today'), 'decline', undefined],
    [new FileTooLargeError('no room'), 'media-error', 'file-too-large'],
    [new LimitError('downloads', 'too many'), 'busy', undefined],
    [new TypeError('a fault of ours'), 'general-error', undefined],
  ] as const) {
    it(`is refused: ${reason} ${condition ?? ''}`, async () => {
      const entry = await open(() => error);
      const upload = await pair.offer(entry);
      await assert.rejects(
        upload.accepted,
        (thrown: SessionEndedError) => thrown.reason === reason && thrown.condition === condition,
      );
      assert.equal((await upload.done).type, 'failed');
      await pair.ended();
    });
  }

  it('is declined where nobody takes files', async () => {
    const entry = await open();
    await pair.serving.stop();
    const other = await JinglePair.open();
    const upload = await other.offer(other.files.offer('a', BYTES));
    await assert.rejects(upload.accepted, (thrown: SessionEndedError) => thrown.reason === 'decline');
    await other.close();
    assert.ok(entry);
  });

  it('is not taken for other bytes than those offered', async () => {
    const entry = await open(() => ({ range: { offset: 0, length: 20 } }));
    const whole = await pair.server.source(entry, ASKER, new AbortController().signal);
    const part: FileSource = {
      file: whole.file,
      range: { offset: 10, length: 100 },
      open: (wanted) => whole.open(wanted),
      checksum: () => whole.checksum(),
      release: (outcome) => whole.release(outcome),
    };
    const upload = pair.serving.offer({ peer: ASKER, source: part });
    await assert.rejects(upload.accepted, SessionEndedError);
    await pair.ended();
  });

  it('may be withdrawn at any time', async () => {
    const entry = await open();
    const early = new AbortController();
    const unheard = await pair.offer(entry, early.signal);
    early.abort();
    await assert.rejects(unheard.accepted, AbortedError);
    const upload = await pair.offer(entry);
    const download = await taken(downloads.length + 1);
    await pair.until(() => download.stream.readableLength > 0);
    await upload.cancel();
    await assert.rejects(bytesOf(download.stream), { code: 'session-ended', reason: 'cancel' });
    const outcome = await upload.done;
    assert.ok(outcome.type === 'failed' && outcome.error instanceof AbortedError);
    await pair.ended();
  });

  for (const [transport, unconfirmed] of [
    ['s5b', true],
    ['ibb', undefined],
  ] as const) {
    it(`over ${transport} is a success${unconfirmed ? ', if an unconfirmed one,' : ''} when the receiver says nothing more`, async () => {
      const entry = await open(() => ({}), {
        transports: [transport],
        askerTimeouts: { finishMs: 10 * defaultJingleTimeouts.finishMs },
      });
      const upload = await pair.offer(entry);
      const download = await taken();
      assert.deepEqual(await bytesOf(download.stream), BYTES);
      await pair.clock.advance(defaultJingleTimeouts.finishMs);
      assert.deepEqual(await upload.done, {
        type: 'success',
        bytes: BYTES.length,
        ...(unconfirmed && { unconfirmed }),
      });
      await download.finish('success');
      await pair.ended();
    });
  }

  for (const [end, act] of [
    ['done', async (download: FileDownload) => download.finish('success')],
    ['cancelled', async (_: FileDownload, upload: FileUpload) => upload.cancel()],
    ['stopped', async () => pair.serving.stop()],
  ] as const) {
    it(`leaves nothing when it is ${end} and its source throws at the end`, async () => {
      await open();
      const throws = () => {
        throw new Error('a fault of the program');
      };
      const init = { name: 'x', size: BYTES.length, open: () => Readable.from([BYTES]), onEnd: throws };
      const upload = pair.serving.offer({ peer: ASKER, source: streamSource(init) });
      const download = await taken();
      const bytes = bytesOf(download.stream).catch(() => undefined);
      if (end === 'done') await bytes;
      await act(download, upload);
      assert.equal((await upload.done).type, end === 'done' ? 'success' : 'failed');
      await pair.ended();
    });
  }

  it('needs a slot as if it had been asked for', async () => {
    const entry = await open(() => ({}), { maxUploadsPerPeer: 1 });
    const upload = await pair.offer(entry);
    await assert.rejects(pair.offer(entry), LimitError);
    await upload.cancel();
  });

  describe('by a scripted client', () => {
    let peer: RawJinglePeer;
    afterEach(() => peer.stop());

    async function from(init: Partial<Parameters<typeof contentOf>[0]>) {
      await open(() => ({}), {
        engine: { onFileOffer: async () => ({ take: (each) => downloads.push(each) }) },
      });
      peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
      const file = `<name>x</name><size>${BYTES.length}</size>`;
      const content = contentOf({ sid: 't', file, senders: 'initiator', ...init });
      assert.equal(await peer.send('session-initiate', 's', content), 'acked');
    }

    it('that says senders=both, as Gajim does, is taken', async () => {
      await from({ senders: 'both' });
      const { contents } = await peer.next('session-accept');
      assert.equal(contents[0]?.senders, 'both');
      await peer.send('session-terminate', 's', '<reason><cancel/></reason>');
      await assert.rejects(bytesOf(await taken()), SessionEndedError);
      await pair.ended();

      function bytesOf(download: FileDownload) {
        return download.accepted.then(
          () => new Promise((_, reject) => download.stream.once('error', reject)),
        );
      }
    });

    it('that never connects is left', async () => {
      await from({});
      await peer.next('session-accept');
      const { connectMs, fallbackMs } = defaultJingleTimeouts;
      await pair.clock.advance(connectMs);
      await pair.clock.advance(fallbackMs);
      await peer.next('transport-replace');
      await pair.clock.advance(defaultJingleTimeouts.replaceMs);
      assert.equal((await peer.next('session-terminate')).reason?.condition, 'timeout');
      await pair.ended();
    });

    it('in two versions under one name is one offer', async () => {
      const older = contentOf({
        sid: 't',
        file: '<name>x</name>',
        senders: 'initiator',
        fileTransfer: NS.fileTransfer4,
      });
      const newest = contentOf({
        sid: 't',
        file: '<name>x</name>',
        senders: 'initiator',
        fileTransfer: 'urn:xmpp:jingle:apps:file-transfer:6',
      });
      await open(() => ({}), {
        engine: { onFileOffer: async () => ({ take: (each) => downloads.push(each) }) },
      });
      peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
      assert.equal(await peer.send('session-initiate', 's', newest + older), 'acked');
      const { contents } = await peer.next('session-accept');
      assert.deepEqual(
        contents.map(({ description }) => description.getNS()),
        [NS.fileTransfer4],
      );
      await peer.send('session-terminate', 's');
      await pair.until(() => downloads[0]?.stream.errored !== null);
    });
  });
});
