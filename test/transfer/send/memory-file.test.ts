import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { allowAll } from '../../../src/access/access-policy.js';
import { madeFile } from '../../../src/catalogue/made-file.js';
import { LimitError } from '../../../src/errors.js';
import { FileNotAvailableError } from '../../../src/jingle/file-session.js';
import { silentLog } from '../../../src/log.js';
import { parseJid } from '../../../src/stanza/jid.js';
import type { FileDescription } from '../../../src/stanza/xep0234-file-transfer.js';
import { FileServer } from '../../../src/transfer/send/file-server.js';
import { bytesOf } from '../../support/jingle-pair.js';
import { MemoryFiles, sha256 } from '../../support/memory-files.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const PEER = parseJid('juliet@example.org/pda');

describe('a file that was made for a peer', () => {
  it('is offered as if it lay here, in a slot like any, and nobody can ask for it', async () => {
    const files = new MemoryFiles();
    const server = new FileServer(
      { access: allowAll, catalogue: files.catalogue, files, clock: new VirtualClock(), log: silentLog },
      { maxUploads: 1, maxUploadsPerPeer: 1 },
    );
    const { signal } = new AbortController();
    const content = randomBytes(700_000);
    const made = madeFile({ name: 'tree.xml', mediaType: 'application/xml', mtimeMs: 1, content });
    const source = await server.source(made, PEER, signal);
    const hashes = [{ algo: 'sha-256', value: sha256(content) } as const];
    assert.deepEqual(source.file, {
      ...{ name: 'tree.xml', size: content.length, dateMs: 1, mediaType: 'application/xml' },
      ...{ hashes, hashesUsed: [] },
    });
    assert.deepEqual(await bytesOf(source.open({ offset: 0, length: content.length })), content);
    const rest = await bytesOf(source.open({ offset: 500_000, length: 200_000 }));
    assert.deepEqual(rest, content.subarray(500_000));
    await assert.rejects(server.source(made, PEER, signal), LimitError);
    source.release({ type: 'success', bytes: content.length });
    assert.equal(server.uploads, 0);
    const asked: Partial<FileDescription>[] = [{ name: 'tree.xml' }, { path: '/tree.xml' }, { hashes }];
    for (const [index, each] of asked.entries()) {
      const file = { hashes: [], hashesUsed: [], ...each };
      await assert.rejects(
        server.handle({ peer: PEER, sid: `s${index}`, file }, signal),
        FileNotAvailableError,
      );
    }
  });
});
