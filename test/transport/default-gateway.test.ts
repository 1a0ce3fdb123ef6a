import assert from 'node:assert/strict';
import { endianness } from 'node:os';
import { defaultGatewayOf } from '../../src/transport/default-gateway.js';

const HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT  ';
/** As the kernel of this machine would print it. */
const hex = (address: string) => {
  const bytes = Buffer.from(address.split('.').map(Number));
  return (endianness() === 'LE' ? bytes.reverse() : bytes).toString('hex').toUpperCase();
};
const route = (to: string, by: string, flags: string, metric: number, mask = to) =>
  `eth0\t${hex(to)}\t${hex(by)}\t${flags}\t0\t0\t${metric}\t${hex(mask)}\t0\t0\t0    `;

describe('defaultGatewayOf', () => {
  it('is the gateway to everywhere, of several the nearest', () => {
    const routes = [
      HEAD,
      route('192.168.1.0', '0.0.0.0', '0001', 0, '255.255.255.0'),
      route('0.0.0.0', '10.0.0.1', '0003', 600),
      route('0.0.0.0', '192.168.1.254', '0003', 100),
      '',
    ].join('\n');
    assert.equal(defaultGatewayOf(routes), '192.168.1.254');
  });

  it('is none where a network leads everywhere without one, or the lines are none', () => {
    for (const routes of [
      '',
      HEAD,
      route('0.0.0.0', '0.0.0.0', '0001', 0),
      'eth0\t00000000\tXY\t0003',
      '\n\n',
    ]) {
      assert.equal(defaultGatewayOf(routes), undefined, routes);
    }
  });

  it('is none where half of everywhere goes elsewhere, as with some tunnels', () => {
    assert.equal(defaultGatewayOf(route('0.0.0.0', '10.8.0.1', '0003', 0, '128.0.0.0')), undefined);
  });
});
