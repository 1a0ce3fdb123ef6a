import assert from 'node:assert/strict';
import type { ListenAddress } from '../../src/transport/announced-hosts.js';
import { AssistedListener } from '../../src/transport/assisted-listener.js';

const own: ListenAddress[] = [{ host: '192.0.2.1', port: 7000, type: 'direct' }];
const outside: ListenAddress = { host: '203.0.113.7', port: 7007, type: 'assisted' };

describe('AssistedListener', () => {
  const addresses = (direct: readonly ListenAddress[], address: ListenAddress | undefined) =>
    new AssistedListener({
      listener: { addresses: direct, expect: () => () => undefined },
      mapping: { address },
    }).addresses;

  it('is reached by way of the gateway as well, after its own addresses', () => {
    assert.deepEqual(addresses(own, outside), [...own, outside]);
    assert.deepEqual(addresses(own, undefined), own);
  });

  it('names no address twice (XEP-0260 §2.2)', () => {
    const configured: ListenAddress[] = [{ ...outside, type: 'direct' }];
    assert.deepEqual(addresses(configured, outside), configured);
    assert.equal(addresses([{ ...outside, port: 7008 }], outside).length, 2);
  });
});
