/** The listener and the connector on real sockets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AbortedError } from '../../src/errors.js';
import { silentLog } from '../../src/log.js';
import { defaultListenerLimits } from '../../src/transport/limits.js';
import { ListenError, S5bListener, type S5bListenerInit } from '../../src/transport/s5b-listener.js';
import { connectSocks5 } from '../../src/transport/socks5-client.js';
import { TcpConnector } from '../../src/transport/tcp-connector.js';
import { TransportFailedError } from '../../src/transport/transport.js';
import { CountingClock } from '../support/counting-clock.js';
import { eventually } from '../support/eventually.js';

const DSTADDR = '972b7bf47291ca609517f67f86b5081086052dad';

describe('S5bListener', () => {
  const clock = new CountingClock();
  let stops: (() => Promise<void> | void)[];

  beforeEach(() => {
    stops = [];
  });

  afterEach(async () => {
    for (const stop of stops.reverse()) await stop();
    assert.equal(clock.pendingTimers, 0);
  });

  async function listen(init: Partial<S5bListenerInit> = {}): Promise<S5bListener> {
    const listener = new S5bListener(
      { clock, log: silentLog },
      { ...defaultListenerLimits, hosts: ['127.0.0.1'], loopback: true, port: 0, ...init },
    );
    await listener.start();
    stops.push(() => listener.stop());
    return listener;
  }

  async function dial(listener: S5bListener): Promise<Socket> {
    const socket = connect({ port: listener.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    stops.push(() => {
      socket.destroy();
    });
    await once(socket, 'connect');
    return socket;
  }

  /** Expects DSTADDR; resolves with the stream that asks for it. */
  function expectOne(listener: S5bListener): { taken: Promise<Duplex>; cancel: () => void } {
    let cancel = () => undefined as undefined;
    let admitted = false;
    const taken = new Promise<Duplex>((resolve) => {
      const unexpect = listener.expect(DSTADDR, {
        admit: () => {
          const first = !admitted;
          admitted = true;
          return first;
        },
        take: (stream) => {
          stops.push(() => {
            stream.destroy();
          });
          resolve(stream);
        },
      });
      cancel = () => {
        unexpect();
        return undefined;
      };
    });
    return { taken, cancel };
  }

  const ask = (socket: Duplex) => connectSocks5(socket, DSTADDR, { clock, timeoutMs: 5000 });

  it('hands a connection to whoever expects its bytestream', async () => {
    const listener = await listen();
    const { taken } = expectOne(listener);
    const socket = await dial(listener);
    await ask(socket);
    socket.write('hello');
    const stream = await taken;
    const [first] = (await once(stream, 'data')) as [Buffer];
    assert.equal(first.toString(), 'hello');
  });

  it('refuses what nobody expects, or no longer', async () => {
    const listener = await listen();
    await assert.rejects(ask(await dial(listener)), TransportFailedError);
    expectOne(listener).cancel();
    await assert.rejects(ask(await dial(listener)), TransportFailedError);
  });

  it('refuses a second connection where one is wanted', async () => {
    const listener = await listen();
    const { taken } = expectOne(listener);
    await ask(await dial(listener));
    await taken;
    await assert.rejects(ask(await dial(listener)), TransportFailedError);
  });

  it('closes on garbage', async () => {
    const listener = await listen();
    const socket = await dial(listener);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    socket.resume();
    await once(socket, 'close');
  });

  it('closes a connection that says nothing', async () => {
    const listener = await listen({ handshakeTimeoutMs: 20 });
    const socket = await dial(listener);
    socket.resume();
    await once(socket, 'close');
  });

  it('makes room by closing the oldest that has not said what it wants', async () => {
    const listener = await listen({ maxHandshakes: 2 });
    const oldest = await dial(listener);
    oldest.resume();
    const gone = once(oldest, 'close');
    await dial(listener);
    await dial(listener);
    await gone;
    expectOne(listener);
    await ask(await dial(listener));
  });

  it('makes room by closing those of whoever has the most, so that a flood from one place closes nobody else', async () => {
    const listener = await listen({ hosts: [], maxHandshakes: 4 });
    const { taken } = expectOne(listener);
    const honest = connect({ port: listener.port, host: '127.0.0.1', localAddress: '127.0.0.9' });
    await once(honest, 'connect');
    for (let n = 0; n < 20; n += 1) await dial(listener);
    await ask(honest);
    (await taken).destroy();
    honest.destroy();
  });

  it('closes what it has not handed out when it stops', async () => {
    const listener = await listen();
    const { taken } = expectOne(listener);
    const handedOut = await dial(listener);
    await ask(handedOut);
    const idle = await dial(listener);
    idle.resume();
    const gone = once(idle, 'close');
    await listener.stop();
    await gone;
    (await taken).write('still open');
    const [bytes] = (await once(handedOut, 'data')) as [Buffer];
    assert.equal(bytes.toString(), 'still open');
  });

  it('fails to start where the port is taken', async () => {
    const listener = await listen();
    await assert.rejects(listen({ port: listener.port }), ListenError);
  });

  it('listens on loopback alone when it announces nothing else', async () => {
    const listener = await listen();
    const elsewhere = connect({ port: listener.port, host: '127.0.0.2' });
    const [error] = (await once(elsewhere, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNREFUSED');
  });

  it('takes the first free port of a range, and fails where none is', async () => {
    const first = await listen();
    const range = { port: first.port, lastPort: Math.min(65_535, first.port + 20) };
    const second = await listen(range);
    assert.ok(second.port > first.port && second.port <= range.lastPort);
    assert.equal(second.addresses[0]?.port, second.port);
    await assert.rejects(listen({ port: first.port }), ListenError);
  });

  it('announces something on every machine', async () => {
    const listener = await listen({ hosts: [], loopback: false });
    assert.ok(listener.addresses.length > 0);
    assert.ok(listener.port > 0);
  });
});

describe('TcpConnector', () => {
  const connector = new TcpConnector();
  const signal = new AbortController().signal;

  it('resolves names, and goes only where it may', async () => {
    const server = createServer((socket) => socket.end('hi'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const asked: string[] = [];
      const permits = (host: string) => {
        asked.push(host);
        return host === '127.0.0.1';
      };
      const stream = await connector.connect({ host: 'localhost', port, permits, signal });
      const [bytes] = (await once(stream, 'data')) as [Buffer];
      assert.equal(bytes.toString(), 'hi');
      assert.ok(asked.includes('127.0.0.1'));
      stream.destroy();
      const refused = connector.connect({ host: 'localhost', port, permits: () => false, signal });
      await assert.rejects(refused, TransportFailedError);
    } finally {
      server.close();
    }
  });

  it('asks for a few names at a time, whatever peers name: lookups can not be taken back', async () => {
    const asked: string[] = [];
    const answers: (() => void)[] = [];
    const slow = new TcpConnector({
      lookup: (hostname, _options, callback) => {
        asked.push(hostname);
        answers.push(() => callback(new Error('no such name'), []));
      },
    });
    const to = (host: string, own = signal) =>
      slow.connect({ host, port: 5000, permits: () => true, signal: own });
    const attempts = Array.from({ length: 4 }, (_, n) =>
      to(`slow${n}.example`).catch((error: unknown) => error),
    );
    const abort = new AbortController();
    const impatient = to('impatient.example', abort.signal);
    const patient = to('patient.example').catch((error: unknown) => error);
    await eventually(
      () => asked.length,
      (count) => count === 4,
    );
    await assert.rejects(
      slow.connect({ host: '127.0.0.1', port: 1, permits: () => true, signal }),
      TransportFailedError,
    );
    abort.abort();
    await assert.rejects(impatient, AbortedError);
    answers.shift()?.();
    await eventually(
      () => asked.length,
      (count) => count === 5,
    );
    assert.equal(asked.at(-1), 'patient.example');
    for (const answer of answers) answer();
    for (const each of [...attempts, patient]) assert.ok((await each) instanceof TransportFailedError);
  });

  it('fails where nobody listens', async () => {
    const refused = connector.connect({ host: '127.0.0.1', port: 1, permits: () => true, signal });
    await assert.rejects(refused, TransportFailedError);
  });

  it('fails on an address that the system refuses outright', async () => {
    const refused = connector.connect({ host: 'fe80::1', port: 5000, permits: () => true, signal });
    await assert.rejects(refused, TransportFailedError);
  });

  it('stops when it is told to', async () => {
    const abort = new AbortController();
    const connecting = connector.connect({
      host: '192.0.2.1', // TEST-NET-1: nobody is there
      port: 5000,
      permits: () => true,
      signal: abort.signal,
    });
    abort.abort();
    await assert.rejects(connecting, AbortedError);
    const late = connector.connect({
      host: '127.0.0.1',
      port: 5000,
      permits: () => true,
      signal: abort.signal,
    });
    await assert.rejects(late, AbortedError);
  });
});
