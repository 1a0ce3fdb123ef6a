/**
 * In-band bytestreams beside the same number of bare iq round trips of the same size, between the
 * same two parties through the same Prosody: what our blocks, windows and streams add to what the way costs.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { freePorts } from '../src/cli/free-ports.js';
import { systemClock } from '../src/clock.js';
import { clientEntity } from '../src/entity/client-entity.js';
import { componentConnection } from '../src/entity/component-connection.js';
import type { Entity } from '../src/entity/entity.js';
import { StanzaRouter } from '../src/entity/stanza-router.js';
import { silentLog } from '../src/log.js';
import { PrivateProsody } from '../src/private-server/prosody.js';
import { parseBareJid, parseJid } from '../src/stanza/jid.js';
import { type Element, xml } from '../src/stanza/xml.js';
import { IbbTransport } from '../src/transport/ibb-transport.js';
import { defaultIbbLimits } from '../src/transport/limits.js';
import type { TransportNegotiation } from '../src/transport/transport.js';
import { describeMachine, programOf } from './machine.js';
import { publish, type Row, takeTurns, timed } from './table.js';

const CASES = [
  { blockSize: 4096, window: 1 },
  { blockSize: 4096, window: 8 },
  { blockSize: 8192, window: 8 },
  { blockSize: 16_384, window: 8 },
] as const;
const TOTAL_BYTES = 2 << 20;
const MB = 1e6;
const MS_A_SECOND = 1000;
const KIB = 1024;
const REPEATS = 9; // turns differ by a fifth where others use the machine too
const GOAL = { kind: 'at least', ratio: 0.9 } as const;

const DOMAIN = 'localhost';
const NODE = parseBareJid(`files.${DOMAIN}`);
const BARE = { name: 'bare', ns: 'urn:example:bare' } as const;

const machine = describeMachine();
const components = { clock: systemClock, log: silentLog };
const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true })];
try {
  await run();
} finally {
  for (const stop of stops.reverse()) await stop();
}

async function run(): Promise<void> {
  if (programOf('prosody') === undefined) {
    process.stdout.write('Prosody is not installed, and nothing can be measured without it\n');
    return;
  }
  const [node, asker] = await startParties();
  asker.handleIq('set', BARE.name, BARE.ns, () => undefined);
  const bytes = randomBytes(TOTAL_BYTES);
  const rows: Row[] = [];
  for (const { blockSize, window } of CASES) {
    const init = { ...defaultIbbLimits, blockSize, window };
    const sender = new IbbTransport({ entity: node, ...components }, init);
    const receiver = new IbbTransport({ entity: asker, ...components }, init);
    await sender.start();
    await receiver.start();
    const medians = await takeTurns(
      [
        { name: 'ours', run: () => timed(() => bytestream({ node, asker, sender, receiver }, bytes)) },
        { name: 'bare', run: () => timed(() => bareIqs(node, asker, { blockSize, window })) },
      ],
      REPEATS,
    );
    await sender.stop();
    await receiver.stop();
    const rate = (ms: number | undefined) => (TOTAL_BYTES / MB / (ms ?? Number.NaN)) * MS_A_SECOND;
    rows.push({
      work: `blocks of ${blockSize / KIB} KiB, ${window} under way`,
      ours: rate(medians.get('ours')),
      peer: { name: 'bare iqs', value: rate(medians.get('bare')) },
      goal: GOAL,
    });
    process.stdout.write('.');
  }
  publish({
    name: 'ibb',
    about: [
      `${TOTAL_BYTES >> 20} MiB from a component to a client of one private Prosody, both in this process: as an in-band bytestream,`,
      'opening and closing included, and as iqs that carry a text of the same length and are answered at once, as many of',
      'them, as many under way. The bytes of the bytestream are encoded and decoded, those of the bare iqs are a ready text.',
    ],
    machine,
    tables: [{ title: 'In-band', unit: 'MB/s', rows }],
    missing: [],
  });
}

async function startParties(): Promise<[Entity, Entity]> {
  const [c2s = 0, component = 0] = await freePorts(2);
  const secret = randomBytes(16).toString('hex');
  const prosody = new PrivateProsody(components, {
    dataDir: join(folder, 'prosody'),
    ports: { c2s, component },
    domain: DOMAIN,
    components: [{ jid: NODE, secret }],
    accounts: [{ user: 'asker', password: secret }],
    pubsub: { jid: parseJid(`pubsub.${DOMAIN}`) },
  });
  await prosody.start();
  stops.push(() => prosody.stop());
  const host = '127.0.0.1';
  const connection = componentConnection(components, { jid: NODE, host, port: component, secret });
  const node = new StanzaRouter({ ...components, connection });
  const asker = clientEntity(components, {
    jid: parseJid(`asker@${DOMAIN}`),
    password: secret,
    server: { host, port: c2s },
    tls: 'off',
  });
  for (const entity of [node, asker]) {
    await entity.start();
    stops.push(() => entity.stop());
  }
  return [node, asker];
}

interface Way {
  readonly node: Entity;
  readonly asker: Entity;
  readonly sender: IbbTransport;
  readonly receiver: IbbTransport;
}

async function bytestream({ node, asker, sender, receiver }: Way, bytes: Buffer): Promise<void> {
  const noInfo = () => Promise.resolve();
  const offerer: TransportNegotiation = sender.offer({
    self: node.jid,
    peer: asker.jid,
    role: 'initiator',
    sendInfo: noInfo,
  });
  const context = { self: asker.jid, peer: node.jid, role: 'responder', sendInfo: noInfo } as const;
  const answerer = receiver.answer(context, await offerer.describe());
  offerer.remote(await answerer.describe());
  const [from, to] = await Promise.all([offerer.connect(), answerer.connect()]);
  let got = 0;
  const sink = new Writable({
    write(chunk: Buffer, _, taken) {
      got += chunk.length;
      taken();
    },
  });
  from.resume();
  to.end();
  await Promise.all([pipeline(pieces(bytes), from), pipeline(to, sink)]);
  if (got !== bytes.length) throw new Error(`${got} bytes came`);
}

/** As a file is read. */
function pieces(bytes: Buffer): Readable {
  const pieceBytes = 65_536;
  const count = Math.ceil(bytes.length / pieceBytes);
  const cut = (_: unknown, index: number) => bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes);
  return Readable.from(Array.from({ length: count }, cut));
}

async function bareIqs(
  node: Entity,
  asker: Entity,
  { blockSize, window }: { readonly blockSize: number; readonly window: number },
): Promise<void> {
  const text = randomBytes(blockSize).toString('base64');
  const payload = (): Element =>
    xml(BARE.name, { xmlns: BARE.ns, seq: 65_535, sid: '0123456789abcdef' }, text);
  let left = TOTAL_BYTES / blockSize;
  const one = async () => {
    while (left > 0) {
      left -= 1;
      await node.request({ to: asker.jid, type: 'set', payload: payload() });
    }
  };
  await Promise.all(Array.from({ length: window }, one));
}
