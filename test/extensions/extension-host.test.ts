import assert from 'node:assert/strict';
import { API_VERSION, type ExtensionContext, type Query } from '../../src/extensions/api.js';
import { ExtensionError } from '../../src/extensions/hooks.js';
import {
  MAX_STRIKES,
  type RunningExtension,
  STRIKES_COUNT_MS,
} from '../../src/extensions/running-extension.js';
import { readQueryVerdict } from '../../src/extensions/verdicts.js';
import { type Extended, extended, LIMIT_MS } from '../support/extended.js';
import { settle, type VirtualClock } from '../support/virtual-clock.js';

const QUERY: Query = { from: 'romeo@example.net/x', channel: undefined, criteria: { ext: ['ogg'] } };
const never = new Promise<never>(() => undefined);

function only({ host }: Extended): RunningExtension {
  const [extension] = host.having('onQuery');
  assert.ok(extension);
  return extension;
}

const ask = (extension: RunningExtension) => extension.decide('onQuery', QUERY, readQueryVerdict);

/** What comes of it, in as much virtual time as it may take. */
async function inTime<T>(clock: VirtualClock, asking: Promise<T>): Promise<T> {
  await clock.advance(LIMIT_MS);
  return await asking;
}

describe('the extensions of a node', () => {
  let world: Extended;

  afterEach(async () => {
    const stopped = world.host.stop();
    await world.clock.advance(10 * LIMIT_MS);
    await stopped;
    assert.equal(world.clock.pendingTimers, 0, 'timers are left');
  });

  it('are made in their order, with what they need, and stopped the other way round', async () => {
    const seen: string[] = [];
    const contexts: ExtensionContext[] = [];
    const make = (name: string) => async (context: ExtensionContext) => {
      contexts.push(context);
      seen.push(`${name} made`);
      return {
        onQuery: () => undefined,
        stop: async () => {
          await Promise.resolve();
          seen.push(`${name} stopped, ${context.signal.aborted}`);
        },
      };
    };
    world = extended({ extensions: [make('one'), make('two')] });
    await world.host.start();
    const [context] = contexts;
    assert.ok(context);
    assert.equal(context.apiVersion, API_VERSION);
    assert.equal(context.jid, 'files.example.org');
    assert.equal(context.resolve('x/y'), '/etc/shoal/x/y');
    assert.deepEqual(context.config, { list: [1, { deep: true }] });
    assert.ok(Object.isFrozen((context.config.list as object[])[1]));
    context.log.info('hello', { hook: 'x' });
    assert.ok(world.lines.includes('/one: x: hello'));
    await world.host.stop();
    assert.deepEqual(seen, ['one made', 'two made', 'two stopped, true', 'one stopped, true']);
    assert.deepEqual(world.host.having('onQuery'), []);
  });

  const unusable: readonly (readonly [string, unknown, RegExp])[] = [
    ['nothing', undefined, /must return an object with hooks/],
    [
      'a hook that there is not',
      { onQuerry: () => undefined },
      /'onQuerry' is not a hook; did you mean 'onQuery'\?/,
    ],
    ['a hook that is no function', { onQuery: 7 }, /'onQuery' must be a function/],
    ['a wish that is neither yes nor no', { required: 'yes' }, /'required' must be a boolean/],
  ];
  for (const [what, returned, expected] of unusable) {
    it(`keep the node from starting when one gives out ${what}`, async () => {
      world = extended({ extensions: [{}, (() => returned) as never] });
      await assert.rejects(world.host.start(), (error: Error) => {
        assert.ok(error instanceof ExtensionError);
        assert.match(error.message, /^the extension \/two did not start: /);
        assert.match(error.message, expected);
        return true;
      });
    });
  }

  it('keep the node from starting when one throws, or takes for ever', async () => {
    world = extended({
      extensions: [
        () => {
          throw new Error('no such folder');
        },
      ],
    });
    await assert.rejects(world.host.start(), /\/one did not start: no such folder/);
    world = extended({ extensions: [() => never] });
    const starting = assert.rejects(world.host.start(), /\/one did not start: it took longer than 10 s/);
    await world.clock.advance(10_000);
    await starting;
  });

  it('harm nobody when they throw, reject or return nonsense, and are asked again', async () => {
    const answers: (() => unknown)[] = [
      () => {
        throw new Error('broken');
      },
      () => Promise.reject(new Error('broken later')),
      () => 'yes',
      () => ({ vetoed: true }),
      () => ({ veto: 'because' }),
      () => ({ narrow: {} }),
      () => ({ narrow: { path: 'books/' } }),
      () => ({ veto: true, narrow: { ext: ['ogg'] } }),
      () => Promise.reject(undefined),
    ];
    let calls = 0;
    world = extended({ extensions: [{ onQuery: () => answers[calls++]?.() as never }] });
    await world.host.start();
    for (const _ of answers) {
      assert.equal(await ask(only(world)), undefined);
      await world.clock.advance(60_000); // each is told once a minute
    }
    assert.equal(calls, answers.length);
    const told = world.lines.filter((line) => line.endsWith('an extension failed'));
    assert.equal(told.length, answers.length, told.join('\n'));
    assert.match(told[0] ?? '', /^\/one: onQuery: broken: /);
    assert.match(told[4] ?? '', /'veto' is 'because', which is neither true nor a condition/);
  });

  it('do not fill the log with the same fault', async () => {
    world = extended({ extensions: [{ onQuery: () => Promise.reject(new Error('broken')) }] });
    await world.host.start();
    for (let call = 0; call < 1000; call += 1) await ask(only(world));
    assert.equal(world.lines.filter((line) => line.includes('broken')).length, 1);
    await world.clock.advance(60_000);
    await ask(only(world));
    assert.equal(world.lines.filter((line) => line.includes('broken')).length, 2);
  });

  it('that hang are given their time, told that it is over, and dropped after some strikes; others go on', async () => {
    const signals: AbortSignal[] = [];
    let stops = 0;
    world = extended({
      extensions: [
        {
          onQuery: (_, signal) => {
            signals.push(signal);
            return never;
          },
          stop: () => {
            stops += 1;
          },
        },
        { onQuery: () => ({ veto: true }) },
      ],
    });
    await world.host.start();
    const [hangs, works] = world.host.having('onQuery');
    assert.ok(hangs && works);
    for (let strike = 1; strike <= MAX_STRIKES; strike += 1) {
      assert.equal(world.host.having('onQuery').length, 2);
      assert.equal(await inTime(world.clock, ask(hangs)), undefined);
      assert.equal(signals.at(-1)?.aborted, true);
    }
    assert.deepEqual(world.host.having('onQuery'), [works]);
    assert.equal(await ask(works), 'vetoed');
    assert.equal(stops, 1);
    assert.match(world.lines.at(-1) ?? '', /^\/one: onQuery: an extension is too slow and has been dropped$/);
    await world.host.stop();
    assert.equal(stops, 1, 'stopped once');
  });

  it('that are slow now and then are kept', async () => {
    world = extended({ extensions: [{ onQuery: () => never }] });
    await world.host.start();
    for (let strike = 0; strike < 3 * MAX_STRIKES; strike += 1) {
      await inTime(world.clock, ask(only(world)));
      await world.clock.advance(STRIKES_COUNT_MS / (MAX_STRIKES - 1));
    }
    assert.equal(world.host.having('onQuery').length, 1);
  });

  it('that keep the loop from turning are dropped too', async () => {
    world = extended({ extensions: [{ onQuery: () => void block() }] });
    const { clock } = world;
    // As long as the hook runs nothing else does, but for the time.
    let offsetMs = 0;
    const monotonic = clock.monotonic.bind(clock);
    clock.monotonic = () => monotonic() + offsetMs;
    const block = () => {
      offsetMs += 500;
    };
    await world.host.start();
    for (let strike = 1; strike <= MAX_STRIKES; strike += 1) await ask(only(world));
    assert.deepEqual(world.host.having('onQuery'), []);
    assert.match(world.lines.join('\n'), /kept everything waiting for 500 ms/);
  });

  it('that are required refuse what they can not be asked, also when they were dropped', async () => {
    let calls = 0;
    const hangs = () => {
      calls += 1;
      if (calls === 1) throw new Error('broken');
      return never;
    };
    world = extended({ extensions: [{ required: true, onQuery: hangs, onTransferEnd: () => undefined }] });
    await world.host.start();
    for (let call = 0; call <= MAX_STRIKES; call += 1) {
      assert.equal(await inTime(world.clock, ask(only(world))), 'vetoed');
    }
    assert.match(world.lines.at(-1) ?? '', /dropped; it is required: what it would be asked is refused$/);
    assert.equal(await ask(only(world)), 'vetoed');
    assert.equal(calls, MAX_STRIKES + 1, 'it is not called any more');
    assert.deepEqual(world.host.having('onTransferEnd'), []);
  });

  it('are waited for when the node stops: what they were told they can put down', async () => {
    const written: string[] = [];
    let write: () => void = () => undefined;
    const writing = new Promise<void>((resolve) => {
      write = resolve;
    });
    world = extended({
      extensions: [
        {
          onTransferEnd: async () => {
            await writing;
            written.push('end');
          },
          stop: () => void written.push('stop'),
        },
      ],
    });
    await world.host.start();
    world.host.having('onTransferEnd')[0]?.tell('onTransferEnd', {});
    const stopped = world.host.stop();
    await settle();
    assert.deepEqual(written, []);
    write();
    await stopped;
    assert.deepEqual(written, ['end', 'stop']);
  });

  it('that only listen and hang take bounded memory', async () => {
    let calls = 0;
    const onFiles = () => {
      calls += 1;
      return never;
    };
    world = extended({ extensions: [{ onFiles }] });
    await world.host.start();
    const [extension] = world.host.having('onFiles');
    for (let call = 0; call < 5_000; call += 1) extension?.tell('onFiles', {});
    assert.equal(calls, 1_000);
    await world.clock.advance(LIMIT_MS);
    assert.deepEqual(world.host.having('onFiles'), []);
  });
});
