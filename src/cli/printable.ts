/**
 * Text from others made fit for a terminal: control characters and the like are shown, not obeyed,
 * and the width of what is left is known.
 */

// Cc: controls, Cf: format characters (they reorder or hide text), Zl, Zp: separators, Cs: lone
// surrogates, Co, Cn: private and unassigned. Kept: U+200C, U+200D, needed inside words and emoji.
const UNPRINTABLE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** `text` in which every character that a terminal would obey or hide is written `\x1b` or `\u{202e}`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** The text that {@link printable} shows so, where it can be told; what it leaves as it is stays. */
export function unprintable(shown: string): string {
  return shown.replace(/\\x([0-9a-f]{2})|\\u\{([0-9a-f]{3,6})\}/g, (written, byte, point) => {
    const code = Number.parseInt(byte ?? point, 16);
    const character = code <= 0x10ffff ? String.fromCodePoint(code) : written;
    return printable(character) === written ? character : written;
  });
}

const ZERO = /^[\p{M}\u200c\u200d]$/u;
// East Asian Wide and Fullwidth (UAX #11), as far as scripts and forms tell, and emoji.
const WIDE =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Yi}\p{Script=Bopomofo}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]$/u;
const HALFWIDTH = /^[\uff61-\uffdc]$/u;

/** How many cells of a terminal `text` takes; it has been through {@link printable}. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += cellsOf(character);
  return width;
}

function cellsOf(character: string): number {
  if (character < '\u0300') return 1;
  if (ZERO.test(character)) return 0;
  return WIDE.test(character) && !HALFWIDTH.test(character) ? 2 : 1;
}

/** `text` cut to at most `width` cells, with … where something is missing. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 1; // the …
  for (const character of text) {
    used += cellsOf(character);
    if (used > width) break;
    kept += character;
  }
  return width < 1 ? '' : `${kept}…`;
}

/** `text` with spaces behind it up to `width` cells. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}
