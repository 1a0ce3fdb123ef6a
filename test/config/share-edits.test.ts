import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parse } from 'yaml';
import { ConfigError } from '../../src/config/config-error.js';
import { examples } from '../../src/config/examples.js';
import { withoutShare, withShare } from '../../src/config/share-edits.js';

const MUSIC = { name: 'music', path: '/srv/files/music' };

/** Lines that are in the one and not in the other. */
function difference(before: string, after: string): { readonly gone: string[]; readonly come: string[] } {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return { gone: old.filter((line) => !now.includes(line)), come: now.filter((line) => !old.includes(line)) };
}

const NESTED = `# Ours.
xmpp:
  jid: files.example.org # the component
  secret: "s3cret"

# What we have.
shares:
  # The first.
  - name: books
    path: '/srv/books' # on the large disk
  # The second.
  - { name: films, path: /srv/films }

# Who may what.
access:
  - { who: [everyone], may: take } # everybody, and that is a long line with many words that nobody may fold or break
`;

describe('shares in the text of a configuration', () => {
  it('are added, and nothing else is touched', () => {
    assert.deepEqual(difference(NESTED, withShare(NESTED, MUSIC)), {
      gone: [],
      come: ['  - name: music', '    path: /srv/files/music'],
    });
    const example = examples['node.example.yaml'];
    const { gone, come } = difference(example, withShare(example, MUSIC));
    assert.deepEqual([gone, come], [[], ['  - name: music', '    path: /srv/files/music']]);
  });

  it('are removed, and no comment of others', () => {
    assert.deepEqual(difference(NESTED, withoutShare(NESTED, 'films')), {
      gone: ['  - { name: films, path: /srv/films }'],
      come: [],
    });
    assert.deepEqual(difference(NESTED, withoutShare(NESTED, 'books')), {
      gone: ['  - name: books', "    path: '/srv/books' # on the large disk"],
      come: [],
    });
    const none = withoutShare(withoutShare(NESTED, 'films'), 'books');
    assert.deepEqual(parse(none).shares, []);
    assert.match(none, /# What we have\.\nshares: \[\]\n {2}# The first\./);
    assert.deepEqual(parse(withShare(none, MUSIC)).shares, [MUSIC]);
  });

  it('are as they were when one is added and removed again', () => {
    const flat = NESTED.replace(/^ {2}(?=[-#]| {2}path)/gm, '');
    const brackets = 'xmpp: { jid: a.b, secret: x }\nshares: [{ name: books, path: /b }]\n';
    const whole = '{ xmpp: { jid: a.b }, shares: [ { name: books, path: /b } ] }\n';
    const open = NESTED.slice(0, NESTED.indexOf('\n\n# Who'));
    for (const text of [NESTED, flat, examples['node.example.yaml'], brackets, whole, 'shares: []\n']) {
      assert.equal(withoutShare(withShare(text, MUSIC), 'music'), text);
    }
    for (const text of [
      open,
      'shares: # none\n\n# the rest\nlog: {}\n',
      'xmpp: { jid: a.b }\nshares:\n',
      'xmpp: { jid: a.b }\n',
      'shares: []\n',
      '',
    ]) {
      const shares = parse(text)?.shares ?? [];
      const added = withShare(text, MUSIC);
      assert.deepEqual(parse(added), { ...parse(text), shares: [...shares, MUSIC] });
      assert.deepEqual(parse(withoutShare(added, 'music')).shares, shares);
    }
  });

  it('are what they are to be, whatever names and folders are called', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1 }),
        fc.string({ unit: 'grapheme' }),
        (name, rest) => {
          const share = { name: `x${name}`, path: `/${rest}` };
          const added = withShare(NESTED, share);
          assert.deepEqual(parse(added).shares[2], share);
          assert.equal(withoutShare(added, share.name), NESTED);
        },
      ),
    );
  });

  it('are left alone where they are written in another way', () => {
    const alias = 'here: &here [{ name: books, path: /b }]\nshares: *here\n';
    const anchor = 'shares: [&books { name: books, path: /b }]\nextensions: [*books]\n';
    assert.throws(() => withShare(alias, MUSIC), ConfigError);
    assert.throws(() => withoutShare(anchor, 'books'), ConfigError);
    assert.throws(() => withShare('- 1\n', MUSIC), ConfigError);
    assert.throws(() => withShare('shares: books\n', MUSIC), ConfigError);
    assert.throws(() => withShare('shares: [\n', MUSIC), ConfigError);
    assert.throws(() => withoutShare(NESTED, 'letters'), { lines: ["there is no share 'letters'"] });
  });
});
