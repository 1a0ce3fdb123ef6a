import assert from 'node:assert/strict';
import { ChatAllowance, MAX_USELESS, QUIET_MS } from '../../src/chat/chat-allowance.js';
import { parseCommand } from '../../src/chat/command.js';
import { parseBareJid } from '../../src/stanza/jid.js';
import { VirtualClock } from '../support/virtual-clock.js';

const ROMEO = parseBareJid('romeo@montague.lit');
const JULIET = parseBareJid('juliet@capulet.lit');
const LIMITS = {
  chatAnswersPerPeerPerMinute: 10,
  chatAnswersPerDomainPerMinute: 100,
  chatAnswersPerMinute: 1000,
};

describe('chat allowance', () => {
  let clock: VirtualClock;
  let allowance: ChatAllowance;

  beforeEach(() => {
    clock = new VirtualClock();
    allowance = new ChatAllowance({ clock }, LIMITS);
  });

  const says = (text: string, who = ROMEO) => allowance.admits(who, text, parseCommand(text).type);

  it('stops answering what it can’t understand, until it understands something', () => {
    for (let at = 0; at < MAX_USELESS; at++) assert.ok(says(`Hello ${at}`));
    assert.equal(says('Hello again'), false);
    assert.equal(says('Are you there?'), false);
    assert.ok(says('Hello', JULIET), 'others have their own');
    assert.ok(says('find romeo'));
    assert.ok(says('Thank you'));
  });

  it('stops answering who says the same again and again, but not who turns pages', async () => {
    assert.ok(says('find x'));
    for (let at = 0; at < MAX_USELESS; at++) assert.ok(says('find x'));
    assert.equal(says('find x'), false);
    assert.ok(says('find y'));
    await clock.advance(60_000);
    for (let at = 0; at < 9; at++) assert.ok(says('more'), String(at));
  });

  it('goes by other limits at once, and gives nobody back what is used up', () => {
    for (let at = 0; at < 8; at++) assert.ok(says(`find ${at}`));
    allowance.setLimits({ ...LIMITS, chatAnswersPerPeerPerMinute: 9 });
    assert.ok(says('find 8'));
    assert.equal(says('find 9'), false);
    allowance.setLimits({ ...LIMITS, chatAnswersPerPeerPerMinute: 9, chatAnswersPerMinute: 9 });
    assert.equal(says('find 1', JULIET), false, 'everybody has used up nine');
  });

  it('is silent for a while towards whoever asks too much', async () => {
    for (let at = 0; at < 10; at++) assert.ok(says(`find ${at}`));
    assert.equal(says('find 10'), false);
    await clock.advance(60_000);
    assert.equal(says('find 11'), false, 'a program that waits for its turn is left alone too');
    assert.ok(says('find 1', JULIET));
    await clock.advance(QUIET_MS);
    assert.ok(says('find 12'));
  });

  it('answers only so much to one domain, so that others are answered', () => {
    const answered = Array.from({ length: 200 }, (_, at) =>
      says('help', parseBareJid(`u${at}@montague.lit`)),
    ).filter((each) => each);
    assert.equal(answered.length, 100);
    assert.ok(says('help', JULIET));
  });

  it('answers only so much in all, and remembers only so many', () => {
    let answered = 0;
    for (let at = 0; at < 20_000; at++) {
      if (says('help', parseBareJid(`user@h${at}.example.org`))) answered += 1;
    }
    assert.equal(answered, 1000);
  });
});
