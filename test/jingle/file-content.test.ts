import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { FileEntry } from '../../src/catalogue/file-entry.js';
import { SessionEndedError } from '../../src/jingle/file-session.js';
import { defaultJingleTimeouts } from '../../src/jingle/timeouts.js';
import { NS } from '../../src/stanza/namespaces.js';
import type { Element } from '../../src/stanza/xml.js';
import { bytesOf, JinglePair, type JinglePairInit, NODE } from '../support/jingle-pair.js';
import { settle } from '../support/virtual-clock.js';

const BYTES = randomBytes(1_500_000);
const WAIT = defaultJingleTimeouts;

function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.fail('nothing failed'),
    (error: unknown) => error,
  );
}

function isAction(stanza: Element, action: string): boolean {
  return stanza.getChild('jingle', NS.jingle)?.attrs.action === action;
}

describe('FileContent', () => {
  let pair: JinglePair;
  afterEach(() => pair.close());

  async function open(init?: JinglePairInit) {
    pair = await JinglePair.open(init);
    return pair.files.offer('a', BYTES);
  }

  describe('between two of us', () => {
    it('falls back to IBB in the same session when SOCKS5 finds no way', async () => {
      await open();
      pair.bytestreams.failing.add('s5b');
      const download = pair.download({ name: 'a' });
      assert.deepEqual(await bytesOf(download.stream), BYTES);
      assert.equal(download.transport, 'ibb');
      await download.finish('success');
      await pair.ended();
      assert.deepEqual(pair.actions.slice(0, 4), [
        'a session-initiate',
        'n session-accept',
        'a transport-replace',
        'n transport-accept',
      ]);
      assert.equal(new Set(pair.stanzas.flatMap((each) => each.getChild('jingle')?.attrs.sid ?? [])).size, 1);
    });

    it('tells both sides when no transport is left', async () => {
      await open();
      pair.bytestreams.failing.add('s5b').add('ibb');
      const download = pair.download({ name: 'a' });
      await download.accepted;
      const error = (await errorOf(bytesOf(download.stream))) as Error & { code?: string; reason?: string };
      assert.match(`${error.code} ${error.reason}`, /^transport-failed|^session-ended failed-transport$/);
      await pair.ended();
      assert.match(pair.actions.at(-1) ?? '', /session-terminate failed-transport/);
    });

    it('comes to an end when the transport-replace is lost', async () => {
      await open();
      pair.bytestreams.failing.add('s5b');
      const release = pair.net.drop((stanza) => isAction(stanza, 'transport-replace'));
      const download = pair.download({ name: 'a' });
      await pair.until(() => pair.actions.includes('n session-accept'));
      await settle();
      release();
      await pair.clock.advance(WAIT.fallbackMs);
      // The initiator waits for an answer to its own, which is lost: it overrules the responder's.
      await pair.until(() => pair.actions.includes('n transport-replace'));
      await pair.clock.advance(WAIT.replaceMs);
      await assert.rejects(bytesOf(download.stream));
      await pair.ended();
    });

    it('as sender gives up a receiver that takes nothing; as receiver never one that it keeps waiting itself', async () => {
      await open();
      const download = pair.download({ name: 'a' });
      await download.accepted;
      await pair.until(() => download.stream.readableLength > 0);
      // Nobody reads: that is our own side's doing, for which the receiver waits and the sender does not.
      await pair.clock.advance(WAIT.idleMs * 2);
      const error = await errorOf(bytesOf(download.stream));
      assert.ok(error instanceof SessionEndedError, String(error));
      assert.equal(error.reason, 'timeout');
      await pair.ended();
    });

    it('is a success when the sender ends the session first', async () => {
      await open({ askerTimeouts: { finishMs: WAIT.finishMs * 2 } });
      const download = pair.download({ name: 'a' });
      const bytes = await bytesOf(download.stream);
      // The asker does not say that it is done (as Gajim does not).
      await pair.clock.advance(WAIT.finishMs);
      await pair.ended();
      assert.deepEqual(bytes, BYTES);
      assert.ok(pair.actions.includes('n session-terminate success'));
      await download.finish('success'); // changes nothing any more
    });

    for (const [what, action, direction] of [
      ['session-initiate', 'session-initiate', 'set'],
      ['acknowledgement of session-initiate', 'session-initiate', 'result'],
      ['session-accept', 'session-accept', 'set'],
      ['acknowledgement of session-accept', 'session-accept', 'result'],
      ['checksum', 'session-info', 'set'],
      ['session-terminate', 'session-terminate', 'set'],
      ['acknowledgement of session-terminate', 'session-terminate', 'result'],
    ] as const) {
      it(`comes to an end when the ${what} is lost`, async () => {
        await open();
        const ids = new Set<unknown>();
        pair.net.drop((stanza) => {
          if (isAction(stanza, action)) ids.add(stanza.attrs.id);
          return ids.has(stanza.attrs.id) && stanza.attrs.type === direction;
        });
        const download = pair.download({ name: 'a', range: { offset: 1, hashes: [] } });
        const read = bytesOf(download.stream).then(
          (bytes) => {
            assert.deepEqual(bytes, BYTES.subarray(1));
            return download.finish('success');
          },
          () => undefined,
        );
        for (let minute = 0; minute < 10; minute += 1) await pair.clock.advance(60_000);
        await read;
        await pair.ended();
      });
    }

    it('moves on while the servers are away, and ends', async () => {
      await open({ engine: { stopGraceMs: 10 } });
      const download = pair.download({ name: 'a' });
      await download.accepted;
      await pair.until(() => download.stream.readableLength > 0);
      pair.net.cut(NODE);
      assert.deepEqual(await bytesOf(download.stream), BYTES);
      await download.finish('success');
      assert.equal(pair.asking.sessionCount, 0);
      await pair.clock.advance(WAIT.finishMs);
      await pair.ended();
    });
  });

  describe('with a file that does not stay as it was', () => {
    const changes: readonly [string, (entry: FileEntry) => void][] = [
      ['is written to', (entry) => pair.files.write(entry, randomBytes(BYTES.length))],
      ['is written to and keeps its date', (entry) => pair.files.write(entry, randomBytes(9), entry.mtimeMs)],
      ['shrinks', (entry) => pair.files.write(entry, BYTES.subarray(0, 600_000))],
      ['grows', (entry) => pair.files.write(entry, Buffer.concat([BYTES, BYTES]))],
      ['is removed', (entry) => pair.files.remove(entry)],
    ];
    for (const [what, change] of changes) {
      it(`ends with media-error when it ${what}, and never gives all the bytes`, async () => {
        const entry = await open();
        pair.files.beforeRead = (position) => {
          if (position > 500_000) change(entry);
        };
        const download = pair.download({ name: 'a' });
        let received = 0;
        download.stream.on('data', (chunk: Buffer) => {
          received += chunk.length;
        });
        const error = await errorOf(new Promise((_, reject) => download.stream.once('error', reject)));
        assert.ok(error instanceof SessionEndedError, String(error));
        assert.equal(error.reason, 'media-error');
        assert.ok(received < BYTES.length);
        await pair.ended();
      });
    }

    it('is not there when it changed since it was looked at', async () => {
      const entry = await open();
      pair.files.write(entry, randomBytes(BYTES.length));
      const error = await errorOf(pair.download({ name: 'a' }).accepted);
      assert.ok(error instanceof SessionEndedError);
      assert.equal(error.condition, 'file-not-available');
    });
  });
});
