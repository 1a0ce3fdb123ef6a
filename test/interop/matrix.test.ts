/**
 * Who sends to whom, over what, on which server: every way that two sides can reach each other, with
 * our own programs and with a peer that shares no code with them.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ACCOUNTS } from '../support/server.js';
import { describeOnServers } from '../support/server-fixture.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';
import { OurAsker, OurNode, OurReceiver, type Transferred } from './our-sides.js';
import type { Reach, Via } from './reach.js';
import { SlixmppPeer } from './slixmpp-peer.js';

/** What carries the bytes, by what the initiator and the responder reach. */
const EXPECTED: readonly (readonly [initiator: Reach, responder: Exclude<Reach, 'in-band'>, via: Via])[] = [
  ['open', 'open', 'direct'],
  ['open', 'firewalled', 'proxy'],
  ['open', 'isolated', 'in-band'],
  ['firewalled', 'open', 'proxy'],
  ['firewalled', 'firewalled', 'proxy'],
  ['firewalled', 'isolated', 'in-band'],
  ['isolated', 'open', 'in-band'],
  ['isolated', 'firewalled', 'in-band'],
  ['isolated', 'isolated', 'in-band'],
  ['in-band', 'open', 'in-band'],
  ['in-band', 'firewalled', 'in-band'],
];

const RESPONDERS = ['open', 'firewalled', 'isolated'] as const;
const INITIATORS = [...RESPONDERS, 'in-band'] as const;

const NAME = 'a file.bin';
const BYTES = randomBytes(150_001);
const SHA256 = createHash('sha256').update(BYTES).digest('hex');

interface Sides {
  readonly nodes: ReadonlyMap<Reach, OurNode>;
  readonly askers: ReadonlyMap<Reach, OurAsker>;
  readonly receivers: ReadonlyMap<Reach, OurReceiver>;
  readonly slixmpp: SlixmppPeer;
  readonly source: string;
  readonly target: string;
}

interface Pair {
  readonly title: string;
  /** What the initiator can begin with. */
  readonly initiators: readonly Reach[];
  /** Both ends of the transfer, in whatever order; `source` went into `target`. */
  readonly transfer: (sides: Sides, initiator: Reach, responder: Reach) => Promise<readonly Transferred[]>;
}

const PAIRS: readonly Pair[] = [
  {
    title: 'our asker requests from our node',
    initiators: INITIATORS,
    transfer: async ({ askers, nodes, target }, initiator, responder) => [
      await at(askers, initiator).fetch(at(nodes, responder).jid, NAME, target),
    ],
  },
  {
    title: 'our asker requests from slixmpp',
    initiators: INITIATORS,
    transfer: async ({ askers, slixmpp, source, target }, initiator, responder) => {
      const { result } = await slixmpp.serve(responder, source);
      return await Promise.all([at(askers, initiator).fetch(slixmpp.jid, NAME, target), result]);
    },
  },
  {
    title: 'slixmpp requests from our node',
    initiators: INITIATORS,
    transfer: async ({ slixmpp, nodes, target }, initiator, responder) => [
      await slixmpp.request(initiator, at(nodes, responder).jid, NAME, target),
    ],
  },
  {
    title: 'our node offers to our library',
    initiators: RESPONDERS,
    transfer: async ({ nodes, receivers, target }, initiator, responder) => {
      const receiver = at(receivers, responder);
      const received = receiver.receive(target);
      return await Promise.all([at(nodes, initiator).offer(receiver.jid, NAME), received]);
    },
  },
  {
    title: 'our node offers to slixmpp',
    initiators: RESPONDERS,
    transfer: async ({ nodes, slixmpp, target }, initiator, responder) => {
      const { result } = await slixmpp.receive(responder, target);
      return await Promise.all([at(nodes, initiator).offer(slixmpp.jid, NAME), result]);
    },
  },
  {
    title: 'slixmpp offers to our library',
    initiators: INITIATORS,
    transfer: async ({ slixmpp, receivers, source, target }, initiator, responder) => {
      const receiver = at(receivers, responder);
      const received = receiver.receive(target);
      return await Promise.all([slixmpp.offer(initiator, receiver.jid, source), received]);
    },
  },
];

function at<T>(sides: ReadonlyMap<Reach, T>, reach: Reach): T {
  return sides.get(reach) ?? assert.fail(`nobody is ${reach}`);
}

describeOnServers('the matrix of transfers', (server) => {
  let folder: TemporaryFolder;
  let sides: Sides;
  const stops: (() => Promise<void>)[] = [];

  before(async function () {
    this.timeout(60_000);
    folder = await temporaryFolder();
    stops.push(() => folder.remove());
    await folder.write(`shared/${NAME}`, BYTES);
    const shared = path.join(folder.path, 'shared');
    async function each<R extends Reach, T extends { stop(): Promise<void> }>(
      reaches: readonly R[],
      start: (reach: R, index: number) => Promise<T>,
    ): Promise<Map<Reach, T>> {
      const made = new Map<Reach, T>();
      for (const [index, reach] of reaches.entries()) {
        const side = await start(reach, index);
        stops.push(() => side.stop());
        made.set(reach, side);
      }
      return made;
    }
    const slixmpp = await SlixmppPeer.start(server(), ACCOUNTS[2]);
    stops.push(() => slixmpp.stop());
    sides = {
      slixmpp,
      source: path.join(shared, NAME),
      target: path.join(folder.path, 'received.bin'),
      nodes: await each(RESPONDERS, (reach, index) => {
        const home = path.join(folder.path, `home-${reach}`);
        return OurNode.start(server(), { jid: `node${index + 1}.localhost`, reach, folder: shared, home });
      }),
      askers: await each(INITIATORS, (reach) => OurAsker.start(server(), reach)),
      receivers: await each(RESPONDERS, (reach) => OurReceiver.start(server(), reach)),
    };
  });

  after(async function () {
    this.timeout(60_000);
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  beforeEach(() => rmSync(sides.target, { force: true }));

  for (const { title, initiators, transfer } of PAIRS) {
    describe(title, () => {
      for (const [initiator, responder, via] of EXPECTED) {
        if (!initiators.includes(initiator)) continue;
        it(`${initiator} to ${responder}: ${via}`, async () => {
          const ends = await transfer(sides, initiator, responder);
          for (const end of ends) {
            assert.equal(end.via, via);
            assert.ok(end.sha256 === undefined || end.sha256 === SHA256, 'byte for byte');
          }
          assert.ok(BYTES.equals(readFileSync(sides.target)), 'byte for byte');
        });
      }
    });
  }
});
