import assert from 'node:assert/strict';
import { type Jid, parseJid } from '../../src/stanza/jid.js';
import { AddressPolicy } from '../../src/transport/address-policy.js';
import { peerAllowance } from '../../src/transport/peer-allowance.js';

describe('peerAllowance', () => {
  const policyInit = {
    ownServer: () => parseJid('example.org'),
    connectToPrivate: true,
    connectToLoopback: false,
    trusted: [parseJid('romeo@montague.example'), parseJid('capulet.example')],
  };

  function policy(more: { connectToPrivate?: boolean; connectToLoopback?: boolean } = {}): AddressPolicy {
    return new AddressPolicy({
      allowPrivate: false,
      allowLoopback: false,
      allowance: peerAllowance({ ...policyInit, ...more }),
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

  it('takes nobody for one of ours because both are below the same top-level domain', () => {
    const component = { ...policyInit, ownServer: () => parseJid('com'), connectToLoopback: true };
    const by = new AddressPolicy({
      allowPrivate: false,
      allowLoopback: false,
      allowance: peerAllowance(component),
    });
    assert.deepEqual(reached('a@attacker.com/x', by), ['203.0.113.7,5000']);
    const local = { ...component, ownServer: () => parseJid('localhost') };
    const atHome = new AddressPolicy({
      allowPrivate: false,
      allowLoopback: false,
      allowance: peerAllowance(local),
    });
    assert.equal(reached('a@localhost/x', atHome).length, 3);
  });

  it('sends nobody to addresses that mean nothing, or to the metadata of a cloud', () => {
    for (const host of ['169.254.169.254', '0.0.0.0', '224.0.0.1', 'fe80::1', '64:ff9b::7f00:1', '::']) {
      assert.ok(!policy().mayConnect(parseJid('romeo@montague.example/x'), host, 5000), host);
    }
  });
});
