import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { SessionEndedError } from '../../src/jingle/file-session.js';
import { bytesOf, JinglePair, type JinglePairInit } from '../support/jingle-pair.js';
import { sha256 } from '../support/memory-files.js';

const BYTES = randomBytes(700_000);

describe('JingleEngine: a file requested', () => {
  let pair: JinglePair;
  const open = async (init?: JinglePairInit) => {
    pair = await JinglePair.open(init);
    return pair;
  };
  afterEach(() => pair.close());

  it('comes whole, with what is known of it, its checksum and an end in good order', async () => {
    const { files } = await open();
    files.offer('folder/a.bin', BYTES, { desc: 'noise' });
    const download = pair.download({ name: 'share/folder/a.bin' });
    const accepted = await download.accepted;
    assert.equal(accepted.name, 'a.bin');
    assert.equal(accepted.size, BYTES.length);
    assert.equal(accepted.desc, 'noise');
    assert.deepEqual(accepted.hashes, [{ algo: 'sha-256', value: sha256(BYTES) }]);
    assert.deepEqual(await bytesOf(download.stream), BYTES);
    assert.equal(download.transport, 's5b');
    await download.finish('success');
    await pair.ended();
    assert.deepEqual(download.checksums, [{ hash: { algo: 'sha-256', value: sha256(BYTES) } }]);
    assert.deepEqual(pair.actions, [
      'a session-initiate',
      'n session-accept',
      'n session-info',
      'a session-terminate success',
    ]);
  });
});
