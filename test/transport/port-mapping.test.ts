import assert from 'node:assert/strict';
import { AbortedError } from '../../src/errors.js';
import { silentLog } from '../../src/log.js';
import {
  type GatewayChoice,
  type MappedPort,
  type MappingOrder,
  mappedPortOf,
  type PortMapper,
  PortMappingError,
} from '../../src/transport/port-mapper.js';
import { PortMapping } from '../../src/transport/port-mapping.js';
import { VirtualClock } from '../support/virtual-clock.js';

type Order = Omit<MappingOrder, 'action'>;

/** Gateways in memory, of which some are there. */
class MemoryGateways implements PortMapper {
  readonly there = new Map<GatewayChoice, MappedPort>();
  readonly orders: Order[] = [];
  readonly unmapped: Order[] = [];
  isSilent = false;

  async map(order: Order, signal: AbortSignal): Promise<MappedPort> {
    this.orders.push(order);
    if (this.isSilent) await aborted(signal);
    const mapped = this.there.get(order.gateway);
    if (!mapped) throw new PortMappingError('nobody there');
    return mapped;
  }

  async unmap(order: Order, signal: AbortSignal): Promise<void> {
    if (this.isSilent) await aborted(signal);
    this.unmapped.push(order);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new AbortedError('given up')), { once: true });
  });
}

const PMP = { protocol: 'nat-pmp' } as const;
const UPNP = { protocol: 'upnp' } as const;
const OUTSIDE = { host: '203.0.113.7', port: 7007 };
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

describe('PortMapping', () => {
  let clock: VirtualClock;
  let gateways: MemoryGateways;
  let mapping: PortMapping;

  beforeEach(async () => {
    clock = new VirtualClock();
    gateways = new MemoryGateways();
    mapping = new PortMapping(
      { mapper: gateways, clock, log: silentLog },
      {
        gateways: [PMP, UPNP],
        port: () => 7000,
        lifetimeS: 3600,
        renewMs: 10 * MINUTE_MS,
        retryMs: MINUTE_MS,
        unmapTimeoutMs: 2000,
      },
    );
  });

  afterEach(() => {
    assert.equal(clock.pendingTimers, 0);
  });

  it('is an assisted address while a gateway forwards it', async () => {
    gateways.there.set(UPNP, OUTSIDE);
    await mapping.start();
    assert.equal(mapping.address, undefined);
    await clock.advance(0);
    assert.deepEqual(mapping.address, { ...OUTSIDE, type: 'assisted' });
    await mapping.stop();
    assert.equal(mapping.address, undefined);
    assert.deepEqual(gateways.unmapped, [
      { gateway: UPNP, internalPort: 7000, externalPort: 7007, lifetimeS: 3600 },
    ]);
  });

  it('is renewed in time, with the gateway and the port of before', async () => {
    gateways.there.set(UPNP, OUTSIDE);
    await mapping.start();
    await clock.advance(9 * MINUTE_MS);
    assert.equal(gateways.orders.length, 2, 'one of each gateway');
    await clock.advance(MINUTE_MS);
    const { gateway, externalPort } = gateways.orders[2] ?? {};
    assert.deepEqual({ gateway, externalPort }, { gateway: UPNP, externalPort: 7007 });
    assert.equal(gateways.orders.length, 3);
    await mapping.stop();
  });

  it('says where it is now when a gateway has another address after a while', async () => {
    gateways.there.set(PMP, OUTSIDE);
    await mapping.start();
    await clock.advance(0);
    gateways.there.set(PMP, { host: '203.0.113.8', port: 7001 });
    await clock.advance(10 * MINUTE_MS);
    assert.deepEqual(mapping.address, { host: '203.0.113.8', port: 7001, type: 'assisted' });
    await mapping.stop();
  });

  it('is none any more when the gateway went and the time is over, and one again when there is another', async () => {
    gateways.there.set(PMP, OUTSIDE);
    await mapping.start();
    await clock.advance(0);
    gateways.there.clear();
    await clock.advance(HOUR_MS - 1);
    assert.deepEqual(mapping.address, { ...OUTSIDE, type: 'assisted' });
    await clock.advance(1);
    assert.equal(mapping.address, undefined);
    gateways.there.set(UPNP, OUTSIDE);
    await clock.advance(10 * MINUTE_MS);
    assert.deepEqual(mapping.address, { ...OUTSIDE, type: 'assisted' });
    await mapping.stop();
  });

  it('asks less and less often where no gateway is', async () => {
    await mapping.start();
    await clock.advance(24 * HOUR_MS);
    const rounds = gateways.orders.length / 2;
    assert.ok(rounds > 140 && rounds < 150, `${rounds} rounds in a day`);
    await mapping.stop();
    assert.deepEqual(gateways.unmapped, []);
  });

  it('stops at once while a gateway is being asked', async () => {
    gateways.isSilent = true;
    await mapping.start();
    await mapping.stop();
  });

  it('stops without the gateway where it says nothing', async () => {
    gateways.there.set(PMP, OUTSIDE);
    await mapping.start();
    await clock.advance(0);
    gateways.isSilent = true;
    const stopped = mapping.stop();
    await clock.advance(2000);
    await stopped;
  });

  it('stops without having been started', async () => {
    await mapping.stop();
  });
});

describe('mappedPortOf', () => {
  it('believes an IPv4 address that can be one, and a port', () => {
    assert.deepEqual(mappedPortOf({ ...OUTSIDE, more: 1 }), OUTSIDE);
    const wrong = [
      ...['', '0.0.0.0', '224.0.0.1', '255.255.255.255', '::1', 'example.org', 7].map((host) => ({
        host,
        port: 1,
      })),
      ...[0, 65_536, 1.5, Number.NaN, '7', undefined].map((port) => ({ host: '203.0.113.7', port })),
    ];
    for (const each of [...wrong, {}, null, undefined, 'x']) {
      assert.throws(() => mappedPortOf(each), PortMappingError, JSON.stringify(each));
    }
  });
});
