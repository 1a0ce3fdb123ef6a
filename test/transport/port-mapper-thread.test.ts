/** The library that speaks with gateways, in its thread, with gateways that do as they should and others. */
import assert from 'node:assert/strict';
import { TimeoutError } from '../../src/errors.js';
import { type GatewayChoice, PortMappingError } from '../../src/transport/port-mapper.js';
import { PortMapperThread } from '../../src/transport/port-mapper-thread.js';
import { CountingClock } from '../support/counting-clock.js';
import { FakeGateway, type FakeGatewayInit } from '../support/fake-gateway.js';

const PORT = 40_123;
const never = new AbortController().signal;

for (const protocol of ['nat-pmp', 'upnp'] as const) {
  describe(`a gateway asked by ${protocol}`, () => {
    const clock = new CountingClock();
    let fake: FakeGateway;

    afterEach(async () => {
      await fake.stop();
      assert.equal(clock.pendingTimers, 0);
    });

    async function order(init: Omit<FakeGatewayInit, 'protocol'> = {}) {
      fake = await FakeGateway.start({ ...init, protocol });
      const gateway: GatewayChoice =
        protocol === 'nat-pmp' ? { protocol, host: fake.address } : { protocol, description: fake.address };
      return { gateway, internalPort: PORT, externalPort: PORT, lifetimeS: 3600 };
    }

    const mapper = (timeoutMs = 15_000) =>
      new PortMapperThread({ clock }, { natPmpTimeoutMs: timeoutMs, upnpTimeoutMs: timeoutMs });

    it('maps a port for as long as it was asked to, again, and not any more', async () => {
      const asked = await order({ externalHost: '203.0.113.7' });
      const mapped = await mapper().map(asked, never);
      const known = fake.mappings.get(PORT);
      assert.deepEqual(mapped, { host: '203.0.113.7', port: known?.externalPort });
      assert.equal(known?.lifetimeS, 3600);
      assert.deepEqual(await mapper().map({ ...asked, externalPort: mapped.port }, never), mapped);
      await mapper().unmap({ ...asked, externalPort: mapped.port }, never);
      assert.equal(fake.mappings.size, 0);
    });

    it('that refuses is an error', async () => {
      const asked = await order({ mood: 'refusing' });
      await assert.rejects(mapper().map(asked, never), PortMappingError);
    });

    it('that says nothing is given up', async () => {
      const asked = await order({ mood: 'silent' });
      await assert.rejects(mapper(200).map(asked, never), TimeoutError);
    });

    it('that is not connected itself has no address for us', async () => {
      const asked = await order({ externalHost: '0.0.0.0' });
      await assert.rejects(mapper().map(asked, never), PortMappingError);
    });

    it('is not waited for by who stops', async () => {
      const asked = await order({ mood: 'silent' });
      const stopping = new AbortController();
      const mapping = mapper().map(asked, stopping.signal);
      stopping.abort();
      await assert.rejects(mapping, { code: 'aborted' });
    });
  });
}

describe('PortMapperThread', () => {
  it('outlives a datagram without bytes, which the library does not', async () => {
    const fake = await FakeGateway.start({ protocol: 'nat-pmp', mood: 'empty' });
    const mapper = new PortMapperThread(
      { clock: new CountingClock() },
      { natPmpTimeoutMs: 15_000, upnpTimeoutMs: 15_000 },
    );
    const gateway = { protocol: 'nat-pmp', host: fake.address } as const;
    const order = { gateway, internalPort: PORT, externalPort: PORT, lifetimeS: 3600 };
    await assert.rejects(mapper.map(order, never), PortMappingError);
    await fake.stop();
  });
});
