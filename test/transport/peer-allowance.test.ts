import assert from 'node:assert/strict';
import { type Jid, parseJid } from '../../src/stanza/jid.js';
import { AddressPolicy } from '../../src/transport/address-policy.js';
import { peerAllowance } from '../../src/transport/peer-allowance.js';

describe('peerAllowance', () => {
  function policy(more: { connectToPrivate?: boolean; connectToLoopback?: boolean } = {}): AddressPolicy {
    return new AddressPolicy({
      allowPrivate: false,
      allowLoopback: false,
      allowance: peerAllowance({
        ownServer: () => parseJid('example.org'),
        connectToPrivate: true,
        connectToLoopback: false,
        trusted: [parseJid('romeo@montague.example'), parseJid('capulet.example')],
        ...more,
      }),
    });
  }

  const places: readonly (readonly [string, number])[] = [
    ['203.0.113.7', 5000],
    ['192.168.1.1', 5000],
    ['127.0.0.1', 5000],
    ['203.0.113.7', 25],
    ['169.254.169.254', 5000],
  ];
  const reached = (peer: string, by = policy()) =>
    places.filter(([host, port]) => by.mayConnect(parseJid(peer) as Jid, host, port)).map(String);

  it('sends nobody but the trusted to this machine, to low ports, or into our network', () => {
    assert.deepEqual(reached('stranger@other.example/x'), ['203.0.113.7,5000']);
    const all = ['203.0.113.7,5000', '192.168.1.1,5000', '127.0.0.1,5000', '203.0.113.7,25'];
    assert.deepEqual(reached('romeo@montague.example/x'), all);
    assert.deepEqual(reached('anyone@capulet.example/x'), all);
    assert.deepEqual(reached('juliet@montague.example/x'), ['203.0.113.7,5000']);
  });

  it('sends peers of our own server into our network, and to this machine where the server runs on it', () => {
    assert.deepEqual(reached('a@example.org/x'), ['203.0.113.7,5000', '192.168.1.1,5000']);
    assert.deepEqual(reached('files.example.org/x'), ['203.0.113.7,5000', '192.168.1.1,5000']);
    assert.deepEqual(reached('a@badexample.org/x'), ['203.0.113.7,5000']);
    assert.deepEqual(reached('a@example.org/x', policy({ connectToLoopback: true })), [
      '203.0.113.7,5000',
      '192.168.1.1,5000',
      '127.0.0.1,5000',
    ]);
    assert.deepEqual(reached('a@example.org/x', policy({ connectToPrivate: false })), ['203.0.113.7,5000']);
  });

  it('sends nobody to addresses that mean nothing, or to the metadata of a cloud', () => {
    for (const host of ['169.254.169.254', '0.0.0.0', '224.0.0.1', 'fe80::1', '64:ff9b::7f00:1', '::']) {
      assert.ok(!policy().mayConnect(parseJid('romeo@montague.example/x'), host, 5000), host);
    }
  });
});
