import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { SessionEndedError } from '../../src/jingle/file-session.js';
import { defaultJingleTimeouts } from '../../src/jingle/timeouts.js';
import { NS } from '../../src/stanza/namespaces.js';
import { type Element, xml } from '../../src/stanza/xml.js';
import type { TransportNegotiation } from '../../src/transport/transport.js';
import { bytesOf, JinglePair, NODE } from '../support/jingle-pair.js';
import { sha256 } from '../support/memory-files.js';
import { MemoryTransport } from '../support/memory-transport.js';
import { BARE_CONTENT, RawJinglePeer } from '../support/raw-jingle-peer.js';
import { settle } from '../support/virtual-clock.js';

const BYTES = randomBytes(1_500_000);
const WAIT = defaultJingleTimeouts;

function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.fail('nothing failed'),
    (error: unknown) => error,
  );
}

/** The stream of a scripted peer, who hears of its errors in other ways. */
async function streamOf(negotiation: TransportNegotiation): Promise<Duplex> {
  const stream = await negotiation.connect();
  stream.on('error', () => undefined);
  return stream;
}

describe('FileContent with a scripted peer', () => {
  let pair: JinglePair;
  let peer: RawJinglePeer;
  afterEach(async () => {
    await pair.close();
    await peer.stop();
  });

  const context = (role: 'initiator' | 'responder') => ({
    self: peer.entity.jid,
    peer: NODE,
    role,
    sendInfo: async () => undefined,
  });
  const transportIn = (type: 's5b' | 'ibb') => new MemoryTransport({ type, bytestreams: pair.bytestreams });
  const inContent = (transport: Element, name = 'c') =>
    `<content creator='initiator' name='${name}' senders='responder'>${transport}</content>`;

  /** A request for `a`, as its initiator. */
  async function requested(): Promise<TransportNegotiation> {
    pair = await JinglePair.open();
    pair.files.offer('a', BYTES);
    peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
    const negotiation = transportIn('s5b').offer(context('initiator'));
    const description = `<description xmlns='${NS.fileTransfer5}'><file><name>a</name></file></description>`;
    const content = inContent(await negotiation.describe()).replace('<transport', `${description}<transport`);
    assert.equal(await peer.send('session-initiate', 's', content), 'acked');
    const { contents } = await peer.next('session-accept');
    assert.ok(contents[0]);
    negotiation.remote(contents[0].transport);
    return negotiation;
  }

  /** A download from the peer, accepted; `negotiation` is the peer's. */
  async function downloading(file: string, signal?: AbortSignal) {
    pair = await JinglePair.open();
    pair.files.offer('a', BYTES);
    peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
    const download = pair.serving.download({
      peer: peer.entity.jid,
      file: { name: 'x', hashes: [], hashesUsed: [] },
      ...(signal && { signal }),
    });
    const { sid, contents } = await peer.next('session-initiate');
    assert.ok(contents[0]);
    const negotiation = transportIn('s5b').answer(context('responder'), contents[0].transport);
    const description = `<description xmlns='${NS.fileTransfer5}'><file>${file}</file></description>`;
    const content = inContent(await negotiation.describe(), 'file');
    const accept = content.replace('<transport', `${description}<transport`);
    return {
      download,
      sid,
      negotiation,
      accept,
      send: (action: string, inside = '') => peer.send(action, sid, inside),
    };
  }

  const HASH = `<hash xmlns='${NS.hashes2}' algo='sha-256'>${sha256(BYTES)}</hash>`;
  const SIZE = `<size>${BYTES.length}</size>`;

  async function gone(negotiation: TransportNegotiation, stream?: Duplex): Promise<void> {
    negotiation.close();
    stream?.destroy();
    await pair.ended();
  }

  it('answers a transport-replace and sends over the new transport', async () => {
    const s5b = await requested();
    const ibb = transportIn('ibb').offer(context('initiator'));
    assert.equal(await peer.send('transport-replace', 's', inContent(await ibb.describe())), 'acked');
    const { contents } = await peer.next('transport-accept');
    assert.ok(contents[0]);
    ibb.remote(contents[0].transport);
    s5b.close();
    const stream = await streamOf(ibb);
    assert.deepEqual(await bytesOf(stream), BYTES);
    assert.equal((await peer.next('session-info')).action, 'session-info');
    assert.equal(await peer.send('session-terminate', 's', '<reason><success/></reason>'), 'acked');
    await gone(ibb, stream);
  });

  it('keeps to what there is when a replacement can’t be used', async () => {
    const s5b = await requested();
    const other = "<transport xmlns='urn:xmpp:jingle:transports:raw-udp:1'/>";
    assert.equal(
      await peer.send('transport-replace', 's', BARE_CONTENT.replace('/>', `>${other}</content>`)),
      'acked',
    );
    await peer.next('transport-reject');
    const malformed = `<transport xmlns='${NS.jingleIbb}'/>`;
    assert.equal(
      await peer.send('transport-replace', 's', BARE_CONTENT.replace('/>', `>${malformed}</content>`)),
      'bad-request',
    );
    const stream = await streamOf(s5b);
    assert.deepEqual(await bytesOf(stream), BYTES);
    await peer.send('session-terminate', 's');
    await gone(s5b, stream);
  });

  it('does not let itself be replaced for ever', async () => {
    const s5b = await requested();
    const answers: string[] = [];
    for (let count = 0; count < 8; count += 1) {
      const ibb = transportIn('ibb').offer(context('initiator'));
      await peer.send('transport-replace', 's', inContent(await ibb.describe()));
      await pair.until(() => peer.inbox.length > 0);
      answers.push(peer.inbox.shift()?.action ?? '');
      ibb.close();
    }
    assert.deepEqual(answers, [
      ...Array<string>(4).fill('transport-accept'),
      ...Array<string>(4).fill('transport-reject'),
    ]);
    await peer.send('session-terminate', 's');
    await gone(s5b);
  });

  // A known fault: no transport-replace after both sides sent candidate-error.
  it('proposes IBB itself when an initiator never falls back', async () => {
    const s5b = await requested();
    pair.bytestreams.failing.add('s5b');
    await errorOf(s5b.connect());
    await pair.clock.advance(WAIT.connectMs);
    await pair.clock.advance(WAIT.fallbackMs);
    const { contents } = await peer.next('transport-replace');
    assert.ok(contents[0]);
    const ibb = transportIn('ibb').answer(context('initiator'), contents[0].transport);
    assert.equal(await peer.send('transport-accept', 's', inContent(await ibb.describe())), 'acked');
    s5b.close();
    const stream = await streamOf(ibb);
    assert.deepEqual(await bytesOf(stream), BYTES);
    await peer.send('session-terminate', 's', '<reason><success/></reason>');
    await gone(ibb, stream);
  });

  it('gives up when its replacement is rejected, or not answered', async () => {
    for (const answer of ['transport-reject', undefined]) {
      const s5b = await requested();
      await pair.clock.advance(WAIT.connectMs);
      await pair.clock.advance(WAIT.fallbackMs);
      await peer.next('transport-replace');
      if (answer === undefined) await pair.clock.advance(WAIT.replaceMs);
      else assert.equal(await peer.send(answer, 's', BARE_CONTENT), 'acked');
      const { reason } = await peer.next('session-terminate');
      assert.equal(reason?.condition, answer === undefined ? 'timeout' : 'failed-transport');
      await gone(s5b);
      if (answer !== undefined) {
        await pair.close();
        await peer.stop();
      }
    }
  });

  it('as initiator overrules the responder’s replacement with its own', async () => {
    const { download, negotiation, accept, send } = await downloading(SIZE + HASH);
    pair.bytestreams.failing.add('s5b');
    await send('session-accept', accept);
    const proposed = await peer.next('transport-replace');
    const crossing = transportIn('ibb').offer(context('responder'));
    assert.equal(
      await send('transport-replace', inContent(await crossing.describe(), 'file')),
      'conflict tie-break',
    );
    crossing.close();
    negotiation.close();
    assert.ok(proposed.contents[0]);
    const ibb = transportIn('ibb').answer(context('responder'), proposed.contents[0].transport);
    // A known fault: transport-replace answered with session-accept.
    const answer = inContent(await ibb.describe(), 'file').replace(
      '<transport',
      `<description xmlns='${NS.fileTransfer5}'><file/></description><transport`,
    );
    assert.equal(await send('session-accept', answer), 'acked');
    const stream = await streamOf(ibb);
    stream.end(BYTES);
    assert.deepEqual(await bytesOf(download.stream), BYTES);
    assert.equal(download.transport, 'ibb');
    await download.finish('success');
    assert.equal((await peer.next('session-terminate')).reason?.condition, 'success');
    await gone(ibb, stream);
  });

  it('is done when all bytes are here, though the sender ended the session before they were', async () => {
    const { download, negotiation, accept, send } = await downloading(SIZE + HASH);
    await send('session-accept', accept);
    const stream = await streamOf(negotiation);
    const read = bytesOf(download.stream);
    stream.write(BYTES.subarray(0, 1_000_000));
    await settle();
    assert.equal(await send('session-terminate', '<reason><success/></reason>'), 'acked');
    await settle();
    stream.end(BYTES.subarray(1_000_000));
    assert.deepEqual(await read, BYTES);
    await download.finish('success');
    await gone(negotiation, stream);
  });

  it('fails when the sender calls it a success and the bytes never come', async () => {
    const { download, negotiation, accept, send } = await downloading(SIZE + HASH);
    await send('session-accept', accept);
    const stream = await streamOf(negotiation);
    const read = errorOf(bytesOf(download.stream));
    stream.write(BYTES.subarray(0, 1_000));
    await settle();
    await send('session-terminate', '<reason><success/></reason>');
    await pair.clock.advance(WAIT.idleMs);
    await pair.clock.advance(WAIT.idleMs);
    assert.equal(((await read) as { code?: string }).code, 'session-failed');
    await gone(negotiation, stream);
  });

  const withdrawn = new AbortController();
  for (const [who, giveUp, code] of [
    ['this node stops', () => pair.serving.stop(), 'aborted'],
    ['whoever asked withdraws it', () => withdrawn.abort(), 'aborted'],
  ] as const) {
    it(`is given up when ${who}, though the sender has ended the session and goes on sending`, async () => {
      const { download, negotiation, accept, send } = await downloading(SIZE + HASH, withdrawn.signal);
      await send('session-accept', accept);
      const stream = await streamOf(negotiation);
      const read = errorOf(bytesOf(download.stream));
      stream.write(BYTES.subarray(0, 1_000));
      await settle();
      assert.equal(await send('session-terminate', '<reason><success/></reason>'), 'acked');
      stream.write(BYTES.subarray(1_000, 2_000));
      await settle();
      void giveUp();
      await pair.until(() => pair.serving.sessionCount === 0);
      assert.equal(((await read) as { code?: string }).code, code);
      await gone(negotiation, stream);
    });
  }

  it('takes no byte more than was announced', async () => {
    const { download, negotiation, accept, send } = await downloading('<size>10</size>');
    await send('session-accept', accept);
    const stream = await streamOf(negotiation);
    stream.write(BYTES.subarray(0, 11));
    await assert.rejects(bytesOf(download.stream), { code: 'session-failed', condition: 'media-error' });
    const { reason } = await peer.next('session-terminate');
    assert.equal(reason?.condition, 'media-error');
    assert.equal(reason?.application?.getName(), 'file-too-large');
    await gone(negotiation, stream);
  });

  it('takes the end of the stream for the end of a file whose size was not told', async () => {
    const { download, negotiation, accept, send } = await downloading(HASH);
    await send('session-accept', accept);
    const stream = await streamOf(negotiation);
    stream.end(BYTES);
    assert.deepEqual(await bytesOf(download.stream), BYTES);
    await download.finish('success');
    await gone(negotiation, stream);
  });

  it('does not take an early end for the end of the file', async () => {
    const { download, negotiation, accept, send } = await downloading(SIZE);
    await send('session-accept', accept);
    const stream = await streamOf(negotiation);
    stream.end(BYTES.subarray(0, 1_000_000));
    const read = errorOf(bytesOf(download.stream));
    await pair.until(() => stream.destroyed || stream.writableFinished);
    await settle();
    // The reason comes by way of the servers.
    await send('session-terminate', '<reason><media-error/></reason>');
    const error = await read;
    assert.ok(error instanceof SessionEndedError);
    assert.equal(error.reason, 'media-error');
    await gone(negotiation, stream);
  });

  it('waits for a promised checksum, but not for ever', async () => {
    const { download, negotiation, accept, send } = await downloading(
      `${SIZE}<hash-used xmlns='${NS.hashes2}' algo='sha-256'/>`,
    );
    await send('session-accept', accept);
    const stream = await streamOf(negotiation);
    stream.end(BYTES);
    let ended = false;
    const read = bytesOf(download.stream).then((bytes) => {
      ended = true;
      return bytes;
    });
    await pair.until(() => stream.writableFinished);
    await settle();
    await pair.clock.advance(WAIT.checksumMs - 1);
    assert.equal(ended, false);
    await pair.clock.advance(1);
    assert.deepEqual(await read, BYTES);
    await download.finish('success');
    await gone(negotiation, stream);
  });

  it('does not wait for a checksum that nobody promised, as Dino never does', async () => {
    const { download, negotiation, accept, send } = await downloading(SIZE);
    await send('session-accept', accept);
    const stream = await streamOf(negotiation);
    stream.end(BYTES);
    assert.deepEqual(await bytesOf(download.stream), BYTES);
    await download.finish('success');
    await gone(negotiation, stream);
  });

  it('counts a receiver’s <received/> and the end of its stream as done, when it never says more', async () => {
    for (const hint of ['received', 'stream']) {
      const s5b = await requested();
      const stream = await streamOf(s5b);
      assert.deepEqual(await bytesOf(stream), BYTES);
      await peer.next('session-info');
      if (hint === 'received') {
        const received = `<received xmlns='${NS.fileTransfer5}' creator='initiator' name='c'/>`;
        assert.equal(await peer.send('session-info', 's', received), 'acked');
      } else stream.end();
      await settle();
      await pair.clock.advance(WAIT.closeMs);
      assert.equal((await peer.next('session-terminate')).reason?.condition, 'success');
      await gone(s5b, stream);
      if (hint === 'received') {
        await pair.close();
        await peer.stop();
      }
    }
  });

  it('hears a transport-info before the acceptance, and one that comes too late', async () => {
    const { download, negotiation, accept, send } = await downloading(SIZE + HASH);
    const info = inContent(xml('transport', { xmlns: NS.s5b, sid: 'any' }), 'file');
    assert.equal(await send('transport-info', info), 'acked');
    pair.bytestreams.failing.add('s5b');
    await send('session-accept', accept);
    await peer.next('transport-replace');
    assert.equal(await send('transport-info', info), 'acked');
    void download.finish('cancel');
    await gone(negotiation);
  });
});
