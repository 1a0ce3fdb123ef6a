/** A {@link FileSource} of whatever can be read as a stream from any byte on: a file, a buffer, an object store. */
import { Readable } from 'node:stream';
import type { FileDescription, Range } from '../stanza/xep0234-file-transfer.js';
import type { Hash } from '../stanza/xep0300-hashes.js';
import { ContentHash } from './content-hash.js';
import type { FileSource, TransferOutcome } from './file-session.js';

export interface StreamSourceInit {
  /** Without folders. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /**
   * The bytes `[offset, offset + length)`, of which there is at least one; again, with other numbers,
   * when a transport broke. A stream that ends early fails the transfer.
   */
  readonly open: (range: Required<Range>) => Readable;
  /** Only these bytes are sent. */
  readonly range?: Required<Range>;
  readonly mediaType?: string;
  /** Last modification, milliseconds since 1970. */
  readonly dateMs?: number;
  readonly desc?: string;
  /** If it is known; otherwise it is computed while the bytes go out, and told behind the last one. */
  readonly hash?: Hash;
  /** Called once, however it ended. */
  readonly onEnd?: (outcome: TransferOutcome) => void;
}

export function streamSource(init: StreamSourceInit): FileSource {
  const { name, size, mediaType, dateMs, desc, hash, range = { offset: 0, length: size } } = init;
  const file: FileDescription = {
    name,
    size,
    ...(mediaType !== undefined && { mediaType }),
    ...(dateMs !== undefined && { dateMs }),
    ...(desc !== undefined && { desc }),
    hashes: hash ? [hash] : [],
    hashesUsed: hash ? [] : ['sha-256'],
  };
  let wanted: Required<Range> | undefined;
  let hashedTo = 0;
  const computed = new ContentHash('sha-256');
  return {
    file,
    range,
    open: (part) => {
      if (!wanted) hashedTo = part.offset;
      wanted ??= part;
      if (part.length === 0) return Readable.from([]);
      const stream = init.open(part);
      stream.on('error', () => undefined); // whoever reads hears of it; when nobody does any more, it harms nobody
      const bytes = hashing(stream, part.offset, (chunk, position) => {
        // Each byte once, though what was lost with a transport is read again.
        const seen = hashedTo - position;
        if (seen < 0 || seen >= chunk.length) return;
        computed.update(chunk.subarray(seen));
        hashedTo = position + chunk.length;
      });
      // The stream itself is destroyed: a generator that waits for it ends only when it moves.
      return { [Symbol.asyncIterator]: () => bytes, destroy: () => stream.destroy() };
    },
    checksum: () => (hash && wanted?.length === size ? hash : computed.value()),
    release: (outcome) => init.onEnd?.(outcome),
  };
}

async function* hashing(
  stream: Readable,
  from: number,
  take: (chunk: Buffer, position: number) => void,
): AsyncGenerator<Buffer, void, undefined> {
  let position = from;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    take(chunk, position);
    position += chunk.length;
    yield chunk;
  }
}
