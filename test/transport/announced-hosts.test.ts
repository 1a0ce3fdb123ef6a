import assert from 'node:assert/strict';
import { announcedHosts, type InterfaceAddress } from '../../src/transport/announced-hosts.js';

function address(text: string, internal = false): InterfaceAddress {
  return { address: text, internal, family: text.includes(':') ? 'IPv6' : 'IPv4' };
}

const lo = [address('127.0.0.1', true), address('::1', true)];
const eth0 = [address('2001:db8::7'), address('192.0.2.7'), address('fe80::1'), address('169.254.3.4')];

describe('announcedHosts', () => {
  it('announces the addresses of the interfaces, IPv4 first, none that means nothing elsewhere', () => {
    assert.deepEqual(announcedHosts({ hosts: [], loopback: false }, { lo, eth0 }), [
      '192.0.2.7',
      '2001:db8::7',
    ]);
  });

  it('announces loopback last where it is wanted', () => {
    const hosts = announcedHosts({ hosts: [], loopback: true }, { lo, eth0 });
    assert.deepEqual(hosts, ['192.0.2.7', '2001:db8::7', '127.0.0.1']);
  });

  it('announces loopback where there is nothing else', () => {
    assert.deepEqual(announcedHosts({ hosts: [], loopback: false }, { lo }), ['127.0.0.1']);
  });

  it('announces what is configured instead', () => {
    assert.deepEqual(announcedHosts({ hosts: ['203.0.113.7'], loopback: false }, { lo, eth0 }), [
      '203.0.113.7',
    ]);
    assert.deepEqual(announcedHosts({ hosts: ['::1'], loopback: true }, { lo, eth0 }), ['::1']);
  });
});
