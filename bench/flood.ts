/**
 * `npm run bench -- flood [--files N] [--seconds N] [--rate N]`: one asker floods a node with questions, another asks once a
 * second; and what nodes send because of one forged question on a channel.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/clock.js';
import { budgetOptions } from '../src/config/budget-options.js';
import { clientConnection } from '../src/entity/client-connection.js';
import { StanzaRouter } from '../src/entity/stanza-router.js';
import { silentLog } from '../src/log.js';
import { findCodec } from '../src/stanza/file-discovery.js';
import type { BareJid } from '../src/stanza/jid.js';
import { pubsubIqType, pubsubRequestCodec } from '../src/stanza/xep0060-pubsub.js';
import { MemoryPubsub } from '../test/support/memory-pubsub.js';
import { type Asking, EVERYTHING, words } from './asking.js';
import { type Cleanups, withCleanups } from './cleanups.js';
import { corpusOnDisk } from './corpus-on-disk.js';
import { CountedConnection } from './counted-connection.js';
import type { FloodOrder, FloodReport, FloodTask } from './flood-process.js';
import { describeMachine, programOf } from './machine.js';
import type { NodeProcess } from './node-process.js';
import { PrivateNetwork } from './private-network.js';
import { median, publish, type Table } from './table.js';

const FILES = 100_000;
const SECONDS = 100;
const PER_SECOND = 2000;
const MS_A_SECOND = 1000;
/** The flood is over a budget then, and has been told so. */
const SETTLED_S = 5;
const ANSWER_FILES = 100;
/** Between two phases. */
const REST_MS = 3000;
const FORGED_NODES = 5;
const CHANNEL = 'library';
/** Longer than anybody takes to be asked whether it was him. */
const FORGED_WAIT_MS = 5000;
const PROCESS = fileURLToPath(new URL('flood-process.js', import.meta.url));
/** The budgets that a node has where its owner says nothing. */
const DEFAULTS = Object.fromEntries(
  Object.entries(budgetOptions).map(([key, option]) => [key.replace('limits.', ''), option.default ?? 0]),
);

const { values } = parseArgs({
  options: { files: { type: 'string' }, seconds: { type: 'string' }, rate: { type: 'string' } },
});
if (programOf('prosody') === undefined) {
  process.stdout.write('Prosody is not installed, and nothing can be measured without it\n');
} else {
  await withCleanups(measure);
}

/** What the other asker saw, and the node took meanwhile. */
interface Phase {
  readonly times: readonly number[];
  /** Of a core, in the first seconds and after them. */
  readonly firstCpu: number;
  readonly laterCpu: number;
  readonly mostMegabytes: number;
}

async function measure(cleanups: Cleanups): Promise<void> {
  const machine = describeMachine();
  const files = Number(values.files ?? FILES);
  const seconds = Number(values.seconds ?? SECONDS);
  const perSecond = Number(values.rate ?? PER_SECOND);
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
  cleanups.add(() => rm(folder, { recursive: true }));
  const network = new PrivateNetwork(folder, cleanups);
  // The node; somebody silent; those who are asked with a forged question, and the service on which that is.
  await network.start(3 + FORGED_NODES);
  const { shares } = await corpusOnDisk(cleanups, files);
  const node = network.node(0, { shares, limits: DEFAULTS });
  node.spawn();
  await Promise.all([node.logged('ready'), node.logged('all files are hashed')]);
  const asking = await network.asker();
  const address = network.address(0);
  await network.bystander(1, {
    admit: () => ({ type: 'ignore' }),
    failed: () => undefined,
    mayHear: () => true,
  });
  await asking.until(address, EVERYTHING, ({ total }) => total === files);
  const flooder = await startFlooder(cleanups, { config: network.askerConfig('fetcher'), perSecond });

  const watch = (forSeconds: number) => watched(asking, address, node, forSeconds);
  await watch(5); // makes everything warm
  const before = node.memory().megabytes;
  const idle = [await watch(Math.ceil(seconds / 2))];
  order(flooder, { type: 'begin', to: network.address(1) });
  const control = await watch(Math.ceil(seconds / 2));
  await ended(flooder);
  await pause(REST_MS); // what the server had not passed on yet
  order(flooder, { type: 'begin', to: address });
  const flooded = await watch(seconds);
  const flood = await ended(flooder);
  await pause(REST_MS);
  idle.push(await watch(Math.ceil(seconds / 2)));
  const { refusals } = await node.status();
  flooder.kill();
  await asking.stop();
  const forged = await forgedQuestion(network, cleanups, folder);

  const idleTimes = idle.flatMap(({ times }) => times);
  const idleCpu = median(idle.map(({ laterCpu }) => laterCpu));
  const [p99Idle, p99] = [percentile(idleTimes, 0.99), percentile(flooded.times, 0.99)];
  const tables: Table[] = [
    {
      title: 'Who asks once a second',
      unit: 'ms',
      rows: [
        {
          work: `99 of 100 answers, while another floods the node`,
          ours: p99,
          peer: { name: 'idle', value: p99Idle },
          goal: { kind: 'at most', ratio: 2 },
        },
        {
          work: 'half of them',
          ours: median(flooded.times),
          peer: { name: 'idle', value: median(idleTimes) },
        },
        {
          work: '99 of 100, while the flood goes to a silent address: what the server takes alone',
          ours: percentile(control.times, 0.99),
          peer: { name: 'idle', value: p99Idle },
        },
      ],
    },
    {
      title: 'What the flood costs the node, beyond idle',
      unit: '% of a core',
      rows: [
        { work: `in the first ${SETTLED_S} s`, ours: 100 * (flooded.firstCpu - idleCpu) },
        {
          work: 'after them',
          ours: 100 * (flooded.laterCpu - idleCpu),
          goal: { kind: 'no more than', value: 10 },
        },
      ],
    },
    {
      title: 'Memory of the node, beyond that before',
      unit: 'MB',
      rows: [
        { work: 'at most', ours: flooded.mostMegabytes - before, goal: { kind: 'no more than', value: 50 } },
      ],
    },
    {
      title: `One forged question on a channel, ${FORGED_NODES} nodes that have what it asks for`,
      unit: 'bytes',
      rows: [
        {
          work: 'to the victim, of each node, where the service does not say who published',
          ours: forged.unnamed / FORGED_NODES,
          goal: { kind: 'no more than', value: 400 },
        },
        {
          work: 'to the victim, of each node, where it does',
          ours: forged.named / FORGED_NODES,
          goal: { kind: 'no more than', value: 0 },
        },
      ],
    },
  ];
  const told = refusals.map(({ rule, count }) => `${rule} ${count}`).join(', ');
  publish(
    {
      name: 'flood',
      about: [
        `\`shoal serve\` with ${files.toLocaleString('en')} files and its default limits, beside a private Prosody. Another process sent it ${Math.round((flood.sent / flood.ms) * MS_A_SECOND)} questions a second by iq for`,
        `${Math.round(flood.ms / MS_A_SECOND)} s, and got ${flood.stanzas} stanzas of ${flood.bytes} bytes in all for ${flood.sent}; a third one asked once a second for ${ANSWER_FILES} files. CPU time is that of the node's`,
        `process, all its threads in it. What it counted as refused: ${told}.`,
      ],
      machine,
      tables,
      missing: [],
    },
    files === FILES && seconds === SECONDS && perSecond === PER_SECOND ? 'kept' : 'shown',
  );
}

/** Asks once a second. */
async function watched(asking: Asking, to: BareJid, node: NodeProcess, seconds: number): Promise<Phase> {
  const times: number[] = [];
  const cpu = [node.cpuSeconds()];
  const at = [performance.now()];
  let mostMegabytes = 0;
  const began = performance.now();
  for (let second = 0; second < seconds; second += 1) {
    const asked = performance.now();
    if (!(await asking.ask(to, words('delmirgan'), ANSWER_FILES)))
      throw new Error('the other asker was refused');
    times.push(performance.now() - asked);
    mostMegabytes = Math.max(mostMegabytes, node.memory().megabytes);
    await pause(Math.max(0, began + (second + 1) * MS_A_SECOND - performance.now()));
    if (second + 1 === SETTLED_S || second + 1 === seconds) {
      cpu.push(node.cpuSeconds());
      at.push(performance.now());
    }
  }
  const share = (from: number) =>
    (((cpu[from + 1] ?? 0) - (cpu[from] ?? 0)) / ((at[from + 1] ?? 0) - (at[from] ?? 0))) * MS_A_SECOND;
  return { times, firstCpu: share(0), laterCpu: seconds > SETTLED_S ? share(1) : share(0), mostMegabytes };
}

/** What comes to somebody in whose name another asked. */
async function forgedQuestion(network: PrivateNetwork, cleanups: Cleanups, folder: string) {
  const share = join(folder, 'forged');
  mkdirSync(share);
  for (let at = 0; at < ANSWER_FILES; at += 1) writeFileSync(join(share, `Zephyrine ${at}.txt`), `${at}\n`);
  const pubsub = new MemoryPubsub(network.component(2 + FORGED_NODES));
  cleanups.add(() => pubsub.stop());
  await pubsub.start();
  const service = network.address(2 + FORGED_NODES);
  for (let at = 0; at < FORGED_NODES; at += 1) {
    const shares = [{ name: 'forged', path: share }];
    const node = network.node(2 + at, { shares, channels: [CHANNEL], service, limits: DEFAULTS });
    node.spawn();
    await Promise.all([node.logged('ready'), node.logged('all files are hashed')]);
  }
  const components = { clock: systemClock, log: silentLog };
  const victim = new CountedConnection(clientConnection(components, network.askerConfig('asker')));
  const [entity, forger] = [
    new StanzaRouter({ ...components, connection: victim }),
    new StanzaRouter({
      ...components,
      connection: clientConnection(components, network.askerConfig('fetcher')),
    }),
  ];
  for (const each of [entity, forger]) {
    cleanups.add(() => each.stop());
    await each.start();
  }
  const bytesOf = async (publisherStyle: MemoryPubsub['publisherStyle']) => {
    pubsub.publisherStyle = publisherStyle;
    const before = victim.received().bytes;
    const payload = findCodec.toXml({
      criteria: words('zephyrine'),
      page: { max: 100 },
      replyTo: entity.jid,
    });
    const request = { type: 'publish', nodeId: CHANNEL, item: { id: randomUUID(), payload } } as const;
    await forger.request({
      to: service,
      type: pubsubIqType(request),
      payload: pubsubRequestCodec.toXml(request),
    });
    await pause(FORGED_WAIT_MS);
    return victim.received().bytes - before;
  };
  return { unnamed: await bytesOf('none'), named: await bytesOf('full') };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

async function startFlooder(cleanups: Cleanups, task: FloodTask): Promise<ChildProcess> {
  const child = fork(PROCESS, [JSON.stringify(task)]);
  cleanups.add(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const over = once(child, 'exit');
    child.kill('SIGKILL'); // it has nothing to put in order
    await over;
  });
  await report(child, 'ready');
  return child;
}

function order(child: ChildProcess, sent: FloodOrder): void {
  child.send(sent);
}

async function ended(child: ChildProcess): Promise<Extract<FloodReport, { type: 'ended' }>> {
  const answered = report(child, 'ended');
  order(child, { type: 'end' });
  const said = await answered;
  if (said.type !== 'ended') throw new TypeError('not what was waited for');
  return said;
}

function report(child: ChildProcess, type: FloodReport['type']): Promise<FloodReport> {
  return new Promise((resolve, reject) => {
    const done = () => {
      child.off('message', onMessage);
      child.off('exit', onExit);
    };
    const onMessage = (message: FloodReport) => {
      if (message.type !== type) return;
      done();
      resolve(message);
    };
    const onExit = () => {
      done();
      reject(new Error('the flooding process ended'));
    };
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}
