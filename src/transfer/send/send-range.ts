/** Works out which bytes of a file a `<range/>` means. */
import { ParseError } from '../../errors.js';
import type { Range } from '../../stanza/xep0234-file-transfer.js';

/**
 * The range inside a file of `size` bytes; without one, all of it. It may be empty, also at the
 * very end: an asker that has every byte already learns so. Throws `ParseError` for one that
 * reaches beyond the end: what was asked for would not be what is sent.
 */
export function resolveRange(range: Range | undefined, size: number): Required<Range> {
  const offset = range?.offset ?? 0;
  if (!isCount(offset) || offset > size) {
    throw new ParseError("'offset' is beyond the end of the file", { field: 'offset' });
  }
  const length = range?.length ?? size - offset;
  if (!isCount(length) || length > size - offset) {
    throw new ParseError("'length' reaches beyond the end of the file", { field: 'length' });
  }
  return { offset, length };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
