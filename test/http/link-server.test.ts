import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import type { AccessPolicy } from '../../src/access/access-policy.js';
import type { FileEntry } from '../../src/catalogue/file-entry.js';
import { fromBytes } from '../../src/catalogue/share-path.js';
import { realFileSystem } from '../../src/fs/real-file-system.js';
import { CertificateFiles } from '../../src/http/certificate.js';
import { parseBareJid } from '../../src/stanza/jid.js';
import { eventually } from '../support/eventually.js';
import { curl, JULIET, LinkHarness, type LinkHarnessInit } from '../support/link-harness.js';
import { sha256 } from '../support/memory-files.js';
import { VirtualClock } from '../support/virtual-clock.js';

const ROMEO = { jid: parseBareJid('romeo@example.net') };

describe('LinkServer', () => {
  let harness: LinkHarness;
  const sockets: Socket[] = [];

  async function started(init: LinkHarnessInit = {}): Promise<LinkHarness> {
    harness = new LinkHarness(init);
    await harness.server.start();
    return harness;
  }

  /** A connection that is there until the test is over, unless the server ends it. */
  async function connected(): Promise<Socket> {
    const socket = connect(harness.server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await harness.server.stop();
    assert.equal(harness.uploads.uploads, 0, 'slots are left taken');
    await eventually(
      () => harness.files.openFiles,
      (open) => open === 0,
    );
  });

  describe('sends', () => {
    const bytes = randomBytes(1_000_000);
    let entry: FileEntry;
    let link: URL;

    beforeEach(async () => {
      await started();
      entry = harness.files.offer('plays/romeo.epub', bytes, { mediaType: 'application/epub+zip' });
      link = harness.link(entry);
    });

    it('a file to curl', async () => {
      const { status, headers, body } = await harness.curl(link);
      assert.equal(status, 200);
      assert.ok(body.equals(bytes));
      assert.equal(headers['content-type'], 'application/epub+zip');
      assert.equal(headers['content-length'], '1000000');
      assert.equal(headers['content-disposition'], 'attachment; filename="romeo.epub"');
      assert.equal(headers['accept-ranges'], 'bytes');
      assert.equal(headers.etag, `"${sha256(bytes)}"`);
      assert.equal(headers.digest, `sha-256=${sha256(bytes)}`);
      assert.equal(headers['repr-digest'], `sha-256=:${sha256(bytes)}:`);
      assert.equal(headers['last-modified'], 'Tue, 14 Nov 2023 22:13:20 GMT');
      assert.match(headers['cache-control'] ?? '', /^private, no-transform, max-age=3[56]\d\d$/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.match(headers['content-security-policy'] ?? '', /sandbox/);
    });

    it('its head alone, the same, also where a range is named', async () => {
      const whole = await harness.curl(link);
      for (const range of [[], ['--range', '0-9']]) {
        const { status, headers, body } = await harness.curl(link, '--head', ...range);
        assert.deepEqual([status, body.length], [200, 0]);
        for (const each of ['content-length', 'etag', 'digest', 'content-type', 'content-disposition'])
          assert.equal(headers[each], whole.headers[each]);
      }
    });

    for (const [range, offset, end] of [
      ['0-0', 0, 1],
      ['500000-', 500_000, 1_000_000],
      ['-10', 999_990, 1_000_000],
      ['999999-99999999', 999_999, 1_000_000],
      ['-99999999', 0, 1_000_000],
      ['262143-262145', 262_143, 262_146],
    ] as const) {
      it(`the range ${range}`, async () => {
        const { status, headers, body } = await harness.curl(link, '--range', range);
        assert.equal(status, 206);
        assert.equal(headers['content-range'], `bytes ${offset}-${end - 1}/1000000`);
        assert.equal(headers['repr-digest'], `sha-256=:${sha256(bytes)}:`);
        assert.ok(body.equals(bytes.subarray(offset, end)));
      });
    }

    for (const range of ['1000000-', '99999999999999999999999-', '1000000-1000001', '-0']) {
      it(`nothing of the range ${range}, which is not there`, async () => {
        const { status, headers, body } = await harness.curl(link, '--header', `Range: bytes=${range}`);
        assert.deepEqual([status, body.length], [416, 0]);
        assert.equal(headers['content-range'], 'bytes */1000000');
      });
    }

    it('everything for ranges that are none, many ranges, and other units', async () => {
      const many = `bytes=${Array.from({ length: 600 }, (_, at) => `${at}-`).join(',')}`;
      for (const range of [
        'bytes=',
        'bytes=-',
        'bytes=5-2',
        'bytes=a-b',
        'bytes=0-1, 4-5',
        many,
        'lines=0-1',
      ]) {
        const { status, body } = await harness.curl(link, '--header', `Range: ${range}`);
        assert.deepEqual([range.slice(0, 20), status, body.length], [range.slice(0, 20), 200, 1_000_000]);
      }
    });

    it('what goes on from a part: curl finishes a download, and If-Range asks if it may', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'shoal-link-'));
      try {
        const file = join(folder, 'romeo.epub');
        await writeFile(file, bytes.subarray(0, 400_000));
        const { code } = await curl(harness.here(link), '--continue-at', '-', '--output', file);
        assert.equal(code, 0);
        const written = await readFile(file);
        assert.ok(written.subarray(-600_000).equals(bytes.subarray(400_000)));
      } finally {
        await rm(folder, { recursive: true });
      }
      const status = async (ifRange: string) =>
        (await harness.curl(link, '--range', '5-6', '--header', `If-Range: ${ifRange}`)).status;
      assert.equal(await status(`"${sha256(bytes)}"`), 206);
      assert.equal(await status('Tue, 14 Nov 2023 22:13:20 GMT'), 206);
      assert.equal(await status('"another"'), 200);
      assert.equal(await status(`W/"${sha256(bytes)}"`), 200);
      assert.equal(await status('Tue, 14 Nov 2023 22:13:21 GMT'), 200);
    });

    it('only what has changed, where that is the condition', async () => {
      const etag = `"${sha256(bytes)}"`;
      const at = 'Tue, 14 Nov 2023 22:13:20 GMT';
      const before = 'Tue, 14 Nov 2023 22:13:19 GMT';
      for (const [condition, expected] of [
        [`If-None-Match: ${etag}`, 304],
        [`If-None-Match: "a", W/${etag}`, 304],
        ['If-None-Match: *', 304],
        ['If-None-Match: "a"', 200],
        [`If-Modified-Since: ${at}`, 304],
        ['If-Modified-Since: Tue Nov 14 22:13:20 2023', 304],
        ['If-Modified-Since: Tuesday, 14-Nov-23 22:13:20 GMT', 304],
        [`If-Modified-Since: ${before}`, 200],
        ['If-Modified-Since: whenever', 200],
        [`If-Match: ${etag}`, 200],
        ['If-Match: *', 200],
        [`If-Match: W/${etag}`, 412],
        ['If-Match: "a"', 412],
        [`If-Unmodified-Since: ${at}`, 200],
        [`If-Unmodified-Since: ${before}`, 412],
      ] as const) {
        const { status, headers, body } = await harness.curl(link, '--header', condition);
        assert.deepEqual([condition, status], [condition, expected]);
        assert.equal(body.length, expected === 200 ? 1_000_000 : 0);
        assert.equal(headers.etag, etag);
      }
      const both = ['--header', 'If-None-Match: "a"', '--header', `If-Modified-Since: ${at}`];
      assert.equal((await harness.curl(link, ...both)).status, 200, 'the tag is the stronger condition');
    });

    it('an empty file', async () => {
      const empty = harness.link(harness.files.offer('empty', Buffer.alloc(0)));
      const { status, headers, body } = await harness.curl(empty);
      assert.deepEqual([status, body.length, headers['content-length']], [200, 0, '0']);
      assert.equal((await harness.curl(empty, '--range', '0-')).status, 416);
      assert.equal((await harness.curl(empty, '--range', '-5')).status, 200);
    });

    it('several requests of one connection, one after the other', async () => {
      const one = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-3\r\n\r\n`;
      const last = `HEAD ${link.pathname} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
      const text = await harness.raw(one(link.pathname).repeat(4) + last);
      assert.equal(text.match(/HTTP\/1\.1 206/g)?.length, 4);
      assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, 1);
    });
  });

  for (const [name, disposition] of [
    ['plain.txt', 'attachment; filename="plain.txt"'],
    [
      'two words; "quoted" 100%.txt',
      `attachment; filename="two words; _quoted_ 100_.txt"; filename*=UTF-8''two%20words%3B%20%22quoted%22%20100%25.txt`,
    ],
    [
      'Ünïcode 文.txt',
      `attachment; filename="_n_code _.txt"; filename*=UTF-8''%C3%9Cn%C3%AFcode%20%E6%96%87.txt`,
    ],
    ["it's (1)*.txt", 'attachment; filename="it\'s (1)*.txt"'],
    ['new\r\nX-Evil: 1', `attachment; filename="new__X-Evil: 1"`],
    [fromBytes(Buffer.from([0x61, 0xff, 0x62])), `attachment; filename="a_b"; filename*=UTF-8''a%EF%BF%BDb`],
  ] as const) {
    it(`names a file ${JSON.stringify(name)} so that all browsers save it by that name`, async () => {
      await started();
      const link = harness.link(harness.files.offer(`a/${name}`, Buffer.from('x')));
      const { status, headers } = await harness.curl(link);
      assert.equal(status, 200);
      assert.equal(headers['content-disposition'], disposition);
      assert.equal(headers['x-evil'], undefined);
    });
  }

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

  it('keeps its key: links outlive a restart', async () => {
    await started();
    const entry = harness.files.offer('a', Buffer.from('a'));
    const link = harness.link(entry);
    const { folder, files } = harness;
    await harness.server.stop();
    assert.equal(harness.links.linkFor(JULIET, entry), undefined, 'none is made by who is stopped');
    harness = new LinkHarness({ folder, files });
    await harness.server.start();
    assert.equal((await harness.curl(link)).status, 200);
  });

  it('does not start with a key that was cut short', async () => {
    await started();
    const { folder } = harness;
    const key = await folder.create('key');
    await key.append([Buffer.alloc(5)]);
    await key.close();
    const again = new LinkHarness({ folder });
    await assert.rejects(again.server.start(), { code: 'link-key' });
    await again.server.stop();
  });

  it('says so when its port is taken', async () => {
    await started();
    const again = new LinkHarness({ port: harness.server.port });
    await assert.rejects(again.server.start(), { code: 'link-listen' });
    await again.server.stop();
  });

  describe('while a file is sent', () => {
    const big = Buffer.alloc(40_000_000, 'romeo ');

    /** Asks for a file, and takes the beginning of it only. */
    async function slowDownload(link: URL): Promise<Socket> {
      const socket = await connected();
      socket.write(`GET ${link.pathname} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await once(socket, 'readable');
      return socket;
    }

    it('notices that it changes, and never lets somebody think that it is whole', async () => {
      await started();
      const entry = harness.files.offer('big', big);
      const other = Buffer.alloc(40_000_000, 'juliet ');
      harness.files.beforeRead = (position) => {
        if (position > 20_000_000) harness.files.write(entry, other);
      };
      const { code, body } = await harness.curl(harness.link(entry));
      assert.equal(code, 18, 'curl says that it is partial');
      assert.ok(body.length < big.length);
    });

    it('notices that it gets shorter', async () => {
      await started();
      const entry = harness.files.offer('big', big);
      harness.files.beforeRead = (position) => {
        if (position > 20_000_000) harness.files.write(entry, big.subarray(0, 100));
      };
      assert.equal((await harness.curl(harness.link(entry))).code, 18);
    });

    it('takes an upload slot of the asker, and tells who waits too long when to come again', async () => {
      await started({ maxUploadsPerPeer: 2 });
      const entry = harness.files.offer('big', big);
      const link = harness.link(entry);
      await slowDownload(link);
      await slowDownload(link);
      const busy = await harness.curl(link);
      assert.equal(busy.status, 503);
      assert.equal(busy.headers['retry-after'], '30');
      assert.equal((await harness.curl(link, '--head')).status, 200, 'a head costs nothing');
      assert.equal((await harness.curl(harness.link(entry, ROMEO), '--range', '0-9')).status, 206);
      assert.equal((await harness.curl(new URL('/x/y', link))).status, 404);
    });

    it('has others wait for their turn', async () => {
      await started({ maxUploads: 1, slotWaitMs: 10_000 });
      const link = harness.link(harness.files.offer('big', big));
      const first = await slowDownload(link);
      const waiting = harness.curl(link, '--range', '0-9');
      const gone = await connected();
      gone.write(`GET ${link.pathname} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await eventually(
        () => harness.uploads.waiting,
        (count) => count === 2,
      );
      gone.destroy();
      await eventually(
        () => harness.uploads.waiting,
        (count) => count === 1,
      );
      first.destroy();
      assert.equal((await waiting).status, 206);
    });

    it('gives up a client that takes nothing', async () => {
      await started({ stallMs: 200 });
      const socket = await slowDownload(harness.link(harness.files.offer('big', big)));
      assert.equal(harness.uploads.uploads, 1);
      await eventually(
        () => harness.uploads.uploads,
        (uploads) => uploads === 0,
      );
      socket.resume();
      await once(socket, 'close');
    });

    it('gives up a client that goes', async () => {
      await started();
      const socket = await slowDownload(harness.link(harness.files.offer('big', big)));
      socket.destroy();
      await eventually(
        () => harness.uploads.uploads,
        (uploads) => uploads === 0,
      );
    });

    it('stops at once, in the middle of it', async () => {
      await started();
      const link = harness.link(harness.files.offer('big', big));
      const socket = await slowDownload(link);
      await connected(); // and one that says nothing
      await harness.server.stop();
      assert.equal(harness.uploads.uploads, 0);
      socket.resume();
      await once(socket, 'close');
      assert.equal((await harness.curl(link)).code, 7, 'nobody listens');
    });

    it('serves what is asked for behind it on the same connection only after it, a few at most', async () => {
      await started({ maxUploads: 4, maxUploadsPerPeer: 4 });
      const link = harness.link(harness.files.offer('big', big));
      const request = `GET ${link.pathname} HTTP/1.1\r\nHost: x\r\n\r\n`;
      const socket = await connected();
      socket.write(request.repeat(5));
      await once(socket, 'readable');
      assert.equal(harness.uploads.uploads, 1);
      const flood = await connected();
      flood.resume();
      flood.write(request.repeat(500));
      await once(flood, 'close');
    });
  });

  describe('is not worn out by', () => {
    it('a client that says nothing, or says it slowly', async () => {
      await started({ headTimeoutMs: 300 });
      const [silent, slow] = [await connected(), await connected()];
      silent.resume();
      slow.resume();
      slow.write('GET / HTTP/1.1\r\n');
      const drip = setInterval(() => slow.write('X-A: b\r\n'), 50);
      try {
        await Promise.all([once(silent, 'close'), once(slow, 'close')]);
      } finally {
        clearInterval(drip);
      }
    });

    it('a connection that stays open behind its last answer', async () => {
      await started({ keepAliveMs: 200 });
      const link = harness.link(harness.files.offer('a', Buffer.from('a')));
      const socket = await connected();
      socket.resume();
      socket.write(`GET ${link.pathname} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await once(socket, 'close');
    });

    it('many connections: they make room for each other, and none for those who have a link', async () => {
      await started({ maxConnections: 8 });
      const entry = harness.files.offer('big', Buffer.alloc(40_000_000));
      const link = harness.link(entry);
      const taker = await connected();
      taker.write(`GET ${link.pathname} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await once(taker, 'readable');
      const idle = await Promise.all(Array.from({ length: 60 }, connected));
      for (const each of idle) each.resume();
      assert.equal(
        (await harness.curl(link, '--range', '0-9')).status,
        206,
        'there is room for who comes now',
      );
      await eventually(
        () => idle.filter((each) => !each.destroyed).length,
        (open) => open <= 8,
      );
      assert.equal(harness.uploads.uploads, 1);
      assert.equal(taker.destroyed, false);
    });

    it('a head that does not end', async () => {
      await started();
      const text = await harness.raw(`GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
      assert.match(text, /^HTTP\/1\.1 431 /);
      const many = Array.from({ length: 3000 }, (_, at) => `X-${at}: 1\r\n`).join('');
      assert.match(await harness.raw(`GET / HTTP/1.1\r\nHost: x\r\n${many}\r\n`), /^HTTP\/1\.1 (404|431) /);
    });

    it('what is no HTTP', async () => {
      await started();
      for (const each of [
        '\0\0\0\0',
        'hello\r\n\r\n',
        'GET / HTTP/9.9\r\n\r\n',
        '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03',
      ])
        assert.match(await harness.raw(each), /^HTTP\/1\.1 400 /);
      const smuggled =
        'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
      assert.match(await harness.raw(smuggled), /^HTTP\/1\.1 400 /);
    });

    it('requests by the thousand that are refused', async () => {
      await started();
      const before = process.cpuUsage();
      const bad = `GET /${'A'.repeat(200)}/x HTTP/1.1\r\nHost: x\r\n\r\n`;
      await Promise.all(Array.from({ length: 300 }, () => harness.raw(bad)));
      const { user, system } = process.cpuUsage(before);
      assert.ok(user + system < 3_000_000, `${user + system} us for 300 requests and their clients`);
      assert.equal(
        (await harness.curl(harness.link(harness.files.offer('a', Buffer.from('a'))))).status,
        200,
      );
    });
  });

  describe('where a link is for one address', () => {
    it('serves who comes first', async () => {
      await started({ pinAddress: true, behindProxy: true });
      const link = harness.link(harness.files.offer('a', Buffer.from('a')));
      const other = harness.link(harness.files.offer('b', Buffer.from('b')));
      const from = async (address: string, which = link) =>
        (await harness.curl(which, '--header', `X-Forwarded-For: 10.0.0.1, ${address}`)).status;
      assert.equal(await from('192.0.2.1'), 200);
      assert.equal(await from('192.0.2.2'), 404);
      assert.equal(await from('192.0.2.1'), 200);
      assert.equal(await from('192.0.2.2', other), 200);
      assert.equal((await harness.curl(link)).status, 404);
    });

    it('believes no header where there is no proxy', async () => {
      await started({ pinAddress: true });
      const link = harness.link(harness.files.offer('a', Buffer.from('a')));
      assert.equal((await harness.curl(link)).status, 200);
      assert.equal((await harness.curl(link, '--header', 'X-Forwarded-For: 192.0.2.1')).status, 200);
      assert.equal((await harness.curl(link, '--interface', '127.0.0.2')).status, 404);
    });
  });

  describe('with a certificate', () => {
    let folder: string;
    const make = promisify(execFile);

    async function newCertificate(name: string): Promise<void> {
      const key = [
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-keyout',
        join(folder, 'key'),
      ];
      const host = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
      await make('openssl', ['req', '-x509', ...key, '-out', join(folder, 'crt'), '-days', '2', ...host]);
    }

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'shoal-tls-'));
      await newCertificate('first');
    });

    afterEach(() => rm(folder, { recursive: true }));

    const certificate = () =>
      new CertificateFiles({ fs: realFileSystem }, { cert: join(folder, 'crt'), key: join(folder, 'key') });

    it('speaks HTTPS, with the same bounds', async () => {
      await started({ certificate: certificate(), maxConnections: 4, headTimeoutMs: 1000 });
      const bytes = randomBytes(3_000_000);
      const link = harness.link(harness.files.offer('a', bytes));
      const got = await harness.curl(link, '--cacert', join(folder, 'crt'));
      assert.equal(got.status, 200);
      assert.ok(got.body.equals(bytes));
      assert.equal((await harness.curl(new URL('/x/y', link), '--insecure')).status, 404);
      const idle = await Promise.all(Array.from({ length: 20 }, connected));
      for (const each of idle) each.resume();
      assert.equal((await harness.curl(link, '--insecure', '--range', '0-5')).status, 206);
      await Promise.all(idle.map((each) => each.destroyed || once(each, 'close')));
    });

    it('uses a new one without a restart, and goes on with the old where the new is none', async () => {
      const clock = new VirtualClock(Date.now());
      await started({ certificate: certificate(), clock });
      const names = () =>
        new Promise<string>((resolve, reject) => {
          const socket = connectTls({
            port: harness.server.port,
            host: '127.0.0.1',
            rejectUnauthorized: false,
          });
          socket.once('error', reject);
          socket.once('secureConnect', () => {
            resolve(String(socket.getPeerCertificate().subject.CN));
            socket.destroy();
          });
        });
      const later = async (expected: string) => {
        await clock.advance(3_600_000);
        await eventually(names, (name) => name === expected);
      };
      assert.equal(await names(), 'first');
      await writeFile(join(folder, 'crt'), 'nothing');
      await later('first');
      await rm(join(folder, 'crt'));
      await later('first');
      await newCertificate('second');
      await later('second');
    });
  });
});
