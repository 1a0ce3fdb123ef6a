import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { systemClock } from '../../../src/clock.js';
import type { Entity } from '../../../src/entity/entity.js';
import { realPartFileSystem } from '../../../src/fs/part-file.js';
import { FileNotAvailableError, type FileRequestHandler } from '../../../src/jingle/file-session.js';
import { JingleEngine } from '../../../src/jingle/jingle-engine.js';
import { silentLog } from '../../../src/log.js';
import { parseJid } from '../../../src/stanza/jid.js';
import { fetchFile } from '../../../src/transfer/fetch/fetch-file.js';
import type { FetchEvent, FetchRequest } from '../../../src/transfer/fetch/fetch-request.js';
import { MemoryNetwork } from '../../support/memory-network.js';
import { seededBytes, sha256 } from '../../support/memory-sources.js';
import { MemoryBytestreams, MemoryTransport } from '../../support/memory-transport.js';

const A = parseJid('a.example/n');
const B = parseJid('b.example/n');
const content = seededBytes(2_000_000, 7);

/** Gives `content` to whoever asks, from memory. */
const serveContent: FileRequestHandler = async ({ file }) => {
  if (file.hashes.some((hash) => hash.value !== sha256(content).value))
    throw new FileNotAvailableError('absent');
  const offset = file.range?.offset ?? 0;
  const length = Math.min(content.length - offset, file.range?.length ?? content.length);
  const bytes = content.subarray(offset, offset + length);
  const pieces = Array.from({ length: Math.ceil(length / 65_536) }, (_, at) =>
    bytes.subarray(at * 65_536, (at + 1) * 65_536),
  );
  return {
    file: { name: 'file', size: content.length, hashes: [sha256(content)], hashesUsed: [] },
    range: { offset, length },
    open: () => Readable.from(pieces, { objectMode: false }),
    checksum: () => sha256(bytes),
    release: () => undefined,
  };
};

describe('fetchFile over the Jingle engine', () => {
  let folder: string;
  let bytestreams: MemoryBytestreams;
  let network: MemoryNetwork;
  let running: { stop(): Promise<void> }[];
  let asker: JingleEngine;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-over-'));
    bytestreams = new MemoryBytestreams();
    network = new MemoryNetwork({ clock: systemClock });
    running = [];
    asker = await engine(network.client('romeo@c.example/x'));
    await engine(network.component('a.example'), serveContent);
    await engine(network.component('b.example'), serveContent);
  });

  afterEach(async () => {
    for (const each of running.reverse()) await each.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function engine(entity: Entity, onFileRequest?: FileRequestHandler): Promise<JingleEngine> {
    const transports = (['s5b', 'ibb'] as const).map((type) => new MemoryTransport({ type, bytestreams }));
    const jingle = new JingleEngine(
      { entity, clock: systemClock, log: silentLog, transports },
      {
        maxSessions: 9,
        maxSessionsPerPeer: 9,
        timeouts: { reasonMs: 50 },
        ...(onFileRequest && { onFileRequest }),
      },
    );
    await entity.start();
    running.push(entity);
    await jingle.start();
    running.push(jingle);
    return jingle;
  }

  async function fetched(change: Partial<FetchRequest>): Promise<FetchEvent[]> {
    const request: FetchRequest = {
      file: { hash: sha256(content), name: 'file' },
      sources: [{ jid: A }, { jid: B }],
      target: join(folder, 'file'),
      overwrite: 'refuse',
      ...change,
    };
    const components = { downloader: asker, fs: realPartFileSystem, clock: systemClock, log: silentLog };
    const events: FetchEvent[] = [];
    for await (const event of fetchFile(components, request, { retryDelayMs: 1 })) events.push(event);
    assert.deepEqual(await readdir(folder), ['file']);
    return events;
  }

  async function assertNothingLeft(): Promise<void> {
    for (const each of running.reverse()) await each.stop();
    running = [];
    assert.equal(asker.sessionCount, 0);
    assert.equal(bytestreams.open.size, 0);
    assert.ok(bytestreams.streams.every((stream) => stream.destroyed));
  }

  it('fetches a whole file, verified', async () => {
    const done = (await fetched({})).at(-1);
    assert.ok(done?.type === 'done' && done.verified);
    assert.ok((await readFile(join(folder, 'file'))).equals(content));
    await assertNothingLeft();
  });

  it('fetches a range, verified by the checksum of the range', async () => {
    const done = (await fetched({ range: { offset: 70_000, length: 500_000 } })).at(-1);
    assert.ok((await readFile(join(folder, 'file'))).equals(content.subarray(70_000, 570_000)));
    assert.ok(done?.type === 'done' && done.verified);
    await assertNothingLeft();
  });

  it('goes on with the next source when the line breaks', async () => {
    bytestreams.breakAfterBytes = 1_000_000;
    const events = await fetched({});
    assert.ok((await readFile(join(folder, 'file'))).equals(content));
    assert.ok(events.some((event) => event.type === 'source' && event.state === 'failed' && event.jid === A));
    const restart = events.findIndex((event) => event.type === 'source' && event.jid === B);
    const progress = events.slice(restart).find((event) => event.type === 'progress');
    assert.ok(progress?.type === 'progress' && progress.receivedBytes > 300_000, 'what had come was kept');
    await assertNothingLeft();
  });

  it('goes over the transport of last resort when the first finds no way', async () => {
    bytestreams.failing.add('s5b');
    const events = await fetched({});
    assert.ok(events.some((event) => event.type === 'source' && event.transport === 'ibb'));
    assert.ok((await readFile(join(folder, 'file'))).equals(content));
  });

  it('asks elsewhere when the first is not there or does not have it', async () => {
    const sources = [{ jid: parseJid('nobody.example/x') }, { jid: A }];
    await fetched({ sources });
    assert.ok((await readFile(join(folder, 'file'))).equals(content));
  });
});
