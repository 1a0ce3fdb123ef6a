/** SOCKS5 against peers that send anything, in pieces of any size, and stop anywhere. */
import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import fc from 'fast-check';
import { ShoalError } from '../../src/errors.js';
import { connectSocks5 } from '../../src/transport/socks5-client.js';
import { acceptSocks5 } from '../../src/transport/socks5-server.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const DSTADDR = '972b7bf47291ca609517f67f86b5081086052dad';
const TIMEOUT_MS = 1000;

const domain = (length: number, name: string) => [3, length, ...Buffer.from(name), 0, 0];
/** What a client says, and a server. */
const CLIENT = Buffer.from([5, 1, 0, 5, 1, 0, ...domain(40, DSTADDR)]);
const SERVER = Buffer.from([5, 0, 5, 0, 0, ...domain(40, DSTADDR)]);

/** Something like `valid`: whole, cut, with bytes changed, or nothing like it. */
function almost(valid: Buffer): fc.Arbitrary<Buffer> {
  const change = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
  const changed = fc.array(change, { maxLength: 3 }).map((changes) => {
    const bytes = Buffer.from(valid);
    for (const [at, byte] of changes) bytes[at] = byte;
    return bytes;
  });
  const cut = fc.tuple(changed, fc.nat(valid.length)).map(([bytes, end]) => bytes.subarray(0, end));
  const noise = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof(changed, cut, noise);
}

const pieces = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 20 });
const after = fc.constantFrom<'silence' | 'end' | 'destroy'>('silence', 'end', 'destroy');

function* inPieces(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

describe('SOCKS5, fuzzed', () => {
  for (const [side, valid, run] of [
    [
      'a streamhost',
      CLIENT,
      (stream: Duplex, clock: VirtualClock) =>
        acceptSocks5(stream, (dstaddr) => (dstaddr === DSTADDR ? 'ours' : undefined), {
          clock,
          timeoutMs: TIMEOUT_MS,
        }),
    ],
    [
      'a client',
      SERVER,
      (stream: Duplex, clock: VirtualClock) =>
        connectSocks5(stream, DSTADDR, { clock, timeoutMs: TIMEOUT_MS }),
    ],
  ] as const) {
    it(`always comes to an end as ${side}, with a stream or an error of ours, and leaves nothing`, async () => {
      await fc.assert(
        fc.asyncProperty(almost(valid), pieces, after, async (bytes, sizes, ending) => {
          const clock = new VirtualClock();
          const [ours, theirs] = duplexPair();
          for (const stream of [ours, theirs]) stream.on('error', () => undefined);
          theirs.resume();
          let outcome: unknown;
          const done = run(ours, clock).then(
            () => {
              outcome = 'stream';
            },
            (error: unknown) => {
              outcome = error;
            },
          );
          for (const piece of inPieces(bytes, sizes)) {
            theirs.write(piece);
            if (piece.length % 3 === 0) await settle();
          }
          if (ending === 'end') theirs.end();
          if (ending === 'destroy') theirs.destroy();
          await clock.advance(TIMEOUT_MS);
          await done;
          assert.ok(outcome === 'stream' || outcome instanceof ShoalError, String(outcome));
          assert.equal(clock.pendingTimers, 0);
          for (const event of ['readable', 'end', 'close']) {
            // What the pair itself listens for is there before and after.
            assert.ok(ours.listenerCount(event) <= 1, event);
          }
          ours.destroy();
          theirs.destroy();
        }),
        { numRuns: 300 },
      );
    });
  }

  it('leaves what comes behind the handshake to whoever has the stream, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.uint8Array({ maxLength: 300 }), async (sizes, payload) => {
        const clock = new VirtualClock();
        const [ours, theirs] = duplexPair();
        theirs.resume();
        const accepted = acceptSocks5(ours, () => 'ours', { clock, timeoutMs: TIMEOUT_MS });
        for (const piece of inPieces(Buffer.concat([CLIENT, payload]), sizes)) theirs.write(piece);
        theirs.end();
        await accepted;
        const got: Buffer[] = [];
        for await (const chunk of ours) got.push(chunk as Buffer);
        assert.deepEqual(Buffer.concat(got), Buffer.from(payload));
        assert.equal(clock.pendingTimers, 0);
      }),
      { numRuns: 100 },
    );
  });
});
