/** What goes out of a node is seen and ended by whom it goes to, asked for or offered. */
import assert from 'node:assert/strict';
import type { FileDownload } from '../../src/jingle/file-session.js';
import { OutgoingFiles } from '../../src/node/outgoing-files.js';
import { SentFiles } from '../../src/node/sent-files.js';
import type { OutgoingTransfer } from '../../src/service/commands/transfers-command.js';
import { bareOf, parseBareJid } from '../../src/stanza/jid.js';
import { offerFile } from '../../src/transfer/send/offer-file.js';
import { ASKER, JinglePair, type JinglePairInit } from '../support/jingle-pair.js';

const BYTES = Buffer.alloc(8_000_000, 'x');

describe('OutgoingFiles', () => {
  let pair: JinglePair;
  let sent: SentFiles;
  let outgoing: OutgoingFiles;
  let taken: FileDownload[];

  async function open(init: JinglePairInit = {}): Promise<void> {
    taken = [];
    pair = await JinglePair.open({
      onFileRequest: (request, signal) => sent.handle(request, signal),
      onFileOffer: async () => ({ take: (download) => void taken.push(download) }),
      ...init,
    });
    sent = new SentFiles({ files: pair.server, clock: pair.clock });
    outgoing = new OutgoingFiles({
      sent,
      offer: (to, entry, signal) => offerFile({ server: sent, uploader: pair.serving }, to, entry, signal),
    });
  }
  afterEach(async () => {
    sent.stop();
    await pair.close();
  });

  const mine = () => outgoing.to(bareOf(ASKER));
  const only = (): OutgoingTransfer => mine()[0] ?? assert.fail('nothing is on its way');

  it('ends what was asked for, and frees its slot', async () => {
    await open();
    pair.files.offer('a', BYTES);
    const download = pair.download({ name: 'a' });
    download.stream.on('error', () => undefined);
    await pair.until(() => mine().some(({ state }) => state === 'active'));
    assert.deepEqual(outgoing.to(parseBareJid('somebody@example.org')), []);
    assert.equal(only().path, 'share/a');
    assert.equal(outgoing.cancel(only()), true);
    await pair.ended();
    assert.equal(only().state, 'ended');
    assert.equal(outgoing.cancel(only()), false);
    assert.equal(pair.server.uploads, 0);
  });

  it('ends what waits for a slot', async () => {
    await open({ maxUploads: 1 });
    pair.files.offer('a', BYTES);
    pair.files.offer('b', BYTES);
    for (const name of ['a', 'b']) pair.download({ name }).stream.on('error', () => undefined);
    await pair.until(() => mine().some(({ state }) => state === 'waiting') && pair.server.uploads === 1);
    const waiting = mine().find(({ state }) => state === 'waiting') ?? assert.fail();
    assert.equal(outgoing.cancel(waiting), true);
    await pair.until(() => pair.serving.sessionCount === 1);
    assert.equal(outgoing.cancel(mine().find(({ state }) => state === 'active') ?? assert.fail()), true);
    await pair.ended();
  });

  it('withdraws what was offered', async () => {
    await open();
    const entry = pair.files.offer('a', BYTES);
    await outgoing.send(ASKER, entry, new AbortController().signal);
    await pair.until(() => taken.length === 1);
    taken[0]?.stream.on('error', () => undefined);
    assert.equal(outgoing.cancel(only()), true);
    await pair.ended();
  });
});
