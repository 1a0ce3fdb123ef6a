/** What is made of packed texts, each when it is first needed, and kept as long as the piece with the text. */
import type { Place, TextPiece, TextPieces } from './text-pieces.js';

export class MadeOfTexts<T> {
  readonly #texts: TextPieces;
  readonly #made = new WeakMap<TextPiece, (T | undefined)[]>();

  constructor(components: { readonly texts: TextPieces }) {
    this.#texts = components.texts;
  }

  of(place: Place, make: () => T): T {
    const { piece, value } = this.#texts.find(place);
    const values = this.#valuesOf(piece);
    const known = values[value];
    if (known !== undefined) return known;
    while (values.length < value) values.push(undefined);
    const made = make();
    values[value] = made;
    return made;
  }

  #valuesOf(piece: TextPiece): (T | undefined)[] {
    const known = this.#made.get(piece);
    if (known !== undefined) return known;
    const values: (T | undefined)[] = [];
    this.#made.set(piece, values);
    return values;
  }
}
