import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { AbortedError, LimitError } from '../../../src/errors.js';
import { FileNotAvailableError, type FileRequest } from '../../../src/jingle/file-session.js';
import { SessionFailedError } from '../../../src/jingle/reason.js';
import { silentLog } from '../../../src/log.js';
import { parseJid } from '../../../src/stanza/jid.js';
import type { Range } from '../../../src/stanza/xep0234-file-transfer.js';
import { JingleSources } from '../../../src/transfer/fetch/jingle-source.js';
import {
  type RangeSource,
  SourceError,
  type SourceErrorCode,
} from '../../../src/transfer/fetch/range-source.js';
import { JinglePair, type JinglePairInit, NODE } from '../../support/jingle-pair.js';
import { seededBytes, sha256 } from '../../support/memory-sources.js';
import { settle } from '../../support/virtual-clock.js';

const BYTES = seededBytes(2_000_000, 11);
const FILE = { hash: sha256(BYTES), size: BYTES.length };
const HOLD_MS = 15_000;
const never = new AbortController().signal;
const code = (expected: SourceErrorCode) => (error: unknown) => {
  assert.ok(error instanceof SourceError, String(error));
  assert.equal(error.code, expected, error.message);
  return true;
};

describe('JingleSource', () => {
  let pair: JinglePair;
  let source: RangeSource;

  async function open(init: JinglePairInit = {}) {
    pair = await JinglePair.open(init);
    pair.files.offer('a', BYTES);
    source = sources().open({ jid: NODE, path: 'share/a' }, FILE);
  }
  const sources = () => {
    const lists = { ask: () => Promise.reject(new SourceError('not-available', 'none')) };
    return new JingleSources({ jingle: pair.asking, lists, clock: pair.clock, log: silentLog });
  };
  afterEach(async () => {
    await source.close();
    await pair.close();
  });

  const count = (action: string) => pair.actions.filter((each) => each === action).length;
  const rangeOf = (offset: number, length: number): Required<Range> => ({ offset, length });
  async function read(offset: number, length: number, signal = never, from = source): Promise<void> {
    const chunks: Uint8Array[] = [];
    await from.read(
      rangeOf(offset, length),
      async (bytes) => {
        chunks.push(Uint8Array.from(bytes));
      },
      signal,
    );
    assert.ok(
      Buffer.concat(chunks).equals(BYTES.subarray(offset, offset + length)),
      'other bytes than asked for',
    );
  }

  it('reads ranges that follow each other in one session, in which each is a content', async () => {
    await open();
    assert.equal(pair.stanzas.length, 0, 'something was sent before the first read');
    for (let at = 0; at < 500_000; at += 100_000) await read(at, 100_000);
    await read(1_900_000, 100_000);
    assert.deepEqual([count('a session-initiate'), count('a content-add')], [1, 5]);
    await settle();
    assert.equal(pair.server.uploads, 1, 'what came is still open at the source');
    await source.close();
    assert.equal(count('a session-terminate success'), 1);
    await pair.ended();
  });

  it('has the next range agreed on while the last still comes', async () => {
    await open();
    const order: string[] = [];
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const first = source.read(
      rangeOf(0, 300_000),
      async () => {
        if (order.push('first') === 1) await gate;
      },
      never,
    );
    await pair.until(() => order.length > 0);
    const second = source.read(
      rangeOf(300_000, 10),
      async () => {
        order.push('second');
      },
      never,
    );
    await second;
    assert.deepEqual(order, ['first', 'second'], 'the second had to wait for the first');
    go();
    await first;
    assert.equal(source.state.type, 'idle');
    assert.equal(count('a session-initiate'), 1);
    assert.equal(pair.server.waiting, 0);
  });

  it('counts as one upload at the source', async () => {
    await open({ maxUploads: 1 });
    await Promise.all([read(0, 300_000), read(300_000, 300_000)]);
    await read(5, 5);
  });

  it('lets a session go that nothing is asked of, and begins another when something is', async () => {
    await open();
    await read(0, 10);
    await pair.clock.advance(HOLD_MS - 1);
    assert.equal(pair.asking.sessionCount, 1);
    await pair.clock.advance(1);
    await pair.ended();
    await read(10, 10);
    assert.deepEqual([count('a session-initiate'), count('a session-terminate success')], [2, 1]);
  });

  it('asks for the whole file without a range', async () => {
    await open();
    await read(0, BYTES.length);
    assert.equal(pair.stanzas.find((each) => /<range/.test(each.toString()))?.attrs.from, NODE);
  });

  it('stops what is called off, and goes on with the rest', async () => {
    await open();
    const off = new AbortController();
    let taken = 0;
    const first = source.read(
      rangeOf(0, 1_000_000),
      async (bytes) => {
        taken += bytes.length;
        off.abort();
      },
      off.signal,
    );
    const second = read(1_000_000, 300_000);
    await assert.rejects(first, AbortedError);
    const before = taken;
    await second;
    await read(7, 7);
    assert.equal(taken, before, 'bytes came after it was called off');
    assert.equal(count('a session-initiate'), 1);
    await assert.rejects(read(0, 10, AbortSignal.abort()), AbortedError);
    const early = new AbortController();
    const never2 = read(0, 10, early.signal);
    early.abort();
    await assert.rejects(never2, AbortedError);
    await read(9, 9);
  });

  it('lets out what its taker fails with, and stays usable', async () => {
    await open();
    const full = new Error('the disk is full');
    await assert.rejects(
      source.read(rangeOf(0, 300_000), () => Promise.reject(full), never),
      (e) => e === full,
    );
    await read(0, 300_000);
  });

  it('tells of its place where the source has no slot, and goes on when it has', async () => {
    await open({ maxUploads: 1 });
    const states: string[] = [];
    const other = sources().open({ jid: NODE }, FILE);
    await read(0, 100, never, other);
    source.onState = () => {
      const { state } = source;
      states.push(state.type === 'queued' ? `queued ${state.position}` : state.type);
    };
    const waiting = read(0, 300_000);
    await pair.until(() => source.state.type === 'queued');
    await other.close();
    await waiting;
    assert.deepEqual(
      states.filter((each, index) => each !== states[index - 1]),
      ['connecting', 'queued 1', 'connecting', 'sending', 'idle'],
    );
  });

  it('gives way at a source where others wait, and comes back when it is its turn', async () => {
    await open({ maxUploads: 1 });
    const other = sources().open({ jid: NODE }, FILE);
    await read(0, 10);
    const waiting = read(10, 10, never, other);
    await pair.until(() => other.state.type === 'queued');
    for (let at = 20; at < 50; at += 10) await read(at, 10); // its time is not over
    await pair.clock.advance(10_000);
    await read(50, 10);
    await pair.clock.advance(10_000);
    await read(60, 10);
    await pair.clock.advance(10_000);
    const back = read(70, 10);
    await pair.until(() => source.state.type === 'queued');
    await waiting;
    await other.close();
    await back;
    await pair.until(() => pair.server.waiting === 0);
  });

  it('does not try again what carried no bytes, in this session or in the next', async () => {
    await open();
    pair.bytestreams.failing.add('s5b');
    for (let at = 0; at < 5; at += 1) await read(at * 10, 10);
    assert.equal(source.state.type, 'idle');
    await pair.clock.advance(HOLD_MS);
    await read(100, 10);
    assert.deepEqual([count('a session-initiate'), count('a transport-replace')], [2, 1]);
  });

  it('asks again in-band where the peer has no other transport', async () => {
    await open({ nodeTransports: ['ibb'] });
    await Promise.all([read(0, 10), read(10, 10)]);
    await read(20, 10);
    assert.deepEqual(
      [count('a session-initiate'), count('n session-terminate unsupported-transports')],
      [2, 1],
    );
  });

  it('goes on where a transport broke', async () => {
    await open();
    pair.bytestreams.breakAfterBytes = 100_000;
    await read(0, 900_000);
    assert.equal(count('a session-initiate'), 1);
  });

  it('has a session for each range with a peer that takes no further contents', async () => {
    const seen = new Set<string>();
    await open({
      onFileRequest: async (request: FileRequest, signal) => {
        if (seen.has(request.sid)) throw new SessionFailedError('decline', 'one file, one session');
        seen.add(request.sid);
        return await pair.server.handle(request, signal);
      },
    });
    await Promise.all([read(0, 300_000), read(300_000, 300_000)]);
    await read(600_000, 10);
    await read(600_010, 10);
    assert.deepEqual([count('a session-initiate'), count('a content-add')], [4, 1]);
  });

  it('survives that the peer ends the session between two reads', async () => {
    await open();
    await read(0, 10);
    await pair.serving.stop();
    await pair.serving.start();
    await read(10, 10);
    assert.equal(count('a session-initiate'), 2);
  });

  describe('fails', () => {
    const given = (bytes: Buffer, range: Required<Range>, told: Partial<FileRequest['file']> = {}) => ({
      file: { name: 'a', size: BYTES.length, hashes: [FILE.hash], hashesUsed: [], ...told },
      range,
      open: () => Readable.from([bytes], { objectMode: false }),
      checksum: () => FILE.hash,
      release: () => undefined,
    });
    const serving = (answer: (request: FileRequest) => Promise<ReturnType<typeof given>>) =>
      open({ onFileRequest: answer });

    for (const [name, error, expected] of [
      ['when the file is not there', new FileNotAvailableError('no'), 'not-available'],
      ['when there is no slot', new LimitError('uploads', 'no'), 'busy'],
      ['when it is declined', new SessionFailedError('decline', 'no'), 'refused'],
      ['for reasons nobody tells', new Error('no'), 'unreachable'],
    ] as const) {
      it(name, async () => {
        await serving(() => Promise.reject(error));
        await assert.rejects(read(0, 10), code(expected));
        await assert.rejects(read(0, 10), code(expected));
        await pair.ended();
      });
    }

    it('when nobody is there', async () => {
      await open();
      const nobody = sources().open({ jid: parseJid('nobody@example.org/x') }, FILE);
      await assert.rejects(read(0, 10, never, nobody), code('unreachable'));
      await nobody.close();
    });

    it('when the source never answers', async () => {
      await serving(() => new Promise(() => undefined));
      const reading = assert.rejects(read(0, 10), code('silent'));
      await pair.clock.advance(120_000);
      await reading;
    });

    it('when the file is another, or has another size', async () => {
      await serving(async ({ file }) => {
        const told = file.range?.offset === 1 ? { hashes: [sha256(Buffer.from('x'))] } : { size: 5_000_000 };
        return given(BYTES, { offset: file.range?.offset ?? 0, length: 10 }, told);
      });
      await assert.rejects(read(1, 10), code('changed'));
      await assert.rejects(read(5, 10), code('changed'));
    });

    it('when other bytes are given than those that were asked for', async () => {
      await serving(async () => given(BYTES.subarray(20, 30), { offset: 20, length: 10 }));
      await assert.rejects(read(10, 10), code('no-ranges'));
    });

    it('when a range is overlooked', async () => {
      await serving(async () => given(BYTES, { offset: 0, length: BYTES.length }));
      await assert.rejects(read(0, 10), code('no-ranges'));
    });

    it('when fewer bytes are agreed to', async () => {
      await serving(async () => given(BYTES.subarray(10, 15), { offset: 10, length: 5 }));
      await assert.rejects(read(10, 10), code('too-few'));
    });

    it('when more bytes come, of which none is given out', async () => {
      await open({
        onFileRequest: async () => {
          const range = { offset: 10, length: 10 };
          return { ...given(BYTES.subarray(10, 40), range), range };
        },
      });
      let taken = 0;
      const reading = source.read(
        rangeOf(10, 10),
        async (bytes) => {
          taken += bytes.length;
        },
        never,
      );
      await assert.rejects(reading, code('too-many'));
      assert.equal(taken, 0);
    });

    it('when the file changes while it is read', async () => {
      await open();
      pair.files.beforeRead = (position) => {
        const entry = pair.files.catalogue.get('share/a' as Parameters<typeof pair.files.catalogue.get>[0]);
        if (position > 0 && entry) pair.files.write(entry, BYTES.subarray(0, 10));
      };
      await assert.rejects(read(0, 1_000_000), code('changed'));
    });

    it('when the file is rewritten in place, of which nothing is given out', async () => {
      await open();
      const rewritten = Buffer.from(BYTES).fill(1);
      pair.files.beforeRead = (position) => {
        const entry = pair.files.catalogue.get('share/a' as Parameters<typeof pair.files.catalogue.get>[0]);
        if (position > 0 && entry) pair.files.write(entry, rewritten);
      };
      let taken = 0;
      const take = async (bytes: Uint8Array) => {
        assert.equal(
          Buffer.compare(bytes, BYTES.subarray(taken, taken + bytes.length)),
          0,
          'a wrong byte came',
        );
        taken += bytes.length;
      };
      await assert.rejects(source.read(rangeOf(0, 2_000_000), take, never), code('changed'));
    });

    it('after it was closed', async () => {
      await open();
      await source.close();
      await assert.rejects(read(0, 10), code('unreachable'));
    });
  });
});
