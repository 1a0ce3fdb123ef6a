/**
 * Whether an open file has the hashes that somebody asks for it by. Only sha-256 is known of every file;
 * other functions (XEP-0300) are computed on request, for files of a size that this is no burden for, and for
 * one request after the other: it costs whoever asks nothing.
 */
import { ContentHash } from '../../jingle/content-hash.js';
import type { Hash } from '../../stanza/xep0300-hashes.js';
import type { OpenFile } from './range-reader.js';

/** What is hashed for one request before it is refused: a fifth of a second of SHA-512, which a peer may cause. */
export const MAX_CHECKED_BYTES = 67_108_864;
const PIECE_BYTES = 65_536; // BLAKE2b in JavaScript takes a millisecond for it

/** What has to be hashed to compare a file of so many bytes. */
export function checkedBytes(size: number, hashes: readonly Hash[]): number {
  return size * new Set(hashes.map(({ algo }) => algo)).size;
}

export class HashChecks {
  /** The last of those that wait. There are no more of them than files that may be sent at once. */
  #last: Promise<unknown> = Promise.resolve();

  /** Reads all of it, in its turn. Rejects with what reading does, and with what `signal` is aborted with. */
  has(file: OpenFile, hashes: readonly Hash[], signal: AbortSignal): Promise<boolean> {
    const check = this.#last.then(() => {
      signal.throwIfAborted();
      return hasHashes(file, hashes, signal);
    });
    this.#last = check.catch(() => undefined); // whoever asked hears of it
    return check;
  }
}

async function hasHashes(file: OpenFile, hashes: readonly Hash[], signal: AbortSignal): Promise<boolean> {
  // A function whose value is asked for twice is computed once.
  const computed = new Map(hashes.map(({ algo }) => [algo, new ContentHash(algo)]));
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  for (let position = 0; position < file.size; ) {
    const count = await file.read(buffer, position);
    signal.throwIfAborted();
    if (count === 0) return false;
    for (const hash of computed.values()) hash.update(buffer.subarray(0, count));
    position += count;
  }
  const values = new Map([...computed].map(([algo, hash]) => [algo, hash.value().value]));
  return hashes.every(({ algo, value }) => values.get(algo) === value);
}
