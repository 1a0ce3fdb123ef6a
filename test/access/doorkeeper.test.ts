import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Bans } from '../../src/access/bans.js';
import { Doorkeeper, type Load } from '../../src/access/doorkeeper.js';
import { Refusals } from '../../src/access/refusals.js';
import { LimitError } from '../../src/errors.js';
import { silentLog } from '../../src/log.js';
import { bareOf, parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { VirtualClock } from '../support/virtual-clock.js';

const MALLORY = parseJid('mallory@elsewhere.example/x');
const JULIET = parseJid('juliet@example.org/balcony');
const LIMITS = {
  requestsPerAskerPerMinute: 1000,
  requestsPerDomainPerMinute: 2000,
  requestsPerMinute: 3000,
  refusalsPerAskerPerMinute: 60,
};
const FIND = 'get find';
const overBudget = () => new LimitError('queriesPerAskerPerMinute', 'over the limit', 500);

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

describe('doorkeeper', () => {
  let clock: VirtualClock;
  let bans: Bans;
  let refusals: Refusals;
  let inSession: boolean;
  let load: Load;
  let keeper: Doorkeeper;

  beforeEach(() => {
    clock = new VirtualClock();
    bans = new Bans({ clock });
    refusals = new Refusals({ clock, log: silentLog });
    inSession = false;
    load = 'calm';
    keeper = new Doorkeeper(
      { clock, bans, refusals, isInSession: () => inSession, load: () => load },
      LIMITS,
    );
  });

  /** What a flood of questions of which each is over the budget meets, by kind. */
  function flood(times: number): Record<string, number> {
    const met: Record<string, number> = { serve: 0, refuse: 0, ignore: 0 };
    for (let at = 0; at < times; at += 1) {
      const { type } = keeper.admit(MALLORY, 'request', FIND);
      met[type] = (met[type] ?? 0) + 1;
      if (type === 'serve') keeper.failed(MALLORY, FIND, overBudget());
    }
    return met;
  }

  const counted = (rule: string) => refusals.counts().find((each) => each.rule === rule)?.count ?? 0;

  it('answers who goes on being refused from memory, and then not at all', () => {
    assert.deepEqual(flood(5000), { serve: 1, refuse: 59, ignore: 4940 });
    assert.equal(counted('queriesPerAskerPerMinute'), 60);
    assert.equal(counted('ignored'), 4940);
    assert.equal(keeper.ignored, 1);
  });

  it('refuses from memory no longer than the budget does, and nothing else', async () => {
    keeper.failed(MALLORY, FIND, overBudget());
    assert.equal(keeper.admit(MALLORY, 'request', FIND).type, 'refuse');
    assert.equal(keeper.admit(MALLORY, 'request', 'get ping').type, 'serve');
    await clock.advance(500);
    assert.equal(keeper.admit(MALLORY, 'request', FIND).type, 'serve');
  });

  it('does not refuse from memory what may be given the next moment', () => {
    keeper.failed(JULIET, FIND, new LimitError('concurrentQueriesPerAsker', 'too many at once', 1000));
    assert.equal(keeper.admit(JULIET, 'request', FIND).type, 'serve');
  });

  it('hears who was quiet again, and is longer silent to who was not', async () => {
    flood(100);
    await clock.advance(9_900);
    assert.equal(keeper.admit(MALLORY, 'request', FIND).type, 'ignore');
    await clock.advance(200);
    assert.equal(keeper.admit(MALLORY, 'request', FIND).type, 'serve');
    flood(100); // ten more words, and then silence of twenty seconds
    await clock.advance(19_000);
    assert.equal(keeper.admit(MALLORY, 'request', FIND).type, 'ignore');
    await clock.advance(1_100);
    assert.equal(keeper.admit(MALLORY, 'request', FIND).type, 'serve');
    for (let round = 0; round < 20; round += 1) {
      flood(1000);
      await clock.advance(300_000);
      assert.equal(keeper.admit(MALLORY, 'request', FIND).type, 'serve', 'five minutes are the most');
    }
    await clock.advance(900_000);
    flood(100);
    await clock.advance(10_100);
    assert.equal(keeper.admit(MALLORY, 'request', FIND).type, 'serve', 'it was forgiven');
  });

  it('tells other doors who is not answered, and to whom nothing goes', async () => {
    flood(100);
    assert.equal(keeper.ignores(MALLORY), true);
    assert.equal(keeper.ignores(JULIET), false);
    assert.equal(keeper.mayHear(MALLORY), true, 'what it had before it has still');
    await clock.advance(10_100);
    assert.equal(keeper.ignores(MALLORY), false);
    bans.add(bareOf(MALLORY));
    assert.equal(keeper.mayHear(MALLORY), false);
    assert.equal(keeper.mayHear(JULIET), true);
  });

  it('keeps everybody else apart from that', () => {
    flood(5000);
    assert.equal(keeper.admit(JULIET, 'request', FIND).type, 'serve');
    assert.equal(keeper.admit(parseJid('friend@elsewhere.example'), 'request', FIND).type, 'serve');
  });

  it('goes on with the transfers of who is not answered', () => {
    flood(100);
    assert.equal(keeper.admit(MALLORY, 'session', 'set jingle').type, 'ignore');
    inSession = true;
    assert.equal(keeper.admit(MALLORY, 'session', 'set jingle').type, 'serve');
    assert.equal(keeper.admit(MALLORY, 'message', 'chat').type, 'ignore');
  });

  it('loses patience with other errors more slowly', () => {
    let served = 0;
    while (keeper.admit(JULIET, 'request', FIND).type === 'serve' && served < 10_000) {
      served += 1;
      keeper.failed(JULIET, FIND, new StanzaError('item-not-found'));
    }
    assert.equal(served, 300);
    assert.equal(counted('item-not-found'), 300);
  });

  it('loses patience with who goes on asking for files that it may not have', () => {
    for (let at = 0; at < 20; at += 1) keeper.count('uploads', JULIET); // no slot was free: not its fault
    for (let at = 0; at < 50; at += 1) keeper.count('file-not-available', JULIET);
    assert.equal(keeper.ignored, 0);
    for (let at = 0; at < 50; at += 1) keeper.count('fileRequestsPerAskerPerMinute', JULIET);
    assert.equal(keeper.ignored, 1);
    assert.equal(keeper.admit(JULIET, 'session', 'set jingle').type, 'ignore');
    assert.equal(counted('fileRequestsPerAskerPerMinute'), 50);
  });

  it('bounds requests that nobody refuses', () => {
    let served = 0;
    while (keeper.admit(JULIET, 'request', 'get ping').type === 'serve') served += 1;
    assert.equal(served, 1000);
    assert.equal(counted('requestsPerAskerPerMinute'), 1);
  });

  it('keeps out who is banned, by address and by domain, until it ends', async () => {
    bans.add(parseBareJid('mallory@elsewhere.example'), { untilMs: clock.now() + 1000 });
    bans.add(parseBareJid('example.org'));
    for (const kind of ['request', 'session', 'message', 'presence'] as const) {
      assert.equal(keeper.admit(MALLORY, kind, 'any').type, 'ignore');
      assert.equal(keeper.admit(JULIET, kind, 'any').type, 'ignore');
    }
    assert.throws(() => keeper.check('juliet@example.org'), { bound: 'banned' });
    assert.equal(counted('banned'), 8);
    await clock.advance(1000);
    assert.equal(keeper.admit(MALLORY, 'request', FIND).type, 'serve');
    assert.equal(keeper.admit(JULIET, 'request', FIND).type, 'ignore');
  });

  it('sheds questions of channels before those that come to us', () => {
    keeper.checkChannel('books');
    load = 'busy';
    assert.throws(() => keeper.checkChannel('books'), { bound: 'overload-channels' });
    keeper.check('juliet@example.org');
    load = 'overloaded';
    assert.throws(() => keeper.check('juliet@example.org'), { bound: 'overload' });
  });

  it('takes no more memory than it may, however many trouble it', () => {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let at = 0; at < 50_000; at += 1) {
      const peer = parseJid(`peer${at}@d${at}.example`);
      for (let kind = 0; kind < 20; kind += 1) keeper.failed(peer, `kind ${kind}`, overBudget());
    }
    collect();
    const grown = process.memoryUsage().heapUsed - before;
    assert.ok(grown < 100e6, `it took ${grown} bytes`);
  });

  it('refuses nobody from memory by limits that hold no longer', () => {
    keeper.failed(MALLORY, FIND, overBudget());
    assert.equal(keeper.admit(MALLORY, 'request', FIND).type, 'refuse');
    keeper.setLimits({ ...LIMITS, requestsPerAskerPerMinute: 1 });
    assert.equal(keeper.admit(MALLORY, 'request', FIND).type, 'serve');
    assert.equal(keeper.admit(MALLORY, 'request', FIND).type, 'refuse', 'by the new limit');
    keeper.setLimits(LIMITS);
    assert.equal(keeper.admit(MALLORY, 'request', FIND).type, 'serve');
  });
});
