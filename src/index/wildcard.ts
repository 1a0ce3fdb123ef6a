/** Wildcards, in time linear in their text, wherever the asterisks are. */

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
