/** What every transport has to do, whatever carries the bytes. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { AbortedError } from '../../src/errors.js';
import type { TransportNegotiation } from '../../src/transport/transport.js';
import { connectBoth, describeBoth, type TransportSide } from './negotiate.js';

export interface TransportRig {
  readonly initiator: TransportSide;
  readonly responder: TransportSide;
  /** Timers that wait, of both sides. */
  pendingTimers(): number;
  /** Breaks what carries the responder's bytes, as a crash of its machine's network would. */
  cutResponder(stream: Duplex): void;
  stop(): Promise<void>;
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Waits until `condition` holds; the test's own time limit ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Resolves at 'close', also where an error came before it. */
function closed(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) resolve();
    else stream.once('close', () => resolve());
  });
}

/** Writes until `stream` takes no more, or has taken `maxBytes`. Resolves with what was written. */
async function writeUntilFull(stream: Duplex, maxBytes: number): Promise<number> {
  const chunk = Buffer.alloc(65_536);
  let written = 0;
  let turnsWaited = 0;
  while (written < maxBytes && turnsWaited < 200) {
    if (stream.writableNeedDrain) {
      turnsWaited += 1;
      await new Promise((resolve) => setImmediate(resolve));
    } else {
      turnsWaited = 0;
      stream.write(chunk);
      written += chunk.length;
    }
  }
  return written;
}

export function describeTransport(name: string, makeRig: () => Promise<TransportRig>): void {
  describe(`${name}: transport compliance`, () => {
    let rig: TransportRig;
    let streams: Duplex[];
    let negotiations: TransportNegotiation[];

    beforeEach(async () => {
      rig = await makeRig();
      streams = [];
      negotiations = [];
    });

    afterEach(async () => {
      for (const negotiation of negotiations) negotiation.close();
      for (const stream of streams) stream.destroy();
      await rig.stop();
      assert.equal(rig.pendingTimers(), 0, 'timers are left');
    });

    /** Both ends of a new stream, the initiator's first. */
    async function open(): Promise<[Duplex, Duplex]> {
      const negotiated = await describeBoth(rig.initiator, rig.responder);
      negotiations.push(negotiated.offerer, negotiated.answerer);
      const pair = await connectBoth(negotiated);
      streams.push(...pair);
      return pair;
    }

    for (const bytes of [0, 1, 4095, 4096, 4097, 300_000]) {
      it(`carries ${bytes} bytes from initiator to responder`, async () => {
        const [initiator, responder] = await open();
        const sent = randomBytes(bytes);
        initiator.end(sent);
        assert.equal(digest(await readAll(responder)), digest(sent));
      });

      it(`carries ${bytes} bytes from responder to initiator`, async () => {
        const [initiator, responder] = await open();
        const sent = randomBytes(bytes);
        responder.end(sent);
        assert.equal(digest(await readAll(initiator)), digest(sent));
      });
    }

    it('carries both directions at once', async () => {
      const [initiator, responder] = await open();
      const there = randomBytes(100_000);
      const back = randomBytes(90_000);
      initiator.write(there);
      responder.write(back);
      const [gotThere, gotBack] = await Promise.all([
        readExactly(responder, there.length),
        readExactly(initiator, back.length),
      ]);
      assert.equal(digest(gotThere), digest(there));
      assert.equal(digest(gotBack), digest(back));
      // Both end at the same time.
      initiator.end();
      responder.end();
      assert.equal((await readAll(responder)).length, 0);
      assert.equal((await readAll(initiator)).length, 0);
    });

    it('goes on in the other direction when one side has ended', async () => {
      const [initiator, responder] = await open();
      initiator.end('question');
      assert.equal((await readAll(responder)).toString(), 'question');
      responder.write('ans');
      responder.end('wer');
      assert.equal((await readAll(initiator)).toString(), 'answer');
    });

    it('finishes at the sender although the receiver only reads', async () => {
      const [initiator, responder] = await open();
      responder.end(randomBytes(50_000));
      await Promise.all([finished(responder, { readable: false }), readAll(initiator)]);
    });

    it('slows the sender down when nobody reads', async () => {
      const [initiator, responder] = await open();
      const plenty = 67_108_864; // kernel buffers are smaller
      const written = await writeUntilFull(responder, plenty);
      assert.ok(written < plenty, 'everything was taken at once');
      responder.end();
      assert.equal((await readAll(initiator)).length, written);
    });

    it('tells the other side when a stream is destroyed', async () => {
      const [initiator, responder] = await open();
      initiator.write('begun');
      assert.equal((await readExactly(responder, 5)).toString(), 'begun');
      initiator.destroy();
      responder.resume();
      await Promise.race([once(responder, 'end'), closed(responder)]);
    });

    it('fails when the peer is gone', async () => {
      const [initiator, responder] = await open();
      initiator.write('begun');
      assert.equal((await readExactly(responder, 5)).toString(), 'begun');
      rig.cutResponder(responder);
      const writing = setInterval(() => initiator.write('more'), 5);
      try {
        initiator.resume();
        await closed(initiator);
      } finally {
        clearInterval(writing);
      }
    });

    it('lets many streams live side by side', async () => {
      const pairs = await Promise.all([open(), open(), open(), open()]);
      await Promise.all(
        pairs.map(async ([initiator, responder], index) => {
          const sent = randomBytes(20_000 + index);
          responder.end(sent);
          assert.equal(digest(await readAll(initiator)), digest(sent));
        }),
      );
    });

    it('ends with AbortedError when it is closed before it connects', async () => {
      const { offerer, answerer } = await describeBoth(rig.initiator, rig.responder);
      const waiting = assert.rejects(offerer.connect(), AbortedError);
      offerer.close();
      answerer.close();
      answerer.close();
      await waiting;
      await assert.rejects(answerer.connect(), AbortedError);
    });

    it('leaves a stream that was handed out alone when it is closed', async () => {
      const negotiated = await describeBoth(rig.initiator, rig.responder);
      const [initiator, responder] = await connectBoth(negotiated);
      streams.push(initiator, responder);
      negotiated.offerer.close();
      negotiated.answerer.close();
      initiator.end('still here');
      assert.equal((await readAll(responder)).toString(), 'still here');
    });

    it('can be given up at every stage', async () => {
      const { initiator, responder } = rig;
      const context = { self: initiator.jid, peer: responder.jid, sendInfo: () => Promise.resolve() };
      const untouched = initiator.transport.offer({ ...context, role: 'initiator' });
      untouched.close();
      const described = initiator.transport.offer({ ...context, role: 'initiator' });
      await described.describe();
      described.close();
    });
  });
}

async function readExactly(stream: Duplex, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let missing = bytes;
  while (missing > 0) {
    const chunk: Buffer | null = stream.read(Math.min(missing, stream.readableLength || 1));
    if (chunk === null) {
      await once(stream, 'readable');
      continue;
    }
    chunks.push(chunk);
    missing -= chunk.length;
  }
  return Buffer.concat(chunks);
}
