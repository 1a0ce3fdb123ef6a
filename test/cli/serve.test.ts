import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Components, ServedNode } from '../../src/cli/command.js';
import { serve } from '../../src/cli/serve.js';
import { systemClock } from '../../src/clock.js';
import { ConfigError } from '../../src/config/config-error.js';
import type { Loaded } from '../../src/config/load.js';
import type { NodeConfig } from '../../src/config/options.js';
import { createLog } from '../../src/log.js';
import type { Explained } from '../../src/node/explained.js';
import type { NodeStatus } from '../../src/node/node-status.js';
import {
  askStatusSocket,
  readStatusSocket,
  StatusSocket,
  statusSocketPath,
} from '../../src/node/status-socket.js';
import type { FileCriteria } from '../../src/stanza/file-criteria.js';
import { parseJid } from '../../src/stanza/jid.js';
import { eventually } from '../support/eventually.js';
import { noBans } from '../support/no-bans.js';
import { VirtualClock } from '../support/virtual-clock.js';

const STATUS: NodeStatus = {
  jid: parseJid('files.x'),
  online: true,
  uptimeMs: 0,
  scan: 'done',
  shares: [],
  hashing: { filesDone: 0, filesLeft: 0, bytesLeft: 0, bytesPerSecond: 0 },
  channels: [],
  transfers: [],
  wishes: [],
  keptQuestions: 0,
  queries: { received: 0, answered: 0, refused: 0, dropped: 0 },
  refusals: [],
  bans: 0,
  ignored: 0,
  load: 'calm',
  eventLoopDelayMs: { p50: 0, p99: 0, max: 0 },
};

/** A node without a network: told how its start goes, and when it fails. */
class QuietNode implements ServedNode {
  readonly banKeeper = noBans;
  stopped = 0;
  fail: (error: Error) => void = () => {};
  readonly failed = new Promise<never>((_, reject) => {
    this.fail = reject;
  });
  readonly #started: Promise<void>;
  shares: NodeStatus['shares'] = [];

  constructor(started: Promise<void> = Promise.resolve()) {
    this.#started = started;
    // As the real node, it may fail before anybody listens.
    for (const early of [this.failed, started]) early.catch(() => undefined);
  }

  start(): Promise<void> {
    return this.#started;
  }

  async stop(): Promise<void> {
    this.stopped += 1;
  }

  status(): NodeStatus {
    return { ...STATUS, shares: this.shares };
  }

  async explain({ text = [] }: FileCriteria): Promise<Explained> {
    return { type: 'refused', message: `asked ${text}`, ms: 1 };
  }

  transfers() {
    return [];
  }

  reloaded: NodeConfig[] = [];
  async reload(config: NodeConfig) {
    if (config.shares === undefined) throw new Error('not this one');
    this.reloaded.push(config);
    return ['shares'];
  }
}

let data: string;

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'shoal-serve-'));
});

afterEach(() => rm(data, { recursive: true }));

function run(
  node: QuietNode,
  onReady: () => void = () => {},
  load: () => Promise<Loaded<NodeConfig>> = () => assert.fail('nobody asked'),
) {
  const lines: { msg: string }[] = [];
  const told = new AbortController();
  let hangup: () => void = () => assert.fail('it does not listen');
  const components: Components = {
    clock: new VirtualClock(),
    createNode: async () => node,
    createAsker: () => assert.fail('serve needs no asker'),
    createServer: () => assert.fail('serve needs no server'),
  };
  const config = { data } as NodeConfig; // all that serve reads itself
  const log = createLog('info', { write: (line: string) => lines.push(JSON.parse(line)) });
  const code = serve(
    components,
    { config, warnings: ['mind this'] },
    {
      io: {
        signal: told.signal,
        onHangup: (listener) => {
          hangup = listener;
        },
      },
      log,
      onReady,
      load,
    },
  );
  return { code, told, hangup: () => hangup(), messages: () => lines.map(({ msg }) => msg) };
}

describe('shoal serve', () => {
  it('reads its configuration anew when it is asked or gets SIGHUP, and changes nothing where that has a fault', async () => {
    const node = new QuietNode();
    let ready = () => {};
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    let next: () => Loaded<NodeConfig> = () => assert.fail('not set');
    const { code, told, hangup, messages } = run(
      node,
      () => ready(),
      async () => next(),
    );
    await isReady;
    const ask = () => askStatusSocket({ clock: systemClock }, statusSocketPath(data), { ask: 'reload' });
    const better = { data, shares: [] as NodeConfig['shares'] } as NodeConfig;
    next = () => ({ config: better, warnings: ['mind that'] });
    assert.deepEqual(await ask(), { type: 'reloaded', changed: ['shares'], warnings: ['mind that'] });
    next = () => {
      throw new ConfigError(['node.yaml:1: wrong', 'node.yaml:2: too']);
    };
    assert.deepEqual(await ask(), { type: 'refused', why: ['node.yaml:1: wrong', 'node.yaml:2: too'] });
    next = () => ({ config: { data } as NodeConfig, warnings: [] });
    assert.deepEqual(await ask(), { type: 'refused', why: ['not this one'] });
    next = () => ({ config: better, warnings: [] });
    hangup();
    await eventually(
      () => node.reloaded.length,
      (times) => times === 2,
    );
    told.abort();
    assert.equal(await code, 0);
    assert.deepEqual(
      messages().filter((each) => each.startsWith('the configuration')),
      [
        'the configuration was read anew',
        'the configuration was read anew, and nothing of it taken over',
        'the configuration was read anew, and nothing of it taken over',
        'the configuration was read anew',
      ],
    );
  });

  it('says ready, answers for its status, and ends with 0 when it is told to stop', async () => {
    const node = new QuietNode();
    let ready: () => void = () => {};
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const { code, told, messages } = run(node, ready);
    await isReady;
    assert.deepEqual(messages(), ['mind this', 'ready']);
    assert.deepEqual(await readStatusSocket({ clock: systemClock }, statusSocketPath(data)), STATUS);
    const explained = await askStatusSocket({ clock: systemClock }, statusSocketPath(data), {
      ask: 'explain',
      criteria: { text: ['romeo'] },
    });
    assert.deepEqual(explained, { type: 'refused', message: 'asked romeo', ms: 1 });
    told.abort();
    assert.equal(await code, 0);
    assert.equal(node.stopped, 1);
    assert.deepEqual(messages(), ['mind this', 'ready', 'stopped']);
  });

  it('warns when there are more files than it is made for', async () => {
    const node = new QuietNode();
    node.shares = ['a', 'b'].map((name) => ({ name, files: 500_001, bytes: 0, available: true }));
    let ready: () => void = () => {};
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const { code, told, messages } = run(node, ready);
    await isReady;
    assert.match(messages()[2] ?? '', /^1000002 files are more than the search index is made for/);
    told.abort();
    await code;
  });

  it('tells now and then how far it is, until it is ready', async () => {
    let begin: () => void = () => {};
    const started = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const clock = new VirtualClock();
    const seen: string[] = [];
    const told = new AbortController();
    const components: Components = {
      clock,
      createNode: async () => new QuietNode(started),
      createAsker: () => assert.fail('serve needs no asker'),
      createServer: () => assert.fail('serve needs no server'),
    };
    const code = serve(
      components,
      { config: { data } as NodeConfig, warnings: [] },
      {
        io: { signal: told.signal },
        log: createLog('silent'),
        onReady: () => {
          seen.push('ready');
          told.abort();
        },
        onWaiting: () => seen.push('waiting'),
      },
    );
    await clock.advance(7000);
    begin();
    await code;
    assert.deepEqual(seen, ['waiting', 'waiting', 'ready']);
    assert.equal(clock.pendingTimers, 0);
  });

  it('can be stopped while it starts', async () => {
    const node = new QuietNode(new Promise(() => {}));
    const { code, told, messages } = run(node);
    told.abort();
    assert.equal(await code, 0);
    assert.equal(node.stopped, 1);
    assert.deepEqual(messages(), ['mind this', 'stopped']);
  });

  it('ends with 1 and says why when it can not start', async () => {
    const node = new QuietNode(Promise.reject(new Error('wrong secret')));
    const { code, messages } = run(node);
    assert.equal(await code, 1);
    assert.equal(node.stopped, 1);
    assert.deepEqual(messages(), ['mind this', 'wrong secret', 'stopped']);
  });

  it('ends with 1 when the server refuses it later', async () => {
    const node = new QuietNode();
    const { code, messages } = run(node, () => node.fail(new Error('conflict')));
    assert.equal(await code, 1);
    assert.deepEqual(messages(), ['mind this', 'ready', 'conflict', 'stopped']);
  });

  it('leaves the data alone that another node uses', async () => {
    const other = new StatusSocket(
      { clock: systemClock, log: createLog('silent') },
      { path: statusSocketPath(data), read: () => 'other' },
    );
    await other.start();
    const { code, messages } = run(new QuietNode());
    assert.equal(await code, 1);
    assert.match(messages()[1] ?? '', /another process uses/);
    assert.equal(await readStatusSocket({ clock: systemClock }, statusSocketPath(data)), 'other');
    await other.stop();
  });
});
