/**
 * From the tree to a program for an automaton (Thompson's construction): nodes that wait for a
 * character of a set, that branch, or that ask for an end of the value.
 *
 * The program is built from its end, so that every node knows where it leads when it is made;
 * node 0 accepts. Counted repeats are written out, `parseEre` having bounded what comes of that.
 */
import { closeOverCase } from './ere-case.js';
import { ALL_CHARACTERS, type CodePointSet, charactersOf, otherCharacters, union } from './ere-charset.js';
import type { BracketMember, CharacterNode, EreNode, EreTree } from './ere-tree.js';
import { characterClass, equivalents } from './ere-unicode.js';
import type { WorkMeter } from './ere-work-meter.js';

export const Op = { accept: 0, character: 1, branch: 2, start: 3, end: 4 } as const;
export type Op = (typeof Op)[keyof typeof Op];

export const ACCEPT = 0;

export interface Program {
  readonly entry: number;
  /** By node. */
  readonly ops: Uint8Array;
  /** By node: where it leads. */
  readonly next: Uint32Array;
  /** By node: for a branch, where else; for a character, which of `sets`. */
  readonly argument: Uint32Array;
  readonly sets: readonly CodePointSet[];
}

/** In units of the work meter, generously. */
const WORK_FOR_NODE = 16;
const WORK_FOR_SET = 256;
const WORK_FOR_BOUND = 32;
/** A table of Unicode may have to be made, once: the time is looked at before each. */
const WORK_FOR_TABLE = 16_384;

export function compileProgram(
  tree: EreTree,
  options: { readonly caseSensitive: boolean },
  work: WorkMeter,
): Program {
  const builder = new ProgramBuilder(options.caseSensitive, work);
  const entry = builder.add(tree.root, ACCEPT);
  return builder.program(entry);
}

class ProgramBuilder {
  readonly #ops: Op[] = [Op.accept];
  readonly #next: number[] = [ACCEPT];
  readonly #argument: number[] = [0];
  readonly #sets: CodePointSet[] = [];
  readonly #setNumbers = new Map<string, number>();
  readonly #numberOfNode = new Map<CharacterNode, number>();

  constructor(
    private readonly caseSensitive: boolean,
    private readonly work: WorkMeter,
  ) {}

  program(entry: number): Program {
    return {
      entry,
      ops: Uint8Array.from(this.#ops),
      next: Uint32Array.from(this.#next),
      argument: Uint32Array.from(this.#argument),
      sets: this.#sets,
    };
  }

  /** Adds what matches `node` and then goes on at `next`; returns where that begins. */
  add(node: EreNode, next: number): number {
    switch (node.kind) {
      case 'start':
        return this.#node(Op.start, next, 0);
      case 'end':
        return this.#node(Op.end, next, 0);
      case 'sequence':
        return node.parts.reduceRight((after, part) => this.add(part, after), next);
      case 'alternatives':
        return node.options
          .map((option) => this.add(option, next))
          .reduceRight((other, option) => this.#node(Op.branch, option, other));
      case 'repeat':
        return this.#repeat(node.body, node.min, node.max, next);
      default:
        return this.#node(Op.character, next, this.#setNumber(node));
    }
  }

  #repeat(body: EreNode, min: number, max: number | undefined, next: number): number {
    let at = next;
    let copies = min;
    if (max === undefined) {
      const loop = this.#node(Op.branch, next, next);
      const again = this.add(body, loop);
      this.#next[loop] = again;
      // x{n,} is n - 1 copies and x+, which is entered past its branch.
      at = min === 0 ? loop : again;
      copies = Math.max(min - 1, 0);
    } else {
      // (x(x(x)?)?)?: from each copy out to the same place, so that one branch a copy is enough.
      for (let optional = max - min; optional > 0; optional -= 1) {
        at = this.#node(Op.branch, this.add(body, at), next);
      }
    }
    for (; copies > 0; copies -= 1) at = this.add(body, at);
    return at;
  }

  #node(op: Op, next: number, argument: number): number {
    this.work.add(WORK_FOR_NODE);
    this.#ops.push(op);
    this.#next.push(next);
    return this.#argument.push(argument) - 1;
  }

  #setNumber(node: CharacterNode): number {
    const known = this.#numberOfNode.get(node);
    if (known !== undefined) return known;
    const set = this.#set(node);
    this.work.add(WORK_FOR_SET + WORK_FOR_BOUND * set.length);
    const key = set.join();
    const number = this.#setNumbers.get(key) ?? this.#sets.push(set) - 1;
    this.#setNumbers.set(key, number);
    this.#numberOfNode.set(node, number);
    return number;
  }

  #set(node: CharacterNode): CodePointSet {
    switch (node.kind) {
      case 'any':
        return ALL_CHARACTERS;
      case 'character':
        return this.#cased([node.codePoint, node.codePoint]);
      case 'bracket': {
        const members = this.#cased(union(node.members.map((member) => this.#memberSet(member))));
        return node.negated ? otherCharacters(members) : charactersOf(members);
      }
    }
  }

  #memberSet(member: BracketMember): CodePointSet {
    switch (member.kind) {
      case 'range':
        return [member.from, member.to];
      case 'class':
        this.work.add(WORK_FOR_TABLE);
        return characterClass(member.name);
      case 'equivalents':
        this.work.add(WORK_FOR_TABLE);
        return equivalents(member.of);
    }
  }

  #cased(set: CodePointSet): CodePointSet {
    return this.caseSensitive ? set : closeOverCase(set);
  }
}
