/** Both sides of the SOCKS5 handshake: byte by byte, split anywhere, and against garbage. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Duplex, duplexPair } from 'node:stream';
import fc from 'fast-check';
import { AbortedError, ParseError, TimeoutError } from '../../src/errors.js';
import {
  connectSocks5,
  type SocksClientState,
  socksClientMachine,
} from '../../src/transport/socks5-client.js';
import {
  acceptSocks5,
  type SocksServerState,
  socksServerMachine,
} from '../../src/transport/socks5-server.js';
import { connectRequest, greeting } from '../../src/transport/socks5-wire.js';
import { TransportFailedError } from '../../src/transport/transport.js';
import { describeTable } from '../support/machine-table.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const DSTADDR = '972b7bf47291ca609517f67f86b5081086052dad';
const HELLO = Buffer.from('050100', 'hex');
const REQUEST = Buffer.concat([
  Buffer.from('0501000328', 'hex'),
  Buffer.from(DSTADDR),
  Buffer.from('0000', 'hex'),
]);
const ACCEPTED = Buffer.concat([
  Buffer.from('0500000328', 'hex'),
  Buffer.from(DSTADDR),
  Buffer.from('0000', 'hex'),
]);

const nothing = Buffer.alloc(0);
const request = { command: 1, address: { raw: REQUEST.subarray(3), domain: DSTADDR } };
const serverStates: readonly SocksServerState[] = [
  { type: 'greeting', bytes: nothing },
  { type: 'request', bytes: nothing },
  { type: 'routing', request },
  { type: 'accepted' },
  { type: 'refused' },
];
const clientStates: readonly SocksClientState[] = [
  { type: 'method', dstaddr: DSTADDR, bytes: nothing },
  { type: 'reply', bytes: nothing },
  { type: 'connected' },
  { type: 'refused' },
];

describeTable(
  socksServerMachine,
  {
    states: serverStates,
    events: [{ type: 'bytes', bytes: Buffer.from([5]) }, { type: 'expected' }, { type: 'unexpected' }],
  },
  {
    greeting: { bytes: 'greeting' },
    request: { bytes: 'request' },
    routing: { expected: 'accepted write', unexpected: 'refused write refused' },
  },
);
describeTable(
  socksClientMachine,
  { states: clientStates, events: [{ type: 'bytes', bytes: Buffer.from([5]) }] },
  { method: { bytes: 'method' }, reply: { bytes: 'reply' } },
);

describe('SOCKS5', () => {
  let clock: VirtualClock;
  let client: Duplex;
  let server: Duplex;

  beforeEach(() => {
    clock = new VirtualClock();
    [client, server] = duplexPair();
    client.on('error', () => undefined);
    server.on('error', () => undefined);
  });

  afterEach(() => {
    client.destroy();
    server.destroy();
    assert.equal(clock.pendingTimers, 0);
  });

  const limits = (signal?: AbortSignal) => ({ clock, timeoutMs: 1000, signal });
  const accept = (known = DSTADDR) =>
    acceptSocks5(server, (dstaddr) => (dstaddr === known ? 'taker' : undefined), limits());

  async function received(stream: Duplex, bytes: number): Promise<Buffer> {
    let got: Buffer | null = stream.read(bytes);
    while (got === null) {
      await once(stream, 'readable');
      got = stream.read(bytes);
    }
    return got;
  }

  it('speaks the bytes of XEP-0065 §10.2', async () => {
    assert.deepEqual(greeting(), HELLO);
    assert.deepEqual(connectRequest(DSTADDR), REQUEST);
    const accepting = accept();
    client.write(HELLO);
    assert.deepEqual(await received(client, 2), Buffer.from('0500', 'hex'));
    client.write(REQUEST);
    assert.equal(await accepting, 'taker');
    assert.deepEqual(await received(client, ACCEPTED.length), ACCEPTED);
  });

  it('connects one side to the other', async () => {
    await Promise.all([accept(), connectSocks5(client, DSTADDR, limits())]);
    client.write('there');
    server.write('back');
    assert.equal((await received(server, 5)).toString(), 'there');
    assert.equal((await received(client, 4)).toString(), 'back');
  });

  it('takes a name in capitals for the same', async () => {
    const accepting = accept();
    client.write(Buffer.concat([HELLO, Buffer.from(REQUEST.toString('latin1').toUpperCase(), 'latin1')]));
    assert.equal(await accepting, 'taker');
  });

  it('loses nothing that comes right behind the handshake, wherever it is split', async () => {
    const whole = Buffer.concat([HELLO, REQUEST, Buffer.from('first bytes of the file')]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 80 }), async (sizes) => {
        const [peer, ours] = duplexPair();
        const accepting = acceptSocks5(ours, () => 'taker', limits());
        let at = 0;
        for (const size of [...sizes, whole.length]) {
          if (at >= whole.length) break;
          peer.write(whole.subarray(at, at + size));
          at += size;
          await settle();
        }
        peer.end();
        assert.equal(await accepting, 'taker');
        assert.equal((await readToEnd(ours)).toString(), 'first bytes of the file');
        peer.destroy();
        ours.destroy();
      }),
      { numRuns: 30 },
    );
  });

  it('leaves the end of a stream without data for its reader', async () => {
    const accepting = accept();
    client.end(Buffer.concat([HELLO, REQUEST]));
    await accepting;
    await settle();
    const ended = once(server, 'end');
    server.resume();
    await ended;
  });

  it('never fails on garbage in another way than by saying so', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 600 }),
        fc.boolean(),
        async (garbage, polite) => {
          const [peer, ours] = duplexPair();
          const accepting = acceptSocks5(ours, () => undefined, limits());
          peer.end(Buffer.concat([polite ? HELLO : nothing, Buffer.from(garbage)]));
          await assert.rejects(
            accepting,
            (error) => error instanceof ParseError || error instanceof TransportFailedError,
          );
          ours.destroy();
          peer.destroy();
        },
      ),
    );
  });

  const refusals: [string, string, string | undefined][] = [
    ['a client that wants to authenticate', '050102', '05ff'],
    ['BIND', '0501000502000100000000ffff', '05000507000100000000ffff'],
    ['an IPv4 address', '05010005010001c0000201ffff', '05000508 0001c0000201ffff'.replace(' ', '')],
    ['a name that is no hash', '050100050100030161 0000'.replace(' ', ''), '05000502000301610000'],
    ['SOCKS4', '0401', undefined],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n').toString('hex'), undefined],
    ['no method at all', '0500', undefined],
    ['an unknown address type', '05010005010009', '0500'],
  ];
  for (const [what, hex, answer] of refusals) {
    it(`refuses ${what}`, async () => {
      const accepting = accept();
      client.write(Buffer.from(hex, 'hex'));
      await assert.rejects(
        accepting,
        (error) => error instanceof ParseError || error instanceof TransportFailedError,
      );
      await settle();
      const got: Buffer | null = client.read();
      assert.equal(got?.toString('hex'), answer);
    });
  }

  it('refuses a hash that nobody expects', async () => {
    const accepting = accept('0000000000000000000000000000000000000000');
    const connecting = connectSocks5(client, DSTADDR, limits());
    await assert.rejects(accepting, TransportFailedError);
    await assert.rejects(connecting, TransportFailedError);
  });

  it('takes at most its time from a client that sends a byte now and then', async () => {
    const accepting = accept();
    const rejected = assert.rejects(accepting, TimeoutError);
    for (const byte of [...HELLO, ...REQUEST.subarray(0, 20)]) {
      client.write(Buffer.from([byte]));
      await clock.advance(100);
    }
    await rejected;
  });

  it('ends when the stream does, and when its owner says so', async () => {
    const accepting = accept();
    client.end(Buffer.from([5]));
    await assert.rejects(accepting, TransportFailedError);

    const abort = new AbortController();
    const [, other] = duplexPair();
    const connecting = connectSocks5(other, DSTADDR, limits(abort.signal));
    abort.abort();
    await assert.rejects(connecting, AbortedError);
  });

  for (const [what, hex] of [
    ['wants authentication', '0502'],
    ['refuses', '050005050001000000000000'],
    ['speaks HTTP', Buffer.from('HTTP/1.1 400 Bad Request').toString('hex')],
  ] as const) {
    it(`fails at a streamhost that ${what}`, async () => {
      const connecting = connectSocks5(client, DSTADDR, limits());
      server.write(Buffer.from(hex, 'hex'));
      await assert.rejects(
        connecting,
        (error) => error instanceof ParseError || error instanceof TransportFailedError,
      );
    });
  }

  it('accepts a streamhost that names its own address', async () => {
    const connecting = connectSocks5(client, DSTADDR, limits());
    server.write(Buffer.from('05000500000420010db80000000000000000000000011f90', 'hex'));
    server.write('data');
    await connecting;
    assert.equal((await received(client, 4)).toString(), 'data');
  });
});

async function readToEnd(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
