/**
 * Parses POSIX extended regular expressions (POSIX.1-2017 XBD §9.4, grammar §9.5.3) over Unicode
 * code points into a tree.
 *
 * What the standard leaves undefined is an error with its position and what to write instead: it
 * means something different to every engine, and a query is answered by many nodes. Decided here:
 *
 * - `\]` and `\}` are the characters, as in POSIX.1-2024 and everywhere; of the other ordinary
 *   characters none may be escaped.
 * - A repeat count goes to RE_DUP_MAX = 255, the least that POSIX allows (glibc: 32767), and `{,3}`
 *   has to be written `{0,3}`.
 * - `[:alpha:]` without the outer brackets is refused, as grep does: it never is what was meant.
 */
import { LimitError, ParseError } from '../errors.js';
import { parseBracket } from './ere-bracket.js';
import type { EreNode, EreTree } from './ere-tree.js';

/** Longest pattern, in UTF-16 units: bounds parsing, and the number of different characters and brackets. */
export const MAX_PATTERN_LENGTH = 1024;
/** Deepest nesting of groups: bounds the recursion of everything that walks the tree. */
export const MAX_PATTERN_DEPTH = 100;
/**
 * Most places for a character once counted repeats are written out, `(a{10}){10}` being 100:
 * bounds the automaton, and with it the work that one byte of a name can cost.
 */
export const MAX_PATTERN_PLACES = 10_000;
const RE_DUP_MAX = 255;

interface Cursor {
  readonly text: string;
  at: number;
}

/**
 * Parses a pattern. Throws `ParseError` with the position, in UTF-16 units from 0, or `LimitError`
 * (`pattern-length`, `pattern-depth`, `states`) when the pattern is larger than we are ready to run.
 */
export function parseEre(pattern: string): EreTree {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw new LimitError('pattern-length', `the pattern is longer than ${MAX_PATTERN_LENGTH} characters`);
  }
  const surrogate = /\p{Cs}/u.exec(pattern);
  if (surrogate)
    throw new ParseError('half a surrogate pair is not a character', { position: surrogate.index });
  if (pattern === '') throw new ParseError('the pattern is empty', { position: 0 });
  const cursor: Cursor = { text: pattern, at: 0 };
  const root = parseAlternatives(cursor, 0);
  if (cursor.at < pattern.length) {
    throw new ParseError("')' without '(' (for the character write '\\)')", { position: cursor.at });
  }
  if (places(root) > MAX_PATTERN_PLACES) {
    throw new LimitError(
      'states',
      `the pattern has more than ${MAX_PATTERN_PLACES} characters once its repeats are written out`,
    );
  }
  return { pattern, root };
}

/** Up to the end of the pattern or the `)` that closes the group; leaves that for the caller. */
function parseAlternatives(cursor: Cursor, depth: number): EreNode {
  const options: EreNode[] = [];
  for (;;) {
    options.push(parseSequence(cursor, depth));
    if (cursor.text[cursor.at] !== '|') break;
    cursor.at += 1;
  }
  const [only] = options;
  return options.length === 1 && only ? only : { kind: 'alternatives', options };
}

function parseSequence(cursor: Cursor, depth: number): EreNode {
  const parts: EreNode[] = [];
  while (cursor.at < cursor.text.length && !'|)'.includes(cursor.text[cursor.at] ?? '')) {
    const atom = parseAtom(cursor, depth);
    parts.push(parseRepeat(cursor, atom));
  }
  const [only] = parts;
  if (!only) throw emptyAlternative(cursor, depth);
  return parts.length === 1 ? only : { kind: 'sequence', parts };
}

/** Nothing between `|`, `(`, `)` and the ends: undefined in POSIX, there is no such rule in the grammar. */
function emptyAlternative(cursor: Cursor, depth: number): ParseError {
  const before = cursor.text[cursor.at - 1];
  const after = cursor.text[cursor.at];
  const position = cursor.at;
  if (after === ')' && depth === 0)
    return new ParseError("')' without '(' (for the character write '\\)')", { position });
  if (before === '(' && after === undefined) return unclosedGroup(position - 1);
  if (before === '(' && after === ')') return new ParseError("nothing between '(' and ')'", { position });
  const text = before === '|' ? "nothing after '|'" : "nothing before '|'";
  return new ParseError(`${text} (for something that may be absent use '?')`, { position });
}

function parseAtom(cursor: Cursor, depth: number): EreNode {
  const position = cursor.at;
  const codePoint = cursor.text.codePointAt(position) ?? 0;
  const character = String.fromCodePoint(codePoint);
  cursor.at += character.length;
  switch (character) {
    case '^':
      return { kind: 'start' };
    case '$':
      return { kind: 'end' };
    case '.':
      return { kind: 'any' };
    case '[': {
      const { node, end } = parseBracket(cursor.text, position);
      cursor.at = end;
      return node;
    }
    case '(':
      return parseGroup(cursor, position, depth);
    case '\\':
      return parseEscape(cursor, position);
    case '*':
    case '+':
    case '?':
    case '{':
      throw nothingToRepeat(cursor, position, character);
    default:
      return { kind: 'character', codePoint };
  }
}

function parseGroup(cursor: Cursor, position: number, depth: number): EreNode {
  if (cursor.text[cursor.at] === '?') {
    throw new ParseError("'(?' has no meaning in an ERE: groups have no options", { position });
  }
  if (depth === MAX_PATTERN_DEPTH) {
    throw new LimitError('pattern-depth', `groups are nested deeper than ${MAX_PATTERN_DEPTH}`);
  }
  const body = parseAlternatives(cursor, depth + 1);
  if (cursor.text[cursor.at] !== ')') {
    throw unclosedGroup(position);
  }
  cursor.at += 1;
  return body;
}

function unclosedGroup(position: number): ParseError {
  return new ParseError("'(' without ')' (for the character write '\\(')", { position });
}

function parseEscape(cursor: Cursor, position: number): EreNode {
  const codePoint = cursor.text.codePointAt(cursor.at);
  if (codePoint === undefined) {
    throw new ParseError("nothing after '\\' (for the character write '\\\\')", { position });
  }
  const character = String.fromCodePoint(codePoint);
  if ('^.[$()|*+?{\\]}'.includes(character)) {
    cursor.at += 1;
    return { kind: 'character', codePoint };
  }
  if (/[1-9]/.test(character)) {
    throw new ParseError(`'\\${character}': an ERE has no back-references`, { position });
  }
  const instead = PERL_ESCAPES.get(character) ?? `'${character}' needs no '\\'`;
  throw new ParseError(`'\\${character}' has no meaning in an ERE: ${instead}`, { position });
}

/** What people know from other engines, and how an ERE says it. */
const PERL_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['d', 'write [0-9]'],
  ['D', 'write [^0-9]'],
  ['w', 'write [[:alnum:]_]'],
  ['W', 'write [^[:alnum:]_]'],
  ['s', 'write [[:space:]]'],
  ['S', 'write [^[:space:]]'],
  ['b', 'it cannot ask for the edge of a word'],
  ['B', 'it cannot ask for the edge of a word'],
  ['<', 'it cannot ask for the edge of a word'],
  ['>', 'it cannot ask for the edge of a word'],
  ['A', 'write ^'],
  ['z', 'write $'],
  ['Z', 'write $'],
  ['n', 'write the character itself'],
  ['t', 'write the character itself'],
]);

/** XBD §9.4.3: first in an expression, or after `|`, `^`, `$` or `(`, these are undefined. */
function nothingToRepeat(cursor: Cursor, position: number, character: string): ParseError {
  const before = cursor.text[position - 1];
  const where = before === undefined ? 'at the start' : `after '${before}'`;
  return new ParseError(
    `'${character}' ${where} has nothing to repeat (for the character write '\\${character}')`,
    {
      position,
    },
  );
}

function parseRepeat(cursor: Cursor, body: EreNode): EreNode {
  const position = cursor.at;
  const count = parseCount(cursor);
  if (!count) return body;
  const before = cursor.text[position - 1] ?? '';
  // The node of a `^` inside a group is also `start`; only a bare anchor is undefined.
  if ((body.kind === 'start' || body.kind === 'end') && before !== ')') {
    throw nothingToRepeat(cursor, position, cursor.text[position] ?? '');
  }
  if ('*+?{'.includes(cursor.text[cursor.at] || ' ')) {
    // XBD §9.4.6: several adjacent duplication symbols are undefined.
    const second = cursor.text.slice(cursor.at, cursor.at + 1);
    throw new ParseError(
      `'${second}' after a repeat (an ERE is never lazy or possessive; to repeat a repeat use a group)`,
      {
        position: cursor.at,
      },
    );
  }
  return { kind: 'repeat', body, ...count };
}

function parseCount(cursor: Cursor): { min: number; max?: number } | undefined {
  switch (cursor.text[cursor.at]) {
    case '*':
      cursor.at += 1;
      return { min: 0 };
    case '+':
      cursor.at += 1;
      return { min: 1 };
    case '?':
      cursor.at += 1;
      return { min: 0, max: 1 };
    case '{':
      return parseInterval(cursor);
    default:
      return undefined;
  }
}

function parseInterval(cursor: Cursor): { min: number; max?: number } {
  const position = cursor.at;
  const interval = /\{([0-9]*)(?:(,)([0-9]*))?\}/y;
  interval.lastIndex = position;
  const found = interval.exec(cursor.text);
  const [whole = '', low = '', comma, high = ''] = found ?? [];
  if (!found || (low === '' && high === '')) {
    throw new ParseError(
      "'{' does not begin a repeat like {2}, {2,} or {2,5} (for the character write '\\{')",
      { position },
    );
  }
  if (low === '') throw new ParseError(`'${whole}' has no lower count: write {0,${high}}`, { position });
  const min = Number(low);
  const max = comma === undefined ? min : high === '' ? undefined : Number(high);
  if (Math.max(min, max ?? 0) > RE_DUP_MAX) {
    throw new ParseError(`'${whole}' repeats more than ${RE_DUP_MAX} times`, { position });
  }
  if (max !== undefined && max < min) {
    throw new ParseError(`'${whole}' has its counts in the wrong order`, { position });
  }
  cursor.at += whole.length;
  return max === undefined ? { min } : { min, max };
}

/** How many nodes the automaton will have for one character each, plus one for every branch. */
function places(node: EreNode): number {
  switch (node.kind) {
    case 'sequence':
      return node.parts.reduce((sum, part) => sum + places(part), 0);
    case 'alternatives':
      return node.options.reduce((sum, option) => sum + places(option) + 1, 0);
    case 'repeat':
      // An optional copy is the body and a branch around it.
      return (places(node.body) + 1) * Math.max(node.max ?? node.min + 1, 1);
    default:
      return 1;
  }
}
