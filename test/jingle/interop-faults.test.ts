/** What real clients do though the specifications say otherwise, one test for each fault that is known. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { FileDownload, FileUpload } from '../../src/jingle/file-session.js';
import { defaultJingleTimeouts } from '../../src/jingle/timeouts.js';
import { NS } from '../../src/stanza/namespaces.js';
import type { Content, Jingle } from '../../src/stanza/xep0166-jingle.js';
import type { Element } from '../../src/stanza/xml.js';
import type { TransportNegotiation } from '../../src/transport/transport.js';
import { bytesOf, JinglePair, NODE } from '../support/jingle-pair.js';
import { MemoryTransport } from '../support/memory-transport.js';
import { RawJinglePeer } from '../support/raw-jingle-peer.js';
import { settle } from '../support/virtual-clock.js';

const BYTES = randomBytes(300_000);
const WAIT = defaultJingleTimeouts;
const FILE = `<name>x</name>\n <size>${BYTES.length}</size>`;

describe('Known faults of other clients', () => {
  let pair: JinglePair;
  let peer: RawJinglePeer;
  let downloads: FileDownload[];

  beforeEach(async () => {
    downloads = [];
    pair = await JinglePair.open({
      engine: { onFileOffer: async () => ({ take: (download) => downloads.push(download) }) },
    });
    pair.files.offer('a', BYTES);
    peer = await RawJinglePeer.online(pair.net, 'peer@example.org/client', NODE);
  });
  afterEach(async () => {
    await pair.close();
    await peer.stop();
  });

  const transportIn = (type: 's5b' | 'ibb') => new MemoryTransport({ type, bytestreams: pair.bytestreams });
  const context = (role: 'initiator' | 'responder') => ({
    self: peer.entity.jid,
    peer: NODE,
    role,
    sendInfo: async () => undefined,
  });
  const described = (file: string) =>
    `<description xmlns='${NS.fileTransfer5}'><file>${file}</file></description>`;
  const contentWith = (inside: string, name: string, senders: string) =>
    `<content creator='initiator' name='${name}' senders='${senders}'>${inside}</content>`;

  function transportOf(jingle: Jingle): Element {
    const contents: readonly Partial<Content>[] = 'contents' in jingle ? jingle.contents : [];
    const transport = contents[0]?.transport;
    assert.ok(transport);
    return transport;
  }

  /** The node offers `a`; the client hears of it. */
  async function offered() {
    const entry = pair.files.catalogue.get('share/a' as Parameters<typeof pair.files.catalogue.get>[0]);
    assert.ok(entry);
    const source = await pair.server.source(entry, peer.entity.jid, new AbortController().signal);
    const upload: FileUpload = pair.serving.offer({ peer: peer.entity.jid, source });
    const initiate = await peer.next('session-initiate');
    const negotiation = transportIn('s5b').answer(context('responder'), transportOf(initiate));
    const accept = async (senders = 'initiator', file = FILE) =>
      await peer.send(
        'session-accept',
        initiate.sid,
        contentWith(`\n${described(file)}\n${String(await negotiation.describe())}\n`, 'file', senders),
      );
    return { upload, sid: initiate.sid, negotiation, accept };
  }

  /** The client offers a file; the node has taken it. */
  async function offering() {
    const negotiation = transportIn('s5b').offer(context('initiator'));
    const inside = `${described(FILE)}${String(await negotiation.describe())}`;
    assert.equal(await peer.send('session-initiate', 's', contentWith(inside, 'c', 'initiator')), 'acked');
    negotiation.remote(transportOf(await peer.next('session-accept')));
    const download = downloads[0];
    assert.ok(download);
    return { negotiation, download };
  }

  async function gone(...negotiations: TransportNegotiation[]): Promise<void> {
    for (const negotiation of negotiations) negotiation.close();
    for (const stream of pair.bytestreams.streams) stream.destroy();
    await pair.ended();
  }

  it('Gajim: senders=both in its answer, no range, no session-terminate after receiving', async () => {
    const { upload, negotiation, accept } = await offered();
    assert.equal(await accept('both', `<name>x</name><size>${BYTES.length}</size><desc/>`), 'acked');
    const stream = await negotiation.connect();
    assert.deepEqual(await bytesOf(stream), BYTES);
    await pair.clock.advance(WAIT.finishMs);
    assert.equal((await upload.done).type, 'success');
    await gone(negotiation);
  });

  it('Psi: white space between elements, <received/>, then session-terminate', async () => {
    const { upload, sid, negotiation, accept } = await offered();
    assert.equal(await accept(), 'acked');
    const stream = await negotiation.connect();
    assert.deepEqual(await bytesOf(stream), BYTES);
    const received = `\n<received xmlns='${NS.fileTransfer5}' creator='initiator' name='file' />\n`;
    assert.equal(await peer.send('session-info', sid, received), 'acked');
    assert.equal(await peer.send('session-terminate', sid, '\n<reason>\n<success />\n</reason>\n'), 'acked');
    assert.equal((await upload.done).type, 'success');
    await gone(negotiation);
  });

  it('Psi: content-remove of the only content when SOCKS5 fails, and no session-terminate', async () => {
    const { negotiation, download } = await offering();
    const remove = "<content creator='initiator' name='c'/><reason><failed-transport/></reason>";
    assert.equal(await peer.send('content-remove', 's', remove), 'acked');
    assert.equal((await peer.next('session-terminate')).reason?.condition, 'failed-transport');
    await assert.rejects(bytesOf(download.stream), { code: 'session-ended', reason: 'failed-transport' });
    await gone(negotiation);
  });

  it('Dino: ends with <failed_transport/> when both sides sent candidate-error', async () => {
    const { negotiation, download } = await offering();
    const reason = '<reason><failed_transport/><text>Exception has been thrown</text></reason>';
    assert.equal(await peer.send('session-terminate', 's', reason), 'acked');
    await assert.rejects(bytesOf(download.stream), { code: 'session-ended', reason: 'failed-transport' });
    await gone(negotiation);
  });

  it('Dino: as sender never ends the session, so that the receiver must', async () => {
    const { negotiation, download } = await offering();
    const stream = await negotiation.connect();
    stream.end(BYTES);
    const read = bytesOf(download.stream);
    await pair.until(() => stream.writableFinished);
    // Neither does it give a checksum.
    await pair.clock.advance(WAIT.checksumMs);
    assert.deepEqual(await read, BYTES);
    await download.finish('success');
    assert.equal((await peer.next('session-terminate')).reason?.condition, 'success');
    await gone(negotiation);
  });

  it('an initiator that never falls back: we propose the next transport ourselves', async () => {
    const { negotiation, download } = await offering();
    pair.bytestreams.failing.add('s5b');
    await pair.clock.advance(WAIT.connectMs);
    await pair.clock.advance(WAIT.fallbackMs);
    const replace = await peer.next('transport-replace');
    const ibb = transportIn('ibb').answer(context('initiator'), transportOf(replace));
    await peer.send('transport-accept', 's', contentWith(String(await ibb.describe()), 'c', 'initiator'));
    const stream = await ibb.connect();
    stream.end(BYTES);
    const read = bytesOf(download.stream);
    await pair.until(() => stream.writableFinished);
    await pair.clock.advance(WAIT.checksumMs);
    assert.deepEqual(await read, BYTES);
    await download.finish('success');
    await gone(negotiation, ibb);
  });

  it('SOCKS5 details in answer to an in-band offer: that transport has failed, and was the last', async () => {
    const { upload, sid, negotiation, accept } = await offered();
    pair.bytestreams.failing.add('s5b');
    await accept();
    await peer.next('transport-replace');
    const wrong = `<transport xmlns='${NS.s5b}' sid='t'/>`;
    assert.equal(await peer.send('transport-accept', sid, contentWith(wrong, 'file', 'initiator')), 'acked');
    assert.equal((await peer.next('session-terminate')).reason?.condition, 'failed-transport');
    assert.equal((await upload.done).type, 'failed');
    await gone(negotiation);
  });

  it('transport-replace answered with session-accept', async () => {
    const { upload, sid, negotiation, accept } = await offered();
    pair.bytestreams.failing.add('s5b');
    await accept();
    const replace = await peer.next('transport-replace');
    const ibb = transportIn('ibb').answer(context('responder'), transportOf(replace));
    const answer = contentWith(described(FILE) + String(await ibb.describe()), 'file', 'initiator');
    assert.equal(await peer.send('session-accept', sid, answer), 'acked');
    const stream = await ibb.connect();
    assert.deepEqual(await bytesOf(stream), BYTES);
    await peer.send('session-terminate', sid, '<reason><success/></reason>');
    assert.equal((await upload.done).type, 'success');
    await gone(negotiation, ibb);
  });

  it('a receiver that ends with success before our last write is done', async () => {
    const { upload, sid, negotiation, accept } = await offered();
    await accept();
    const stream = await negotiation.connect();
    let received = 0;
    stream.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received === BYTES.length) void peer.send('session-terminate', sid, '<reason><success/></reason>');
    });
    assert.deepEqual(await upload.done, { type: 'success', bytes: BYTES.length });
    await gone(negotiation);
  });

  it('a session-terminate without a reason behind the last byte', async () => {
    const { negotiation, download } = await offering();
    const stream = await negotiation.connect();
    stream.end(BYTES);
    const read = bytesOf(download.stream);
    await pair.until(() => stream.writableFinished);
    assert.equal(await peer.send('session-terminate', 's'), 'acked');
    assert.deepEqual(await read, BYTES);
    await download.finish('success');
    await gone(negotiation);
  });

  describe('a peer that is said to be offline', () => {
    it('has ended its sessions, unless something is heard of it', async () => {
      const { negotiation, download } = await offering();
      const failed = bytesOf(download.stream).catch((error: unknown) => error);
      pair.serving.peerGone(peer.entity.jid);
      await pair.clock.advance(WAIT.goneMs / 2);
      assert.equal(await peer.send('session-info', 's'), 'acked');
      await pair.clock.advance(WAIT.goneMs);
      assert.deepEqual(peer.inbox, []);
      pair.serving.peerGone(peer.entity.jid);
      await pair.clock.advance(WAIT.goneMs);
      assert.equal((await peer.next('session-terminate')).reason?.condition, 'gone');
      assert.equal(((await failed) as { condition?: string }).condition, 'gone');
      await gone(negotiation);
    });

    it('goes on while its bytes come', async () => {
      const { negotiation, download } = await offering();
      const stream = await negotiation.connect();
      download.stream.resume();
      await settle();
      pair.serving.peerGone(peer.entity.jid);
      stream.write(BYTES.subarray(0, 1000));
      await settle();
      await pair.clock.advance(WAIT.goneMs);
      assert.deepEqual(peer.inbox, []);
      await peer.send('session-terminate', 's', '<reason><cancel/></reason>');
      await gone(negotiation);
    });
  });
});
