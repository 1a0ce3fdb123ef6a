/** Takes the bytes of a download into a stream, checks them and tells the sender how it went. */
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FileDescription, Range } from '../stanza/xep0234-file-transfer.js';
import type { Hash } from '../stanza/xep0300-hashes.js';
import { ContentHash } from './content-hash.js';
import { type DownloadVerdict, type FileDownload, FileTooLargeError } from './file-session.js';
import { SessionFailedError } from './reason.js';

export interface Received {
  /** What the sender said of the file. */
  readonly file: FileDescription;
  readonly bytes: number;
  /** Whether the sender told a hash of these very bytes, and it is theirs. Without, `sha-256` is what they have. */
  readonly verified: boolean;
  readonly hash: Hash;
}

export interface ReceiveOptions {
  /** More ends it with {@link FileTooLargeError}. For senders that name no size, whose bytes have no end otherwise. */
  readonly maxBytes?: number;
}

/**
 * Resolves when `target` has all the bytes, has ended, and the sender knows. Rejects with what the
 * download fails with, with what `target` does, also while the sender decides, and with `SessionFailedError`
 * (`media-error`) when the bytes are not those of the sender's hash; the target has them all the same. When it rejects,
 * `target` is destroyed.
 */
export async function receiveInto(
  download: FileDownload,
  target: Writable,
  { maxBytes = Number.POSITIVE_INFINITY }: ReceiveOptions = {},
): Promise<Received> {
  const broken = new Promise<never>((_, reject) => {
    target.on('error', reject); // stays: a target that is destroyed may fail once more
  });
  broken.catch(() => undefined);
  let ended: Promise<void> | undefined;
  try {
    if (target.errored) throw target.errored;
    const file = await Promise.race([download.accepted, broken]);
    if ((file.size ?? 0) > maxBytes && isWhole(file, download.range)) throw tooLarge(maxBytes);
    const told = [...file.hashes.map(({ algo }) => algo), ...file.hashesUsed];
    const hashes = [...new Set([...told, 'sha-256' as const])].map((algo) => new ContentHash(algo));
    let bytes = 0;
    await pipeline(
      download.stream,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          bytes += chunk.length;
          if (bytes > maxBytes) {
            ended = download.finish('file-too-large'); // before the stream ends, which would be a cancel
            throw tooLarge(maxBytes);
          }
          for (const hash of hashes) hash.update(chunk);
          yield chunk;
        }
      },
      target,
    );
    const values = hashes.map((hash) => hash.value());
    const compared = hashesOf(download, file, bytes).flatMap((hash) => {
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
    target.destroy();
    await (ended ?? download.finish(verdictOn(error)));
    throw error;
  }
}

/** What the sender says are the hashes of the bytes that came: of the file where that is all of it, or of the very range. */
function hashesOf(download: FileDownload, file: FileDescription, bytes: number): Hash[] {
  const { offset } = download.range ?? { offset: 0 };
  const isAll = isWhole(file, download.range);
  const toEnd = file.size === undefined ? download.range?.length === undefined : offset + bytes === file.size;
  const isOurs = (range: Range | undefined) => {
    if (!range) return isAll;
    return range.offset === offset && (range.length === undefined ? toEnd : range.length === bytes);
  };
  const early = [
    ...file.hashes.map((hash) => ({ hash, range: undefined })),
    ...(file.range?.hashes ?? []).map((hash) => ({ hash, range: file.range })),
  ];
  return [...early, ...download.checksums].filter(({ range }) => isOurs(range)).map(({ hash }) => hash);
}

/** Whether the bytes agreed are the whole file; without a size, up to where the sender ends. */
function isWhole({ size }: FileDescription, range: Range = { offset: 0 }): boolean {
  return range.offset === 0 && (range.length === undefined || (size !== undefined && range.length >= size));
}

function tooLarge(maxBytes: number): FileTooLargeError {
  return new FileTooLargeError(`there are more than ${maxBytes} bytes`);
}

function verdictOn(error: unknown): DownloadVerdict {
  if (error instanceof FileTooLargeError) return 'file-too-large';
  const wrong = error instanceof SessionFailedError && error.condition === 'media-error';
  return wrong ? 'media-error' : 'failed-application';
}
