import { matchesPieces } from '../../../src/index/wildcard.js';

/** The terms that match; `terms` are sorted, so that a prefix is looked up and not searched for. */
export function* expandPieces(pieces: readonly string[], terms: readonly string[]): Generator<string> {
  const prefix = pieces[0] ?? '';
  for (let at = firstFrom(terms, prefix); at < terms.length; at++) {
    const term = terms[at] ?? '';
    if (!term.startsWith(prefix)) return;
    if (matchesPieces(pieces, term)) yield term;
  }
}

function firstFrom(terms: readonly string[], prefix: string): number {
  let low = 0;
  let high = terms.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((terms[middle] ?? '') < prefix) low = middle + 1;
    else high = middle;
  }
  return low;
}
