/**
 * A data folder in memory that remembers every step, so that it can be had as it was at any moment: after a
 * kill, with the last write half done, or after a power cut, without what was not synced.
 */
import type { DataFolder, DataReader, DataWriter } from '../../src/catalogue/data-folder.js';

export type FolderStep =
  | { readonly type: 'create'; readonly name: string }
  | { readonly type: 'cut'; readonly name: string; readonly bytes: number }
  | { readonly type: 'append'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly type: 'sync'; readonly name: string }
  | { readonly type: 'rename'; readonly from: string; readonly to: string }
  | { readonly type: 'remove'; readonly name: string };

export type Files = ReadonlyMap<string, Uint8Array>;

export class MemoryFolder implements DataFolder {
  readonly location = 'memory';
  readonly #first: Files;
  readonly #files: Map<string, Uint8Array[]>;
  readonly steps: FolderStep[] = [];
  /** Called before a step is made; may throw what the disk would. */
  fault: (step: FolderStep) => void = () => undefined;
  #isClaimed = false;

  constructor(files: Files = new Map()) {
    this.#first = files;
    this.#files = new Map([...files].map(([name, bytes]) => [name, [bytes]]));
  }

  /** After so many steps; of the one after them, when it is an append, `half` of the bytes were written. */
  killedAfter(steps: number, half = 0): Map<string, Uint8Array> {
    const files = new Map(this.#first);
    for (const step of this.steps.slice(0, steps)) make(files, step);
    const last = this.steps[steps];
    if (last?.type === 'append') {
      make(files, { ...last, bytes: last.bytes.subarray(0, Math.floor(last.bytes.length * half)) });
    }
    return files;
  }

  /**
   * The same without power: of what was not synced, `kept` says how much of each file is there (0 to 1). A
   * rename makes the whole folder durable.
   */
  cutAfter(steps: number, kept: () => number): Files {
    const files = this.killedAfter(steps);
    const synced = new Map([...this.#first].map(([name, bytes]) => [name, bytes.length]));
    const durable = new Set(this.#first.keys());
    const lengths = new Map(synced);
    for (const step of this.steps.slice(0, steps)) {
      if (step.type === 'create') {
        lengths.set(step.name, 0);
        synced.set(step.name, 0);
      } else if (step.type === 'cut') {
        lengths.set(step.name, step.bytes);
        synced.set(step.name, Math.min(step.bytes, synced.get(step.name) ?? 0));
      } else if (step.type === 'append') {
        lengths.set(step.name, (lengths.get(step.name) ?? 0) + step.bytes.length);
      } else if (step.type === 'sync') {
        synced.set(step.name, lengths.get(step.name) ?? 0);
      } else if (step.type === 'rename') {
        for (const each of [lengths, synced]) each.set(step.to, each.get(step.from) ?? 0);
        for (const name of lengths.keys()) durable.add(name);
      } else {
        lengths.delete(step.name);
        durable.delete(step.name);
      }
    }
    for (const [name, bytes] of files) {
      const least = synced.get(name) ?? 0;
      if (!durable.has(name) && kept() < 0.3) files.delete(name);
      else files.set(name, bytes.subarray(0, least + Math.floor((bytes.length - least) * kept())));
    }
    return files;
  }

  async make(): Promise<void> {}

  async list(): Promise<string[]> {
    return [...this.#files.keys()];
  }

  async claim(): Promise<{ release(): Promise<void> } | undefined> {
    if (this.#isClaimed) return undefined;
    this.#isClaimed = true;
    return {
      release: async () => {
        this.#isClaimed = false;
      },
    };
  }

  async open(name: string): Promise<DataReader | undefined> {
    const pieces = this.#files.get(name);
    if (pieces === undefined) return undefined;
    const { length } = Buffer.concat(pieces);
    let bytes = Buffer.alloc(0);
    let last: Uint8Array | undefined;
    return {
      size: length,
      async read(buffer, position) {
        if (last === undefined || last !== pieces.at(-1)) bytes = Buffer.concat(pieces);
        last = pieces.at(-1);
        return position < bytes.length ? bytes.copy(buffer, 0, position) : 0;
      },
      async close() {},
    };
  }

  async create(name: string): Promise<DataWriter> {
    await this.#step({ type: 'create', name });
    const pieces: Uint8Array[] = [];
    this.#files.set(name, pieces);
    return this.#writer(name, pieces);
  }

  async continue(name: string, bytes: number): Promise<DataWriter> {
    await this.#step({ type: 'cut', name, bytes });
    const pieces = this.#files.get(name) ?? [];
    const kept = Buffer.concat(pieces).subarray(0, bytes);
    pieces.splice(0, pieces.length, kept);
    this.#files.set(name, pieces);
    return this.#writer(name, pieces);
  }

  #writer(name: string, pieces: Uint8Array[]): DataWriter {
    return {
      append: async (added) => {
        for (const bytes of added) {
          await this.#step({ type: 'append', name, bytes });
          pieces.push(bytes);
        }
      },
      sync: () => this.#step({ type: 'sync', name }),
      async close() {},
    };
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step({ type: 'rename', from, to });
    const pieces = this.#files.get(from);
    if (pieces === undefined) throw new TypeError(`there is no ${from}`);
    this.#files.delete(from);
    this.#files.set(to, pieces);
  }

  async remove(name: string): Promise<void> {
    await this.#step({ type: 'remove', name });
    this.#files.delete(name);
  }

  async #step(step: FolderStep): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve)); // as long as a disk: other work goes on
    this.fault(step);
    this.steps.push(step.type === 'append' ? { ...step, bytes: step.bytes.slice() } : step);
  }
}

function make(files: Map<string, Uint8Array>, step: FolderStep): void {
  switch (step.type) {
    case 'create':
      files.set(step.name, new Uint8Array());
      break;
    case 'cut':
      files.set(step.name, (files.get(step.name) ?? new Uint8Array()).slice(0, step.bytes));
      break;
    case 'append':
      files.set(step.name, Buffer.concat([files.get(step.name) ?? new Uint8Array(), step.bytes]));
      break;
    case 'rename':
      files.set(step.to, files.get(step.from) ?? new Uint8Array());
      files.delete(step.from);
      break;
    case 'remove':
      files.delete(step.name);
      break;
    case 'sync':
  }
}
