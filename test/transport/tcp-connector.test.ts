import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { TcpConnector } from '../../src/transport/tcp-connector.js';
import type { LendingStream } from '../../src/transport/transport.js';
import { eventually } from '../support/eventually.js';
import { seededBytes } from '../support/memory-sources.js';

const BYTES = seededBytes(3_000_000, 9);

describe('a connection that we make', () => {
  let server: Server;
  let peer: Socket;
  let stream: LendingStream;

  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const accepted = once(server, 'connection');
    stream = await new TcpConnector().connect({
      host: '127.0.0.1',
      port: address.port,
      permits: () => true,
      signal: new AbortController().signal,
    });
    [peer] = (await accepted) as [Socket];
  });
  afterEach(async () => {
    stream.destroy();
    peer.destroy();
    server.close();
    await once(server, 'close');
  });

  it('gives its bytes as any stream does', async () => {
    peer.end(BYTES);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) {
      assert.ok(chunk instanceof Buffer);
      chunks.push(chunk); // none is written over by the next
    }
    assert.ok(Buffer.concat(chunks).equals(BYTES));
  });

  it('lends them to who says so, in their order behind what was kept back, and none while it is paused', async () => {
    peer.write(BYTES.subarray(0, 100));
    await once(stream, 'readable');
    peer.end(BYTES.subarray(100));
    const took: Buffer[] = [];
    let lent = 0;
    let count = 0;
    const take = (bytes: Buffer) => {
      assert.equal(stream.isPaused(), false);
      took.push(Buffer.from(bytes));
      count += 1;
      if (count % 3 !== 0) return;
      stream.pause();
      setImmediate(() => stream.resume());
    };
    stream.on('data', take);
    stream.onLent = (bytes) => {
      lent += bytes.length;
      take(bytes);
      bytes.fill(0);
    };
    stream.resume();
    await once(stream, 'end');
    assert.ok(Buffer.concat(took).equals(BYTES));
    assert.ok(lent > BYTES.length / 2);
  });

  it('of which two are lent from does not mix them', async () => {
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const accepted = once(server, 'connection');
    const connector = new TcpConnector();
    const connect = () =>
      connector.connect({
        host: '127.0.0.1',
        port: address.port,
        permits: () => true,
        signal: new AbortController().signal,
      });
    const one: LendingStream = await connect();
    const [first] = (await accepted) as [Socket];
    const again = once(server, 'connection');
    const two: LendingStream = await connect();
    const [second] = (await again) as [Socket];
    const sums = [one, two].map((each) => {
      const all: Buffer[] = [];
      each.on('data', (bytes: Buffer) => all.push(bytes));
      each.onLent = (bytes) => {
        all.push(Buffer.from(bytes));
      };
      return all;
    });
    first.write(BYTES.subarray(0, 1_000_000));
    second.write(BYTES.subarray(1_000_000, 2_000_000));
    await eventually(
      () => sums.map((all) => Buffer.concat(all)),
      (all) => all.every((bytes) => bytes.length === 1_000_000),
    );
    for (const [at, all] of sums.entries())
      assert.ok(Buffer.concat(all).equals(BYTES.subarray(at * 1_000_000, (at + 1) * 1_000_000)));
    for (const each of [one, two, first, second]) each.destroy();
  });
});
