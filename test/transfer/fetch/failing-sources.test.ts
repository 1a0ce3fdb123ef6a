import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Clock, systemClock } from '../../../src/clock.js';
import { realPartFileSystem } from '../../../src/fs/part-file.js';
import { SessionEndedError } from '../../../src/jingle/file-session.js';
import { silentLog } from '../../../src/log.js';
import { parseJid } from '../../../src/stanza/jid.js';
import { fetchFile } from '../../../src/transfer/fetch/fetch-file.js';
import { FetchError, type FetchRequest } from '../../../src/transfer/fetch/fetch-request.js';
import { type MemorySource, MemorySources, seededBytes, sha256 } from '../../support/memory-sources.js';

const SIZE = 5000;
const content = seededBytes(SIZE, 1);
const otherContent = seededBytes(SIZE, 2);

/** Everything a source can do to us, in one session. */
const behaviour: fc.Arbitrary<MemorySource> = fc
  .record(
    {
      content: fc.constantFrom(content, content, content, otherContent),
      says: fc.constantFrom({ hashes: [] }, { size: SIZE + 7 }, { size: 100 }, { hashes: [sha256(content)] }),
      hides: fc.subarray(['size', 'hashes', 'range'] as const),
      refuses: fc.constant(new SessionEndedError('busy', undefined, undefined)),
      diesAfter: fc.nat(SIZE),
      endsAfter: fc.nat(SIZE),
      corruptAt: fc.nat(SIZE - 1),
      surplus: fc.constant(Buffer.from('surplus')),
      ignoresRanges: fc.boolean(),
      checksum: fc.constantFrom('file', 'range', 'wrong-range'),
      chunkBytes: fc.constantFrom(100, 1000, 4096),
    },
    { requiredKeys: ['content'] },
  )
  .map((source) => source as MemorySource);
const honest: MemorySource = { content, checksum: 'range' };
/** Sources that tell no lies but may tell little, and of which the file changes now and then. */
const taciturn: fc.Arbitrary<MemorySource> = fc
  .record(
    {
      version: fc.boolean(),
      hides: fc.subarray(['hashes', 'range'] as const),
      dated: fc.boolean(),
      diesAfter: fc.nat(SIZE),
      ignoresRanges: fc.boolean(),
      chunkBytes: fc.constantFrom(100, 1000, 4096),
    },
    { requiredKeys: ['version'] },
  )
  .map(({ version, dated, ...source }) => ({
    ...(source as Partial<MemorySource>),
    content: version ? content : otherContent,
    ...(dated && { says: { dateMs: version ? 1000 : 2000 } }),
  }));
const JIDS = ['a.example', 'b.example', 'c.example'].map((jid) => parseJid(jid));

class CountingClock implements Clock {
  pending = 0;
  now = systemClock.now;
  monotonic = systemClock.monotonic;
  after(delayMs: number, callback: () => void) {
    this.pending++;
    let over = false;
    const end = () => {
      if (!over) this.pending--;
      over = true;
    };
    const timer = systemClock.after(delayMs, () => {
      end();
      callback();
    });
    return {
      cancel: () => {
        end();
        timer.cancel();
      },
    };
  }
}

describe('fetching from sources that fail in every way', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-model-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  interface Plan {
    /** For each call the sessions of each source, the last repeated. */
    readonly sources: readonly (readonly MemorySource[])[];
    /** The listener goes away after so many events. */
    readonly leavesAfter: number | undefined;
  }

  const plansOf = (sources: fc.Arbitrary<MemorySource>): fc.Arbitrary<Plan> =>
    fc.record({
      sources: fc.array(fc.array(sources, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
      leavesAfter: fc.option(fc.nat(30), { nil: undefined }),
    });
  const plans = plansOf(behaviour);

  /** One call of `shoal get`. True when it ended with `done`. */
  async function call(
    plan: Plan,
    request: Omit<FetchRequest, 'sources'>,
  ): Promise<'verified' | 'unverified' | undefined> {
    const clock = new CountingClock();
    const entries = plan.sources.flatMap((sessions, index) => {
      const jid = JIDS[index];
      const of = (session: number) => sessions[Math.min(session, sessions.length - 1)] ?? honest;
      return jid === undefined ? [] : [[jid, of] as const];
    });
    const downloader = new MemorySources(new Map(entries));
    const sources = entries.map(([jid]) => ({ jid }));
    const init = {
      retryDelayMs: 0,
      checksumWaitMs: 5,
      idleTimeoutMs: 1000,
      progressIntervalMs: 0,
      checkpointBytes: 1500,
    };
    const components = { downloader, fs: realPartFileSystem, clock, log: silentLog };
    let events = 0;
    let end: 'verified' | 'unverified' | undefined;
    try {
      for await (const event of fetchFile(components, { ...request, sources }, init)) {
        if (event.type === 'done') end = event.verified ? 'verified' : 'unverified';
        if (events++ === plan.leavesAfter) break;
      }
    } catch (error) {
      assert.ok(error instanceof FetchError, String(error));
    }
    assert.equal(downloader.open, 0, 'a session was left open');
    assert.equal(clock.pending, 0, 'a timer was left');
    assert.ok(downloader.sessions.length <= 3 * 3 * 3, 'asked too often');
    return end;
  }

  async function check(
    calls: readonly Plan[],
    file: FetchRequest['file'],
    expected: readonly Uint8Array[],
    { range, trust = 'verified' }: { range?: FetchRequest['range']; trust?: 'verified' | 'all' } = {},
  ) {
    const target = join(folder, 'file');
    const request = { file, target, overwrite: 'refuse', ...(range && { range }) } as const;
    for (const plan of [...calls, { sources: [[honest]], leavesAfter: undefined }]) {
      const end = await call(plan, request);
      const names = await readdir(folder);
      assert.ok(end !== undefined || plan.leavesAfter !== undefined || !names.includes('file'));
      assert.ok(
        names.every((name) => ['file', 'file.part', 'file.part.json'].includes(name)),
        names.join(),
      );
      if (!names.includes('file')) continue;
      const bytes = await readFile(target);
      if (end !== 'unverified' || trust === 'all')
        assert.ok(
          expected.some((each) => bytes.equals(each)),
          'wrong bytes have the name',
        );
      break;
    }
    assert.ok((await readdir(folder)).includes('file'), 'an honest source was not enough in the end');
    await rm(folder, { recursive: true });
    await mkdtempAgain();
  }

  async function mkdtempAgain(): Promise<void> {
    folder = await mkdtemp(join(tmpdir(), 'shoal-model-'));
  }

  const settings = { numRuns: 100 } as const;

  it('by hash: the name is given to the right bytes only, and one honest source is enough', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(plans, { maxLength: 3 }), fc.boolean(), (calls, sized) =>
        check(calls, { hash: sha256(content), ...(sized && { size: SIZE }) }, [content]),
      ),
      settings,
    );
  });

  it('by name: never a mixture of two files is called verified', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(plans, { maxLength: 3 }), (calls) =>
        check(calls, { name: 'file' }, [content, otherContent]),
      ),
      settings,
    );
  });

  it('by name, from sources that only say little: never a mixture, verified or not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(plansOf(taciturn), { maxLength: 3 }), (calls) =>
        check(calls, { name: 'file' }, [content, otherContent], { trust: 'all' }),
      ),
      settings,
    );
  });

  it('by range: the bytes of the range, or not verified', async () => {
    const ranges = fc.record({ offset: fc.nat(SIZE - 1), length: fc.integer({ min: 1, max: SIZE }) });
    await fc.assert(
      fc.asyncProperty(fc.array(plans, { maxLength: 3 }), ranges, (calls, range) => {
        const part = (bytes: Uint8Array) => bytes.subarray(range.offset, range.offset + range.length);
        return check(calls, { name: 'file', size: SIZE }, [part(content), part(otherContent)], { range });
      }),
      settings,
    );
  });
});
