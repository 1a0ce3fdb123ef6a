import assert from 'node:assert/strict';
import { LimitError, ParseError } from '../../src/errors.js';
import { MAX_PATTERN_DEPTH, MAX_PATTERN_LENGTH, parseEre } from '../../src/query/ere-parse.js';
import type { EreNode } from '../../src/query/ere-tree.js';

const character = (text: string): EreNode => ({ kind: 'character', codePoint: text.codePointAt(0) ?? 0 });
const range = (from: string, to = from) =>
  ({ kind: 'range', from: from.codePointAt(0) ?? 0, to: to.codePointAt(0) ?? 0 }) as const;
const sequence = (...parts: EreNode[]): EreNode => ({ kind: 'sequence', parts });
const bracket = (...members: Extract<EreNode, { kind: 'bracket' }>['members']): EreNode => ({
  kind: 'bracket',
  negated: false,
  members,
});

describe('parseEre', () => {
  const trees: [pattern: string, tree: EreNode][] = [
    ['a', character('a')],
    ['😀', character('😀')],
    ['^a.$', sequence({ kind: 'start' }, character('a'), { kind: 'any' }, { kind: 'end' })],
    ['a^', sequence(character('a'), { kind: 'start' })],
    ['a|bc', { kind: 'alternatives', options: [character('a'), sequence(character('b'), character('c'))] }],
    ['(a)', character('a')],
    ['a*', { kind: 'repeat', body: character('a'), min: 0 }],
    ['a+', { kind: 'repeat', body: character('a'), min: 1 }],
    ['a?', { kind: 'repeat', body: character('a'), min: 0, max: 1 }],
    ['a{2}', { kind: 'repeat', body: character('a'), min: 2, max: 2 }],
    ['a{2,}', { kind: 'repeat', body: character('a'), min: 2 }],
    ['a{0,255}', { kind: 'repeat', body: character('a'), min: 0, max: 255 }],
    ['(^)*', { kind: 'repeat', body: { kind: 'start' }, min: 0 }],
    ['(a*)?', { kind: 'repeat', body: { kind: 'repeat', body: character('a'), min: 0 }, min: 0, max: 1 }],
    ['\\.\\\\\\{', sequence(character('.'), character('\\'), character('{'))],
    ['\\]\\}', sequence(character(']'), character('}'))],
    [']}', sequence(character(']'), character('}'))],
    ['a-:/', sequence(character('a'), character('-'), character(':'), character('/'))],
    ['[ab]', bracket(range('a'), range('b'))],
    ['[^a]', { kind: 'bracket', negated: true, members: [range('a')] }],
    ['[]a]', bracket(range(']'), range('a'))],
    ['[^]a]', { kind: 'bracket', negated: true, members: [range(']'), range('a')] }],
    ['[a^]', bracket(range('a'), range('^'))],
    ['[a\\]b]', sequence(bracket(range('a'), range('\\')), character('b'), character(']'))],
    ['[\\d]', bracket(range('\\'), range('d'))],
    ['[a-c]', bracket(range('a', 'c'))],
    ['[а-я]', bracket(range('а', 'я'))],
    ['[-a]', bracket(range('-'), range('a'))],
    ['[a-]', bracket(range('a'), range('-'))],
    ['[--a]', bracket(range('-', 'a'))],
    ['[%--]', bracket(range('%', '-'))],
    ['[a-c-]', bracket(range('a', 'c'), range('-'))],
    ['[]-a]', bracket(range(']', 'a'))],
    ['[[:alpha:]_]', bracket({ kind: 'class', name: 'alpha' }, range('_'))],
    ['[[=e=]]', bracket({ kind: 'equivalents', of: 0x65 })],
    ['[[.-.]]', bracket(range('-'))],
    ['[[.space.]]', bracket(range(' '))],
    ['[[.hyphen-minus.]-[.nine.]]', bracket(range('-', '9'))],
    ['[[.].]]', bracket(range(']'))],
    ['[a-[.z.]]', bracket(range('a', 'z'))],
    ['[.]', bracket(range('.'))],
    ['[[a]', bracket(range('['), range('a'))],
    ['[|*$(]', bracket(range('|'), range('*'), range('$'), range('('))],
  ];
  for (const [pattern, root] of trees) {
    it(`reads ${pattern}`, () => {
      assert.deepEqual(parseEre(pattern), { pattern, root });
    });
  }

  it('makes a tree that can be sent to a worker', () => {
    const tree = parseEre('^(a|[[:alpha:][=e=]-]{2,3}).*$');
    assert.deepEqual(structuredClone(tree), tree);
  });

  const refused: [pattern: string, position: number, reason: RegExp][] = [
    ['', 0, /empty/],
    ['\\d', 0, /write \[0-9\]/],
    ['ab\\w+', 2, /\[\[:alnum:\]_\]/],
    ['a\\<b', 1, /edge of a word/],
    ['\\-', 0, /'-' needs no/],
    ['(a)\\1', 3, /back-references/],
    ['a\\', 1, /nothing after/],
    ['*a', 0, /nothing to repeat/],
    ['+', 0, /nothing to repeat/],
    ['a|*b', 2, /after '\|' has nothing to repeat/],
    ['(?:a)', 0, /'\(\?' has no meaning/],
    ['(*a)', 1, /after '\(' has nothing to repeat/],
    ['^*', 1, /after '\^' has nothing to repeat/],
    ['a$+', 2, /after '\$' has nothing to repeat/],
    ['{2}', 0, /nothing to repeat/],
    ['a**', 2, /after a repeat/],
    ['a+?', 2, /after a repeat/],
    ['a{2}?', 4, /after a repeat/],
    ['a{2}{3}', 4, /after a repeat/],
    ['a)', 1, /'\)' without '\('/],
    [')', 0, /'\)' without '\('/],
    ['x(a', 1, /'\(' without '\)'/],
    ['x(', 1, /'\(' without '\)'/],
    ['((a)', 0, /'\(' without '\)'/],
    ['a()', 2, /nothing between/],
    ['a|', 2, /nothing after '\|'/],
    ['|a', 0, /nothing before '\|'/],
    ['a||b', 2, /nothing after '\|'/],
    ['(a|)', 3, /nothing after '\|'/],
    ['(|a)', 1, /nothing before '\|'/],
    ['a{1', 1, /does not begin a repeat/],
    ['a{x}', 1, /does not begin a repeat/],
    ['a{}', 1, /does not begin a repeat/],
    ['a{,}', 1, /does not begin a repeat/],
    ['a{ 1}', 1, /does not begin a repeat/],
    ['a{,3}', 1, /write \{0,3\}/],
    ['a{3,2}', 1, /wrong order/],
    ['a{256}', 1, /more than 255/],
    ['a{0,99999999999999999999}', 1, /more than 255/],
    ['[a', 0, /'\[' without '\]'/],
    ['[]', 0, /'\[' without '\]'/],
    ['x[^]', 1, /'\[' without '\]'/],
    ['[[:alpha:]', 0, /'\[' without '\]'/],
    ['[b-a]', 1, /wrong order/],
    ['[x[:foo:]]', 2, /no class '\[:foo:\]'/],
    ['[[:Alpha:]]', 1, /no class/],
    ['[[:alpha', 1, /'\[:' without ':\]'/],
    ['[:alpha:]', 0, /write \[\[:alpha:\]\]/],
    ['[[.ch.]]', 1, /names no character/],
    ['[[..]]', 1, /names no character/],
    ['[[=ab=]]', 1, /names no character/],
    ['[[:alpha:]-z]', 1, /cannot be the end of a range/],
    ['[a-[:alpha:]]', 1, /cannot be the end of a range/],
    ['[[=a=]-z]', 1, /cannot be the end of a range/],
    ['[a-c-e]', 4, /put it last/],
    ['[a--b]', 1, /wrong order/],
    ['[,---z]', 4, /put it last/],
    ['[a\ud800]', 2, /surrogate/],
    ['😀(', 2, /'\(' without '\)'/],
  ];
  for (const [pattern, position, reason] of refused) {
    it(`refuses ${JSON.stringify(pattern)} at ${position}`, () => {
      assert.throws(
        () => parseEre(pattern),
        (error) => {
          assert.ok(error instanceof ParseError, String(error));
          assert.match(error.message, reason);
          assert.equal(error.position, position);
          return true;
        },
      );
    });
  }

  const tooLarge: [what: string, pattern: string, bound: string][] = [
    ['a pattern that is too long', 'a'.repeat(MAX_PATTERN_LENGTH + 1), 'pattern-length'],
    [
      'groups nested too deep',
      `${'('.repeat(MAX_PATTERN_DEPTH + 1)}a${')'.repeat(MAX_PATTERN_DEPTH + 1)}`,
      'pattern-depth',
    ],
    ['repeats of repeats', '((a{0,255}){255})', 'states'],
    ['repeats of repeats of repeats', `${'('.repeat(90)}a${'{255})'.repeat(90)}`, 'states'],
  ];
  for (const [what, pattern, bound] of tooLarge) {
    it(`refuses ${what}, naming the bound`, () => {
      assert.throws(
        () => parseEre(pattern),
        (error) => error instanceof LimitError && error.bound === bound,
      );
    });
  }

  it('takes what just fits', () => {
    parseEre('a'.repeat(MAX_PATTERN_LENGTH));
    parseEre(`${'('.repeat(MAX_PATTERN_DEPTH)}a${')'.repeat(MAX_PATTERN_DEPTH)}`);
    parseEre('([[:alpha:]].{1,30}){10}x');
  });
});
