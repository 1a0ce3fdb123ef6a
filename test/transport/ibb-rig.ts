/** One side of in-band bytestreams that is ours, and a peer that the test plays, stanza by stanza. */
import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import type { Entity } from '../../src/entity/entity.js';
import { silentLog } from '../../src/log.js';
import { type Jid, parseJid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import { StanzaError, type StanzaErrorCondition } from '../../src/stanza/stanza-error.js';
import { type IbbData, type IbbStanza, ibbDataCodec, ibbOpenCodec } from '../../src/stanza/xep0047-ibb.js';
import { jingleIbbAnswerCodec, jingleIbbOfferCodec } from '../../src/stanza/xep0261-jingle-ibb.js';
import type { Element } from '../../src/stanza/xml.js';
import { IbbTransport } from '../../src/transport/ibb-transport.js';
import { defaultIbbLimits } from '../../src/transport/limits.js';
import type { TransportNegotiation } from '../../src/transport/transport.js';
import { elementOf } from '../support/codec-fixtures.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

export const romeo = parseJid('romeo.example');
export const juliet = parseJid('juliet.example');
/** What we agree to; small, so that a test can write out its blocks. */
export const BLOCK = 16;
export const noInfo = { self: romeo, peer: juliet, sendInfo: () => Promise.resolve() };

export class IbbRig {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork({ clock: this.clock });
  readonly ours: Entity = this.network.component(romeo);
  readonly peer: Entity = this.network.component(juliet);
  /** As our own entity, but a test may take it offline for a while, as a session whose line broke and comes back. */
  readonly suspendable = new Suspendable(this.ours);
  readonly transport = new IbbTransport(
    { entity: this.suspendable, clock: this.clock, log: silentLog },
    { ...defaultIbbLimits, blockSize: BLOCK, window: 3, maxUnreadBytes: 400_000 },
  );
  /** Destroyed at the end of the test. */
  readonly streams: Duplex[] = [];
  /** What the peer got, and how it answers. */
  readonly got: IbbData[] = [];
  readonly opens: number[] = [];
  closes = 0;
  onData: (data: IbbData) => Promise<undefined> | undefined = () => undefined;
  onOpen: () => undefined = () => undefined;

  async start(): Promise<void> {
    await this.ours.start();
    await this.peer.start();
    await this.transport.start();
    this.peer.handleIq('set', 'open', NS.ibb, (iq) => {
      this.opens.push(ibbOpenCodec.fromXml(iq.payload).blockSize);
      return this.onOpen();
    });
    this.peer.handleIq('set', 'data', NS.ibb, (iq) => {
      const data = ibbDataCodec.fromXml(iq.payload);
      this.got.push(data);
      return this.onData(data);
    });
    this.peer.handleIq('set', 'close', NS.ibb, () => {
      this.closes += 1;
      return undefined;
    });
  }

  async stop(): Promise<void> {
    for (const stream of this.streams) stream.destroy();
    await settle();
    await this.transport.stop();
    await this.ours.stop();
    await this.peer.stop();
    await settle();
    assert.equal(this.clock.pendingTimers, 0, 'timers are left');
  }

  /** Our negotiation of what the peer offers. */
  accepted(offer: { sid: string; blockSize: number; stanza?: IbbStanza }): TransportNegotiation {
    const element = jingleIbbOfferCodec.toXml({ stanza: 'iq', ...offer });
    return this.transport.answer({ ...noInfo, role: 'responder' }, element);
  }

  /** A stream of ours that the peer has opened, with sid `s`. */
  async openedByPeer(blockSize = BLOCK): Promise<Duplex> {
    const negotiation = this.accepted({ sid: 's', blockSize });
    await negotiation.describe();
    const connecting = negotiation.connect();
    await this.ask(ibbOpenCodec.toXml({ sid: 's', blockSize, stanza: 'iq' }));
    const stream = await connecting;
    this.streams.push(stream);
    return stream;
  }

  /** A stream of ours that we opened. */
  async openedByUs(): Promise<{ stream: Duplex; sid: string; negotiation: TransportNegotiation }> {
    const negotiation = this.transport.offer({ ...noInfo, role: 'initiator' });
    const { sid } = jingleIbbOfferCodec.fromXml(await negotiation.describe());
    negotiation.remote(jingleIbbAnswerCodec.toXml({ sid, blockSize: BLOCK, stanza: 'iq' }));
    const stream = await negotiation.connect();
    this.streams.push(stream);
    return { stream, sid, negotiation };
  }

  /** Sends an iq set to us. */
  ask(payload: Element, from: Jid = juliet): Promise<Element> {
    return this.peer.request({ to: romeo, from, type: 'set', payload });
  }
}

export function data(seq: number, text = `block ${seq}.`, sid = 's'): Element {
  return ibbDataCodec.toXml({ sid, seq, bytes: Buffer.from(text) });
}

/** `<data/>` that no codec would write. */
export function rawData(seq: string, text: string): Element {
  return elementOf(`<data xmlns='${NS.ibb}' sid='s' seq='${seq}'>${text}</data>`);
}

export async function assertRefused(
  answer: Promise<Element>,
  condition: StanzaErrorCondition,
  type = 'cancel',
): Promise<void> {
  await assert.rejects(answer, (error) => {
    assert.ok(error instanceof StanzaError, String(error));
    assert.deepEqual([error.condition, error.type], [condition, type]);
    return true;
  });
}

/** Resolves with the error that ends the stream, once it has ended. */
export async function failure(stream: Duplex): Promise<Error | undefined> {
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
  return stream.errored ?? undefined;
}

/** An entity whose line is away for a while (XEP-0198): what is sent meanwhile goes out when it is back, in order. */
class Suspendable {
  #kept: (() => void)[] | undefined;
  readonly request: Entity['request'];
  readonly send: Entity['send'];
  readonly handleIq: Entity['handleIq'];
  readonly handleMessage: Entity['handleMessage'];
  readonly onEvent: Entity['onEvent'];

  constructor(entity: Entity) {
    const whenBack = (work: () => void) => (this.#kept ? this.#kept.push(work) : work());
    this.request = (request) =>
      new Promise((resolve, reject) => whenBack(() => entity.request(request).then(resolve, reject)));
    // What waited for a session that is not resumed is lost, and nobody hears of it.
    const isLost = () => this.#kept === undefined && !entity.online;
    this.send = (stanza) =>
      this.#kept === undefined ? entity.send(stanza) : whenBack(() => !isLost() && entity.send(stanza));
    this.handleIq = (...handler) => entity.handleIq(...handler);
    this.handleMessage = (...handler) => entity.handleMessage(...handler);
    this.onEvent = (listener) => entity.onEvent(listener);
  }

  suspend(): void {
    this.#kept ??= [];
  }

  resume(): void {
    const kept = this.#kept ?? [];
    this.#kept = undefined;
    for (const work of kept) work();
  }
}
