/**
 * Sees askers who walk through everything there is: '1', '2', '3', single letters, a dictionary from A to Z, sizes from
 * small to large. Such a question counts for more and more others, so that the walk becomes slow; whoever searches for
 * something is not touched.
 */
import type { Clock } from '../clock.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import type { Refusals } from './refusals.js';

export interface EnumerationComponents {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Is told of steps that were made to count for more. */
  readonly refusals: Pick<Refusals, 'count'>;
}

/** What somebody asked last, and how much it looks like a walk. */
interface Walk {
  term: Term;
  score: number;
  atMs: number;
  direction: number;
  /** Steps in that direction without a break. */
  run: number;
}

interface Term {
  readonly text: string;
  /** Letters and digits of it. */
  readonly core: string;
  /** With a `#` for each number. */
  readonly template: string;
  /** The last of them. */
  readonly number: number | undefined;
}

const MAX_ASKERS = 10_000; // some 4 MB
const MAX_TERM_CHARS = 200;
/** So many steps cost nothing: people look for track 1, 2, 3. */
const FREE_STEPS = 8;
/** Two steps more double the cost. */
const STEPS_TO_DOUBLE = 2;
const MAX_COST = 30;
const MAX_SCORE = 24;
/** What does not look like a step takes back a part of one, and so does time. */
const OTHER_QUESTION = 0.5;
const FORGIVEN_A_MINUTE = 4;
const MINUTE_MS = 60_000;
/** In alphabetical order by chance: once in four hundred million. */
const LONG_RUN = 12;
/** With more letters beside its number somebody knows what to look for: `track 01`, `IMG_0001`. */
const SHORT_TEMPLATE = 2;
const LONGEST_WORD = 14;

export class Enumeration {
  readonly #components: EnumerationComponents;
  readonly #walks = new Map<string, Walk>();

  constructor(components: EnumerationComponents) {
    this.#components = components;
  }

  /** For how many questions this one counts beside itself. */
  extraCost(asker: string, criteria: FileCriteria): number {
    const term = termOf(criteria);
    if (term === undefined) return 0;
    const walk = this.#walkOf(asker, term);
    const nowMs = this.#components.clock.monotonic();
    walk.score = Math.max(0, walk.score - ((nowMs - walk.atMs) * FORGIVEN_A_MINUTE) / MINUTE_MS);
    walk.atMs = nowMs;
    if (walk.term.text !== term.text) this.#step(walk, term); // else it is the next page
    const cost = costOf(walk.score);
    if (cost > 0) this.#components.refusals.count('enumeration', asker);
    return cost;
  }

  #step(walk: Walk, term: Term): void {
    const direction = directionOf(walk.term, term);
    walk.run = direction === walk.direction ? walk.run + 1 : 1;
    walk.direction = direction;
    const isStep = isNeighbour(walk.term, term) || isShort(walk.term, term) || isRun(walk, term);
    walk.score = isStep ? Math.min(MAX_SCORE, walk.score + 1) : Math.max(0, walk.score - OTHER_QUESTION);
    walk.term = term;
  }

  /** Moves to the young end. */
  #walkOf(asker: string, term: Term): Walk {
    const atMs = this.#components.clock.monotonic();
    const walk = this.#walks.get(asker) ?? { term, score: 0, atMs, direction: 0, run: 0 };
    this.#walks.delete(asker);
    this.#walks.set(asker, walk);
    for (const oldest of this.#walks.keys()) {
      if (this.#walks.size <= MAX_ASKERS) break;
      this.#walks.delete(oldest);
    }
    return walk;
  }
}

function costOf(score: number): number {
  const beyond = score - FREE_STEPS;
  return beyond <= 0 ? 0 : Math.min(MAX_COST, Math.floor(2 ** (beyond / STEPS_TO_DOUBLE)));
}

/** What is walked through; undefined of questions for a hash, which nobody can guess, and of those for everything. */
function termOf(criteria: FileCriteria): Term | undefined {
  const { text = [], name = [], path = [], desc = [], ext = [], hash = [] } = criteria;
  if (hash.length > 0) return undefined;
  const words = [...text, ...ext];
  const tests = [...name, ...path, ...desc].map((each) =>
    each.type === 'regex' ? each.pattern : each.value,
  );
  const windows = [criteria.sizeMin, criteria.dateFromMs, ...(criteria.size ?? [])].flatMap(
    (each) => each ?? [],
  );
  // The number of a window alone: its words would make it a question for something.
  const parts = words.length + tests.length > 0 ? [...words, ...tests] : windows.map(String);
  if (parts.length === 0) return undefined;
  const asked = parts.join('\n').slice(0, MAX_TERM_CHARS).toLowerCase();
  const numbers = asked.match(/\p{N}+/gu) ?? [];
  const last = numbers.at(-1);
  return {
    text: asked,
    core: asked.replace(/[^\p{L}\p{N}]/gu, ''),
    template: asked.replace(/\p{N}+/gu, '#'),
    number: last === undefined ? undefined : Number(last),
  };
}

/** One number on, or back, with hardly anything beside it. */
function isNeighbour(before: Term, term: Term): boolean {
  if (before.number === undefined || term.number === undefined || before.template !== term.template)
    return false;
  const apart = Math.abs(term.number - before.number);
  return apart >= 1 && apart <= 2 && isBroad(term);
}

function isBroad({ template }: Term): boolean {
  return template.replace(/[^\p{L}]/gu, '').length <= SHORT_TEMPLATE;
}

/** A letter or two, and not those of somebody who is still typing. In other scripts one sign may be a word. */
function isShort(before: Term, { core }: Term): boolean {
  const signs = [...core].length;
  if (signs === 0 || signs > (/^[a-z0-9]*$/.test(core) ? 2 : 1)) return false;
  return !core.startsWith(before.core) && !before.core.startsWith(core);
}

/** One word after another as in a dictionary, or one number after another. Names with dots and blanks are somebody's list. */
function isRun({ run, direction }: Walk, term: Term): boolean {
  if (run < LONG_RUN || direction === 0) return false;
  const isWord = term.core.length <= LONGEST_WORD && /^[\p{L}\p{N}*^$]+$/u.test(term.text);
  return isWord && (term.number === undefined || isBroad(term));
}

function directionOf(before: Term, term: Term): number {
  if (before.template === term.template && before.number !== undefined && term.number !== undefined) {
    return Math.sign(term.number - before.number);
  }
  return term.text > before.text ? 1 : -1;
}
