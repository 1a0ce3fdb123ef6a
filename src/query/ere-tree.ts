/**
 * The tree of a POSIX extended regular expression: what `parseEre` returns and everything after it
 * works on. Plain data, so that it can be sent to a worker; nothing in it depends on the case mode
 * or on a version of Unicode, which are brought in when the tree is compiled.
 */

/** The character classes of XBD §7.3.1 that every locale has. */
export const CHARACTER_CLASSES = [
  'alnum',
  'alpha',
  'blank',
  'cntrl',
  'digit',
  'graph',
  'lower',
  'print',
  'punct',
  'space',
  'upper',
  'xdigit',
] as const;
export type CharacterClass = (typeof CHARACTER_CLASSES)[number];

/** One member of a bracket expression. Code points; `from` is never above `to`. */
export type BracketMember =
  | { readonly kind: 'range'; readonly from: number; readonly to: number }
  | { readonly kind: 'class'; readonly name: CharacterClass }
  | { readonly kind: 'equivalents'; readonly of: number };

/** What stands for exactly one character. */
export type CharacterNode =
  | { readonly kind: 'character'; readonly codePoint: number }
  | { readonly kind: 'any' }
  | { readonly kind: 'bracket'; readonly negated: boolean; readonly members: readonly BracketMember[] };

export type EreNode =
  | CharacterNode
  /** `^` and `$`: the ends of the value, wherever they stand in the expression. */
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }
  | { readonly kind: 'sequence'; readonly parts: readonly EreNode[] }
  | { readonly kind: 'alternatives'; readonly options: readonly EreNode[] }
  /** No `max` means without end. Groups leave no trace: nothing is captured. */
  | { readonly kind: 'repeat'; readonly body: EreNode; readonly min: number; readonly max?: number };

export interface EreTree {
  /** As it was written, for messages and as a key of caches. */
  readonly pattern: string;
  readonly root: EreNode;
}
