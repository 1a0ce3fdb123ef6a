import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import type { FileEntry } from '../../src/catalogue/file-entry.js';
import { fromBytes } from '../../src/catalogue/share-path.js';
import { realFileSystem } from '../../src/fs/real-file-system.js';
import { CertificateFiles } from '../../src/http/certificate.js';
import { eventually } from '../support/eventually.js';
import { curl, JULIET, LinkHarness, type LinkHarnessInit } from '../support/link-harness.js';
import { sha256 } from '../support/memory-files.js';
import { VirtualClock } from '../support/virtual-clock.js';

describe('LinkServer', () => {
  let harness: LinkHarness;

  async function started(init: LinkHarnessInit = {}): Promise<LinkHarness> {
    harness = new LinkHarness(init);
    await harness.server.start();
    return harness;
  }

  afterEach(() => harness.end());

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
      const idle = await Promise.all(Array.from({ length: 20 }, () => harness.connected()));
      for (const each of idle) each.resume();
      assert.equal((await harness.curl(link, '--insecure', '--range', '0-5')).status, 206);
      await Promise.all(idle.map((each) => each.destroyed || once(each, 'close')));
    });

    it('does not start with one that is none', async () => {
      await started();
      for (const key of ['', 'nothing', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n']) {
        await writeFile(join(folder, 'key'), key);
        const wrong = new LinkHarness({ certificate: certificate() });
        await assert.rejects(wrong.server.start(), { code: 'certificate' });
        await wrong.server.stop();
      }
      await rm(join(folder, 'key'));
      const missing = new LinkHarness({ certificate: certificate() });
      await assert.rejects(missing.server.start(), { code: 'certificate' });
      await missing.server.stop();
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
