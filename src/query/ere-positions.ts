/**
 * Runs a program as a non-deterministic automaton: from a set of positions and a symbol to the next
 * set. A position is a node that waits for a character, or for the end of the value with nothing
 * but a match behind it. Sets are bit sets of `words` words: one set of positions has one form.
 *
 * The search is for a match anywhere, so every step also begins anew; and only whether there is
 * one is asked, so a step that reaches the end of the program is the end of the search.
 */
import type { Alphabet } from './ere-alphabet.js';
import { ACCEPT, Op, type Program } from './ere-program.js';
import type { WorkMeter } from './ere-work-meter.js';

const NONE = 0xffff_ffff;

export class Positions {
  readonly words: number;
  /** Where a value begins, and where each further character and each invalid byte leaves one at least. */
  readonly initial: Uint32Array;
  readonly restart: Uint32Array;
  /** The pattern matches the empty text at the beginning of any value: there is nothing to search. */
  readonly matchesAll: boolean;
  /** The pattern is found in the empty value. */
  readonly matchesEmpty: boolean;

  readonly #program: Program;
  /** By node its position, or NONE; and back. */
  readonly #positionOf: Uint32Array;
  readonly #nodeOf: Uint32Array;
  readonly #memberships: readonly Uint8Array[];
  /** By symbol: the positions whose set holds it; made when first needed. */
  readonly #waiting: (Uint32Array | undefined)[];
  /** The positions from which the end of the value is a match. */
  readonly #ending: Uint32Array;
  readonly #stack: Uint32Array;
  /** By node: the number of the walk that was there last. */
  readonly #visited: Uint32Array;
  #walk = 0;

  constructor(program: Program, alphabet: Alphabet, work: WorkMeter) {
    this.#program = program;
    const nodes = program.ops.length;
    // A node is pushed by each that leads to it, and each leads to two at most.
    this.#stack = new Uint32Array(2 * nodes + 1);
    this.#visited = new Uint32Array(nodes);
    this.#positionOf = new Uint32Array(nodes).fill(NONE);
    const endings = nodesThatMatchAtEnd(program);
    const waiting: number[] = [];
    program.ops.forEach((op, node) => {
      if (op === Op.character || (op === Op.end && endings[node] === 1)) {
        this.#positionOf[node] = waiting.push(node) - 1;
      }
    });
    this.#nodeOf = Uint32Array.from(waiting);
    this.words = Math.max(1, Math.ceil(waiting.length / 32));
    this.#memberships = program.sets.map((set) => {
      work.add(set.length + alphabet.size);
      return alphabet.membership(set);
    });
    this.#waiting = new Array<Uint32Array | undefined>(alphabet.size);
    this.#ending = this.#select((node) => program.ops[node] === Op.end);

    this.initial = new Uint32Array(this.words);
    this.restart = new Uint32Array(this.words);
    this.#walk = 1;
    this.matchesAll = this.#enter(program.entry, this.initial, { start: true, end: false });
    this.#walk = 2;
    this.#enter(program.entry, this.restart, { start: false, end: false });
    this.#walk = 3;
    this.matchesEmpty = this.#enter(program.entry, new Uint32Array(this.words), { start: true, end: true });
  }

  /** How much one step can cost, in visits of a node. */
  get mostVisits(): number {
    return this.#program.ops.length;
  }

  /**
   * One character: writes the set after it into `into` and returns true, without having finished
   * that, when it completes a match. `from` is read at `offset` and may not be `into`.
   */
  step(from: Uint32Array, offset: number, symbol: number, into: Uint32Array): boolean {
    const waiting = this.#waiting[symbol] ?? this.#waitingFor(symbol);
    into.set(this.restart);
    this.#walk = this.#walk === NONE ? this.#forgetWalks() : this.#walk + 1;
    for (let word = 0; word < this.words; word += 1) {
      let bits = (from[offset + word] as number) & (waiting[word] as number);
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
        const node = this.#nodeOf[word * 32 + bit] as number;
        if (this.#enter(this.#program.next[node] as number, into, INSIDE)) return true;
      }
    }
    return false;
  }

  /** Is the end of the value, reached with this set, a match? Not for the empty value. */
  matchesAtEnd(set: Uint32Array, offset: number): boolean {
    for (let word = 0; word < this.words; word += 1) {
      if (((set[offset + word] as number) & (this.#ending[word] as number)) !== 0) return true;
    }
    return false;
  }

  /** Adds to `into` all positions that are reached from `node` without a character; true on a match. */
  #enter(node: number, into: Uint32Array, at: Place): boolean {
    const { ops, next, argument } = this.#program;
    const stack = this.#stack;
    let depth = 1;
    stack[0] = node;
    while (depth > 0) {
      depth -= 1;
      const current = stack[depth] as number;
      if (this.#visited[current] === this.#walk) continue;
      this.#visited[current] = this.#walk;
      const position = this.#positionOf[current] as number;
      if (position !== NONE) into[position >> 5] = (into[position >> 5] as number) | (1 << (position & 31));
      switch (ops[current]) {
        case Op.accept:
          return true;
        case Op.branch:
          stack[depth++] = argument[current] as number;
          stack[depth++] = next[current] as number;
          break;
        case Op.start:
          if (at.start) stack[depth++] = next[current] as number;
          break;
        case Op.end:
          if (at.end) stack[depth++] = next[current] as number;
          break;
      }
    }
    return false;
  }

  #waitingFor(symbol: number): Uint32Array {
    const { ops, argument } = this.#program;
    const set = this.#select(
      (node) => ops[node] === Op.character && this.#memberships[argument[node] as number]?.[symbol] === 1,
    );
    this.#waiting[symbol] = set;
    return set;
  }

  #select(wanted: (node: number) => boolean): Uint32Array {
    const set = new Uint32Array(this.words);
    this.#nodeOf.forEach((node, position) => {
      if (wanted(node)) set[position >> 5] = (set[position >> 5] as number) | (1 << (position & 31));
    });
    return set;
  }

  #forgetWalks(): number {
    this.#visited.fill(0);
    return 1;
  }
}

interface Place {
  readonly start: boolean;
  readonly end: boolean;
}
const INSIDE: Place = { start: false, end: false };

/** By node: 1 if at the end of a value that is not empty nothing but a match is ahead. */
function nodesThatMatchAtEnd(program: Program): Uint8Array {
  const matches = new Uint8Array(program.ops.length);
  matches[ACCEPT] = 1;
  // Nodes lead to earlier ones, loops excepted: each pass settles one more level of nested loops.
  for (let changed = true; changed; ) {
    changed = false;
    program.ops.forEach((op, node) => {
      if (matches[node] === 1 || (op !== Op.branch && op !== Op.end)) return;
      const ahead = matches[program.next[node] as number] === 1;
      const other = op === Op.branch && matches[program.argument[node] as number] === 1;
      if (!ahead && !other) return;
      matches[node] = 1;
      changed = true;
    });
  }
  return matches;
}
