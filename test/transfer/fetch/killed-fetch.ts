/**
 * The process that `killed-fetch.test.ts` kills: fetches from a slow source and says how far it
 * is, a line for each piece. Arguments: target, size of the file, seed of its bytes.
 */
import { sleep, systemClock } from '../../../src/clock.js';
import { realPartFileSystem } from '../../../src/fs/part-file.js';
import { silentLog } from '../../../src/log.js';
import { parseJid } from '../../../src/stanza/jid.js';
import { fetchFile } from '../../../src/transfer/fetch/fetch-file.js';
import { MemorySources, seededBytes, sha256 } from '../../support/memory-sources.js';

const [target = '', size = '', seed = ''] = process.argv.slice(2);
const content = seededBytes(Number(size), Number(seed));
const jid = parseJid('a.example');
const downloader = new MemorySources(new Map([[jid, { content, pace: () => sleep(systemClock, 1) }]]));

process.stdin.resume(); // our timers do not keep a process alive
const request = {
  file: { hash: sha256(content), size: content.length },
  sources: [{ jid }],
  target,
  overwrite: 'refuse',
} as const;
const components = { downloader, fs: realPartFileSystem, clock: systemClock, log: silentLog };
for await (const event of fetchFile(components, request, { progressIntervalMs: 0 })) {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
process.stdin.destroy();
