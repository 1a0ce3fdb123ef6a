/** Wildcards against the sorted terms of an index: in time linear in their text, wherever the asterisks are. */

/** True when `term` is the pieces in this order with anything between them. Two pieces at least. */
export function matchesPieces(pieces: readonly string[], term: string): boolean {
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  if (term.length < first.length + last.length || !term.startsWith(first) || !term.endsWith(last))
    return false;
  const end = term.length - last.length;
  let at = first.length;
  for (let index = 1; index < pieces.length - 1; index++) {
    const piece = pieces[index] ?? '';
    const found = term.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

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
