import assert from 'node:assert/strict';
import { lookFor } from '../../src/cli/look-for.js';
import { AbortedError } from '../../src/errors.js';
import type { FindEvent, FindRequest } from '../../src/node/asker.js';
import { parseJid } from '../../src/stanza/jid.js';
import { captureIo } from '../support/captured-io.js';
import { LibraryAsker } from '../support/library-asker.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { foundFile } from './found-files.js';

const romeo = foundFile('romeo.txt', 'a.x');
const channels = [{ service: parseJid('pubsub.x'), node: 'books' }];

/** Answers each question as it is told to, with its number from 0, after its wait. */
class LaterAsker extends LibraryAsker {
  readonly #answer: (turn: number) => FindEvent[];
  readonly #clock: VirtualClock;
  readonly askedAt: number[] = [];

  constructor(clock: VirtualClock, answer: (turn: number) => FindEvent[]) {
    super({ files: [] });
    this.#clock = clock;
    this.#answer = answer;
  }

  override async *find(request: FindRequest, signal?: AbortSignal): AsyncGenerator<FindEvent> {
    this.askedAt.push(this.#clock.monotonic());
    yield* this.#answer(this.askedAt.length - 1);
    await new Promise<void>((resolve, reject) => {
      this.#clock.after(request.waitMs, resolve);
      signal?.addEventListener('abort', () => reject(new AbortedError('aborted')), { once: true });
    });
  }
}

function look(answer: (turn: number) => FindEvent[], waitMs: number) {
  const clock = new VirtualClock();
  const told = new AbortController();
  const io = captureIo({ signal: told.signal });
  const asker = new LaterAsker(clock, answer);
  const found = lookFor(
    { clock, asker, io },
    {
      audience: { channels, nodes: [] },
      criteria: { hash: romeo.hashes },
      matches: ({ name }) => name === 'romeo.txt',
      max: 10,
      maxOfNode: 2,
      waitMs,
    },
  );
  found.catch(() => undefined);
  return { clock, told, io, asker, found };
}

describe('looking for a file', () => {
  it('is one question where there is time for one', async () => {
    const { clock, asker, found, io } = look(() => [], 5000);
    await clock.advance(5000);
    assert.deepEqual((await found).rows, []);
    assert.equal(asker.askedAt.length, 1);
    assert.equal(io.err.text, '');
  });

  it('asks again for days, more and more seldom, until somebody has it', async () => {
    const DAY_MS = 86_400_000;
    const { clock, asker, found, io } = look(
      (turn) => (turn < 20 ? [] : [{ type: 'file', file: romeo }]),
      3 * DAY_MS,
    );
    for (let at = 0; at < 4 * 60; at += 1) await clock.advance(60_000);
    assert.equal((await found).rows[0]?.name, 'romeo.txt');
    assert.equal(asker.askedAt.length, 21);
    const pauses = asker.askedAt.slice(1).map((atMs, at) => atMs - (asker.askedAt[at] ?? 0));
    assert.equal(pauses[0], 15_000); // five seconds for the answers are in each
    assert.equal(pauses.at(-1), 605_000);
    assert.match(io.err.text, /^nobody answered that has it; asking again in 0:10, for 72:00:00 more\n/);
    assert.equal(clock.pendingTimers, 0);
  });

  it('goes on though the channel can not be asked for a while, and says so when the time is over', async () => {
    const fail = (): FindEvent[] => {
      throw new Error('offline');
    };
    const late = look((turn) => (turn < 2 ? fail() : [{ type: 'file', file: romeo }]), 600_000);
    for (let at = 0; at < 20; at += 1) await late.clock.advance(10_000);
    assert.equal((await late.found).rows.length, 1);
    const never = look(fail, 60_000);
    for (let at = 0; at < 20; at += 1) await never.clock.advance(10_000);
    await assert.rejects(never.found, /offline/);
  });

  it('does not end with what was not asked for, in this round or the next', async () => {
    const junk = foundFile('other.txt', 'b.x');
    const { clock, asker, found } = look(
      (turn) => [
        { type: 'file', file: junk },
        ...(turn === 0 ? [] : [{ type: 'file', file: romeo } as const]),
      ],
      600_000,
    );
    for (let at = 0; at < 40; at += 1) await clock.advance(1000);
    const { rows, others } = await found;
    assert.deepEqual(
      [rows, others].map((each) => each.map(({ name }) => name)),
      [['romeo.txt'], ['other.txt']],
    );
    assert.equal(asker.askedAt.length, 2);
  });

  it('has room for what was asked for, however much else comes first', async () => {
    const junk = Array.from({ length: 100 }, (_, at) => foundFile(`${at}.txt`, `b${at}.x`));
    // One node that tells of many files which match.
    const copies = Array.from({ length: 100 }, (_, at) =>
      foundFile('romeo.txt', 'c.x', { content: `${at}` }),
    );
    const files = [...junk, ...copies, romeo, { ...romeo, source: { jid: parseJid('d.x') } }];
    const { clock, found } = look(() => files.map((file) => ({ type: 'file', file })), 5000);
    await clock.advance(5000);
    const { rows, others } = await found;
    assert.deepEqual(
      rows.map(({ sources }) => sources.map(({ jid }) => jid)),
      [['c.x'], ['c.x'], ['a.x', 'd.x']],
    );
    assert.equal(others.length, 20);
  });

  it('ends when it is interrupted', async () => {
    const { clock, told, found } = look(() => [], 600_000);
    await clock.advance(7000);
    told.abort();
    await assert.rejects(found, AbortedError);
    assert.equal(clock.pendingTimers, 0);
  });
});
