import assert from 'node:assert/strict';
import {
  type AnnounceInit,
  announcedAddresses,
  type InterfaceAddress,
  type Interfaces,
} from '../../src/transport/announced-hosts.js';

function address(text: string, internal = false): InterfaceAddress {
  return { address: text, internal, family: text.includes(':') ? 'IPv6' : 'IPv4' };
}

function announcedHosts(init: AnnounceInit, interfaces: Interfaces): string[] {
  return announcedAddresses(init, 5000, interfaces).map(({ host }) => host);
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

  it('announces no address that the listener does not hear', () => {
    const bound = (bindHost: string, loopback = false) =>
      announcedHosts({ hosts: [], loopback, bindHost }, { lo, eth0 });
    assert.deepEqual(bound('192.0.2.7'), ['192.0.2.7']);
    assert.deepEqual(bound('192.0.2.7', true), ['192.0.2.7']);
    assert.deepEqual(bound('0.0.0.0', true), ['192.0.2.7', '127.0.0.1']);
    assert.deepEqual(bound('::', true), ['192.0.2.7', '2001:db8::7', '127.0.0.1']);
    assert.deepEqual(bound('127.0.0.1', true), ['127.0.0.1']);
  });

  it('announces the port that a gateway forwards, and its own for loopback', () => {
    const init = { hosts: ['203.0.113.7'], externalPort: 7000, loopback: true };
    assert.deepEqual(
      announcedAddresses(init, 5000, { lo, eth0 }).map(({ host, port }) => `${host}:${port}`),
      ['203.0.113.7:7000', '127.0.0.1:5000'],
    );
  });

  it('announces some addresses of a machine with very many, of both families', () => {
    const bridges = Array.from({ length: 40 }, (_, index) => [
      address(`172.17.${index}.1`),
      address(`2001:db8::${index}`),
    ]);
    const hosts = announcedHosts({ hosts: [], loopback: false }, { eth0, bridges: bridges.flat() });
    assert.ok(hosts.length <= 10 && hosts.includes('192.0.2.7') && hosts.includes('2001:db8::7'));
  });

  it('announces what is configured instead', () => {
    assert.deepEqual(announcedHosts({ hosts: ['203.0.113.7'], loopback: false }, { lo, eth0 }), [
      '203.0.113.7',
    ]);
    assert.deepEqual(announcedHosts({ hosts: ['::1'], loopback: true }, { lo, eth0 }), ['::1']);
  });
});
