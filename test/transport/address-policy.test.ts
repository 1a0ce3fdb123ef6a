import assert from 'node:assert/strict';
import { parseJid } from '../../src/stanza/jid.js';
import { AddressPolicy } from '../../src/transport/address-policy.js';

const peer = parseJid('romeo@montague.lit/orchard');
const open = new AddressPolicy({ allowPrivate: true, allowLoopback: true });
const usual = new AddressPolicy({ allowPrivate: true, allowLoopback: false });
const closed = new AddressPolicy({ allowPrivate: false, allowLoopback: false });

const never = [
  '0.0.0.0',
  '0.1.2.3',
  '169.254.169.254',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  'ff02::1',
  'fe80::fc:ff:fe00:1',
  'fe80::fc:ff:fe00:1%eth0',
  '::ffff:0.0.0.0',
  '::ffff:169.254.169.254',
  '64:ff9b::7f00:1',
  '64:ff9b:1::7f00:1',
  '::127.0.0.1',
  '::1%lo',
];
const loopback = ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'];
const inside = [
  '10.0.0.1',
  '172.31.0.1',
  '192.168.4.1',
  '100.64.0.1',
  'fd00::2',
  'fec0::1',
  '::ffff:10.0.0.1',
];
const outside = ['24.24.24.1', '192.0.2.2', '2001:638:708:30c9:219:d1ff:fea4:a17d'];

describe('AddressPolicy', () => {
  const allows = (policy: AddressPolicy, host: string) => policy.mayConnect(peer, host, 5000);

  for (const host of never) it(`never goes to ${host}`, () => assert.ok(!allows(open, host)));
  for (const host of loopback) {
    it(`goes to ${host} only where loopback is allowed`, () => {
      assert.ok(allows(open, host));
      assert.ok(!allows(usual, host));
    });
  }
  for (const host of inside) {
    it(`goes to ${host} only where private networks are allowed`, () => {
      assert.ok(allows(usual, host));
      assert.ok(!allows(closed, host));
    });
  }
  for (const host of outside) it(`goes to ${host}`, () => assert.ok(allows(closed, host)));

  it('never goes to a well-known port', () => {
    for (const port of [0, 22, 25, 80, 443, 1023]) assert.ok(!open.mayConnect(peer, '24.24.24.1', port));
    assert.ok(open.mayConnect(peer, '24.24.24.1', 1024));
  });

  it('leaves names to be judged by what they resolve to', () => {
    assert.ok(closed.mayConnect(peer, 'proxy.example.com', 5000));
    assert.ok(!closed.mayReach(peer, '127.0.0.1'));
    assert.ok(!closed.mayReach(peer, 'proxy.example.com'));
  });
});
