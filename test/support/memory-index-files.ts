/** Index files in memory: what is saved is bytes, and another object when it is loaded. */
import { Buffer } from 'node:buffer';
import { Tombstones } from '../../src/index/packed-segment.js';
import { decodeSegment, encodeSegment } from '../../src/index/segment-codec.js';
import type { IndexFiles, SavedIndex } from '../../src/query/index-files.js';

interface SavedBytes {
  readonly number: number;
  readonly segments: readonly {
    readonly bytes: Buffer;
    readonly dead: Uint32Array;
    readonly count: number;
  }[];
}

export class MemoryIndexFiles implements IndexFiles {
  #saved: SavedBytes | undefined;
  saves = 0;
  /** What the next call fails with. */
  failure: Error | undefined;

  async load(number: number): Promise<SavedIndex | undefined> {
    this.#failNow();
    if (this.#saved !== undefined && this.#saved.number > number) this.#saved = undefined;
    if (this.#saved === undefined) return undefined;
    return {
      number: this.#saved.number,
      segments: this.#saved.segments.map(({ bytes, dead, count }) => ({
        segment: decodeSegment(bytes),
        tombstones: new Tombstones(dead.slice(), count),
      })),
    };
  }

  async save({ number, segments }: SavedIndex): Promise<void> {
    this.#failNow();
    this.saves += 1;
    this.#saved = {
      number,
      segments: segments.map(({ segment, tombstones }) => ({
        bytes: Buffer.concat(encodeSegment(segment)),
        dead: tombstones.bits.slice(),
        count: tombstones.count,
      })),
    };
  }

  #failNow(): void {
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure;
  }
}
