/** What a node takes to answer, beside a bare round trip through the same server: a question, and a session until its first byte. */
import { once } from 'node:events';
import type { Entity } from '../src/entity/entity.js';
import { FileDiscoveryElement, foundCodec } from '../src/stanza/file-discovery.js';
import type { Jid } from '../src/stanza/jid.js';
import { pingCodec } from '../src/stanza/xep0199-ping.js';
import { EVERYTHING, words } from './asking.js';
import type { Cleanups } from './cleanups.js';
import { corpusOnDisk } from './corpus-on-disk.js';
import { type DownloadStack, startDownloadStack } from './download-stack.js';
import type { Served } from './serve-ranges.js';
import { type Row, takeTurns, timed } from './table.js';

const FILES = 100_000;
const QUESTION = 'delmirgan';
const ANSWER_FILES = 100;
/** The address that is neither node's. */
const PARROT = 2;
/** A turn is a few milliseconds, and what else the machine does is as long. */
const REPEATS = 60;
const SETUP_GOAL = { kind: 'at most', ratio: 6 } as const;
const QUERY_GOAL = { kind: 'at most', ratio: 1.5 } as const;

/** From session-initiate to the first byte. */
export async function measureSetUp(cleanups: Cleanups, { network, address, name }: Served): Promise<Row> {
  const stack = await startDownloadStack(network.askerConfig('fetcher'));
  cleanups.add(() => stack.stop());
  const taken = await takeTurns(
    [
      { name: 'ours', run: () => firstByte(stack, { address, name }) },
      { name: 'ping', run: () => timed(() => ping(stack.entity, address)) },
    ],
    REPEATS,
  );
  return {
    work: 'set-up of a session, from session-initiate to the first byte',
    ours: taken.get('ours') ?? Number.NaN,
    peer: { name: 'ping', value: taken.get('ping') ?? Number.NaN },
    goal: SETUP_GOAL,
  };
}

/**
 * Of another node than that which is served, with 100,000 files; beside a ping, and beside an entity that gives
 * the same answer without looking for it, which tells what of it is the way of the longer stanzas.
 */
export async function measureQuestions(cleanups: Cleanups, { network }: Served): Promise<Row[]> {
  const { shares } = await corpusOnDisk(cleanups, FILES);
  const node = network.node(1, { shares });
  node.spawn();
  await Promise.all([node.logged('ready'), node.logged('all files are hashed')]);
  const asking = await network.asker();
  const library = network.address(1);
  await asking.until(library, EVERYTHING, ({ total }) => total === FILES);
  const ask = async (whom: typeof library) => {
    const found = await asking.ask(whom, words(QUESTION), ANSWER_FILES);
    if (!found) throw new Error('the question was refused');
    return found;
  };
  const answer = await ask(library);
  const parrot = await network.bystander(PARROT);
  const { name, ns } = FileDiscoveryElement.find;
  parrot.handleIq('get', name, ns, async () => foundCodec.toXml(answer));
  const taken = await takeTurns(
    [
      { name: 'ours', run: () => timed(() => ask(library)) },
      { name: 'ping', run: () => timed(() => ping(asking.entity, library)) },
      { name: 'parrot', run: () => timed(() => ask(network.address(PARROT))) },
    ],
    REPEATS,
  );
  const work = `a question by iq among ${FILES.toLocaleString('en')} files (${answer.total} of them)`;
  const ours = taken.get('ours') ?? Number.NaN;
  return [
    { work, ours, peer: { name: 'ping', value: taken.get('ping') ?? Number.NaN }, goal: QUERY_GOAL },
    { work, ours, peer: { name: 'the same answer, known', value: taken.get('parrot') ?? Number.NaN } },
  ];
}

function ping(entity: Entity, to: Jid): Promise<unknown> {
  return entity.request({ to, type: 'get', payload: pingCodec.toXml({}) });
}

async function firstByte(
  { jingle }: DownloadStack,
  { address, name }: Pick<Served, 'address' | 'name'>,
): Promise<number> {
  const range = { offset: 0, length: 1, hashes: [] };
  let download: ReturnType<DownloadStack['jingle']['download']> | undefined;
  const ms = await timed(async () => {
    download = jingle.download({ peer: address, file: { name, hashes: [], hashesUsed: [], range } });
    await once(download.stream, 'data');
  });
  await download?.finish('success');
  return ms;
}
