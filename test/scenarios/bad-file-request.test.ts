/**
 * Requests for files that others get wrong, or make to do harm, put to a whole node through a real
 * server: each gets a clear error, nobody else suffers, and in the end nothing of it is left.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { NS } from '../../src/stanza/namespaces.js';
import type { Element } from '../../src/stanza/xml.js';
import { BESIEGED, BesiegedNode, totalOf } from '../support/besieged-node.js';
import { eventually } from '../support/eventually.js';
import { drain, field } from '../support/raw-asker.js';
import { SHOAL } from '../support/served-node.js';
import { ACCOUNTS, DOMAIN } from '../support/server.js';
import { describeOnServers } from '../support/server-fixture.js';

const file = (name: string) => `<name>${name}</name>`;

describeOnServers('a bad request for a file of a whole node', (server) => {
  let node: BesiegedNode;

  before(async function () {
    this.timeout(60_000);
    node = await BesiegedNode.start(server());
  });

  after(() => node?.stop());

  describe('gets a clear error, and nobody else suffers:', () => {
    afterEach('somebody else is answered', () => node.assertAnswers());

    it('knows no way out of a share: what is forbidden is answered word for word as what is absent', async () => {
      const absent = await node.attacker.refusal(node.newSid(), { file: file('share/absent.txt') });
      assert.match(absent, /<file-not-available /);
      const names = [
        '../outside/secret.txt',
        'share/../outside/secret.txt',
        'share/../../outside/secret.txt',
        'share/folder/../romeo.txt',
        './share/romeo.txt',
        'share/./romeo.txt',
        'share//romeo.txt',
        '/share/romeo.txt',
        'share/romeo.txt/',
        'share/',
        'share',
        '/',
        '..',
        '.',
        '/etc/passwd',
        `${node.folder.path}/share/romeo.txt`,
        'file:///etc/passwd',
        '%2e%2e/outside/secret.txt',
        'share/%2e%2e/outside/secret.txt',
        'share%2fromeo.txt',
        'share/romeo.txt%00',
        'share/romeo.txt&#xFFFD;',
        'share\\romeo.txt',
        '..\\outside\\secret.txt',
        '..%c0%af',
        'share/link.txt',
        'link.txt',
        'share/alias.txt',
        'share/out/secret.txt',
        'share/out',
        'secret.txt',
        'share/.hidden.txt',
        '.hidden.txt',
        'share/fifo',
        'share/folder',
        'SHARE/romeo.txt',
        'x'.repeat(20_000),
        '/'.repeat(5000),
      ];
      for (const name of names) {
        const asName = await node.attacker.refusal(node.newSid(), { file: file(name) });
        assert.equal(asName, absent, name.slice(0, 100));
        const asPath = await node.attacker.refusal(node.newSid(), {
          file: `<path xmlns='${NS.find}'>${name}</path>`,
        });
        assert.equal(asPath, absent, name.slice(0, 100));
      }
      const hash = Buffer.alloc(32).toString('base64');
      const byHash = await node.attacker.refusal(node.newSid(), {
        file: `${file('share/romeo.txt')}<hash xmlns='${NS.hashes2}' algo='sha-256'>${hash}</hash>`,
      });
      assert.equal(byHash, absent);
    });

    it('refuses a range that is not inside the file', async () => {
      for (const [range, answer] of [
        ["offset='17'", /<text>'offset' [^<]+<.text><bad-request /],
        ["offset='16' length='1'", /<text>'length' [^<]+<.text><bad-request /],
        ["offset='0' length='17'", /<text>'length' [^<]+<.text><bad-request /],
        ["offset='9007199254740991'", /<text>'offset' [^<]+<.text><bad-request /],
        ["offset='-1'", /^bad-request: 'offset'/],
        ["length='-1'", /^bad-request: 'length'/],
        ["offset='1.5'", /^bad-request: 'offset'/],
        ["offset='0x10'", /^bad-request: 'offset'/],
        ["offset=''", /^bad-request: 'offset'/],
        ["offset='18446744073709551617'", /^bad-request: 'offset'/],
        ["offset='1' length='9007199254740991'", /^bad-request: 'length'/],
      ] as const) {
        const told = await node.attacker.refusal(node.newSid(), {
          file: `${file('share/romeo.txt')}<range ${range}/>`,
        });
        assert.match(told, answer, range);
      }
    });

    it('refuses Jingle that makes no sense, and sessions that are not', async () => {
      for (const inside of [
        '',
        '<content/>',
        "<content creator='initiator' name='c'/>",
        "<content creator='nobody' name='c'/>",
      ]) {
        assert.match(await node.attacker.jingle('session-initiate', node.newSid(), inside), /^bad-request/);
      }
      for (const action of [
        'session-info',
        'session-terminate',
        'session-accept',
        'transport-info',
        'nonsense',
      ]) {
        assert.match(
          await node.attacker.jingle(action, node.newSid()),
          /^(item-not-found|bad-request)/,
          action,
        );
      }
      assert.match(await node.attacker.refusal(node.newSid(), { file: '' }), /<bad-request /);
    });

    it('closes its SOCKS5 port on garbage', async function () {
      this.timeout(30_000);
      const good = node.newSid();
      await node.attacker.request(good, { file: file('share/whole.large'), transport: 's5b' });
      const socket = await node.attacker.openS5b(good);
      const port = socket.remotePort ?? 0;
      const garbage = [
        'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
        '\x04\x01\x00\x50\x7f\x00\x00\x01\x00',
        '\x05\x00',
        '\x05\x01\x02',
        '\x05\xff',
        '',
        '\x16\x03\x01\x02\x00\x01\x00',
        `\x05\x01\x00\x05\x01\x00\x03\x28${'0'.repeat(40)}\x00\x00`,
        '\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50',
        `\x05\x01\x00\x05\x02\x00\x03\x28${'f'.repeat(40)}\x00\x00`,
        '\x05\x01\x00\x05\x01\x00\x03\x00\x00\x00',
        'x'.repeat(100_000),
      ];
      const closed = Array.from({ length: 20 }).flatMap(() =>
        garbage.map((bytes) => {
          const each = connect(port, '127.0.0.1');
          each.on('error', () => undefined);
          each.write(Buffer.from(bytes, 'latin1'));
          const over = new Promise<void>((resolve) => each.once('close', () => resolve()));
          each.resume();
          if (bytes.length < 4) each.end();
          return over;
        }),
      );
      assert.equal(await drain(socket), BESIEGED.largeBytes); // meanwhile
      await node.end(good);
      await Promise.all(closed);
    });

    it('ends an in-band bytestream whose blocks are out of sequence, too large or no base64', async function () {
      this.timeout(30_000);
      const block = (of: string, seq: number | string, data: string) =>
        node.attacker.ask(`<data xmlns='${NS.ibb}' sid='${of}' seq='${seq}'>${data}</data>`, 'set');
      assert.match(String(await block('nobody', 0, 'AAAA')), /^item-not-found/);
      assert.match(
        String(
          await node.attacker.ask(
            `<open xmlns='${NS.ibb}' sid='nobody' block-size='4096' stanza='iq'/>`,
            'set',
          ),
        ),
        /^not-acceptable/,
      );
      for (const [seq, data, answer] of [
        [5, 'AAAA', /^unexpected-request/],
        [0, 'A'.repeat(40_000), /^bad-request/],
        [0, 'no base64!', /^bad-request/],
        [65536, 'AAAA', /^bad-request/],
        [-1, 'AAAA', /^bad-request/],
      ] as const) {
        const bad = node.newSid();
        await node.attacker.request(bad, { file: file('share/whole.medium') });
        const flow = node.attacker.stall();
        await node.attacker.openIbb(bad);
        assert.match(String(await block(bad, seq, data)), answer, `${seq}`);
        flow();
        assert.equal(await node.attacker.reason(bad), 'connectivity-error', `${seq}`);
        assert.ok(node.attacker.receivedByIbb(bad).length < BESIEGED.mediumBytes);
      }
    });

    it('keeps no more sessions of a peer than it may', async function () {
      this.timeout(30_000);
      const flow = node.attacker.stall();
      const sids = Array.from({ length: 3 * BESIEGED.sessionsPerPeer }, () => node.newSid());
      const answers = [];
      for (const each of sids)
        answers.push(await node.attacker.request(each, { file: file('share/whole.medium') }));
      const refused = answers.filter((each) => each !== 'acked');
      assert.equal(refused.length, 2 * BESIEGED.sessionsPerPeer);
      for (const each of refused) assert.match(each, /^resource-constraint: over the limit/);
      const other = node.newSid();
      await node.innocent.request(other, { file: file('share/romeo.txt') });
      await node.innocent.openIbb(other);
      await eventually(
        () => String(node.innocent.receivedByIbb(other)),
        (text) => text === 'Romeo and Juliet',
      );
      await node.innocent.jingle('session-terminate', other, '<reason><success/></reason>');
      flow();
      await node.end(...sids.slice(0, BESIEGED.sessionsPerPeer));
    });

    it('tries no more candidates of a peer than it may', async function () {
      this.timeout(60_000);
      let tried = 0;
      const sockets = new Set<Socket>();
      const trap = createServer((socket) => {
        tried += 1;
        sockets.add(socket.on('error', () => undefined));
      });
      await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
      const address = trap.address();
      const port = typeof address === 'object' ? address?.port : 0;
      const candidates = Array.from(
        { length: 150 },
        (_, at) =>
          `<candidate cid='c${at}' host='127.0.0.1' jid='alice@localhost/x' port='${port}' priority='${8_000_000 + at}' type='direct'/>`,
      ).join('');
      const bad = node.newSid();
      await node.attacker.request(bad, { file: file('share/romeo.txt'), transport: 's5b', candidates });
      await node.attacker.action(bad, 'transport-info', 30_000); // it has given up
      assert.ok(tried > 0 && tried <= BESIEGED.candidates, `${tried}`);
      await node.end(bad);
      trap.close();
      for (const each of sockets) each.destroy();
    });

    describe('a file that changes while it is sent', () => {
      const changes: readonly [string, (file: string) => void][] = [
        ['vanishes', (each) => unlinkSync(each)],
        ['shrinks', (each) => truncateSync(each, 1000)],
        ['changes', (each) => writeFileSync(each, Buffer.alloc(BESIEGED.largeBytes, 'the new version, '))],
        ['grows', (each) => appendFileSync(each, 'more')],
        [
          'replaced',
          (each) => {
            writeFileSync(
              path.join(node.folder.path, 'draft'),
              Buffer.alloc(BESIEGED.largeBytes, 'the new version, '),
            );
            execFileSync('mv', [path.join(node.folder.path, 'draft'), each]);
          },
        ],
      ];
      for (const [what, change] of changes) {
        it(`ends with a reason before its last byte: ${what}, over SOCKS5`, async function () {
          this.timeout(30_000);
          const bad = node.newSid();
          await node.attacker.request(bad, { file: file(`share/${what}.large`), transport: 's5b' });
          const socket = await node.attacker.openS5b(bad);
          await eventually(
            () => socket.readableLength,
            (bytes) => bytes > 0,
          ); // it sends, we take nothing
          change(node.at(`${what}.large`));
          const bytes = await drain(socket);
          assert.equal(await node.attacker.reason(bad), 'media-error');
          assert.ok(bytes < BESIEGED.largeBytes, `${bytes}`);
        });
      }

      for (const [what, change] of changes.slice(1, 3)) {
        it(`ends with a reason before its last byte: ${what}, in-band`, async function () {
          this.timeout(60_000);
          const bad = node.newSid();
          await node.attacker.request(bad, { file: file(`share/${what}.medium`) });
          const flow = node.attacker.stall();
          await node.attacker.openIbb(bad);
          await eventually(
            () => node.attacker.receivedByIbb(bad).length,
            (bytes) => bytes > 0,
          );
          change(node.at(`${what}.medium`));
          flow();
          assert.equal(await node.attacker.reason(bad, 40_000), 'media-error');
          assert.ok(node.attacker.receivedByIbb(bad).length < BESIEGED.mediumBytes);
        });
      }
    });

    it('shows names that XML can’t hold, and gives the files by the name shown', async () => {
      const found = await node.attacker.find(field('ext', 'odd'));
      assert.equal(totalOf(found), 4);
      const files = (found as Element).getChild('found')?.getChildren('file') ?? [];
      const names = files.map((each) => each.getChildText('name') ?? '').sort();
      assert.deepEqual(names, [
        'caf\ufffd.odd',
        'ctl\ufffd\ufffd[31m.odd',
        'line\nbreak\ttab.odd',
        'mac\nand\ndos.odd',
      ]);
      for (const each of files) {
        for (const tag of ['name', 'path']) {
          const good = node.newSid();
          const selector = each.getChildren(tag)[0];
          assert.equal(await node.attacker.request(good, { file: String(selector) }), 'acked');
          await node.attacker.openIbb(good);
          await eventually(
            () => node.attacker.receivedByIbb(good).length,
            (bytes) => bytes === Number(each.getChildText('size')),
          );
          await node.end(good);
        }
      }
    });

    it('shows a person those names without what a terminal would obey, and takes them back', async function () {
      this.timeout(60_000);
      const passwordFile = path.join(node.folder.path, 'password');
      writeFileSync(passwordFile, ACCOUNTS[2].password, { mode: 0o600 });
      const shoal = (command: string, ...words: readonly string[]) =>
        execFileSync(
          process.execPath,
          [
            ...[SHOAL, command, ...words, '--jid', `carol@${DOMAIN}`, '--password-file', passwordFile],
            ...['--server', `${server().host}:${server().c2sPort}`, '--tls', 'off'],
          ],
          { cwd: node.folder.path, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
        );
      const lines = shoal('find', '--ext', 'odd', '--to', BESIEGED.jid).trimEnd().split('\n');
      assert.doesNotMatch(lines.join(''), /[\p{Cc}\p{Cs}]/u);
      const shown = lines.map((line) => /share\/(.*\.odd)/.exec(line)?.[1] ?? line).sort();
      assert.deepEqual(shown, [
        'caf\ufffd.odd',
        'ctl\ufffd\ufffd[31m.odd',
        'line\\x0abreak\\x09tab.odd',
        'mac\\x0aand\\x0ados.odd',
      ]);
      const contents = ['Latin 1', 'control characters', 'line break', 'carriage return'];
      for (const [at, name] of shown.entries()) {
        for (const word of [name, `share/${name}`]) {
          const target = path.join(node.folder.path, `got-${at}-${word.length}`);
          shoal('get', word, '--from', BESIEGED.jid, '-o', target);
          assert.equal(readFileSync(target, 'utf8'), contents[at]);
        }
      }
    });
  });

  describe('and afterwards', () => {
    it('has nothing left of all that, and ends well', async function () {
      this.timeout(60_000);
      await node.assertNothingLeft();
    });
  });
});
