import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { type FullPath, fromBytes } from '../../src/catalogue/share-path.js';
import { LinkSeal } from '../../src/http/link-seal.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';

const SHA256 = randomBytes(32).toString('base64');
const name = fc.uint8Array({ minLength: 1, maxLength: 60 }).filter((bytes) => !bytes.includes(0));

describe('LinkSeal', () => {
  const key = randomBytes(32);
  const seal = new LinkSeal(key);

  it('gives back whatever was sealed, and the same text for the same link', () => {
    const channel = fc.record(
      {
        service: fc.constantFrom('pubsub.example.org', 'a@b').map((each) => parseBareJid(each)),
        nodeId: fc.string({ minLength: 1 }).filter((each) => !/\p{Cc}|\p{Cs}/u.test(each)),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(
        fc.option(channel, { nil: undefined }),
        name.map((bytes) => `share/${fromBytes(bytes)}` as FullPath),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        (through, path, expiresS) => {
          const asker = { jid: parseJid('juliet@example.org/balcony'), ...(through && { through }) };
          const token = seal.seal({ asker, path, sha256: SHA256, expiresS });
          assert.match(token, /^[\w-]+$/);
          assert.equal(new LinkSeal(key).seal({ asker, path, sha256: SHA256, expiresS }), token);
          const { isOf, ...opened } = seal.open(token) ?? assert.fail('it is ours');
          const bare = { jid: parseBareJid('juliet@example.org'), ...(through && { through }) };
          assert.deepEqual(opened, { asker: bare, path, expiresS });
          assert.ok(isOf(SHA256));
          assert.ok(!isOf(randomBytes(32).toString('base64')));
        },
      ),
    );
  });

  it('opens nothing else, and shows nothing', () => {
    const asker = { jid: parseBareJid('juliet@example.org') };
    const token = seal.seal({ asker, path: 'share/secret' as FullPath, sha256: SHA256, expiresS: 1 });
    assert.doesNotMatch(Buffer.from(token, 'base64url').toString('latin1'), /juliet|secret/);
    assert.equal(new LinkSeal(randomBytes(32)).open(token), undefined);
    fc.assert(fc.property(fc.string(), (text) => assert.equal(seal.open(text), undefined)));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
        assert.equal(seal.open(Buffer.from(bytes).toString('base64url')), undefined),
      ),
    );
    for (const each of [
      `${token}=`,
      `${token}A`,
      ` ${token}`,
      token.slice(1),
      `${token}\n`,
      token.repeat(200),
    ])
      assert.equal(seal.open(each), undefined);
  });
});
