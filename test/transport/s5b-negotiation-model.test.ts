/** One S5B negotiation of ours against a peer, a proxy and a network that do anything in any order. */
import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import fc from 'fast-check';
import { ShoalError } from '../../src/errors.js';
import { silentLog } from '../../src/log.js';
import { parseJid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { destinationAddress } from '../../src/stanza/xep0065-bytestreams.js';
import {
  type S5bCandidate,
  type S5bInfo,
  s5bDescriptionCodec,
  s5bInfoCodec,
} from '../../src/stanza/xep0260-jingle-s5b.js';
import { AddressPolicy } from '../../src/transport/address-policy.js';
import { ConnectBudget } from '../../src/transport/connect-budget.js';
import { defaultConnectBudget, defaultS5bLimits } from '../../src/transport/limits.js';
import { fixedProxies } from '../../src/transport/proxy-finder.js';
import { S5bTransport } from '../../src/transport/s5b-transport.js';
import { connectSocks5 } from '../../src/transport/socks5-client.js';
import { acceptSocks5 } from '../../src/transport/socks5-server.js';
import { elementOf } from '../support/codec-fixtures.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { MemoryListener, MemoryTcp } from '../support/memory-tcp.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const romeo = parseJid('romeo.example');
const juliet = parseJid('juliet.example');
const proxy = { jid: parseJid('proxy.example'), host: '10.0.0.9', port: 7777 };
const SID = 's';
const OUR_CID_COUNT = 2; // listener, proxy

/** Of the peer: one that works, one that takes the connection and says nothing, one that refuses, one that is silent. */
const places = ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5'] as const;

const candidate: fc.Arbitrary<S5bCandidate> = fc.record({
  cid: fc.constantFrom('a', 'b', 'c', 'd'),
  host: fc.constantFrom(...places, '127.0.0.1', 'fe80::1%eth0'),
  port: fc.constant(5000),
  priority: fc.nat(10_000_000),
  type: fc.constantFrom('direct', 'assisted', 'tunnel', 'proxy'),
});
const candidates = fc.array(candidate, { maxLength: 6 });

type Action =
  | { readonly do: 'describe' | 'connect' | 'dial' | 'hang-up' | 'close' | 'cut' | 'garbage' }
  | { readonly do: 'answer'; readonly candidates: readonly S5bCandidate[] }
  | { readonly do: 'info'; readonly info: S5bInfo }
  | { readonly do: 'used'; readonly index: number }
  | { readonly do: 'wait'; readonly ms: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.constantFrom<Action>(
    { do: 'describe' },
    { do: 'connect' },
    { do: 'connect' },
    { do: 'dial' },
    { do: 'dial' },
    { do: 'hang-up' },
    { do: 'garbage' },
    { do: 'cut' },
    { do: 'close' },
  ),
  candidates.map((each): Action => ({ do: 'answer', candidates: each })),
  candidates.map(
    (each): Action => ({ do: 'info', info: { type: 'candidates', sid: SID, candidates: each } }),
  ),
  fc.nat(OUR_CID_COUNT).map((index): Action => ({ do: 'used', index })),
  fc
    .constantFrom<S5bInfo>(
      { type: 'candidate-error', sid: SID },
      { type: 'proxy-error', sid: SID },
      { type: 'activated', sid: SID, cid: 'a' },
      { type: 'activated', sid: SID, cid: 'zz' },
      { type: 'candidate-used', sid: SID, cid: 'zz' },
      { type: 'candidate-error', sid: 'another' },
    )
    .map((info): Action => ({ do: 'info', info })),
  fc.constantFrom(0, 100, 600, 6000, 30_000).map((ms): Action => ({ do: 'wait', ms })),
);

/** Most sessions begin in good order; what follows need not. */
const beginning = fc.constantFrom<readonly Action[]>(
  [],
  [{ do: 'describe' }, { do: 'connect' }],
  [{ do: 'describe' }, { do: 'connect' }, { do: 'dial' }, { do: 'used', index: 0 }],
  [
    { do: 'describe' },
    {
      do: 'info',
      info: {
        type: 'candidates',
        sid: SID,
        candidates: [{ cid: 'a', host: places[0], port: 5000, priority: 1000, type: 'proxy' }],
      },
    },
    { do: 'connect' },
    { do: 'wait', ms: 0 },
    { do: 'info', info: { type: 'candidate-error', sid: SID } },
  ],
);
const actions = fc
  .tuple(beginning, fc.array(action, { maxLength: 25 }))
  .map(([first, rest]) => [...first, ...rest]);

class Rig {
  readonly clock = new VirtualClock();
  readonly tcp = new MemoryTcp(this.clock);
  readonly network = new MemoryNetwork({ clock: this.clock });
  readonly entity = this.network.component(romeo);
  readonly proxyEntity = this.network.component(proxy.jid);
  readonly listener = new MemoryListener(this.tcp, this.clock, ['10.0.0.1'], 5000);
  readonly streams: Duplex[] = [];
  outcome: 'none' | 'waiting' | 'stream' | Error = 'none';
  readonly negotiation;
  ourCids: readonly string[] = [];

  constructor(role: 'initiator' | 'responder', activation: 'works' | 'fails' | 'hangs') {
    const { clock, tcp, entity, listener } = this;
    const socks = (host: string, port: number, answers: boolean) =>
      tcp.listen(host, port, (stream) => {
        this.streams.push(stream);
        if (answers) acceptSocks5(stream, () => 'taken', { clock, timeoutMs: 1000 }).catch(() => undefined);
      });
    socks(places[0], 5000, true);
    socks(places[1], 5000, false);
    socks(proxy.host, proxy.port, true);
    tcp.silence(places[3], 5000);
    this.proxyEntity.handleIq('set', 'query', NS.bytestreams, () => {
      if (activation === 'fails') throw new StanzaError('not-allowed');
      return activation === 'hangs' ? new Promise(() => undefined) : undefined;
    });
    const transport = new S5bTransport(
      {
        entity,
        clock,
        log: silentLog,
        listener,
        connector: tcp,
        policy: new AddressPolicy({ allowPrivate: true, allowLoopback: false }),
        gate: new ConnectBudget({ clock }, defaultConnectBudget),
        proxies: fixedProxies([proxy]),
      },
      defaultS5bLimits,
    );
    const context = { self: romeo, peer: juliet, role, sendInfo: () => Promise.resolve() };
    // As the answerer of an empty offer, so that the sid is known.
    this.negotiation = transport.answer(context, s5bDescriptionCodec.toXml({ sid: SID, candidates: [] }));
  }

  async start(): Promise<void> {
    await this.entity.start();
    await this.proxyEntity.start();
  }

  async perform(action: Action): Promise<void> {
    const { negotiation } = this;
    switch (action.do) {
      case 'describe':
        return this.#describe();
      case 'connect':
        return this.#connect();
      case 'dial':
        return this.#dial();
      case 'hang-up':
        this.streams.pop()?.destroy();
        return;
      case 'close':
        negotiation.close();
        return;
      case 'cut':
        this.network.cut(romeo);
        return;
      case 'garbage':
        return this.#tell(() =>
          negotiation.info(elementOf(`<transport xmlns='${NS.s5b}' sid='s'><x/></transport>`)),
        );
      case 'answer':
        return this.#tell(() =>
          negotiation.remote(s5bDescriptionCodec.toXml({ sid: SID, candidates: action.candidates })),
        );
      case 'info':
        return this.#tell(() => negotiation.info(s5bInfoCodec.toXml(action.info)));
      case 'used': {
        const cid = this.ourCids[action.index] ?? 'unknown';
        return this.#tell(() =>
          negotiation.info(s5bInfoCodec.toXml({ type: 'candidate-used', sid: SID, cid })),
        );
      }
      case 'wait':
        await this.clock.advance(action.ms);
    }
  }

  async stop(): Promise<void> {
    this.negotiation.close();
    for (const stream of this.streams) stream.destroy();
    await settle();
    await this.entity.stop();
    await this.proxyEntity.stop();
    await settle();
  }

  /** What the peer hears is an error of ours, or none; never a fault of the program. */
  #tell(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      assert.ok(thrown instanceof ShoalError || thrown instanceof StanzaError, String(thrown));
    }
  }

  async #describe(): Promise<void> {
    try {
      const description = s5bDescriptionCodec.fromXml(await this.negotiation.describe());
      this.ourCids = description.candidates.map(({ cid }) => cid);
    } catch (thrown) {
      assert.ok(thrown instanceof ShoalError, String(thrown));
    }
  }

  #connect(): void {
    if (this.outcome !== 'none') return;
    this.outcome = 'waiting';
    this.negotiation.connect().then(
      (stream) => {
        this.outcome = 'stream';
        this.streams.push(stream);
      },
      (error: Error) => {
        this.outcome = error;
      },
    );
  }

  /** The peer connects to us, and asks for what we expect. */
  async #dial(): Promise<void> {
    const signal = new AbortController().signal;
    const dialing = this.tcp.connect({ host: '10.0.0.1', port: 5000, permits: () => true, signal });
    await this.clock.advance(0);
    const stream = await dialing;
    this.streams.push(stream);
    const dstaddr = destinationAddress(SID, romeo, juliet);
    await connectSocks5(stream, dstaddr, { clock: this.clock, timeoutMs: 1000 }).catch(() => undefined);
  }
}

describe('S5bNegotiation, modelled', () => {
  const role = fc.constantFrom('initiator' as const, 'responder' as const);
  const activation = fc.constantFrom('works' as const, 'fails' as const, 'hangs' as const);

  it('always ends, with a stream or an error of ours, and leaves nothing', async () => {
    const outcomes = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(role, activation, actions, async (ours, proxied, performed) => {
        const rig = new Rig(ours, proxied);
        await rig.start();
        for (const each of performed) await rig.perform(each);
        await rig.clock.advance(60_000);
        const { outcome } = rig;
        assert.notEqual(outcome, 'waiting', 'it never ends');
        if (typeof outcome === 'object') assert.ok(outcome instanceof ShoalError, String(outcome));
        const name = typeof outcome === 'object' ? outcome.name : outcome;
        outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
        await rig.stop();
        assert.equal(rig.tcp.openStreams, 0, 'connections are left');
        assert.equal(rig.listener.expected, 0, 'a bytestream is expected still');
        assert.equal(rig.clock.pendingTimers, 0, 'timers are left');
      }),
      { numRuns: 400 },
    );
    // The model is worth something only if it gets everywhere.
    for (const name of ['stream', 'TransportFailedError', 'AbortedError']) {
      assert.ok((outcomes.get(name) ?? 0) > 0, `${name} never came: ${[...outcomes]}`);
    }
  });

  it('connects to few of ten thousand candidates, and remembers few', async () => {
    const rig = new Rig('responder', 'works');
    await rig.start();
    await rig.perform({ do: 'connect' });
    for (let turn = 0; turn < 100; turn += 1) {
      const flood = Array.from({ length: 100 }, (_, index) => ({
        cid: `${turn}-${index}`,
        host: `10.1.${turn}.${index}`,
        port: 5000,
        priority: turn * 100 + index,
        type: 'direct' as const,
      }));
      await rig.perform({ do: 'info', info: { type: 'candidates', sid: SID, candidates: flood } });
    }
    await rig.clock.advance(60_000);
    assert.ok(rig.tcp.attempts.length <= defaultS5bLimits.maxCandidates, String(rig.tcp.attempts.length));
    await rig.stop();
    assert.equal(rig.clock.pendingTimers, 0);
  });
});
