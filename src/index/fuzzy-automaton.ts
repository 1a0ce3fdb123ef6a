/**
 * The words at most one or two mistakes away from a word, as `lunr.TokenSet.fromFuzzyString` has it:
 * letters inserted, left out, changed, or swapped with their neighbour. lunr makes an automaton of each
 * vocabulary out of objects; here only the word is one, determinized as far as the terms lead, and
 * runs over the sorted terms: what begins with the same letters is read once, what can't match is skipped.
 */
import type { PackedVocabulary } from './packed-vocabulary.js';
import type { Pace, Work } from './text-index.js';

const DEAD = 0;
const UNKNOWN = -1;
const TERMS_A_LOOK = 256;

/** What is left of the word: the letter at `head` and those from `rest` on; no head at the end of it. */
interface Left {
  readonly head: number | undefined;
  readonly rest: number;
  readonly mistakes: number;
}

interface State {
  readonly lefts: readonly Left[];
  readonly final: boolean;
  /** The next state by kind of letter. */
  readonly next: Int32Array;
}

export class FuzzyAutomaton {
  readonly #word: string;
  readonly #distance: number;
  /** 1 and up for the letters of the word, 0 for all others. */
  readonly #kinds = new Map<number, number>();
  readonly #states: State[] = [];
  readonly #known = new Map<string, number>();
  readonly #first: number;

  constructor(word: string, distance: number) {
    this.#word = word;
    this.#distance = distance;
    for (let at = 0; at < word.length; at++) {
      const unit = word.charCodeAt(at);
      if (!this.#kinds.has(unit)) this.#kinds.set(unit, this.#kinds.size + 1);
    }
    this.#intern([]); // DEAD
    this.#first = this.#intern([this.#from(0, 0)]);
  }

  /** The numbers of the terms that match, ascending. */
  *matches(vocabulary: PackedVocabulary, pace: Pace): Work<number[]> {
    const { units, starts, size } = vocabulary;
    const found: number[] = [];
    /** States after each letter of the term before. */
    const path = [this.#first];
    let looked = 0;
    for (let at = 0, before = 0; at < size; ) {
      let length = at === 0 ? 0 : Math.min(vocabulary.inCommon(before, at), path.length - 1);
      path.length = length + 1;
      const start = starts[at] as number;
      const most = vocabulary.lengthAt(at);
      let state = path[length] as number;
      while (length < most && state !== DEAD) {
        state = this.#step(state, units[start + length] as number);
        path.push(state);
        length += 1;
      }
      if (state !== DEAD && this.#states[state]?.final) found.push(at);
      before = at;
      at = state === DEAD ? vocabulary.skip(at, length) : at + 1;
      looked += 1;
      if (looked % TERMS_A_LOOK === 0 && pace.due()) yield;
    }
    return found;
  }

  #step(from: number, unit: number): number {
    const state = this.#states[from] as State;
    const kind = this.#kinds.get(unit) ?? 0;
    const known = state.next[kind] as number;
    if (known !== UNKNOWN) return known;
    const next = this.#intern(state.lefts.flatMap((left) => this.#after(left, kind)));
    state.next[kind] = next;
    return next;
  }

  /** What may be left after one letter of that kind. */
  #after({ head, rest, mistakes }: Left, kind: number): Left[] {
    const more = mistakes + 1;
    const mayErr = more <= this.#distance;
    if (head === undefined) return mayErr ? [{ head, rest, mistakes: more }] : [];
    const lefts: Left[] = [];
    if (this.#kindAt(head) === kind) lefts.push(this.#from(rest, mistakes));
    if (!mayErr) return lefts;
    lefts.push({ head, rest, mistakes: more }, this.#from(rest, more)); // one too many, or another one
    if (rest < this.#word.length && this.#kindAt(rest) === kind) {
      lefts.push({ head, rest: rest + 1, mistakes: more }); // swapped: the head comes later
    }
    return lefts;
  }

  #kindAt(at: number): number {
    return this.#kinds.get(this.#word.charCodeAt(at)) ?? 0;
  }

  #from(at: number, mistakes: number): Left {
    return { head: at < this.#word.length ? at : undefined, rest: at + 1, mistakes };
  }

  /** The number of the state with these, and with what is left where letters are left out. */
  #intern(lefts: readonly Left[]): number {
    const fewest = new Map<string, Left>();
    const queue = [...lefts];
    for (let left = queue.pop(); left; left = queue.pop()) {
      const key = left.head === undefined ? 'end' : `${left.head},${left.rest}`;
      if ((fewest.get(key)?.mistakes ?? Number.POSITIVE_INFINITY) <= left.mistakes) continue;
      fewest.set(key, left);
      const mayErr = left.mistakes < this.#distance;
      if (mayErr && left.head !== undefined) queue.push(this.#from(left.rest, left.mistakes + 1));
    }
    const key = [...fewest]
      .map(([place, { mistakes }]) => `${place}:${mistakes}`)
      .sort()
      .join(' ');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const all = [...fewest.values()];
    const next = new Int32Array(this.#kinds.size + 1).fill(UNKNOWN);
    this.#states.push({ lefts: all, final: all.some(({ head }) => head === undefined), next });
    this.#known.set(key, this.#states.length - 1);
    return this.#states.length - 1;
  }
}
