/**
 * Texts of whole pieces in the forms in which they are compared, so that a search runs over bytes from one
 * end to the other. Made of a piece when it is first searched so, and kept as long as that lives; what
 * is written to the piece later is added.
 *
 * Forms are in NFC. Where bytes that stand in a piece already have the form, they are used as they are.
 */
import { Buffer } from 'node:buffer';
import { toBytes } from '../catalogue/share-path.js';
import type { SlotSet } from '../columns/slot-set.js';
import type { TextPiece } from '../columns/text-pieces.js';
import { caseless } from '../index/folding.js';
import { foldCase, foldCodePoint } from './ere-case.js';
import type { PackedValues } from './ere-scan.js';

/** As it is; with its case folded as patterns have it (`ere-case.ts`), or as texts have it (`folding.ts`). */
export type TextForm = 'plain' | 'folded' | 'caseless';

/** Some of the values of a piece; all parts together hold each that is shown, once. */
export interface FormedValues extends PackedValues {
  readonly count: number;
  /** Which value of the piece each is, where that is not its own number. */
  readonly numbers: readonly number[] | undefined;
  /** By number: those that another part holds. */
  readonly apart: Uint8Array | undefined;
}

/** The text of a slot in NFC, where the bytes are not just that. */
export type OddText = (slot: number, bytes: Uint8Array, from: number, to: number) => string | undefined;

export class TextForms {
  readonly #plain = new WeakMap<TextPiece, PlainForm>();
  readonly #folded = new WeakMap<TextPiece, FoldedForm>();

  constructor(private readonly odd: OddText) {}

  of(piece: TextPiece, form: TextForm, shown: SlotSet): readonly FormedValues[] {
    const count = countShown(piece, shown);
    if (form === 'plain') {
      const plain = kept(this.#plain, piece, () => new PlainForm(piece, this.odd));
      plain.extend(count);
      return plain.values();
    }
    const folded = kept(this.#folded, piece, () => new FoldedForm(piece, this.odd));
    folded.extend(count);
    return folded.values(form);
  }
}

function kept<F>(forms: WeakMap<TextPiece, F>, piece: TextPiece, make: () => F): F {
  const known = forms.get(piece);
  if (known !== undefined) return known;
  const made = make();
  forms.set(piece, made);
  return made;
}

/** Up to the last that is shown: later ones may just be being written by another thread. */
function countShown(piece: TextPiece, shown: SlotSet): number {
  let count = piece.count[0] as number;
  while (count > 0) {
    const slot = (piece.slots[count - 1] as number) - 1;
    if (slot >= 0 && shown.has(slot)) break;
    count -= 1;
  }
  return count;
}

/** Values one after another, in memory that grows. */
class Values {
  utf8: Uint8Array;
  starts = new Uint32Array(16);
  count = 0;
  end = 0;
  /** Which value of the piece each is. */
  readonly of: number[] = [];

  constructor(bytes: number) {
    this.utf8 = new Uint8Array(bytes);
  }

  /** Sees to it that so many bytes can be written from `end` on. */
  makeRoom(bytes: number): void {
    if (this.end + bytes <= this.utf8.length) return;
    const larger = new Uint8Array(Math.ceil((this.end + bytes) * 1.25));
    larger.set(this.utf8.subarray(0, this.end));
    this.utf8 = larger;
  }

  /** A value ends where writing has come to. */
  close(): void {
    this.count += 1;
    if (this.count === this.starts.length) {
      const larger = new Uint32Array(this.count * 2);
      larger.set(this.starts);
      this.starts = larger;
    }
    this.starts[this.count] = this.end;
  }

  add(bytes: Uint8Array): void {
    this.makeRoom(bytes.length);
    this.utf8.set(bytes, this.end);
    this.end += bytes.length;
    this.close();
  }
}

/** Values that differ from those in the piece, or from those in another form of it. */
class Apart {
  readonly values = new Values(256);
  readonly flags: Uint8Array;
  readonly #of: number[] = [];

  constructor(piece: TextPiece) {
    this.flags = new Uint8Array(piece.slots.length);
  }

  add(value: number, text: string): void {
    this.flags[value] = 1;
    this.#of.push(value);
    this.values.add(toBytes(text));
  }

  formed(): FormedValues {
    const { utf8, starts, count } = this.values;
    return { utf8, starts, count, numbers: this.#of, apart: undefined };
  }
}

class PlainForm {
  #count = 0;
  #apart: Apart | undefined;

  constructor(
    private readonly piece: TextPiece,
    private readonly odd: OddText,
  ) {}

  extend(count: number): void {
    const { bytes, starts, slots } = this.piece;
    for (; this.#count < count; this.#count += 1) {
      const slot = (slots[this.#count] as number) - 1;
      if (slot < 0) continue;
      const [from, to] = [starts[this.#count] as number, starts[this.#count + 1] as number];
      const text = this.odd(slot, bytes, from, to);
      if (text === undefined) continue;
      this.#apart ??= new Apart(this.piece);
      this.#apart.add(this.#count, text);
    }
  }

  values(): readonly FormedValues[] {
    const { bytes, starts } = this.piece;
    const { flags } = this.#apart ?? {};
    const own = { utf8: bytes, starts, count: this.#count, numbers: undefined, apart: flags };
    return this.#apart ? [own, this.#apart.formed()] : [own];
  }
}

const LOWER = Uint8Array.from({ length: 0x80 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte,
);
/** The longest that folding makes of a byte: Ⱥ has two, ⱥ three. */
const MOST_BYTES_A_BYTE = 1.5;

class FoldedForm {
  readonly #folded: Values;
  #apart: Apart | undefined;

  constructor(
    private readonly piece: TextPiece,
    private readonly odd: OddText,
  ) {
    this.#folded = new Values((piece.starts[piece.count[0] as number] as number) + 64);
  }

  extend(count: number): void {
    while (this.#folded.count < count) this.#add(this.#folded.count);
  }

  values(form: 'folded' | 'caseless'): readonly FormedValues[] {
    const { utf8, starts, count } = this.#folded;
    const folded = { utf8, starts, count, numbers: undefined, apart: undefined };
    if (form === 'folded' || !this.#apart) return [folded];
    return [{ ...folded, apart: this.#apart.flags }, this.#apart.formed()];
  }

  #add(value: number): void {
    const { bytes, starts, slots } = this.piece;
    const slot = (slots[value] as number) - 1;
    const [from, to] = [starts[value] as number, starts[value + 1] as number];
    if (slot < 0) {
      this.#folded.close(); // nobody's any more
      return;
    }
    const odd = this.odd(slot, bytes, from, to);
    if (odd !== undefined) {
      this.#folded.add(toBytes(foldCase(odd)));
      this.#compare(value, odd);
    } else if (!this.#fold(bytes, from, to)) this.#compare(value, decode(bytes, from, to));
  }

  /** Notes where the two ways to fold give different texts. */
  #compare(value: number, text: string): void {
    const other = caseless(text);
    if (other === foldCase(text)) return;
    this.#apart ??= new Apart(this.piece);
    this.#apart.add(value, other);
  }

  /** Of valid UTF-8. False when the other way to fold may give something else. */
  #fold(bytes: Uint8Array, from: number, to: number): boolean {
    const folded = this.#folded;
    folded.makeRoom(Math.ceil((to - from) * MOST_BYTES_A_BYTE) + 4);
    const { utf8 } = folded;
    let { end } = folded;
    let isSame = true;
    for (let at = from; at < to; ) {
      const lead = bytes[at] as number;
      if (lead < 0x80) {
        utf8[end++] = LOWER[lead] as number;
        at += 1;
        continue;
      }
      const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
      let codePoint = lead & (0xff >> (length + 1));
      for (let byte = 1; byte < length; byte++)
        codePoint = (codePoint << 6) | ((bytes[at + byte] as number) & 0x3f);
      at += length;
      const folding = foldingOf(codePoint);
      if ((folding & MAY_DIFFER) !== 0) isSame = false;
      end = encode(folding >>> 1, utf8, end);
    }
    folded.end = end;
    folded.close();
    return isSame;
  }
}

const MAY_DIFFER = 1;
/** No script beyond plane 1 has case. */
const FOLDINGS = 0x2_0000;
let foldings: Uint32Array | undefined;

/**
 * What `foldCase` makes of a character, times two; and {@link MAY_DIFFER} where `caseless` may make something
 * else of it, or of it with what stands before it, as it does of marks: J̌ is no character of its own, ǰ is.
 */
function foldingOf(codePoint: number): number {
  if (codePoint >= FOLDINGS) return codePoint * 2;
  foldings ??= new Uint32Array(FOLDINGS);
  const known = foldings[codePoint] as number;
  if (known !== 0) return known;
  const text = String.fromCodePoint(codePoint);
  const mayDiffer = /\p{M}/u.test(text) || caseless(text) !== foldCase(text);
  const folding = foldCodePoint(codePoint) * 2 + (mayDiffer ? MAY_DIFFER : 0);
  foldings[codePoint] = folding;
  return folding;
}

function encode(codePoint: number, utf8: Uint8Array, end: number): number {
  let at = end;
  if (codePoint < 0x80) {
    utf8[at++] = codePoint;
  } else if (codePoint < 0x800) {
    utf8[at++] = 0xc0 | (codePoint >> 6);
    utf8[at++] = 0x80 | (codePoint & 0x3f);
  } else if (codePoint < 0x1_0000) {
    utf8[at++] = 0xe0 | (codePoint >> 12);
    utf8[at++] = 0x80 | ((codePoint >> 6) & 0x3f);
    utf8[at++] = 0x80 | (codePoint & 0x3f);
  } else {
    utf8[at++] = 0xf0 | (codePoint >> 18);
    utf8[at++] = 0x80 | ((codePoint >> 12) & 0x3f);
    utf8[at++] = 0x80 | ((codePoint >> 6) & 0x3f);
    utf8[at++] = 0x80 | (codePoint & 0x3f);
  }
  return at;
}

function decode({ buffer, byteOffset }: Uint8Array, from: number, to: number): string {
  return Buffer.from(buffer as ArrayBuffer, byteOffset + from, to - from).toString('utf8');
}
