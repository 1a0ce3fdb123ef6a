import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { FileDownload } from '../../src/jingle/file-session.js';
import { defaultJingleTimeouts } from '../../src/jingle/timeouts.js';
import { NS } from '../../src/stanza/namespaces.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { descriptionCodec } from '../../src/stanza/xep0234-file-transfer.js';
import type { TransportNegotiation } from '../../src/transport/transport.js';
import { bytesOf, JinglePair, type JinglePairInit, NODE } from '../support/jingle-pair.js';
import { sha256 } from '../support/memory-files.js';
import { MemoryTransport } from '../support/memory-transport.js';
import { RawJinglePeer } from '../support/raw-jingle-peer.js';
import { settle } from '../support/virtual-clock.js';

const BYTES = randomBytes(1_500_000);
const WAIT = defaultJingleTimeouts;

describe('A transport that breaks in the middle', () => {
  let pair: JinglePair;
  afterEach(() => pair.close());

  /** A file on its way to the asker, who asked for it or was offered it. */
  async function underWay(how: 'requested' | 'offered', hashed = true, init: JinglePairInit = {}) {
    let taken: ((download: FileDownload) => void) | undefined;
    const offered = new Promise<FileDownload>((resolve) => {
      taken = resolve;
    });
    pair = await JinglePair.open({
      onFileOffer: async () => ({ take: (download) => taken?.(download) }),
      ...init,
    });
    const entry = pair.files.offer('a', BYTES, { hashed });
    pair.bytestreams.breakAfterBytes = 400_000;
    if (how === 'requested') return pair.download({ name: 'a' });
    await pair.offer(entry);
    return await offered;
  }

  for (const how of ['requested', 'offered'] as const) {
    describe(`(a file ${how})`, () => {
      it('is replaced in the same session, which goes on at the byte where it stopped', async () => {
        const download = await underWay(how);
        assert.deepEqual(await bytesOf(download.stream), BYTES);
        await download.finish('success');
        await pair.ended();
        const [receiver, initiator, responder] = how === 'requested' ? ['a', 'a', 'n'] : ['a', 'n', 'a'];
        assert.deepEqual(
          pair.actions.filter((action) => !/session-info/.test(action)),
          [
            `${initiator} session-initiate`,
            `${responder} session-accept`,
            `${receiver} description-info`,
            `${initiator} transport-replace`,
            `${responder} transport-accept`,
            'a session-terminate success',
          ],
        );
        const sent = pair.bytestreams.streams.length;
        assert.equal(sent, 4, 'two streams with two ends each');
      });

      it('falls back to the next transport where it finds no way again', async () => {
        const download = await underWay(how);
        download.stream.once('data', () => pair.bytestreams.failing.add('s5b'));
        assert.deepEqual(await bytesOf(download.stream), BYTES);
        assert.equal(download.transport, 'ibb');
        await download.finish('success');
        await pair.ended();
      });

      it('leaves the checksum of all the bytes right', async () => {
        const download = await underWay(how, false);
        assert.deepEqual(await bytesOf(download.stream), BYTES);
        assert.deepEqual(download.checksums, [{ hash: { algo: 'sha-256', value: sha256(BYTES) } }]);
        await download.finish('success');
        await pair.ended();
      });

      it('is survived as often as it may, not more, and what is missing comes by range', async () => {
        const download = await underWay(how, true, { engine: { maxResumes: 2 } });
        const got: Buffer[] = [];
        const failed = new Promise<void>((resolve) => download.stream.once('error', () => resolve()));
        download.stream.on('data', (chunk: Buffer) => {
          got.push(chunk);
          pair.bytestreams.breakAfterBytes = 300_000;
        });
        await pair.until(() => pair.actions.filter((action) => /transport-accept/.test(action)).length === 2);
        await pair.until(() => pair.bytestreams.streams.length === 6);
        for (let turn = 0; turn < 20; turn += 1) await settle();
        await pair.clock.advance(WAIT.reasonMs);
        await failed;
        await pair.ended();
        assert.match(pair.actions.at(-1) ?? '', /session-terminate connectivity-error/);
        pair.bytestreams.breakAfterBytes = undefined;
        const first = Buffer.concat(got);
        assert.ok(first.length > 0 && first.length < BYTES.length);
        const rest = await pair.fetch({ name: 'a', range: { offset: first.length, hashes: [] } });
        assert.deepEqual(Buffer.concat([first, rest]), BYTES);
      });

      it('is replaced when only the receiver notices', async () => {
        const download = await underWay(how);
        pair.bytestreams.breakIsSeenBy = 'reader';
        assert.deepEqual(await bytesOf(download.stream), BYTES);
        await download.finish('success');
        await pair.ended();
      });

      it('is replaced when only the sender notices', async () => {
        const download = await underWay(how);
        pair.bytestreams.breakIsSeenBy = 'writer';
        const read = bytesOf(download.stream);
        await pair.until(() => pair.bytestreams.breakAfterBytes === undefined);
        await settle();
        await pair.clock.advance(WAIT.reasonMs);
        assert.deepEqual(await read, BYTES);
        await download.finish('success');
        await pair.ended();
      });

      it('is replaced when the receiver hears nothing for too long', async () => {
        const download = await underWay(how, true, { askerTimeouts: { idleMs: WAIT.idleMs / 2 } });
        pair.bytestreams.breakIsSeenBy = 'reader';
        const read = bytesOf(download.stream);
        await pair.until(() => pair.bytestreams.breakAfterBytes === undefined);
        await settle();
        await pair.clock.advance(WAIT.idleMs);
        assert.deepEqual(await read, BYTES);
        await download.finish('success');
        await pair.ended();
      });
    });
  }

  describe('with a scripted peer', () => {
    let peer: RawJinglePeer;
    afterEach(() => peer.stop());

    const transportIn = () => new MemoryTransport({ type: 's5b', bytestreams: pair.bytestreams });
    const context = (role: 'initiator' | 'responder') => ({
      self: peer.entity.jid,
      peer: NODE,
      role,
      sendInfo: async () => undefined,
    });
    const inContent = (inside: string, name: string) =>
      `<content creator='initiator' name='${name}' senders='responder'>${inside}</content>`;
    const described = (file: string) =>
      `<description xmlns='${NS.fileTransfer5}'><file>${file}</file></description>`;

    async function gone(negotiation: TransportNegotiation): Promise<void> {
      negotiation.close();
      for (const stream of pair.bytestreams.streams) stream.destroy();
      await pair.ended();
    }

    it('ends with a reason where the sender does not know how to go on', async () => {
      pair = await JinglePair.open();
      peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
      const download = pair.serving.download({
        peer: peer.entity.jid,
        file: { name: 'x', hashes: [], hashesUsed: [] },
      });
      const { sid, contents } = await peer.next('session-initiate');
      assert.ok(contents[0]);
      const negotiation = transportIn().answer(context('responder'), contents[0].transport);
      const transport = String(await negotiation.describe());
      await peer.send(
        'session-accept',
        sid,
        inContent(described('<size>1000000</size>') + transport, 'file'),
      );
      const stream = await negotiation.connect();
      stream.on('error', () => undefined);
      const failure = bytesOf(download.stream).then(
        () => assert.fail('nothing failed'),
        (error: unknown) => error as { code?: string },
      );
      stream.write(BYTES.subarray(0, 300_000));
      await settle();
      await settle();
      peer.answer = new StanzaError('feature-not-implemented');
      stream.destroy();
      const { contents: hints } = await peer.next('description-info');
      const hint = hints[0]?.description;
      assert.ok(hint);
      assert.deepEqual(descriptionCodec().fromXml(hint).range, {
        offset: 300_000,
        length: 700_000,
        hashes: [],
      });
      peer.answer = undefined;
      await settle();
      await pair.clock.advance(WAIT.reasonMs);
      assert.equal((await peer.next('session-terminate')).reason?.condition, 'connectivity-error');
      assert.equal((await failure).code, 'transport-failed');
      await gone(negotiation);
    });

    it('gives each transport that it proposes its own time', async () => {
      pair = await JinglePair.open();
      peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
      const file = { name: 'x', hashes: [], hashesUsed: [] };
      const download = pair.serving.download({ peer: peer.entity.jid, file });
      const { sid, contents } = await peer.next('session-initiate');
      assert.ok(contents[0]);
      const first = transportIn().answer(context('responder'), contents[0].transport);
      const accepted = described('<size>4</size>') + String(await first.describe());
      await peer.send('session-accept', sid, inContent(accepted, 'file'));
      const stream = await first.connect();
      stream.on('error', () => undefined);
      await settle();
      stream.destroy();
      await peer.next('description-info');
      await peer.next('transport-replace');
      await pair.clock.advance(WAIT.replaceMs - 1_000);
      await peer.send('transport-reject', sid, inContent(`<transport xmlns='${NS.s5b}' sid='x'/>`, 'file'));
      const { contents: proposed } = await peer.next('transport-replace');
      assert.ok(proposed[0]);
      await pair.clock.advance(2_000);
      const inBand = new MemoryTransport({ type: 'ibb', bytestreams: pair.bytestreams });
      const second = inBand.answer(context('responder'), proposed[0].transport);
      assert.equal(
        await peer.send('transport-accept', sid, inContent(String(await second.describe()), 'file')),
        'acked',
      );
      (await second.connect()).on('error', () => undefined).end('abcd');
      assert.equal(String(await bytesOf(download.stream)), 'abcd');
      await download.finish('success');
      first.close();
      await gone(second);
    });

    it('ends soon where the receiver has not said that it knows how to go on', async () => {
      pair = await JinglePair.open();
      peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
      pair.files.offer('a', BYTES);
      pair.bytestreams.breakAfterBytes = 400_000;
      const negotiation = transportIn().offer(context('initiator'));
      const wanted = described('<name>a</name>');
      await peer.send('session-initiate', 's', inContent(wanted + String(await negotiation.describe()), 'c'));
      const { contents } = await peer.next('session-accept');
      assert.ok(contents[0]);
      negotiation.remote(contents[0].transport);
      const stream = await negotiation.connect();
      stream.on('error', () => undefined).resume();
      await pair.until(() => pair.bytestreams.breakAfterBytes === undefined);
      await settle();
      await pair.clock.advance(WAIT.reasonMs);
      assert.equal((await peer.next('session-terminate')).reason?.condition, 'connectivity-error');
      await gone(negotiation);
    });

    it('sends nothing of what the receiver could not be missing', async () => {
      pair = await JinglePair.open();
      peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
      pair.files.offer('a', BYTES);
      const negotiation = transportIn().offer(context('initiator'));
      const hashed = "<hash-used xmlns='urn:xmpp:hashes:2' algo='sha-256'/>";
      const wanted = described(`<name>a</name><range offset='1000' length='1000000'/>${hashed}`);
      await peer.send('session-initiate', 's', inContent(wanted + String(await negotiation.describe()), 'c'));
      const { contents } = await peer.next('session-accept');
      assert.ok(contents[0]);
      negotiation.remote(contents[0].transport);
      const stream = await negotiation.connect();
      stream.on('error', () => undefined);
      await pair.until(() => stream.readableLength > 0);
      const say = (range: string) => peer.send('description-info', 's', inContent(described(range), 'c'));
      assert.equal(await say("<range offset='999'/>"), 'bad-request');
      assert.equal(await say("<range offset='1000' length='1000001'/>"), 'bad-request');
      assert.equal(await say("<range offset='900000'/>"), 'bad-request');
      assert.equal(await say('<size>7</size>'), 'feature-not-implemented unsupported-info');
      assert.equal(await say("<range offset='2000' length='999000'/>"), 'acked');
      // It waits for the initiator's transport-replace now.
      const next = transportIn().offer(context('initiator'));
      assert.equal(
        await peer.send('transport-replace', 's', inContent(String(await next.describe()), 'c')),
        'acked',
      );
      const accepted = await peer.next('transport-accept');
      assert.ok(accepted.contents[0]);
      next.remote(accepted.contents[0].transport);
      const second = await next.connect();
      assert.deepEqual(await bytesOf(second), BYTES.subarray(2_000, 1_001_000));
      const { payload } = await peer.next('session-info');
      assert.equal(
        payload?.getChild('file')?.getChild('range')?.getChildText('hash'),
        sha256(BYTES.subarray(1_000, 1_001_000)),
      );
      await peer.send('session-terminate', 's', '<reason><success/></reason>');
      negotiation.close();
      await gone(next);
    });
  });
});
