import assert from 'node:assert/strict';
import { AbortedError, LimitError } from '../../src/errors.js';
import type { Pace, Work } from '../../src/index/text-index.js';
import { Turns } from '../../src/query/turns.js';

/** A clock that goes on when work is done, and only then. */
class WorkClock {
  ms = 0;
  now = () => this.ms;
  monotonic = () => this.ms;
  after = (): never => assert.fail('turns wait for no timer');
}

const INIT = { turnMs: 8, maxRunning: 2, maxWaiting: 1 };

describe('Turns', () => {
  let clock: WorkClock;
  let turns: Turns;
  beforeEach(() => {
    clock = new WorkClock();
    turns = new Turns(clock, INIT);
  });
  afterEach(() => turns.stop());

  /** Work of so many milliseconds; resolves with the time at its end. */
  function lasting(ms: number): (pace: Pace) => Work<number> {
    return function* (pace) {
      for (let done = 0; done < ms; done++) {
        clock.ms += 1;
        if (pace.due()) yield;
      }
      return clock.ms;
    };
  }

  const isLimit = (bound: string) => (error: unknown) => error instanceof LimitError && error.bound === bound;

  it('lets a short search end in twice its time at most, whatever else is going on', async () => {
    const long = turns.search(lasting(100_000), { deadlineMs: 5000 });
    const refused = assert.rejects(long, isLimit('queryDeadlineMs'));
    await turns.search(lasting(500)); // the long one has had as much time by now
    const beganMs = clock.ms;
    const endedMs = await turns.search(lasting(40));
    assert.ok(endedMs - beganMs <= 80, `${endedMs - beganMs} ms`);
    await refused;
  });

  it('begins a search at once where there is nothing else to do, and one alone in each round of the loop', async () => {
    const seen: string[] = [];
    const round = new Promise<void>((resolve) => {
      setImmediate(() => {
        seen.push('round');
        resolve();
      });
    });
    const searches = ['first', 'second'].map(async (name) => {
      await turns.search(lasting(1));
      seen.push(name);
    });
    await Promise.all([round, ...searches]);
    assert.deepEqual(seen, ['first', 'round', 'second']);
  });

  it('shares the thread evenly among long searches', async () => {
    const ends = await Promise.all([turns.search(lasting(300)), turns.search(lasting(300))]);
    assert.ok(Math.min(...ends) >= 580, `${ends}`);
  });

  it('does not let short searches that keep coming starve a longer one', async () => {
    const ended = new AbortController();
    const short = (async () => {
      while (!ended.signal.aborted) await turns.search(lasting(30));
    })();
    const endedMs = await turns.search(lasting(100));
    ended.abort();
    await short;
    assert.ok(endedMs <= 3000, `${endedMs} ms`);
  });

  it('gives upkeep its share, and no more, though there is always more of it', async () => {
    let upkeepMs = 0;
    const until = new AbortController();
    const upkeep = (async () => {
      while (!until.signal.aborted) {
        await turns.upkeep(lasting(20));
        upkeepMs += 20;
      }
    })();
    const endedMs = await turns.search(lasting(400));
    until.abort();
    await upkeep;
    assert.ok(endedMs <= 1000, `${endedMs}`);
    assert.ok(upkeepMs >= 300, `${upkeepMs}`);
  });

  it('ends a search at its deadline, also one that waits for its turn', async () => {
    const searches = [1, 2, 3].map(() => turns.search(lasting(10_000), { deadlineMs: 100 }));
    for (const each of searches) await assert.rejects(each, isLimit('queryDeadlineMs'));
    assert.ok(clock.ms < 120, `${clock.ms}`);
  });

  it('ends a search at its deadline, also one that short searches and upkeep leave no turn', async () => {
    let endedMs = 0;
    const long = turns.search(lasting(10_000), { deadlineMs: 500 });
    const refused = assert.rejects(long, isLimit('queryDeadlineMs')).then(() => {
      endedMs = clock.ms;
    });
    await turns.search(lasting(200)); // the long one has had as much time by now, which later ones have not
    const upkeep = turns.upkeep(lasting(10_000));
    while (endedMs === 0) await turns.search(lasting(1));
    await refused;
    assert.ok(endedMs < 520, `${endedMs}`);
    turns.stop();
    await assert.rejects(upkeep, AbortedError);
  });

  it('refuses more searches than may wait, and takes one again when there is room', async () => {
    const searches = [1, 2, 3].map(() => turns.search(lasting(50)));
    await assert.rejects(turns.search(lasting(1)), isLimit('queuedQueries'));
    await Promise.all(searches);
    await turns.search(lasting(1));
  });

  it('drops a search that is withdrawn, running or waiting, and closes its work', async () => {
    let closed = false;
    function* endless(pace: Pace): Work<void> {
      try {
        for (;;) {
          clock.ms += 1;
          if (pace.due()) yield;
        }
      } finally {
        closed = true;
      }
    }
    const withdrawn = new AbortController();
    const { signal } = withdrawn;
    const searches = [1, 2, 3].map(() => turns.search(endless, { signal }));
    await turns.upkeep(lasting(50));
    withdrawn.abort();
    for (const each of searches) await assert.rejects(each, AbortedError);
    assert.equal(closed, true);
    await assert.rejects(turns.search(lasting(1), { signal }), AbortedError);
    await turns.search(lasting(1));
  });

  it('hands on what the work throws, and goes on', async () => {
    const failing = turns.search(function* (): Work<void> {
      yield;
      throw new RangeError('broken');
    });
    const other = turns.search(lasting(20));
    await assert.rejects(failing, RangeError);
    await other;
  });

  it('fails everything when it is stopped, and what comes later', async () => {
    const search = turns.search(lasting(1000));
    const upkeep = turns.upkeep(lasting(1000));
    turns.stop();
    await assert.rejects(search, AbortedError);
    await assert.rejects(upkeep, AbortedError);
    await assert.rejects(turns.search(lasting(1)), AbortedError);
  });
});
