/** What `tokenizer.ts` makes of a text in ASCII, as most names are: without a look at Unicode, in a tenth of the time. */

const ASCII = /^[\0-\x7f]*$/;
const CHUNK = /[A-Za-z0-9]+/g;

type Kind = 'digit' | 'upper' | 'lower';

export function isAscii(text: string): boolean {
  return ASCII.test(text);
}

/** Calls `take` for every token: the units of each chunk, and then the chunk as a whole where it has several. */
export function eachAsciiToken(text: string, take: (term: string, start: number, end: number) => void): void {
  let units = 0;
  for (const chunk of text.match(CHUNK) ?? []) {
    const first = units;
    const lower = chunk.toLowerCase();
    let start = 0;
    let kind = kindOf(chunk.charCodeAt(0));
    for (let at = 1; at < chunk.length; at++) {
      const next = kindOf(chunk.charCodeAt(at));
      if (next === kind) continue;
      // Of a run of capitals the last one belongs to the word that begins with it.
      const cut = kind === 'upper' && next === 'lower' ? at - 1 : at;
      if (cut > start) {
        take(lower.slice(start, cut), units, units + 1);
        units += 1;
        start = cut;
      }
      kind = next;
    }
    take(lower.slice(start), units, units + 1);
    units += 1;
    if (start > 0) take(lower, first, units);
  }
}

function kindOf(unit: number): Kind {
  if (unit <= 0x39) return 'digit';
  return unit <= 0x5a ? 'upper' : 'lower';
}
