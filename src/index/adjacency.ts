/** Whether chunks follow one another in a text: `"romeo juliet"`, `foo-bar`, a word in an unspaced run. */
import { isAscii } from './ascii-tokens.js';
import type { ChunkQuery } from './text-index.js';
import { type Token, tokensOf } from './tokenizer.js';
import { matchesPieces } from './wildcard.js';

/** True when one index lookup is not enough to tell. */
export function needsAdjacency(chunks: readonly ChunkQuery[]): boolean {
  return chunks.length > 1 || chunks.some((chunk) => chunk.type === 'word' && chunk.terms.length > 1);
}

/** True when the chunks stand in `text` one right after the other, whatever separates them. */
export function standsIn(chunks: readonly ChunkQuery[], text: string): boolean {
  if (isAscii(text) && !rowOf(chunks).test(text)) return false;
  const byStart: Token[][] = [];
  for (const token of tokensOf(text)) {
    const there = byStart[token.start];
    if (there) there.push(token);
    else byStart[token.start] = [token];
  }
  let places = new Set(byStart.keys());
  for (const chunk of chunks) {
    const next = new Set<number>();
    for (const place of places) for (const end of endsOf(chunk, place, byStart)) next.add(end);
    if (next.size === 0) return false;
    places = next;
  }
  return true;
}

const rows = new WeakMap<readonly ChunkQuery[], RegExp>();
const ANYTHING = /(?:)/;

/**
 * What a text in ASCII matches when the chunks stand in it, and few others do: the words with nothing but
 * separators between their units. Most texts that only hold them all need not be taken apart.
 */
function rowOf(chunks: readonly ChunkQuery[]): RegExp {
  const known = rows.get(chunks);
  if (known) return known;
  const terms = chunks.flatMap((chunk) => (chunk.type === 'word' ? chunk.terms.map(({ term }) => term) : []));
  // Not for wildcards: two in a row take more than linear time. Letters and digits need no escaping.
  const onlyWords =
    chunks.every(({ type }) => type === 'word') && terms.every((term) => /^[a-z0-9]+$/.test(term));
  const row = onlyWords ? new RegExp(terms.join('[^a-z0-9]*'), 'i') : ANYTHING;
  rows.set(chunks, row);
  return row;
}

/** Where the next chunk has to begin when this one begins at `place`; nothing when it does not stand there. */
function* endsOf(chunk: ChunkQuery, place: number, byStart: readonly Token[][]): Generator<number> {
  const tokensAt = (start: number): readonly Token[] => byStart[start] ?? [];
  if (chunk.type === 'wildcard') {
    for (const token of tokensAt(place)) if (matchesPieces(chunk.pieces, token.term)) yield token.end;
  } else if (chunk.type === 'word') {
    const found = chunk.terms.every(({ term, offset }) =>
      tokensAt(place + offset).some((token) => token.term === term),
    );
    if (found) yield place + chunk.length;
    for (const token of tokensAt(place)) if (token.term === chunk.whole) yield token.end;
  }
}
