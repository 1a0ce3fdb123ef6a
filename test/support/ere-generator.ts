/**
 * Makes patterns and values that have something to do with each other, from a seed: random patterns
 * over a small alphabet, and values that a pattern matches or almost matches.
 */
import { Buffer } from 'node:buffer';
import type { BracketMember, EreNode } from '../../src/query/ere-tree.js';

export type Random = () => number;

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(random() * choices.length)] ?? choices[0];
}

export interface Vocabulary {
  readonly characters: readonly [string, ...string[]];
  readonly brackets: readonly [string, ...string[]];
}

export interface PatternOptions {
  /**
   * `anywhere`, unless said otherwise. `simple`: never two next to each other, as in `^$a`, and a group with
   * an anchor in it is not repeated by an interval or `+`, as in `(^a|b){2}`.
   */
  readonly anchors?: 'anywhere' | 'simple';
}

/** An ERE that POSIX defines, in the syntax that grep shares. */
export function randomPattern(random: Random, words: Vocabulary, options: PatternOptions = {}): string {
  return randomAlternatives(random, words, options, 0);
}

/** Whether a `^` or `$` of the pattern is an anchor. */
export function hasAnchor(pattern: string): boolean {
  return /[\^$]/.test(pattern.replace(/\\.|\[\^?\]?(?:\[:\w+:\]|\[=.=\]|\[\..\.\]|[^\]])*\]/gu, ''));
}

function randomAlternatives(
  random: Random,
  words: Vocabulary,
  options: PatternOptions,
  depth: number,
): string {
  const branches = random() < 0.2 ? 2 + Math.floor(random() * 2) : 1;
  return Array.from({ length: branches }, () => randomSequence(random, words, options, depth)).join('|');
}

function randomSequence(random: Random, words: Vocabulary, options: PatternOptions, depth: number): string {
  let text = '';
  const parts = 1 + Math.floor(random() * 4);
  for (let part = 0; part < parts; part += 1) {
    const kind = random();
    if (kind < 0.1 && !(options.anchors === 'simple' && /[$^]$/.test(text))) {
      text += kind < 0.05 ? '^' : '$';
    } else {
      const atom = randomAtom(random, words, options, depth);
      const copies = options.anchors !== 'simple' || !hasAnchor(atom);
      text += atom + randomRepeat(random, { copies });
    }
  }
  return text;
}

function randomAtom(random: Random, words: Vocabulary, options: PatternOptions, depth: number): string {
  const kind = random();
  if (kind < 0.2 && depth < 3) return `(${randomAlternatives(random, words, options, depth + 1)})`;
  if (kind < 0.3) return '.';
  if (kind < 0.5) return pick(random, words.brackets);
  const character = pick(random, words.characters);
  return '^.[$()|*+?{\\'.includes(character) ? `\\${character}` : character;
}

function randomRepeat(random: Random, allowed: { copies: boolean }): string {
  if (random() < 0.6) return '';
  if (!allowed.copies) return pick(random, ['*', '?']);
  const low = Math.floor(random() * 3);
  return pick(random, ['*', '+', '?', `{${low}}`, `{${low},}`, `{${low},${low + Math.floor(random() * 3)}}`]);
}

/** Not F5 to F7: grep's negated brackets take what looks like a character above U+10FFFF for one. */
const STRAY_BYTES: readonly [number, ...number[]] = [0x80, 0xa0, 0xbf, 0xc0, 0xc3, 0xe2, 0xed, 0xf0, 0xff];

/** A value that the pattern matches or, after a small change, may no longer match. */
export function valueNear(random: Random, node: EreNode, words: Vocabulary): Buffer {
  const noise = () => (random() < 0.5 ? '' : pick(random, words.characters));
  const bytes = Buffer.from(noise() + matching(random, node, words) + noise());
  if (bytes.length === 0 || random() < 0.6) return bytes;
  const at = Math.floor(random() * bytes.length);
  const change = random();
  if (change < 0.4) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
  if (change < 0.6) bytes[at] = pick(random, STRAY_BYTES);
  else if (change < 0.8) bytes[at] = (bytes[at] ?? 0) ^ 0x20;
  return bytes.includes(0) ? Buffer.from('a') : bytes;
}

function matching(random: Random, node: EreNode, words: Vocabulary): string {
  switch (node.kind) {
    case 'character':
      return String.fromCodePoint(node.codePoint);
    case 'any':
      return pick(random, words.characters);
    case 'bracket':
      return bracketCharacter(random, node.members, words);
    case 'start':
    case 'end':
      return '';
    case 'sequence':
      return node.parts.map((part) => matching(random, part, words)).join('');
    case 'alternatives': {
      const [first, ...others] = node.options;
      return first ? matching(random, pick(random, [first, ...others]), words) : '';
    }
    case 'repeat': {
      const most = Math.min(node.max ?? node.min + 2, node.min + 3);
      const copies = node.min + Math.floor(random() * (most - node.min + 1));
      return Array.from({ length: copies }, () => matching(random, node.body, words)).join('');
    }
  }
}

function bracketCharacter(random: Random, members: readonly BracketMember[], words: Vocabulary): string {
  const member = members[Math.floor(random() * members.length)];
  if (member?.kind !== 'range' || random() < 0.3) return pick(random, words.characters);
  return String.fromCodePoint(member.from + Math.floor(random() * (member.to - member.from + 1)));
}
