import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { type Duplex, PassThrough } from 'node:stream';
import type { ContentLink } from '../../src/jingle/content-application.js';
import { FileReceiving } from '../../src/jingle/file-receiving.js';
import { FileTooLargeError, SessionEndedError } from '../../src/jingle/file-session.js';
import { receiveInto } from '../../src/jingle/receive-into.js';
import { silentLog } from '../../src/log.js';
import type { FileDescription, Range } from '../../src/stanza/xep0234-file-transfer.js';
import type { Hash } from '../../src/stanza/xep0300-hashes.js';
import { settle } from '../support/virtual-clock.js';

const BYTES = Buffer.from('0123456789');
const hashOf = (bytes: Buffer): Hash => ({
  algo: 'sha-256',
  value: createHash('sha256').update(bytes).digest('base64'),
});

/** The receiving side of a content, and how it was ended. */
function receiving(): { download: FileReceiving; endings: string[] } {
  const endings: string[] = [];
  const link: ContentLink = {
    sid: 's',
    log: silentLog,
    raise: (event) => {
      if (event.type === 'all-received') download.endStream();
    },
    finish: async ({ reason }) => void endings.push(reason.condition),
    tellQueue: async () => false,
    granted: () => undefined,
  };
  const download = new FileReceiving(link);
  return { download, endings };
}

/** Has `bytes` come, of what is agreed. */
function come(download: FileReceiving, file: Partial<FileDescription>, range: Range, bytes = BYTES): void {
  download.expect({ hashes: [], hashesUsed: [], ...file }, range);
  const stream = new PassThrough();
  download.move(stream as Duplex, 's5b');
  stream.end(bytes);
}

describe('receiveInto', () => {
  it('rejects where the target fails while the sender decides, and gives up the file', async () => {
    const { download, endings } = receiving();
    const target = createWriteStream('/there/is/no/such/folder');
    await assert.rejects(receiveInto(download, target), { code: 'ENOENT' });
    assert.deepEqual(endings, ['failed-application']);
  });

  it('closes the target of a file that the sender refuses', async () => {
    const { download } = receiving();
    const target = new PassThrough();
    const received = receiveInto(download, target);
    download.over(new SessionEndedError('decline', undefined, undefined));
    await assert.rejects(received, { reason: 'decline' });
    assert.ok(target.destroyed);
    await settle();
  });

  it('compares the hash of the file with that of bytes whose number was not named', async () => {
    const { download, endings } = receiving();
    const received = receiveInto(download, new PassThrough().resume());
    come(download, { hashes: [hashOf(Buffer.from('other'))] }, { offset: 0 });
    await assert.rejects(received, { condition: 'media-error' });
    assert.deepEqual(endings, ['media-error']);
    const right = receiving();
    const all = receiveInto(right.download, new PassThrough().resume());
    come(right.download, { hashes: [hashOf(BYTES)] }, { offset: 0 });
    assert.equal((await all).verified, true);
  });

  it('compares the hash of a range with that of these very bytes', async () => {
    const part = BYTES.subarray(2, 6);
    const range = { offset: 2, length: 4 };
    for (const [told, hash, verified] of [
      [range, hashOf(part), true],
      [{ offset: 0, length: 4 }, hashOf(BYTES.subarray(0, 4)), false],
      [{ offset: 2 }, hashOf(BYTES.subarray(2)), false],
      [undefined, hashOf(BYTES), false],
    ] as const) {
      const { download } = receiving();
      const received = receiveInto(download, new PassThrough().resume());
      download.checksums.push({ hash, ...(told && { range: told }) });
      come(download, { size: BYTES.length, hashes: [hashOf(BYTES)] }, range, part);
      assert.equal((await received).verified, verified, JSON.stringify(told));
    }
  });

  it('takes no more than it is allowed', async () => {
    for (const file of [{}, { size: BYTES.length }]) {
      const { download, endings } = receiving();
      const received = receiveInto(download, new PassThrough().resume(), { maxBytes: 9 });
      come(download, file, { offset: 0 });
      await assert.rejects(received, FileTooLargeError);
      assert.deepEqual(endings, ['media-error']);
    }
  });
});
