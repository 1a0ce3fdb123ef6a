import assert from 'node:assert/strict';
import { Bans, formatBans } from '../../src/access/bans.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { VirtualClock } from '../support/virtual-clock.js';

const MALLORY = parseBareJid('mallory@example.org');
const DOMAIN = parseBareJid('bad.example');

describe('bans', () => {
  it('cover an address with all its resources, and a domain with all that is at it', () => {
    const bans = new Bans({ clock: new VirtualClock() });
    bans.add(MALLORY);
    bans.add(DOMAIN);
    for (const each of ['mallory@example.org', 'mallory@example.org/x', 'a@bad.example/y', 'bad.example']) {
      assert.ok(bans.covering(parseJid(each)), each);
    }
    for (const each of ['juliet@example.org', 'example.org', 'a@sub.bad.example', 'a@notbad.example']) {
      assert.equal(bans.covering(parseJid(each)), undefined, each);
    }
  });

  it('end at their time, or when they are lifted', async () => {
    const clock = new VirtualClock();
    const bans = new Bans({ clock });
    bans.add(MALLORY, { untilMs: clock.now() + 5000 });
    bans.add(DOMAIN, { reason: 'flooded us' });
    assert.equal(bans.list().length, 2);
    await clock.advance(5000);
    assert.equal(bans.covering(MALLORY), undefined);
    assert.deepEqual(
      bans.list().map(({ who, reason }) => [who, reason]),
      [[DOMAIN, 'flooded us']],
    );
    assert.equal(bans.lift(MALLORY), false);
    assert.equal(bans.lift(DOMAIN), true);
    assert.deepEqual(bans.list(), []);
  });

  it('outlive a restart, apart from what has ended and what is no ban', async () => {
    const clock = new VirtualClock();
    const before = new Bans({ clock });
    before.add(MALLORY, { untilMs: clock.now() + 5000 });
    before.add(DOMAIN, { reason: 'flooded us' });
    const text = `${formatBans(before.list())}{"who":"/","sinceMs":1}\nnot JSON\n{"who":"x@y","sinceMs":"1"}\n`;
    const after = new Bans({ clock });
    after.restore(text);
    assert.deepEqual(after.list(), before.list());
    await clock.advance(6000);
    const later = new Bans({ clock });
    later.restore(text);
    assert.deepEqual(
      later.list().map(({ who }) => who),
      [DOMAIN],
    );
  });

  it('are so many and no more', () => {
    const bans = new Bans({ clock: new VirtualClock() });
    for (let at = 0; at < 10_000; at += 1) bans.restore(`{"who":"p${at}@x","sinceMs":1}`);
    assert.throws(() => bans.add(MALLORY), { bound: 'bans' });
    bans.add(parseBareJid('p1@x'));
  });
});
