/** Whether the bytes of a part are those that were asked for. Reads them, asks nobody; removes what is wrong. */
import { FetchError, type FetchSource } from './fetch-request.js';
import { targetHash } from './known-file.js';
import type { PartFile } from './part-file.js';
import type { SourceSession } from './source-session.js';

/** All the bytes came and have the wrong hash. Who sent them alone, sent them wrong; of several any can have. */
export class MismatchError extends FetchError {
  constructor(
    readonly senders: readonly string[],
    readonly alone: boolean,
  ) {
    super('hash-mismatch', `what came from ${senders.join(', ')} is not the file asked for`);
  }
}

const MAX_CHECKSUMS = 4; // each is checked by reading the bytes again

/** Whether the bytes are known to be right. Throws when they are known to be wrong; they are gone then. */
export async function verify(
  part: PartFile,
  session: SourceSession,
  source: FetchSource,
  checksumWaitMs: number,
): Promise<boolean> {
  const expected = targetHash(part.file);
  if (expected === undefined) return verifyByChecksum(part, session, source, checksumWaitMs);
  const actual = await part.hash(expected.algo);
  if (actual.value === expected.value) return true;
  const senders = part.senders;
  const alone = senders.length === 1 && part.resumed === 0;
  await part.cutTo(0);
  throw new MismatchError(senders.length === 0 ? [source.jid] : senders, alone);
}

/**
 * Nobody said beforehand what the bytes must be; the sender can do so afterwards (XEP-0234
 * §8.2), for the file or for the range that this session gave.
 */
async function verifyByChecksum(
  part: PartFile,
  session: SourceSession,
  source: FetchSource,
  checksumWaitMs: number,
): Promise<boolean> {
  const offset = part.file.range?.offset ?? 0;
  const isWhole = part.file.range === undefined;
  const first = session.from - offset;
  const startOf = (range: { offset: number; length?: number } | undefined) => {
    if (range === undefined) return isWhole ? 0 : undefined;
    const start = range.offset - offset;
    const fits = range.length === undefined || start + range.length === part.have;
    return fits && (start === first || start === 0) && start >= 0 ? start : undefined;
  };
  await session.settle((range) => startOf(range) !== undefined, checksumWaitMs);
  const usable = session.checksums().filter(({ range }) => startOf(range) !== undefined);
  for (const { hash, range } of usable.slice(0, MAX_CHECKSUMS)) {
    const start = startOf(range);
    const actual = start === undefined ? undefined : await part.hash(hash.algo, start);
    if (start === undefined || actual === undefined) continue;
    if (actual.value !== hash.value) {
      await part.cutTo(start);
      throw new FetchError('hash-mismatch', `what came from ${source.jid} does not match its checksum`);
    }
    if (start <= part.proven) part.prove();
  }
  if (part.proven === part.have && part.have > 0) return true;
  if (session.surplus) {
    await part.cutTo(first);
    throw new FetchError('bad-source', 'the source sent more bytes than the file has');
  }
  return false;
}
