import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import type { ProgressingSource } from '../../src/extensions/transfer-watch.js';
import type { FileRequest } from '../../src/jingle/file-session.js';
import { SentFiles } from '../../src/node/sent-files.js';
import { parseJid } from '../../src/stanza/jid.js';
import { VirtualClock } from '../support/virtual-clock.js';

const PEER = parseJid('juliet@x/y');

/** A source of which a test says how much went out. */
class PacedSource implements ProgressingSource {
  sent = 0;
  released = 0;
  readonly file = { name: 'a', path: 's/a', size: 1000, hashes: [], hashesUsed: [] };
  readonly range = { offset: 0, length: 1000 };
  open = () => Readable.from([]);
  progress = () => ({ sentBytes: this.sent });
  checksum = () => ({ algo: 'sha-256', value: '' }) as const;
  release = () => {
    this.released += 1;
  };
}

function setUp(handle: (request: FileRequest) => Promise<ProgressingSource>) {
  const clock = new VirtualClock();
  const files = { handle, source: () => assert.fail('nothing is offered') };
  const sent = new SentFiles({ files, clock });
  const request: FileRequest = {
    peer: PEER,
    sid: 's',
    file: { hashes: [{ algo: 'sha-256', value: 'hash' }], hashesUsed: [] },
  };
  const ask = () => sent.handle(request, new AbortController().signal);
  return { clock, sent, ask };
}

describe('what goes out of a node', () => {
  it('is one transfer for all the ranges that a peer takes of a file, with the rate of now', async () => {
    const sources = [new PacedSource(), new PacedSource()];
    const [first, second] = sources;
    assert.ok(first && second);
    const { clock, sent, ask } = setUp(async () => sources.shift() ?? assert.fail());
    const source = await ask();
    await clock.advance(1000);
    first.sent = 400;
    await clock.advance(1000);
    const common = { direction: 'out', peer: PEER, path: 's/a', fileBytes: 1000 };
    assert.deepEqual(sent.status(), [{ ...common, state: 'active', bytes: 400, bytesPerSecond: 200 }]);
    source.release({ type: 'success', bytes: 400 });
    assert.equal(first.released, 1);
    assert.deepEqual(sent.status(), [{ ...common, state: 'ended', bytes: 400, bytesPerSecond: 0 }]);
    const next = await ask();
    second.sent = 100;
    assert.equal(sent.status()[0]?.bytes, 500);
    next.release({ type: 'success', bytes: 100 });
    await clock.advance(5000);
    assert.deepEqual(sent.status(), []);
    assert.equal(clock.pendingTimers, 0);
  });

  it('tells who waits for a slot, and nothing of who got none', async () => {
    let answer: (source: ProgressingSource) => void = () => {};
    let refuse: (error: Error) => void = () => {};
    const { clock, sent, ask } = setUp(
      () =>
        new Promise((resolve, reject) => {
          [answer, refuse] = [resolve, reject];
        }),
    );
    const waiting = ask();
    assert.deepEqual(
      sent.status().map(({ path, state, bytes }) => [path, state, bytes]),
      [['hash', 'waiting', 0]],
    );
    answer(new PacedSource());
    await waiting;
    assert.deepEqual(
      sent.status().map(({ path, state }) => [path, state]),
      [['s/a', 'active']],
    );
    const refused = ask();
    refuse(new Error('busy'));
    await assert.rejects(refused, /busy/);
    assert.equal(sent.status().length, 1);
    sent.stop();
    assert.equal(clock.pendingTimers, 0);
  });
});
