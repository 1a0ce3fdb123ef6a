/** What a router does at the word of its screen: here the one that nodes have. */
import assert from 'node:assert/strict';
import { Bans } from '../../src/access/bans.js';
import { Doorkeeper } from '../../src/access/doorkeeper.js';
import { Refusals } from '../../src/access/refusals.js';
import type { Entity } from '../../src/entity/entity.js';
import { LimitError } from '../../src/errors.js';
import { silentLog } from '../../src/log.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import { type Element, xml } from '../../src/stanza/xml.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const FILES = parseJid('files.example.org');
const MALLORY = 'mallory@elsewhere.example/x';
const PATIENCE = 60;

describe('StanzaRouter with a screen', () => {
  let clock: VirtualClock;
  let net: MemoryNetwork;
  let bans: Bans;
  let refusals: Refusals;
  let files: Entity;
  let answers: Element[];
  let handled: number;

  beforeEach(async () => {
    clock = new VirtualClock();
    net = new MemoryNetwork({ clock });
    bans = new Bans({ clock });
    refusals = new Refusals({ clock, log: silentLog });
    const screen = new Doorkeeper(
      { clock, bans, refusals, isInSession: () => true },
      {
        requestsPerAskerPerMinute: 100_000,
        requestsPerDomainPerMinute: 100_000,
        requestsPerMinute: 100_000,
        refusalsPerAskerPerMinute: PATIENCE,
      },
    );
    files = net.component(FILES, {}, screen);
    answers = [];
    net.watch((stanza) => {
      if (stanza.attrs.to === MALLORY) answers.push(stanza);
    });
    handled = 0;
    files.handleIq('get', 'find', 'test', () => {
      handled += 1;
      throw new LimitError('queriesPerAskerPerMinute', 'over the limit', 500);
    });
    files.handleIq('set', 'jingle', NS.jingle, () => undefined);
    await files.start();
  });

  afterEach(() => files.stop());

  async function send(times: number, name: string, attrs: Record<string, string>, payload: () => Element) {
    for (let at = 0; at < times; at += 1) {
      net.inject(xml(name, { from: MALLORY, to: FILES, id: `id${at}`, ...attrs }, payload()));
    }
    await settle();
  }

  const find = () => xml('find', { xmlns: 'test' });
  const types = () => answers.map(({ attrs }) => attrs.type);

  it('asks a handler once, repeats its refusal, and then is silent', async () => {
    await send(1, 'iq', { type: 'get' }, find);
    await send(2000, 'iq', { type: 'get' }, find);
    assert.equal(handled, 1);
    assert.equal(answers.length, PATIENCE);
    assert.deepEqual(new Set(types()), new Set(['error']));
    assert.equal(
      new Set(answers.map((each) => each.getChild('error')?.toString())).size,
      1,
      'the same refusal each time',
    );
  });

  it('is silent to who invents requests', async () => {
    for (let at = 0; at < 2000; at += 1)
      await send(1, 'iq', { type: 'get' }, () => xml(`q${at}`, { xmlns: 'no' }));
    assert.ok(answers.length <= PATIENCE * 5 + 1, `${answers.length} answers`);
  });

  it('goes on with the sessions of who is not answered', async () => {
    await send(1, 'iq', { type: 'get' }, find);
    await send(100, 'iq', { type: 'get' }, find);
    answers = [];
    await send(1, 'iq', { type: 'set' }, () => xml('jingle', { xmlns: NS.jingle, action: 'session-info' }));
    assert.deepEqual(types(), ['result']);
    await send(1, 'iq', { type: 'set' }, () =>
      xml('jingle', { xmlns: NS.jingle, action: 'session-initiate' }),
    );
    assert.deepEqual(types(), ['result']);
  });

  it('hears nothing of who is banned but that they are gone', async () => {
    let messages = 0;
    const presences: string[] = [];
    files.handleMessage('chat', 'test', () => (messages += 1));
    files.handlePresence(({ type }) => presences.push(type));
    const gone: string[] = [];
    files.onEvent((event) => event.type === 'peer-gone' && gone.push(event.jid));
    bans.add(parseBareJid('elsewhere.example'));
    await send(1, 'iq', { type: 'get' }, find);
    await send(1, 'message', {}, () => xml('chat', { xmlns: 'test' }));
    await send(1, 'presence', {}, find);
    await send(1, 'presence', { type: 'unavailable' }, find);
    assert.deepEqual([handled, messages, answers.length], [0, 0, 0]);
    assert.deepEqual(presences, ['unavailable']);
    assert.deepEqual(gone, [MALLORY]);
    assert.deepEqual(refusals.counts(), [{ rule: 'banned', count: 3 }]);
  });
});
