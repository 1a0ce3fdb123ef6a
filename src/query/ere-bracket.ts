/**
 * Parses bracket expressions (POSIX.1-2017 XBD §9.3.5). In them `\` is an ordinary character, a `]`
 * that comes first is one too, and ranges go by code point.
 */
import { ParseError } from '../errors.js';
import { collatingElement } from './ere-collating-names.js';
import { type BracketMember, CHARACTER_CLASSES, type CharacterNode } from './ere-tree.js';

/** One thing between the brackets, before it is known whether a range starts or ends with it. */
type Element =
  | { readonly kind: 'character'; readonly codePoint: number; readonly literal: boolean }
  | Exclude<BracketMember, { kind: 'range' }>;

interface Cursor {
  readonly text: string;
  readonly open: number;
  at: number;
}

/** Parses the bracket expression that opens at `open`; `end` is the position after its `]`. */
export function parseBracket(text: string, open: number): { node: CharacterNode; end: number } {
  const cursor: Cursor = { text, open, at: open + 1 };
  refuseBareClass(cursor);
  const negated = text[cursor.at] === '^';
  if (negated) cursor.at += 1;
  const first = cursor.at;
  const members: BracketMember[] = [];
  while (text[cursor.at] !== ']' || cursor.at === first) members.push(parseMember(cursor, first));
  return { node: { kind: 'bracket', negated, members }, end: cursor.at + 1 };
}

/** `[:alpha:]` where `[[:alpha:]]` was meant. By the letter of POSIX it is the set of `:`, `a`, `h`, `l`, `p`. */
function refuseBareClass(cursor: Cursor): void {
  const bare = /\[(:[a-z]+:)\]/y;
  bare.lastIndex = cursor.open;
  const found = bare.exec(cursor.text);
  if (found) {
    throw new ParseError(`a class needs two pairs of brackets: write [[${found[1]}]]`, {
      position: cursor.open,
    });
  }
}

function parseMember(cursor: Cursor, first: number): BracketMember {
  const position = cursor.at;
  const from = parseElement(cursor);
  const startsRange = cursor.text[cursor.at] === '-' && cursor.text[cursor.at + 1] !== ']';
  if (!startsRange)
    return from.kind === 'character' ? { kind: 'range', from: from.codePoint, to: from.codePoint } : from;
  if (from.kind === 'character' && from.literal && from.codePoint === 0x2d && position !== first) {
    throw new ParseError("'-' starts a range only as the first in the brackets: write [.-.]", { position });
  }
  cursor.at += 1;
  const to = parseElement(cursor);
  const range = cursor.text.slice(position, cursor.at);
  if (from.kind !== 'character' || to.kind !== 'character') {
    throw new ParseError(`'${range}': a class cannot be the end of a range`, { position });
  }
  if (from.codePoint > to.codePoint) {
    throw new ParseError(`'${range}' is a range in the wrong order`, { position });
  }
  if (cursor.text[cursor.at] === '-' && cursor.text[cursor.at + 1] !== ']') {
    // XBD §9.3.5 item 7: [a-m-o] is undefined.
    throw new ParseError(`'-' right after the range '${range}': put it last in the brackets`, {
      position: cursor.at,
    });
  }
  return { kind: 'range', from: from.codePoint, to: to.codePoint };
}

function parseElement(cursor: Cursor): Element {
  const position = cursor.at;
  const codePoint = cursor.text.codePointAt(position);
  const next = cursor.text[position + 1] ?? '';
  if (codePoint === undefined) {
    throw new ParseError("'[' without ']' (for the character write '\\[')", { position: cursor.open });
  }
  if (codePoint !== 0x5b || !'.=:'.includes(next || ' ')) {
    cursor.at += codePoint > 0xffff ? 2 : 1;
    return { kind: 'character', codePoint, literal: true };
  }
  const close = cursor.text.indexOf(`${next}]`, position + 2);
  if (close < 0) throw new ParseError(`'[${next}' without '${next}]'`, { position });
  const name = cursor.text.slice(position + 2, close);
  cursor.at = close + 2;
  return next === ':' ? classElement(name, position) : collatingOrEquivalents(next, name, position);
}

function classElement(text: string, position: number): Element {
  const name = CHARACTER_CLASSES.find((known) => known === text);
  if (!name) {
    const known = CHARACTER_CLASSES.join(', ');
    throw new ParseError(`there is no class '[:${text}:]' (there are ${known})`, { position });
  }
  return { kind: 'class', name };
}

function collatingOrEquivalents(mark: string, name: string, position: number): Element {
  const codePoint = collatingElement(name);
  if (codePoint === undefined) {
    throw new ParseError(`'[${mark}${name}${mark}]' names no character`, { position });
  }
  return mark === '='
    ? { kind: 'equivalents', of: codePoint }
    : { kind: 'character', codePoint, literal: false };
}
