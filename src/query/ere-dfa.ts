/**
 * The lazily built deterministic automaton over bytes. A state is a set of positions together with
 * how much of a character has been read; its row of the table says for each of the 256 bytes where
 * to go, and is filled in as bytes are met.
 *
 * Bounded: when the states or their sets take too much room, all are forgotten and building starts
 * again. When that happens without having paid off, `isThrashing` says so, and the caller steps
 * through positions instead, which costs more a byte but nothing to build.
 */
import type { Alphabet } from './ere-alphabet.js';
import type { Positions } from './ere-positions.js';
import { SetTable } from './ere-set-table.js';
import type { WorkMeter } from './ere-work-meter.js';

/** A row has one entry a byte. States are named by where their row begins, so a step is one addition and one load. */
export const ROW = 256;
/** Entries of the table that are no states. Less than ROW, as the first row is never used. */
const UNKNOWN = 0;
export const MATCH = 1;
export const DEAD = 2;

/** Words of all sets together: 2 MB. */
const MOST_SET_WORDS = 1 << 19;
const FIRST_STATES = 16;
/** With fewer bytes read for each state built, building costs more than it saves. */
const WORTHWHILE_BYTES_A_STATE = 10;

export class LazyDfa {
  /** `table[state + byte]`: the next state, or UNKNOWN, MATCH, DEAD. Replaced as it grows. */
  table: Int32Array;
  isThrashing = false;
  readonly #alphabet: Alphabet;
  readonly #positions: Positions;
  readonly #maxStates: number;
  readonly #asciiBySymbol: readonly (readonly number[])[];
  readonly #sets: SetTable;
  readonly #stateNumbers = new Map<number, number>();
  /** By state number, from 1. */
  readonly #setOf: Uint32Array;
  readonly #pendingOf: Uint32Array;
  readonly #endsInMatch: Uint8Array;
  readonly #scratch: Uint32Array;
  #states = 0;
  #generation = 1;
  #bytesRead = 0;
  #initial = UNKNOWN;

  constructor(alphabet: Alphabet, positions: Positions, maxStates: number) {
    this.#alphabet = alphabet;
    this.#positions = positions;
    this.#maxStates = Math.max(1, maxStates);
    const asciiBySymbol: number[][] = Array.from({ length: alphabet.size }, () => []);
    alphabet.ascii.forEach((symbol, byte) => {
      asciiBySymbol[symbol]?.push(byte);
    });
    this.#asciiBySymbol = asciiBySymbol;
    const mostSets = Math.max(1, Math.min(this.#maxStates, Math.floor(MOST_SET_WORDS / positions.words)));
    this.#sets = new SetTable(positions.words, mostSets);
    this.#setOf = new Uint32Array(this.#maxStates + 1);
    this.#pendingOf = new Uint32Array(this.#maxStates + 1);
    this.#endsInMatch = new Uint8Array(this.#maxStates + 1);
    this.#scratch = new Uint32Array(positions.words);
    this.table = new Int32Array(ROW * (1 + Math.min(FIRST_STATES, this.#maxStates)));
  }

  /** States are good for as long as this is the same. */
  get generation(): number {
    return this.#generation;
  }

  /** The state at the beginning of a value. */
  initial(): number {
    if (this.#initial === UNKNOWN) {
      this.#scratch.set(this.#positions.initial);
      this.#initial = this.#state(0);
    }
    return this.#initial;
  }

  /** Would the end of the value here be a match? Only for states, not MATCH or DEAD. */
  matchesAtEnd(state: number): boolean {
    return this.#endsInMatch[state / ROW] === 1;
  }

  /** Notes that so many bytes were read, to weigh against what was built for them. */
  read(bytes: number): void {
    this.#bytesRead += bytes;
  }

  /** Fills in the entry that was UNKNOWN, and perhaps others with it; the table may be another afterwards. */
  build(state: number, byte: number, work: WorkMeter): number {
    const number = state / ROW;
    const pending = this.#pendingOf[number] as number;
    const decoded = pending === 0 ? this.#alphabet.lead(byte) : this.#alphabet.continuation(pending, byte);
    const generation = this.#generation;
    const fills = this.#filledTogether(pending, decoded, byte);
    const target = this.#target(number, decoded, byte, work);
    if (generation === this.#generation) {
      for (const filled of fills) this.table[state + filled] = target;
    }
    return target;
  }

  #target(number: number, decoded: number, byte: number, work: WorkMeter): number {
    const positions = this.#positions;
    const offset = (this.#setOf[number] as number) * positions.words;
    if (decoded > 0) {
      this.#scratch.set(this.#sets.rows.subarray(offset, offset + positions.words));
      return this.#state(decoded);
    }
    if (decoded < 0) {
      work.add(positions.mostVisits);
      if (positions.step(this.#sets.rows, offset, -1 - decoded, this.#scratch)) return MATCH;
      return this.#state(0);
    }
    this.#scratch.set(positions.restart);
    const restarted = this.#state(0);
    const isLead = this.#pendingOf[number] === 0;
    if (isLead || restarted === DEAD) return restarted;
    // The bytes so far are no character; this one may begin one.
    const known = this.table[restarted + byte] as number;
    return known === UNKNOWN ? this.build(restarted, byte, work) : known;
  }

  /** The bytes that lead to the same place as this one does. */
  #filledTogether(pending: number, decoded: number, byte: number): readonly number[] {
    if (pending === 0 && byte < 0x80) return this.#asciiBySymbol[-1 - decoded] ?? [byte];
    if (pending !== 0 && decoded !== 0 && this.#alphabet.isUniform(pending)) return CONTINUATION_BYTES;
    return [byte];
  }

  /** The state of the set in the scratch and a decoding under way, 0 being none. */
  #state(pending: number): number {
    if (isEmpty(this.#scratch)) return DEAD;
    let set = this.#sets.numberOf(this.#scratch);
    const known = this.#stateNumbers.get(set * PENDING_KEYS + pending);
    if (known !== undefined) return known * ROW;
    if (set < 0 || this.#states === this.#maxStates) {
      this.#forgetAll();
      set = this.#sets.numberOf(this.#scratch);
    }
    this.#states += 1;
    const number = this.#states;
    this.#stateNumbers.set(set * PENDING_KEYS + pending, number);
    this.#setOf[number] = set;
    this.#pendingOf[number] = pending;
    // A value that ends within a character ends with invalid bytes.
    const last = pending === 0 ? this.#scratch : this.#positions.restart;
    this.#endsInMatch[number] = this.#positions.matchesAtEnd(last, 0) ? 1 : 0;
    if ((number + 1) * ROW > this.table.length) this.#growTable();
    return number * ROW;
  }

  #forgetAll(): void {
    this.isThrashing = this.#bytesRead < this.#states * WORTHWHILE_BYTES_A_STATE;
    this.#bytesRead = 0;
    this.#generation += 1;
    this.#states = 0;
    this.#initial = UNKNOWN;
    this.#stateNumbers.clear();
    this.#sets.clear();
    this.table.fill(0);
  }

  #growTable(): void {
    const rows = Math.min(this.table.length / ROW - 1, this.#maxStates) * 2;
    const grown = new Int32Array(ROW * (1 + Math.min(rows, this.#maxStates)));
    grown.set(this.table);
    this.table = grown;
  }
}

function isEmpty(set: Uint32Array): boolean {
  for (const word of set) if (word !== 0) return false;
  return true;
}

const CONTINUATION_BYTES: readonly number[] = Array.from({ length: 0x40 }, (_, low) => 0x80 + low);
/** Above every `Decoded` value. */
const PENDING_KEYS = 1 << 24;
