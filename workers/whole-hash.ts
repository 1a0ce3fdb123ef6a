/** Entry of the thread that hashes a file which is still coming; `src/transfer/fetch/thread-whole-hash.ts` starts it. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { ContentHash } from '../src/jingle/content-hash.js';
import type { FromWholeHash, ToWholeHash, WholeHashWork } from '../src/transfer/fetch/thread-whole-hash.js';

if (parentPort === null) throw new TypeError('this file is the entry of a worker');
const port = parentPort;
const { path, algo } = workerData as WholeHashWork;

/** What is read again costs least in such pieces (docs/architecture.md, "Threads"). */
const buffer = Buffer.allocUnsafeSlow(256 * 1024);
const hash = new ContentHash(algo);
const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
let at = 0;

port.on('message', (message: ToWholeHash) => {
  if (message.type === 'value') {
    port.postMessage({ type: 'value', value: hash.value().value } satisfies FromWholeHash);
    return;
  }
  while (at < message.end) {
    const count = readSync(file, buffer, 0, Math.min(buffer.length, message.end - at), at);
    if (count === 0) throw new RangeError('the file has been made shorter');
    hash.update(buffer.subarray(0, count));
    at += count;
  }
});
port.once('close', () => closeSync(file));
