import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import type { FileDownload } from '../../src/jingle/file-session.js';
import { streamSource } from '../../src/jingle/stream-source.js';
import { ASKER, bytesOf, JinglePair } from '../support/jingle-pair.js';
import { settle } from '../support/virtual-clock.js';

describe('streamSource', () => {
  it('closes a stream that never moves when the transfer is over', async () => {
    const downloads: FileDownload[] = [];
    const pair = await JinglePair.open({
      onFileOffer: async () => ({ take: (download) => downloads.push(download) }),
    });
    const inner = new Readable({ read: () => undefined });
    const upload = pair.serving.offer({
      peer: ASKER,
      source: streamSource({ name: 'x', size: 9, open: () => inner }),
    });
    await upload.accepted;
    await pair.until(() => upload.transport !== undefined);
    await upload.cancel();
    assert.ok(inner.destroyed);
    await pair.ended();
    await pair.close();
  });

  it('gives the bytes and what the stream fails with', async () => {
    const source = (stream: Readable) => streamSource({ name: 'x', size: 4, open: () => stream });
    const all = { offset: 0, length: 4 };
    assert.equal(String(await bytesOf(source(Readable.from([Buffer.from('abcd')])).open(all))), 'abcd');
    const broken = new Readable({ read: () => undefined });
    const reading = source(broken).open(all);
    const failed = assert.rejects(bytesOf(reading), /no disk/);
    broken.destroy(new Error('no disk'));
    await failed;
    await settle();
  });
});
