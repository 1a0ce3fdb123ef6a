import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { AccessPolicy } from '../../src/access/access-policy.js';
import { RuleBook } from '../../src/access/rule-book.js';
import type { FileEntry } from '../../src/catalogue/file-entry.js';
import type { FullPath } from '../../src/catalogue/share-path.js';
import { systemClock } from '../../src/clock.js';
import { EVERY_FILE } from '../../src/config/access-options.js';
import { LinkSeal } from '../../src/http/link-seal.js';
import { parseBareJid } from '../../src/stanza/jid.js';
import { JULIET, LinkHarness, type LinkHarnessInit } from '../support/link-harness.js';

const ROMEO = { jid: parseBareJid('romeo@example.net') };

describe('LinkServer, asked for what it has not,', () => {
  let harness: LinkHarness;

  async function started(init: LinkHarnessInit = {}): Promise<LinkHarness> {
    harness = new LinkHarness(init);
    await harness.server.start();
    return harness;
  }

  afterEach(() => harness.end());

  describe('refuses alike', () => {
    let allowed = true;
    const access: AccessPolicy = {
      viewOf: ({ jid }) => ({
        key: jid,
        maySee: () => true,
        mayTake: () => allowed && jid === JULIET.jid,
        verdict: () => 'all',
      }),
    };
    let entry: FileEntry;
    let link: URL;
    let expected: string;

    beforeEach(async () => {
      allowed = true;
      await started({ access, prefix: '/dl/' });
      entry = harness.files.offer('plays/romeo.epub', Buffer.from('wherefore'));
      link = harness.link(entry);
      expected = await answer('/dl/nothing/romeo.epub');
      assert.match(expected, /^HTTP\/1\.1 404 /);
    });

    /** All of it, without what is different from second to second. */
    async function answer(target: string): Promise<string> {
      const text = await harness.raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      return text.replace(/^Date: .*\r\n/m, '');
    }

    const good = async () => assert.match(await answer(link.pathname), /^HTTP\/1\.1 200 [\s\S]*wherefore$/);

    it('what was not sealed by us: every bit of a link counts', async () => {
      await good();
      const [, , token = '', name = ''] = link.pathname.split('/');
      const bytes = Buffer.from(token, 'base64url');
      for (let bit = 0; bit < bytes.length * 8; bit += 7) {
        const changed = Buffer.from(bytes);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert.equal(
          harness.links.fileOf(`/dl/${changed.toString('base64url')}/${name}`),
          undefined,
          `bit ${bit}`,
        );
      }
      for (let length = 0; length < bytes.length; length += 1)
        assert.equal(
          harness.links.fileOf(`/dl/${bytes.subarray(0, length).toString('base64url')}/${name}`),
          undefined,
        );
      const other = new LinkHarness();
      await other.server.start();
      const theirs = other.link(entry).pathname.slice(1);
      await other.server.stop();
      for (const each of [theirs, randomBytes(120).toString('base64url'), 'A'.repeat(8000), ''])
        assert.equal(await answer(`/dl/${each}/${name}`), expected);
    });

    it('a link that is spelled otherwise', async () => {
      const [, , token = '', name = ''] = link.pathname.split('/');
      const escapedToken = `%${token.charCodeAt(0).toString(16)}${token.slice(1)}`;
      for (const target of [
        `/dl/${token}`,
        `/dl/${token}/`,
        `/dl/${token}/other.epub`,
        `/dl/${token}/${name}/`,
        `/dl/${token}/${name}?x`,
        `/dl/${token}/${name}#x`,
        `/dl/${token}/${name}%00`,
        `/dl/${token}/%`,
        `/dl/${token}/%ff`,
        `/dl/${token}/./${name}`,
        `/dl/${token}/..%2f${name}`,
        `/dl/${token}/x/../${name}`,
        `/dl/./${token}/${name}`,
        `/dl//${token}/${name}`,
        `//dl/${token}/${name}`,
        `/dl/${token}=/${name}`,
        `/dl/ ${token}/${name}`.replace(' ', '%20'),
        `/dl/${escapedToken}/${name}`,
        `/DL/${token}/${name}`,
        `http://files.example.org/dl/${token}/${name}`,
        '*',
      ])
        assert.equal(await answer(target), expected, target);
      await good();
      assert.match(await answer(`/${token}/${name}`), /^HTTP\/1\.1 200 /, 'a proxy may have taken /dl/ away');
    });

    it('ways to files and folders', async () => {
      for (const target of [
        '/',
        '/dl/',
        '/dl',
        '/share/plays/romeo.epub',
        '/dl/share/plays/romeo.epub',
        '/dl/../../../../etc/passwd',
        '/dl/..%2f..%2fetc/passwd',
        '/etc/passwd',
        '/%2e%2e/%2e%2e/etc/passwd',
        '/..\\..\\etc/passwd',
        '/dl/%00/x',
        '/favicon.ico',
        '/robots.txt',
        '/.well-known/acme-challenge',
      ])
        assert.equal(await answer(target), expected, target);
    });

    it('each of 2,000 ways out of a share, also where we had sealed it ourselves', async () => {
      const [, , token = '', name = ''] = link.pathname.split('/');
      const ups = [
        '..',
        '%2e%2e',
        '.%2e',
        '%252e%252e',
        '..%00',
        '..;',
        '%c0%ae%c0%ae',
        '\uff0e\uff0e',
        '...',
        '.',
        '',
        '%2e',
      ];
      const slashes = ['/', '%2f', '%5c', '\\', '%252f', '\u2215', '//'];
      const starts = ['/', '/dl/', `/dl/${token}/`, `/dl/${token}/${name}/`, '/dl/share/', '/share/plays/'];
      const ends = ['etc/passwd', 'etc/passwd%00.epub', name, 'PLAYS/ROMEO.EPUB', 'con', 'data/links/key'];
      let ways = 0;
      const seal = new LinkSeal(randomBytes(32));
      harness.links.use(seal);
      for (const [up = '', slash = '', start = '', end = ''] of product(ups, slashes, starts, ends)) {
        const way = `${up}${slash}`.repeat(3) + end;
        assert.equal(harness.links.fileOf(start + way), undefined, start + way);
        const path = `share/plays/${way}` as FullPath;
        const expiresS = 2 ** 32 - 1;
        const sealed = seal.seal({ asker: JULIET, path, sha256: entry.sha256 ?? '', expiresS });
        assert.equal(harness.links.fileOf(`/dl/${sealed}/${name}`), undefined, path);
        ways += 1;
      }
      assert.ok(ways > 2000, `${ways}`);
      const path = 'share/plays/romeo.epub' as FullPath;
      const sealed = seal.seal({ asker: JULIET, path, sha256: entry.sha256 ?? '', expiresS: 2 ** 32 - 1 });
      assert.ok(harness.links.fileOf(`/dl/${sealed}/${name}`), 'what is there is found like that');
    });

    it('a link that has expired', async () => {
      harness.lateMs = 3_600_000 - 5000;
      await good();
      harness.lateMs = 3_602_000;
      assert.equal(await answer(link.pathname), expected);
    });

    it('a link of an asker who may no longer take the file', async () => {
      allowed = false;
      assert.equal(await answer(link.pathname), expected);
      allowed = true;
      await good();
    });

    it('nothing to who asked on a channel, and opens no other door to it', async () => {
      await harness.end();
      const plays = { service: parseBareJid('pubsub.example.org'), nodeId: 'plays' };
      const rules = [
        { who: [{ type: 'channel' as const, ...plays }], what: EVERY_FILE, may: 'take' as const },
      ];
      // As after a restart, or a day later: nobody is known to have asked.
      const book = new RuleBook({ clock: systemClock }, { rules });
      await started({ access: book, prefix: '/dl/' });
      entry = harness.files.offer('plays/romeo.epub', Buffer.from('wherefore'));
      link = harness.link(entry, { ...JULIET, through: plays });
      await good();
      assert.equal(book.viewOf(JULIET).mayTake(entry), false);
      book.replace({ rules: [] });
      assert.equal(await answer(link.pathname), expected);
    });

    it('who may not take a file by making no link', () => {
      assert.equal(harness.links.linkFor(ROMEO, entry), undefined);
    });

    it('a file that is gone from the catalogue, from the disk, or that is another now', async () => {
      const fresh = harness.files.offer('fresh', Buffer.from('unhashed'), { hashed: false });
      assert.equal(harness.links.linkFor(JULIET, fresh), undefined);
      harness.files.offer('plays/romeo.epub', Buffer.from('parting is such sweet sorrow'));
      assert.equal(await answer(link.pathname), expected);
      harness.files.offer('plays/romeo.epub', Buffer.from('wherefore'));
      await good();
      harness.files.write(entry, Buffer.from('WHEREFORE'));
      assert.equal(await answer(link.pathname), expected, 'it was not scanned again yet');
      harness.files.remove(entry);
      assert.equal(await answer(link.pathname), expected);
    });

    it('in the same time: forged, forbidden and gone can not be told apart', async () => {
      const gone = harness.link(harness.files.offer('gone', Buffer.from('gone')));
      harness.files.offer('gone', Buffer.from('something else'));
      const forged = link.pathname.replace(/.{9}(?=\/romeo)/, 'AAAAAAAAA');
      allowed = false;
      const targets = [forged, link.pathname, gone.pathname];
      const times = targets.map((): number[] => []);
      for (let round = 0; round < 101; round += 1) {
        for (const [at, target] of targets.entries()) {
          const began = performance.now();
          assert.equal(await answer(target), expected);
          times[at]?.push(performance.now() - began);
        }
      }
      const medians = times.map((each) => each.sort((a, b) => a - b)[50] ?? 0);
      assert.ok(Math.max(...medians) < 2 * Math.min(...medians) + 0.5, `${medians} ms`);
    });

    it('requests with a body', async () => {
      const head = `GET ${link.pathname} HTTP/1.1\r\nHost: x\r\n`;
      for (const body of [
        'Content-Length: 1000000000\r\n\r\n',
        'Content-Length: 5\r\n\r\nhello',
        'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      ]) {
        const text = await harness.raw(head + body);
        assert.equal(text.replace(/^Date: .*\r\n/m, ''), expected);
      }
    });

    it('what was made before the node got another key', async () => {
      await harness.server.stop();
      const again = new LinkHarness({ access, prefix: '/dl/' });
      await again.server.start();
      again.files.offer('plays/romeo.epub', Buffer.from('wherefore'));
      const { status } = await again.curl(link);
      await again.server.stop();
      assert.equal(status, 404);
    });
  });

  it('answers other methods the same wherever they are for', async () => {
    await started();
    const link = harness.link(harness.files.offer('a', Buffer.from('a')));
    const ask = async (method: string, target: string) =>
      (await harness.raw(`${method} ${target} HTTP/1.1\r\nHost: x\r\n\r\n`)).replace(/^Date: .*\r\n/m, '');
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      const there = await ask(method, link.pathname);
      assert.match(there, /^HTTP\/1\.1 405 [\s\S]*\r\nAllow: GET, HEAD\r\n/);
      assert.equal(there, await ask(method, '/nowhere'));
    }
    assert.equal(await ask('CONNECT', 'example.org:443'), '');
  });
});

function* product(...lists: readonly (readonly string[])[]): Generator<string[]> {
  const [first = [], ...rest] = lists;
  for (const each of first) {
    if (rest.length === 0) yield [each];
    else for (const others of product(...rest)) yield [each, ...others];
  }
}
