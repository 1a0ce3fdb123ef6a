import assert from 'node:assert/strict';
import type { Entity } from '../../src/entity/entity.js';
import { Roster } from '../../src/entity/roster.js';
import { silentLog } from '../../src/log.js';
import { type BareJid, parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { RosterElement, type RosterItem, rosterCodec } from '../../src/stanza/roster.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { describeFixtures } from '../support/codec-fixtures.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const ACCOUNT = 'files@example.org';
const NODE = parseJid(`${ACCOUNT}/shoal`);
const ROMEO = parseBareJid('romeo@example.net');
const NURSE = parseBareJid('nurse@example.com');

describe('the codec of rosters', () => {
  describeFixtures('rfc6121', rosterCodec);
});

describe('Roster', () => {
  let clock: VirtualClock;
  let network: MemoryNetwork;
  let node: Entity;
  /** Answers for the account. */
  let server: Entity;
  let roster: Roster;
  let items: RosterItem[];
  let failures: number;

  beforeEach(async () => {
    clock = new VirtualClock();
    network = new MemoryNetwork({ clock });
    server = network.client(ACCOUNT);
    node = network.client(NODE);
    items = [item(ROMEO, 'friends', 'family')];
    failures = 0;
    server.handleIq('get', RosterElement.name, RosterElement.ns, () => {
      if (failures-- > 0) throw new StanzaError('internal-server-error');
      return rosterCodec.toXml(items);
    });
    roster = new Roster({ entity: node, clock, log: silentLog });
    await roster.start();
    await server.start();
  });
  afterEach(async () => {
    await roster.stop();
    await node.stop();
    await server.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  function item(jid: BareJid, ...groups: string[]): RosterItem {
    return { jid, subscription: 'both', groups };
  }
  const push = (from: Entity, ...pushed: RosterItem[]) =>
    from.request({ to: NODE, type: 'set', payload: rosterCodec.toXml(pushed) });
  const are = () =>
    [ROMEO, NURSE].flatMap((contact) =>
      ['friends', 'family'].flatMap((group) => (roster.isIn(contact, group) ? `${contact} ${group}` : [])),
    );

  it('knows who is in which group, and what changes', async () => {
    await node.start();
    await settle();
    assert.deepEqual(are(), [`${ROMEO} friends`, `${ROMEO} family`]);
    await push(server, item(ROMEO, 'friends'));
    await push(server, item(NURSE, 'family'));
    assert.deepEqual(are(), [`${ROMEO} friends`, `${NURSE} family`]);
    // As Prosody sends it: without a sender.
    await node.request({ to: NODE, type: 'set', payload: rosterCodec.toXml([item(NURSE, 'family')]) });
    await push(server, { ...item(ROMEO), subscription: 'remove' });
    assert.deepEqual(are(), [`${NURSE} family`]);
  });

  it('believes nobody but its own server', async () => {
    const stranger = network.client('tybalt@example.com/street');
    await node.start();
    await stranger.start();
    await settle();
    await assert.rejects(push(stranger, item(NURSE, 'friends')), StanzaError);
    assert.deepEqual(are(), [`${ROMEO} friends`, `${ROMEO} family`]);
    await stranger.stop();
  });

  it('asks again after a failure, and on every new stream', async () => {
    failures = 1;
    await node.start();
    await settle();
    assert.deepEqual(are(), []);
    await clock.advance(30_000);
    assert.deepEqual(are(), [`${ROMEO} friends`, `${ROMEO} family`]);
    items = [];
    network.cut(NODE);
    await settle();
    assert.deepEqual(are(), [`${ROMEO} friends`, `${ROMEO} family`]);
    network.restore(NODE);
    await settle();
    assert.deepEqual(are(), []);
  });
});
