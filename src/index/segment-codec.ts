/**
 * A segment as bytes, for saving it. A header of numbers of 32 bits, then the arrays as they are in memory:
 *
 *     mark, version, CRC-32 of what follows it, Unicode, bytes in all, terms, units, documents, bytes of postings
 *     starts of the terms, starts of their postings, numbers of the documents     32 bits each
 *     units of the terms, lengths of names                                        16 bits each
 *     postings                                                                    bytes, and zeros up to 32 bits
 *
 * In the byte order of the machine: another one does not know the mark.
 */
import { crc32 } from 'node:zlib';
import { ParseError } from '../errors.js';
import { PackedSegment } from './packed-segment.js';
import { PackedVocabulary } from './packed-vocabulary.js';

const MARK = 0x67657320;
/** Goes up whenever the bytes or what stands in them change: the tokenizer's terms, too, and what is known of them. */
const VERSION = 1;
/** What is a letter, and which are the same, differs between versions of Unicode: and so do terms. */
const UNICODE = crc32(process.versions.unicode ?? '');
const HEADER = 9;
const HEADER_BYTES = HEADER * Uint32Array.BYTES_PER_ELEMENT;
/** Where in the header the check sum ends and what it is of begins. */
const CHECKED_FROM = 3 * Uint32Array.BYTES_PER_ELEMENT;
const ALIGNMENT = 4;

/** How many there are of everything. */
interface Counts {
  readonly terms: number;
  readonly units: number;
  readonly documents: number;
  readonly postings: number;
}

/** The bytes in pieces, one after another; most of them are the memory of the segment itself. */
export function encodeSegment(segment: PackedSegment): Uint8Array[] {
  const { vocabulary, postings, starts, ids, nameLengths } = segment.parts;
  const counts: Counts = {
    terms: vocabulary.size,
    units: vocabulary.units.length,
    documents: ids.length,
    postings: postings.length,
  };
  const header = Uint32Array.of(
    ...[MARK, VERSION, 0, UNICODE, bytesFor(counts)],
    ...[counts.terms, counts.units, counts.documents, counts.postings],
  );
  const pieces = [header, vocabulary.starts, starts, ids, vocabulary.units, nameLengths, postings].map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  pieces.push(new Uint8Array(padding(counts)));
  header[2] = checkSum(pieces);
  return pieces;
}

/**
 * Takes exactly what {@link encodeSegment} gave, as one. Where that is in shared memory, and begins at a
 * multiple of 4, it becomes the segment; otherwise it is copied there once. Throws {@link ParseError}
 * when anything is missing or changed, or when another version wrote it.
 */
export function decodeSegment(bytes: Uint8Array): PackedSegment {
  if (bytes.length < HEADER_BYTES) throw damaged('it ends too early');
  const { buffer, byteOffset } = inSharedMemory(bytes);
  const [mark, version, sum, unicode, length, terms = 0, units = 0, documents = 0, postings = 0] =
    new Uint32Array(buffer, byteOffset, HEADER);
  if (mark !== MARK) throw damaged('it begins like something else');
  if (version !== VERSION) throw damaged(`it has version ${version}, and ${VERSION} is known`);
  if (unicode !== UNICODE) throw damaged('its terms are those of another version of Unicode');
  const counts: Counts = { terms, units, documents, postings };
  if (length !== bytes.length || length !== bytesFor(counts)) throw damaged('it is not as long as it says');
  if (checkSum([bytes]) !== sum) throw damaged('its check sum is wrong');
  let at = byteOffset + HEADER_BYTES;
  const next = <A>(make: ArrayOf<A>, count: number): A => {
    const array = new make(buffer, at, count);
    at += count * make.BYTES_PER_ELEMENT;
    return array;
  };
  const termStarts = next(Uint32Array, terms + 1);
  const starts = next(Uint32Array, terms + 1);
  const ids = next(Uint32Array, documents);
  const vocabulary = new PackedVocabulary(next(Uint16Array, units), termStarts);
  const nameLengths = next(Uint16Array, documents);
  if (!divides(termStarts, units) || !divides(starts, postings)) throw damaged('its terms overlap');
  return new PackedSegment({ vocabulary, starts, ids, nameLengths, postings: next(Uint8Array, postings) });
}

interface ArrayOf<A> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: SharedArrayBuffer, at: number, length: number): A;
}

function inSharedMemory(bytes: Uint8Array): { buffer: SharedArrayBuffer; byteOffset: number } {
  const { buffer, byteOffset } = bytes;
  if (buffer instanceof SharedArrayBuffer && byteOffset % ALIGNMENT === 0) return { buffer, byteOffset };
  const copy = new SharedArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return { buffer: copy, byteOffset: 0 };
}

function bytesFor(counts: Counts): number {
  return unpadded(counts) + padding(counts);
}

function unpadded({ terms, units, documents, postings }: Counts): number {
  return HEADER_BYTES + 4 * (2 * (terms + 1) + documents) + 2 * (units + documents) + postings;
}

function padding(counts: Counts): number {
  return -unpadded(counts) & (ALIGNMENT - 1);
}

function checkSum(pieces: readonly Uint8Array[]): number {
  let sum = 0;
  for (const [at, piece] of pieces.entries()) {
    const checked = at === 0 ? piece.subarray(CHECKED_FROM) : piece;
    // For nothing, zlib may give the sum of nothing at all.
    if (checked.length > 0) sum = crc32(checked, sum);
  }
  return sum;
}

/** Whether the starts go up from 0 to `end`. */
function divides(starts: Uint32Array, end: number): boolean {
  for (let at = 1; at < starts.length; at++)
    if ((starts[at] as number) < (starts[at - 1] as number)) return false;
  return starts[0] === 0 && starts.at(-1) === end;
}

function damaged(reason: string): ParseError {
  return new ParseError(`this is no saved segment of the index: ${reason}`);
}
