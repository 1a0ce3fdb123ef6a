/**
 * `npm run bench -- channel [--files N] [--nodes N]`: a question on a channel, answered by several nodes with many
 * files each, beside what the server itself takes to bring an item to as many subscribers.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { EVERYTHING, words } from './asking.js';
import { BareChannel } from './bare-channel.js';
import { type Cleanups, withCleanups } from './cleanups.js';
import { corpusOnDisk } from './corpus-on-disk.js';
import { describeMachine, programOf } from './machine.js';
import { PrivateNetwork } from './private-network.js';
import { type Contender, publish, type Row, takeTurns } from './table.js';

const FILES_A_NODE = 100_000;
const NODES = 5;
const REPEATS = 30;
/** Between two turns: what follows an answer, such as taking the question back, is then over. */
const REST_MS = 100;
/** What a hub's client sends for one question, and what `shoal find` asks for. */
const ANSWER_FILES = [10, 100] as const;
const TERMS = { common: 'music', rare: 'zephyrine' } as const;
const CHANNEL = 'library';
const GOAL = { kind: 'at most', ratio: 3 } as const;

const { values } = parseArgs({ options: { files: { type: 'string' }, nodes: { type: 'string' } } });
if (programOf('prosody') === undefined) {
  process.stdout.write('Prosody is not installed, and nothing can be measured without it\n');
} else {
  await withCleanups(measure);
}

async function measure(cleanups: Cleanups): Promise<void> {
  const machine = describeMachine();
  const nodes = Number(values.nodes ?? NODES);
  const filesANode = Number(values.files ?? FILES_A_NODE);
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
  cleanups.add(() => rm(folder, { recursive: true }));
  const network = new PrivateNetwork(folder, cleanups);
  // Beside each node somebody who only listens, and one more who is alone on a channel.
  await network.start(2 * nodes + 1);
  const asking = await network.asker();
  for (let at = 0; at < nodes; at += 1) {
    const rare = join(folder, `rare${at}`);
    mkdirSync(rare);
    writeFileSync(join(rare, 'Zephyrine Quartet.flac'), `of node ${at}\n`);
    const { shares } = await corpusOnDisk(cleanups, filesANode, at + 1);
    const node = network.node(at, {
      shares: [...shares, { name: 'rare', path: rare }],
      channels: [CHANNEL],
    });
    // One after the other: how they start is not measured here.
    node.spawn();
    await Promise.all([node.logged('ready'), node.logged('all files are hashed')]);
    await asking.until(network.address(at), EVERYTHING, ({ total }) => total === filesANode + 1);
    process.stderr.write(`node ${at + 1} is ready\n`);
  }

  const address = { service: network.pubsub, nodeId: CHANNEL };
  const contenders: Contender[] = [];
  for (const [term, word] of Object.entries(TERMS)) {
    for (const maxFiles of ANSWER_FILES) {
      const run = () => asking.askChannel(address, words(word), { maxFiles, answers: nodes });
      contenders.push({ name: `${term} ${maxFiles}`, run: () => rested(run) });
    }
  }
  const one = network.address(0);
  const direct = async () => {
    const began = performance.now();
    await asking.ask(one, words(TERMS.rare), 10);
    return performance.now() - began;
  };
  contenders.push({ name: 'direct', run: () => rested(direct) });
  const listeners = await Promise.all(
    Array.from({ length: nodes + 1 }, (_, at) => network.bystander(nodes + at)),
  );
  for (const subscribers of [listeners.slice(0, nodes), listeners.slice(nodes)]) {
    const channel = { service: network.pubsub, nodeId: `bare${subscribers.length}` };
    const bare = new BareChannel({ publisher: asking.entity, subscribers }, channel);
    await bare.open();
    contenders.push({
      name: `bare ${subscribers.length}`,
      run: () => rested(() => bare.publish(words(TERMS.rare))),
    });
  }
  const medians = await takeTurns(contenders, REPEATS);

  const row = (term: keyof typeof TERMS, maxFiles: number, subscribers: number): Row => ({
    work: `${term}: \`${TERMS[term]}\`, ${maxFiles} files an answer`,
    ours: medians.get(`${term} ${maxFiles}`) ?? Number.NaN,
    peer: {
      name: subscribers === 1 ? '1 subscriber' : `the last of ${subscribers} subscribers`,
      value: medians.get(`bare ${subscribers}`) ?? Number.NaN,
    },
    goal: GOAL,
  });
  const rows = (subscribers: number): Row[] =>
    (['common', 'rare'] as const).flatMap((term) =>
      ANSWER_FILES.map((maxFiles) => row(term, maxFiles, subscribers)),
    );
  publish(
    {
      name: 'channel',
      about: [
        `${nodes} \`shoal serve\` with ${filesANode.toLocaleString('en')} files each on a channel of a private Prosody; spread 0. From publishing the question to the`,
        'first page of the last answer, read by the asker; each answer has as many files as are asked for, and not more than',
        'the 48 kB of a message. Beside it the same item on a channel of the same server whose subscribers, attached like the',
        `nodes, are in the asker's process and do nothing: from publishing to its notification. Median of ${REPEATS} turns each.`,
        'Five ncdc on a hub, the peer that the goals were set beside, are not run here.',
      ],
      machine,
      tables: [
        { title: 'Publish to last answer', unit: 'ms', rows: [...rows(nodes), ...rows(1)] },
        {
          title: 'One of the nodes alone, by iq',
          unit: 'ms',
          rows: [{ work: `rare: \`${TERMS.rare}\``, ours: medians.get('direct') ?? Number.NaN }],
        },
      ],
      missing: programOf('ncdc') === undefined ? ['ncdc'] : [],
    },
    nodes === NODES && filesANode === FILES_A_NODE ? 'kept' : 'shown',
  );
}

async function rested(work: () => Promise<number>): Promise<number> {
  await pause(REST_MS);
  return work();
}
