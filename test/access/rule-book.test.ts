import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { RuledFile } from '../../src/access/access-policy.js';
import { type RosterGroups, RuleBook } from '../../src/access/rule-book.js';
import { RuleView } from '../../src/access/rule-view.js';
import { parentOf, type ShareRelativePath } from '../../src/catalogue/share-path.js';
import type { AccessRule, FileSet, Permission, Who } from '../../src/config/access-options.js';
import type { ChannelAddress } from '../../src/stanza/file-discovery.js';
import { bareOf, type Jid, parseBareJid, parseJid } from '../../src/stanza/jid.js';
import {
  askers,
  CHANNELS,
  type KnownAsker,
  permissionOf,
  ruledFiles,
  ruleLists,
} from '../support/access-oracle.js';
import { VirtualClock } from '../support/virtual-clock.js';

const JULIET = parseJid('juliet@example.org/balcony');
const ROMEO = parseJid('romeo@example.net');
const EVERYONE: Who = { type: 'everyone' };

function file(full: string, mediaType = 'text/plain'): RuledFile {
  const [share = '', ...path] = full.split('/');
  return { share, path: path.join('/') as ShareRelativePath, mediaType };
}

function rule(who: Who, may: Permission, ...globs: string[]): AccessRule {
  return { who: [who], what: globs.map((glob): FileSet => ({ type: 'path', glob })), may };
}

function bookFor(rules: readonly AccessRule[], asker?: KnownAsker): RuleBook {
  const groups: RosterGroups = { isIn: (_contact, group) => asker?.groups.includes(group) ?? false };
  const book = new RuleBook({ clock: new VirtualClock(), groups }, { rules });
  for (const through of asker?.channels ?? []) book.asked(bareOf(asker?.jid ?? JULIET), through);
  return book;
}

describe('RuleBook', () => {
  it('lets the first rule that is about asker and file decide, and nobody see what no rule is about', () => {
    const book = bookFor([
      rule({ type: 'jid', jid: parseBareJid('juliet@example.org') }, 'take', 'books/letters'),
      rule(EVERYONE, 'nothing', 'books/letters'),
      rule({ type: 'domain', domain: parseBareJid('example.org') }, 'take', 'books'),
      rule(EVERYONE, 'see', 'books'),
    ]);
    const may = (jid: typeof ROMEO, path: string) => book.decide({ jid }, file(path));
    assert.deepEqual(may(JULIET, 'books/letters/1'), { may: 'take', rule: 0 });
    assert.deepEqual(may(ROMEO, 'books/letters/1'), { may: 'nothing', rule: 1 });
    assert.deepEqual(may(JULIET, 'books/1'), { may: 'take', rule: 2 });
    assert.deepEqual(may(ROMEO, 'books/1'), { may: 'see', rule: 3 });
    assert.deepEqual(may(JULIET, 'music/1'), { may: 'nothing', rule: undefined });
    const romeo = book.viewOf({ jid: ROMEO });
    assert.equal(romeo.maySee(file('books/1')), true);
    assert.equal(romeo.mayTake(file('books/1')), false);
    assert.equal(romeo.maySee(file('books/letters/1')), false);
  });

  it('knows who asked on a channel for a day, and on that channel only', async () => {
    const clock = new VirtualClock();
    const [plays, songs] = CHANNELS;
    const rules = [
      rule({ type: 'channel', ...(plays ?? assert.fail()) }, 'take', 'books'),
      rule({ type: 'channels' }, 'take', 'music'),
    ];
    const book = new RuleBook({ clock }, { rules });
    const sees = () =>
      ['books/1', 'music/1'].filter((path) => book.viewOf({ jid: ROMEO }).maySee(file(path)));
    assert.deepEqual(sees(), []);
    book.asked(bareOf(parseJid('romeo@example.net/garden')), songs ?? assert.fail());
    assert.deepEqual(sees(), ['music/1']);
    book.asked(bareOf(ROMEO), plays ?? assert.fail());
    assert.deepEqual(sees(), ['books/1', 'music/1']);
    assert.equal(book.viewOf({ jid: JULIET }).verdict(''), 'none');
    await clock.advance(25 * 3_600_000);
    assert.deepEqual(sees(), []);
  });

  it('shows what is seen on a channel to who comes through it, and remembers nothing of that', () => {
    const [plays = assert.fail(), songs] = CHANNELS;
    const book = bookFor([
      rule({ type: 'channel', ...plays }, 'take', 'books'),
      rule({ type: 'channels' }, 'take', 'music'),
    ]);
    const sees = (through?: ChannelAddress) =>
      ['books/1', 'music/1'].filter((path) =>
        book.viewOf({ jid: ROMEO, ...(through && { through }) }).mayTake(file(path)),
      );
    assert.deepEqual(sees(plays), ['books/1', 'music/1']);
    assert.deepEqual(sees(songs), ['music/1']);
    assert.deepEqual(sees(), []);
    assert.deepEqual(book.decide({ jid: ROMEO, through: plays }, file('books/1')), { may: 'take', rule: 0 });
    assert.deepEqual(sees(), []);
  });

  it('knows nobody by a channel that the node is not on, or is on no longer', () => {
    const [plays = assert.fail(), songs = assert.fail()] = CHANNELS;
    const rules = [rule({ type: 'channels' }, 'take', 'books')];
    const book = new RuleBook({ clock: new VirtualClock() }, { rules, channels: [plays] });
    const sees = (jid: Jid, through?: ChannelAddress) =>
      book.viewOf({ jid, ...(through && { through }) }).maySee(file('books/1'));
    book.asked(bareOf(JULIET), plays);
    book.asked(bareOf(ROMEO), songs);
    assert.deepEqual([sees(JULIET), sees(ROMEO), sees(ROMEO, songs)], [true, false, false]);
    book.replace({ rules, channels: [plays, songs] });
    book.asked(bareOf(ROMEO), songs);
    assert.deepEqual([sees(JULIET), sees(ROMEO), sees(ROMEO, songs)], [true, true, true]);
    book.replace({ rules, channels: [songs] });
    assert.deepEqual([sees(JULIET), sees(JULIET, plays), sees(ROMEO)], [false, false, true]);
    book.replace({ rules, channels: [plays, songs] });
    assert.equal(sees(JULIET), false);
  });

  it('shows nothing to who is banned, wherever it asked', () => {
    const [plays = assert.fail()] = CHANNELS;
    const components = { clock: new VirtualClock(), isBanned: (jid: Jid) => bareOf(jid) === ROMEO };
    const book = new RuleBook(components, { rules: [rule(EVERYONE, 'take', 'books')] });
    book.asked(bareOf(ROMEO), plays);
    const view = book.viewOf({ jid: parseJid('romeo@example.net/garden'), through: plays });
    assert.equal(view.verdict(''), 'none');
    assert.equal(view.maySee(file('books/1')), false);
    assert.equal(book.viewOf({ jid: JULIET }).mayTake(file('books/1')), true);
  });

  it('says of a folder what holds for all in it', () => {
    const view = bookFor([
      rule(EVERYONE, 'nothing', 'books/private', 'music/**/*.tmp'),
      rule(EVERYONE, 'take', 'books', 'music', 'films/new'),
    ]).viewOf({ jid: ROMEO });
    const verdicts = [
      '',
      'books',
      'books/plays',
      'books/private',
      'books/private/x',
      'music/a',
      'films',
      'films/new',
      'x',
    ];
    assert.deepEqual(
      verdicts.map((folder) => view.verdict(folder)),
      ['some', 'some', 'all', 'none', 'none', 'some', 'some', 'all', 'none'],
    );
  });

  it('gives those who see the same one key, and others after other rules hold', () => {
    const book = bookFor([
      rule({ type: 'jid', jid: parseBareJid('romeo@example.net') }, 'see', 'books'),
      rule(EVERYONE, 'take', 'music'),
    ]);
    const key = (jid: typeof ROMEO) => book.viewOf({ jid }).key;
    assert.equal(key(JULIET), key(parseJid('nurse@example.org')));
    assert.notEqual(key(JULIET), key(ROMEO));
    const before = key(JULIET);
    book.replace({ rules: [] });
    assert.notEqual(key(JULIET), before);
    assert.equal(book.viewOf({ jid: ROMEO }).maySee(file('music/1')), false);
  });

  it('says as much as a plain reading of the rules, for any rules, asker and file', () => {
    fc.assert(
      fc.property(
        ruleLists,
        askers,
        fc.array(ruledFiles, { minLength: 1, maxLength: 8 }),
        (rules, asker, files) => {
          const book = bookFor(rules, asker);
          const view = book.viewOf({ jid: asker.jid });
          const inWorker = new RuleView(view.rules ?? assert.fail());
          for (const each of files) {
            const expected = permissionOf(rules, asker, each);
            assert.equal(view.maySee(each), expected !== 'nothing');
            assert.equal(view.mayTake(each), expected === 'take');
            assert.equal(book.decide({ jid: asker.jid }, each).may, expected);
            const key = `${each.share}/${each.path}`;
            const inFolder = inWorker.inFolder(parentOf(key));
            if (inFolder.ofFiles !== 'some') assert.equal(inFolder.ofFiles === 'all', expected !== 'nothing');
            for (let folder = parentOf(key); ; folder = parentOf(folder)) {
              const verdict = view.verdict(folder);
              if (verdict !== 'some') assert.equal(verdict === 'all', expected !== 'nothing', folder);
              if (folder === '') break;
            }
          }
        },
      ),
      { numRuns: 4000 },
    );
  });
});
