/**
 * The terms that a wildcard or a misspelled word stands for. Which these are says lunr, by the automaton
 * that `lunr.TokenSet` makes of the word. lunr runs it over another of the whole vocabulary, made of
 * objects; here it is made deterministic, as far as the terms lead, and runs over the sorted terms: what
 * begins alike is read once, and what can't match any more, or can't fail to, is not read.
 */
import { type TokenSet, tokenSets } from './lunr-internals.js';
import type { PackedVocabulary } from './packed-vocabulary.js';
import type { Pace, Work } from './text-index.js';

const ANY = '*';
/** After this no term matches; after `ALL` every one does. Those that follow depend on what is read. */
const DEAD = 0;
const ALL = 1;
const UNKNOWN = -1;
const TERMS_A_LOOK = 256;
/** Letters of a term that there is room for at first. */
const PATH = 64;

/** States of lunr's automaton, in any of which it may be after the same letters. */
type Subset = readonly TokenSet[];

/** How far a vocabulary was looked through. */
interface Walk {
  readonly vocabulary: PackedVocabulary;
  /** The next term. */
  at: number;
  readonly to: number;
  /** The states after each letter of the term before. */
  path: Int32Array<ArrayBuffer>;
  /** How many of these letters the next term begins with. */
  read: number;
  readonly found: number[];
}

export class TermAutomaton {
  /** 1 and up for the letters that edges are named after, 0 for all others. */
  readonly #kinds: Uint16Array;
  /** The letter of each kind; all others have none. */
  readonly #letters: string[] = [''];
  readonly #subsets: Subset[] = [];
  readonly #final: boolean[] = [];
  /** The next state for every kind of letter, state after state. */
  #next = new Int32Array(0);
  readonly #known = new Map<string, number>();
  readonly #first: number;
  /** What every term that matches begins with. */
  readonly #prefix: string;

  private constructor(tokens: TokenSet, letters: string, prefix: string) {
    const named = [...new Set(letters.split(''))].sort();
    this.#kinds = new Uint16Array((named.at(-1) ?? '\0').charCodeAt(0) + 1);
    for (const letter of named) {
      this.#kinds[letter.charCodeAt(0)] = this.#letters.length;
      this.#letters.push(letter);
    }
    this.#prefix = prefix;
    this.#add([], false); // DEAD
    this.#add([], true); // ALL
    this.#first = this.#intern([tokens]);
  }

  /** For the pieces with anything between them. */
  static wildcard(pieces: readonly string[]): TermAutomaton {
    return new TermAutomaton(tokenSets.fromString(pieces.join(ANY)), pieces.join(''), pieces[0] ?? '');
  }

  /**
   * For words at most `distance` mistakes away: letters inserted, left out, changed, or swapped with
   * their neighbour. `word` is short: see `fromFuzzyString`.
   */
  static fuzzy(word: string, distance: 1 | 2): TermAutomaton {
    return new TermAutomaton(tokenSets.fromFuzzyString(word, distance), word, '');
  }

  /** The numbers of the terms that match, ascending. */
  *matches(vocabulary: PackedVocabulary, pace: Pace): Work<number[]> {
    const { from, to } = vocabulary.range(this.#prefix);
    const walk: Walk = { vocabulary, at: from, to, path: new Int32Array(PATH), read: 0, found: [] };
    walk.path[0] = this.#first;
    while (walk.at < to) {
      this.#walkOn(walk, TERMS_A_LOOK);
      if (pace.due()) yield;
    }
    return walk.found;
  }

  /** Not in the generator, where it takes half as long again. */
  #walkOn(walk: Walk, terms: number): void {
    const { vocabulary, to, found } = walk;
    const { units, starts } = vocabulary;
    const kinds = this.#kinds;
    const width = this.#letters.length;
    let { at, path, read } = walk;
    for (let left = terms; left > 0 && at < to; left--) {
      const start = starts[at] as number;
      const most = (starts[at + 1] as number) - start;
      if (most >= path.length) path = longer(path, most + 1);
      let length = read;
      let state = path[length] as number;
      while (length < most && state > ALL) {
        const unit = units[start + length] as number;
        const kind = unit < kinds.length ? (kinds[unit] as number) : 0;
        const known = this.#next[state * width + kind] as number;
        state = known === UNKNOWN ? this.#explore(state, kind) : known;
        length += 1;
        path[length] = state;
      }
      const end = state > ALL ? at + 1 : Math.min(vocabulary.skip(at, length), to);
      if (this.#final[state]) for (let each = at; each < end; each++) found.push(each);
      if (end < to) read = Math.min(vocabulary.inCommon(end - 1, end), length);
      at = end;
    }
    Object.assign(walk, { at, path, read });
  }

  #explore(from: number, kind: number): number {
    const next = this.#intern(after(this.#subsets[from] ?? [], this.#letters[kind] as string));
    this.#next[from * this.#letters.length + kind] = next;
    return next;
  }

  #intern(subset: Subset): number {
    if (subset.length === 0) return DEAD;
    if (subset.some((state) => state.final && readsOn(state))) return ALL;
    const key = subset
      .map(({ id }) => id)
      .sort((one, other) => one - other)
      .join(' ');
    const known = this.#known.get(key) ?? this.#add(subset, subset.some(isFinal));
    this.#known.set(key, known);
    return known;
  }

  #add(subset: Subset, final: boolean): number {
    this.#subsets.push(subset);
    this.#final.push(final);
    const places = this.#subsets.length * this.#letters.length;
    if (places > this.#next.length) {
      const larger = new Int32Array(places * 2).fill(UNKNOWN);
      larger.set(this.#next);
      this.#next = larger;
    }
    return this.#subsets.length - 1;
  }
}

function after(subset: Subset, letter: string): Subset {
  const states = new Set<TokenSet>();
  for (const { edges } of subset) {
    for (const next of [letter === '' ? undefined : edges[letter], edges[ANY]]) if (next) states.add(next);
  }
  return withoutOutrun([...states]);
}

/**
 * Once all up to one of its asterisks was found, a wildcard need not look for that again: whatever the
 * states before can lead to, the one that reads anything leads to as well. So there are no more
 * subsets than the wildcard has characters.
 */
function withoutOutrun(subset: Subset): Subset {
  const furthest = Math.max(0, ...subset.filter(readsOn).map(({ id }) => id));
  return subset.filter(({ id }) => id >= furthest);
}

/** Whether it reads any letters and is what it was. */
function readsOn(state: TokenSet): boolean {
  return state.edges[ANY] === state;
}

function isFinal({ final }: TokenSet): boolean {
  return final;
}

function longer(path: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(length, path.length * 2));
  larger.set(path);
  return larger;
}
