/**
 * Which file it is that is being fetched: what the asker said, then what the sources say. Decides
 * whether what a source offers may go behind bytes that came from elsewhere. No I/O.
 */
import type { FileDescription, Range } from '../../stanza/xep0234-file-transfer.js';
import type { Hash } from '../../stanza/xep0300-hashes.js';
import type { FetchRequest, FetchSource } from './fetch-request.js';

export interface KnownFile {
  /** The hash the asker named: nothing else is right. */
  readonly asked?: Hash;
  readonly name?: string;
  /** Bytes of the whole file, as the asker said. */
  readonly askedSize?: number;
  /** Missing when the whole file is wanted. */
  readonly range?: Range;
  /** What the source said from which the bytes that are here began. */
  readonly told?: Told;
}

export interface Told {
  readonly hashes: readonly Hash[];
  readonly size?: number;
  readonly dateMs?: number;
  readonly source: FetchSource;
}

export function knownFile(request: FetchRequest): KnownFile {
  const { hash, name, size } = request.file;
  const range = request.range;
  const whole =
    range === undefined || (range.offset === 0 && (range.length === undefined || range.length === size));
  return {
    ...(hash !== undefined && { asked: hash }),
    ...(name !== undefined && { name }),
    ...(size !== undefined && { askedSize: size }),
    ...(!whole && { range }),
  };
}

/** What a source says by accepting: also that the file it gives has the hash it was asked for. */
export function toldOf(known: KnownFile, offered: FileDescription, source: FetchSource): Told {
  return {
    hashes: known.asked === undefined ? offered.hashes : [known.asked, ...offered.hashes],
    ...(offered.size !== undefined && { size: offered.size }),
    ...(offered.dateMs !== undefined && { dateMs: offered.dateMs }),
    source,
  };
}

/** Whether a source offers what the asker named, as far as that can be seen before the bytes are here. */
export function isAsked(known: KnownFile, offered: FileDescription): boolean {
  if (known.askedSize !== undefined && offered.size !== undefined && known.askedSize !== offered.size) {
    return false;
  }
  const same = offered.hashes.find((hash) => hash.algo === known.asked?.algo);
  return known.asked === undefined || same === undefined || same.value === known.asked.value;
}

/**
 * Whether bytes of `offered` may follow bytes of `told`. With a hash from the asker they may,
 * since that decides in the end. Without one they have to be the same file by a hash, or by size
 * and date at the same source.
 */
export function mayFollow(known: KnownFile, offered: Told): boolean {
  const { told } = known;
  if (told === undefined || decides(known)) return true;
  if (told.size !== undefined && offered.size !== undefined && told.size !== offered.size) return false;
  const compared = told.hashes.flatMap((hash) => {
    const other = offered.hashes.find((each) => each.algo === hash.algo);
    return other === undefined ? [] : [other.value === hash.value];
  });
  if (compared.length > 0) return compared.every((same) => same);
  return (
    told.source.jid === offered.source.jid &&
    told.source.path === offered.source.path &&
    told.size !== undefined &&
    told.size === offered.size &&
    told.dateMs !== undefined &&
    told.dateMs === offered.dateMs
  );
}

/** Whether a hash known before the bytes come will say of all of them that they are right. */
function decides(known: KnownFile): boolean {
  return known.range === undefined && known.asked !== undefined;
}

/** The hash that the target must have; undefined when only the sources' checksums can tell. */
export function targetHash(known: KnownFile): Hash | undefined {
  if (known.range !== undefined) return undefined;
  return known.asked ?? strongest(known.told?.hashes ?? []);
}

/** SHA-256 where it is told, which is computed fastest; SHA-1 only where there is nothing better (XEP-0414 §2). */
function strongest(hashes: readonly Hash[]): Hash | undefined {
  return (
    hashes.find(({ algo }) => algo === 'sha-256') ?? hashes.find(({ algo }) => algo !== 'sha-1') ?? hashes[0]
  );
}

/** How many bytes the target will have; undefined when nobody has said. */
export function targetSize(known: KnownFile): number | undefined {
  const size = known.askedSize ?? known.told?.size;
  if (known.range === undefined) return size;
  const { offset, length } = known.range;
  if (size === undefined) return length;
  const rest = Math.max(0, size - offset);
  return length === undefined ? rest : Math.min(length, rest);
}

/**
 * Whether bytes kept for `kept` are the beginning of what is wanted now. Where the asker names a
 * hash it has to be that of the bytes; else the name has to be the same, and what the sources
 * say decides when they are asked.
 */
export function isContinued(kept: KnownFile, wanted: KnownFile): boolean {
  if (kept.range?.offset !== wanted.range?.offset || kept.range?.length !== wanted.range?.length)
    return false;
  const size = kept.askedSize ?? kept.told?.size;
  if (size !== undefined && wanted.askedSize !== undefined && size !== wanted.askedSize) return false;
  if (wanted.asked === undefined) return wanted.name !== undefined && wanted.name === kept.name;
  const hashes = [...(kept.asked === undefined ? [] : [kept.asked]), ...(kept.told?.hashes ?? [])];
  const same = hashes.filter((hash) => hash.algo === wanted.asked?.algo);
  return same.length > 0 && same.every((hash) => hash.value === wanted.asked?.value);
}
