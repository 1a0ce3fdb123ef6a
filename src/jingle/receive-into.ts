/** Takes the bytes of a download into a stream, checks them and tells the sender how it went. */
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';
import type { Hash } from '../stanza/xep0300-hashes.js';
import { ContentHash } from './content-hash.js';
import type { FileDownload } from './file-session.js';
import { SessionFailedError } from './reason.js';

export interface Received {
  /** What the sender said of the file. */
  readonly file: FileDescription;
  readonly bytes: number;
  /** Whether the sender told a hash of these bytes, and it is theirs. Without, `sha-256` is what they have. */
  readonly verified: boolean;
  readonly hash: Hash;
}

/**
 * Resolves when `target` has all the bytes, has ended, and the sender knows. Rejects with what the
 * download fails with, with what `target` does, and with `SessionFailedError` (`media-error`) when the
 * bytes are not those of the sender's hash; the target has them all the same.
 */
export async function receiveInto(download: FileDownload, target: Writable): Promise<Received> {
  try {
    const file = await download.accepted;
    const told = [...file.hashes.map(({ algo }) => algo), ...file.hashesUsed];
    const hashes = [...new Set([...told, 'sha-256' as const])].map((algo) => new ContentHash(algo));
    let bytes = 0;
    await pipeline(
      download.stream,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          bytes += chunk.length;
          for (const hash of hashes) hash.update(chunk);
          yield chunk;
        }
      },
      target,
    );
    const whole = bytes === file.size ? file.hashes : [];
    const late = download.checksums.filter(({ range }) => !range === (bytes === file.size));
    const values = hashes.map((hash) => hash.value());
    const compared = [...whole, ...late.map(({ hash }) => hash)].flatMap((hash) => {
      const own = values.find(({ algo }) => algo === hash.algo);
      return own ? [{ hash, same: own.value === hash.value }] : [];
    });
    if (compared.some(({ same }) => !same)) {
      throw new SessionFailedError('media-error', 'the bytes are not those of the sender’s hash');
    }
    await download.finish('success');
    const hash = compared[0]?.hash ?? new Map(values.map((each) => [each.algo, each])).get('sha-256');
    if (!hash) throw new TypeError('sha-256 is always computed');
    return { file, bytes, verified: compared.length > 0, hash };
  } catch (error) {
    const wrong = error instanceof SessionFailedError && error.condition === 'media-error';
    await download.finish(wrong ? 'media-error' : 'failed-application');
    throw error;
  }
}
