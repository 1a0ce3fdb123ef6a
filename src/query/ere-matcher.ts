/**
 * Tells whether an ERE is found anywhere in a value, as `grep -E` does, in time linear in the value:
 * no pattern can make it backtrack. Values are UTF-8 bytes, since file names are bytes.
 *
 * What is a character, and what is not:
 * - `.` and negated brackets match a newline, as POSIX `regexec` has it, and `^` and `$` are the
 *   ends of the value, never of a line. grep, which works by line, says the same under `-z`.
 * - A byte that is part of no valid character is matched by nothing, as in grep; the search goes on after it.
 *
 * Where case is ignored (`ere-case.ts`) these differ from `grep -i`: `[[:upper:]]` and `[[:lower:]]`
 * are all letters that have another case, not all letters.
 */
import { Alphabet, INVALID } from './ere-alphabet.js';
import { DEAD, LazyDfa, MATCH, ROW } from './ere-dfa.js';
import { isLiteral, requiredLiterals } from './ere-literals.js';
import { Positions } from './ere-positions.js';
import { compileProgram } from './ere-program.js';
import type { EreTree } from './ere-tree.js';
import { type Budget, WorkMeter } from './ere-work-meter.js';

export type { Budget } from './ere-work-meter.js';

/** States kept at most, unless said otherwise: 2 MB of table. Ordinary patterns over names need some tens. */
const DEFAULT_MAX_STATES = 2048;
/** Bytes read between two looks at the work meter. */
const STRETCH = 8192;

export interface EreMatcher {
  /**
   * True when the ERE is found anywhere in `utf8[from, to)`. Throws what `budget.check` throws; the
   * matcher stays usable then. One matcher, one thread; calls may not nest.
   */
  matches(utf8: Uint8Array, from: number, to: number, budget: Budget): boolean;
  /**
   * Texts that are in every value that matches, longest first; there may be none. A matcher that
   * ignores case has them folded by `foldCase`, and so they are to be looked for in values that were
   * folded by it, over which it finds the same as over the values themselves.
   */
  readonly requiredLiterals: readonly Uint8Array[];
  /** Every value that holds the required literal matches: it is all that the ERE asks. */
  readonly isLiteral: boolean;
  /**
   * Where `utf8[from, to)` leads, for values that begin with it: to be given to {@link matchesAfter}. It
   * ends where a character does.
   */
  beginning(utf8: Uint8Array, from: number, to: number, budget: Budget): Beginning;
  /**
   * As {@link matches}, of a value of that beginning and `utf8[from, to)`. Undefined when that is not known:
   * the beginning is to be made anew if it {@link isOutdated}, else the value is to be matched as a whole.
   */
  matchesAfter(
    beginning: Beginning,
    utf8: Uint8Array,
    from: number,
    to: number,
    budget: Budget,
  ): boolean | undefined;
  isOutdated(beginning: Beginning): boolean;
}

/** A state of the automaton and which of its tables that is in. Never 0. */
export type Beginning = number;

/** Cheap: the automaton is built when the first value is matched, under the budget of that. */
export function compileEre(
  tree: EreTree,
  options: { readonly caseSensitive: boolean; readonly maxStates?: number },
): EreMatcher {
  return new AutomatonMatcher(tree, options);
}

/** Above every state. */
const GENERATION = 2 ** 24;
/** Nothing is kept of beginnings: there is no table. */
const WHOLE: Beginning = -1;

interface Automaton {
  readonly alphabet: Alphabet;
  readonly positions: Positions;
  /** Dropped once it turns out not to pay. */
  dfa: LazyDfa | undefined;
  /** The sets before and after a character, for stepping without the table. */
  set: Uint32Array;
  nextSet: Uint32Array;
}

class AutomatonMatcher implements EreMatcher {
  readonly requiredLiterals: readonly Uint8Array[];
  readonly isLiteral: boolean;
  readonly #work = new WorkMeter();
  #automaton: Automaton | undefined;

  constructor(
    private readonly tree: EreTree,
    private readonly options: { readonly caseSensitive: boolean; readonly maxStates?: number },
  ) {
    this.requiredLiterals = requiredLiterals(tree, options);
    this.isLiteral = isLiteral(tree);
  }

  matches(utf8: Uint8Array, from: number, to: number, budget: Budget): boolean {
    const automaton = this.#charged(budget);
    if (automaton.positions.matchesAll) return true;
    if (from >= to) return automaton.positions.matchesEmpty;
    if (automaton.dfa) {
      const end = this.#runTable(automaton.dfa, automaton.dfa.initial(), utf8, from, to);
      if (end !== undefined) return isMatch(automaton.dfa, end);
      automaton.dfa = undefined;
    }
    return this.#walkPositions(automaton, utf8, from, to);
  }

  beginning(utf8: Uint8Array, from: number, to: number, budget: Budget): Beginning {
    const automaton = this.#charged(budget);
    const { dfa, positions } = automaton;
    if (!dfa) return WHOLE;
    const end = positions.matchesAll ? MATCH : this.#runTable(dfa, dfa.initial(), utf8, from, to);
    if (end === undefined) automaton.dfa = undefined;
    return end === undefined ? WHOLE : dfa.generation * GENERATION + end;
  }

  isOutdated(beginning: Beginning): boolean {
    const dfa = this.#automaton?.dfa;
    return dfa === undefined ? beginning !== WHOLE : Math.floor(beginning / GENERATION) !== dfa.generation;
  }

  matchesAfter(
    beginning: Beginning,
    utf8: Uint8Array,
    from: number,
    to: number,
    budget: Budget,
  ): boolean | undefined {
    const automaton = this.#charged(budget);
    const { dfa } = automaton;
    if (!dfa || this.isOutdated(beginning)) return undefined;
    const end = this.#runTable(dfa, beginning % GENERATION, utf8, from, to);
    if (end === undefined) automaton.dfa = undefined;
    return end === undefined ? undefined : isMatch(dfa, end);
  }

  #charged(budget: Budget): Automaton {
    this.#work.charge(budget);
    this.#automaton ??= this.#build();
    return this.#automaton;
  }

  #build(): Automaton {
    const program = compileProgram(this.tree, this.options, this.#work);
    const alphabet = new Alphabet(program.sets, this.#work);
    const positions = new Positions(program, alphabet, this.#work);
    const dfa = new LazyDfa(alphabet, positions, this.options.maxStates ?? DEFAULT_MAX_STATES);
    const { words } = positions;
    return { alphabet, positions, dfa, set: new Uint32Array(words), nextSet: new Uint32Array(words) };
  }

  /** The state at the end, MATCH or DEAD; undefined when the table turns out not to pay. */
  #runTable(dfa: LazyDfa, first: number, utf8: Uint8Array, from: number, to: number): number | undefined {
    let state = first;
    if (state < ROW) return state;
    let table = dfa.table;
    let at = from;
    while (at < to) {
      const begin = at;
      const stop = Math.min(to, at + STRETCH);
      let next: number = ROW;
      for (; at < stop; at += 1) {
        next = table[state + (utf8[at] as number)] as number;
        if (next < ROW) break;
        state = next;
      }
      dfa.read(at - begin);
      this.#work.add(at - begin + 1);
      if (next >= ROW) continue;
      if (next !== MATCH && next !== DEAD) {
        next = dfa.build(state, utf8[at] as number, this.#work);
        if (dfa.isThrashing) return undefined;
        table = dfa.table;
      }
      if (next < ROW) return next;
      state = next;
      at += 1;
    }
    return state;
  }

  #walkPositions(automaton: Automaton, utf8: Uint8Array, from: number, to: number): boolean {
    const { alphabet, positions } = automaton;
    automaton.set.set(positions.initial);
    let at = from;
    while (at < to) {
      const decoded = alphabet.decode(utf8, at, to);
      if (decoded === INVALID) {
        automaton.set.set(positions.restart);
        this.#work.add(positions.words);
        at += 1;
        continue;
      }
      this.#work.add(positions.mostVisits);
      const { set, nextSet } = automaton;
      if (positions.step(set, 0, decoded >> 3, nextSet)) return true;
      automaton.set = nextSet;
      automaton.nextSet = set;
      at += decoded & 7;
    }
    return positions.matchesAtEnd(automaton.set, 0);
  }
}

function isMatch(dfa: LazyDfa, end: number): boolean {
  return end === MATCH || (end !== DEAD && dfa.matchesAtEnd(end));
}
