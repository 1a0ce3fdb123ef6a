import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { FileRequestBudget } from '../../src/access/file-request-budget.js';
import { systemClock } from '../../src/clock.js';
import { parseBareJid } from '../../src/stanza/jid.js';
import { eventually } from '../support/eventually.js';
import { LinkHarness, type LinkHarnessInit } from '../support/link-harness.js';

const ROMEO = { jid: parseBareJid('romeo@example.net') };

describe('LinkServer, used hard,', () => {
  let harness: LinkHarness;

  async function started(init: LinkHarnessInit = {}): Promise<LinkHarness> {
    harness = new LinkHarness(init);
    await harness.server.start();
    return harness;
  }

  afterEach(() => harness.end());

  describe('while a file is sent', () => {
    const big = Buffer.alloc(40_000_000, 'romeo ');

    /** Asks for a file, and takes the beginning of it only. */
    async function slowDownload(link: URL): Promise<Socket> {
      const socket = await harness.connected();
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
      const gone = await harness.connected();
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

    it('ends at once what goes to somebody who was dismissed, also where nothing is taken', async () => {
      await started({ stallMs: 60_000 });
      const socket = await slowDownload(harness.link(harness.files.offer('big', big)));
      harness.uploads.dismiss(() => true);
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
      await harness.connected(); // and one that says nothing
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
      const socket = await harness.connected();
      socket.write(request.repeat(5));
      await once(socket, 'readable');
      assert.equal(harness.uploads.uploads, 1);
      const flood = await harness.connected();
      flood.resume();
      flood.write(request.repeat(500));
      await once(flood, 'close');
    });
  });

  describe('is not worn out by', () => {
    it('a client that says nothing, or says it slowly', async () => {
      await started({ headTimeoutMs: 300 });
      const [silent, slow] = [await harness.connected(), await harness.connected()];
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
      const socket = await harness.connected();
      socket.resume();
      socket.write(`GET ${link.pathname} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await once(socket, 'close');
    });

    it('many connections: they make room for each other, and none for those who have a link', async () => {
      await started({ maxConnections: 8 });
      const entry = harness.files.offer('big', Buffer.alloc(40_000_000));
      const link = harness.link(entry);
      const taker = await harness.connected();
      taker.write(`GET ${link.pathname} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await once(taker, 'readable');
      const idle = await Promise.all(Array.from({ length: 60 }, () => harness.connected()));
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

    it('requests for heads and for nothing new: they are paid for as files are', async () => {
      const limits = {
        fileRequestsPerAskerPerMinute: 6,
        fileRequestsPerDomainPerMinute: 1000,
        fileRequestsPerMinute: 1000,
      };
      await started({ budget: new FileRequestBudget({ clock: systemClock }, limits) });
      const link = harness.link(harness.files.offer('a', Buffer.from('a')));
      const { pathname } = link;
      const get = `GET ${pathname} HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n`;
      const heads = `HEAD ${pathname} HTTP/1.1\r\nHost: x\r\n\r\n`;
      const statuses = (text: string) =>
        [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status);
      // The connection is closed with the first that is over.
      assert.deepEqual(statuses(await harness.raw(heads.repeat(3) + get.repeat(5))), [
        ...Array(3).fill('200'),
        ...Array(3).fill('304'),
        '503',
      ]);
      assert.equal((await harness.curl(link)).status, 503);
    });

    it('who is not answered for a while', async () => {
      let ignored = true;
      await started({ ignores: (jid) => ignored && jid === ROMEO.jid });
      const file = harness.files.offer('a', Buffer.from('a'));
      const link = harness.link(file, ROMEO);
      assert.equal((await harness.curl(link)).code, 52, 'an empty answer');
      assert.equal((await harness.curl(harness.link(file))).status, 200);
      ignored = false;
      assert.equal((await harness.curl(link)).status, 200);
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
});
