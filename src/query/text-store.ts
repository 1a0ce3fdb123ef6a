/**
 * Texts of slots, packed into blocks of bytes. What was replaced stays where it is until most of its
 * block is of that kind: then what is left moves on and the block is given up.
 */
import { Buffer } from 'node:buffer';
import { Column } from '../columns/column.js';

const BLOCK_BYTES = 1 << 16;
/** Slot, encoding and length of the first text, encoding and length of the second. */
const HEADER_BYTES = 12;
const LENGTH_BITS = 24;
/** In bytes; of a text that is longer, as no text of a file is, the end is lost. */
const MAX_TEXT_BYTES = (1 << LENGTH_BITS) - 1;
const WASTE = 2; // a block is given up when this much of it and more is waste: a half

/** Any string is written in one of these without loss, also one with lone surrogates. */
const ENCODINGS = ['latin1', 'utf8', 'utf16le'] as const;

interface Block {
  readonly bytes: Buffer;
  end: number;
  waste: number;
}

export interface Texts {
  readonly name: string;
  readonly desc: string;
}

export class TextStore {
  /** By number, without those given up. */
  readonly #blocks = new Map<number, Block>();
  #lastNumber = 0;
  #filling: Block | undefined;
  /** Of each slot. */
  readonly #blockOf = Column.uint32();
  readonly #placeIn = Column.uint32();
  /** Blocks of which so much is waste that it is time. */
  readonly #wasteful = new Set<number>();

  /** What it takes of memory. */
  get bytes(): number {
    return [...this.#blocks.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Gives a slot its texts; it has none. */
  set(slot: number, { name, desc }: Texts): void {
    const [nameKind, descKind] = [encodingOf(name), encodingOf(desc)];
    const nameBytes = Math.min(Buffer.byteLength(name, ENCODINGS[nameKind]), MAX_TEXT_BYTES);
    const descBytes = Math.min(Buffer.byteLength(desc, ENCODINGS[descKind]), MAX_TEXT_BYTES);
    const { block, place } = this.#room(slot, HEADER_BYTES + nameBytes + descBytes);
    const { bytes } = block;
    bytes.writeUInt32LE(slot, place);
    bytes.writeUInt32LE(nameKind * 2 ** LENGTH_BITS + nameBytes, place + 4);
    bytes.writeUInt32LE(descKind * 2 ** LENGTH_BITS + descBytes, place + 8);
    bytes.write(name, place + HEADER_BYTES, nameBytes, ENCODINGS[nameKind]);
    bytes.write(desc, place + HEADER_BYTES + nameBytes, descBytes, ENCODINGS[descKind]);
  }

  name(slot: number): string {
    const { bytes, place } = this.#of(slot);
    const { kind, length } = lengthAt(bytes, place + 4);
    return decode(bytes, kind, place + HEADER_BYTES, length);
  }

  desc(slot: number): string {
    const { bytes, place } = this.#of(slot);
    const name = lengthAt(bytes, place + 4);
    const { kind, length } = lengthAt(bytes, place + 8);
    return decode(bytes, kind, place + HEADER_BYTES + name.length, length);
  }

  /** Takes the texts of a slot away; it has some. */
  remove(slot: number): void {
    const number = this.#blockOf.get(slot);
    const block = this.#blocks.get(number);
    if (!block) return;
    block.waste += recordBytes(block.bytes, this.#placeIn.get(slot));
    this.#blockOf.set(slot, 0);
    if (block.waste * WASTE > block.end && block !== this.#filling) this.#wasteful.add(number);
  }

  /** Empties one block that is mostly waste. False when there is none. */
  tidy(): boolean {
    const [number] = this.#wasteful;
    if (number === undefined) return false;
    this.#wasteful.delete(number);
    const block = this.#blocks.get(number);
    if (!block) return true;
    for (let place = 0; place < block.end; ) {
      const slot = block.bytes.readUInt32LE(place);
      const length = recordBytes(block.bytes, place);
      if (this.#blockOf.get(slot) === number && this.#placeIn.get(slot) === place) {
        const to = this.#room(slot, length);
        block.bytes.copy(to.block.bytes, to.place, place, place + length);
      }
      place += length;
    }
    this.#blocks.delete(number);
    return true;
  }

  #of(slot: number): { readonly bytes: Buffer; readonly place: number } {
    const block = this.#blocks.get(this.#blockOf.get(slot));
    if (!block) throw new TypeError(`slot ${slot} has no texts`);
    return { bytes: block.bytes, place: this.#placeIn.get(slot) };
  }

  #room(slot: number, length: number): { readonly block: Block; readonly place: number } {
    let block = this.#filling;
    if (!block || block.end + length > block.bytes.length) {
      // The one before is not filled any more: what it wasted meanwhile counts from now on.
      if (block && block.waste * WASTE > block.end) this.#wasteful.add(this.#lastNumber);
      block = { bytes: Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, length)), end: 0, waste: 0 };
      this.#lastNumber += 1;
      this.#blocks.set(this.#lastNumber, block);
      this.#filling = block;
    }
    const place = block.end;
    block.end += length;
    this.#blockOf.set(slot, this.#lastNumber);
    this.#placeIn.set(slot, place);
    return { block, place };
  }
}

const LATIN1 = /^[\0-\xff]*$/;

function encodingOf(text: string): number {
  if (LATIN1.test(text)) return 0;
  return text.isWellFormed() ? 1 : 2;
}

function lengthAt(bytes: Buffer, place: number): { readonly kind: number; readonly length: number } {
  const value = bytes.readUInt32LE(place);
  return { kind: value >>> LENGTH_BITS, length: value & MAX_TEXT_BYTES };
}

function recordBytes(bytes: Buffer, place: number): number {
  return HEADER_BYTES + lengthAt(bytes, place + 4).length + lengthAt(bytes, place + 8).length;
}

function decode(bytes: Buffer, kind: number, from: number, length: number): string {
  return bytes.toString(ENCODINGS[kind], from, from + length);
}
