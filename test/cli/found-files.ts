/** Answers for the tests of this folder. */
import { createHash } from 'node:crypto';
import type { FoundFile } from '../../src/node/asker.js';
import { parseJid } from '../../src/stanza/jid.js';
import { parseHash } from '../../src/stanza/xep0300-hashes.js';

/** A file whose hash follows from `content`, so that equal contents are the same file. */
export function foundFile(
  name: string,
  jid: string,
  facts: Partial<FoundFile> & { content?: string } = {},
): FoundFile {
  const { content = name, ...rest } = facts;
  return {
    name,
    path: `share/${name}`,
    size: content.length,
    dateMs: Date.UTC(2026, 10, 23),
    mediaType: 'text/plain',
    hashes: [parseHash('sha-256', createHash('sha256').update(content).digest('base64'))],
    source: { jid: parseJid(jid), channel: 'books' },
    ...rest,
  };
}
