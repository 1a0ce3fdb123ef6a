/**
 * Files of downloads in memory, with what an operating system keeps from a killed process and what a disk keeps
 * from a power cut: of writes that were not synced some, none or halves, and of new names perhaps neither.
 */
import { dirname } from 'node:path';
import type { FileKind, PartFileSystem, PartHandle } from '../../src/fs/part-file.js';
import type { Claim } from '../../src/fs/process-claim.js';

/** What every call fails with once the process is dead. */
export class Killed extends Error {}

interface File {
  bytes: Buffer;
  /** On the disk for certain. */
  durable: Buffer;
  /** Since then, in order. */
  writes: ((bytes: Buffer) => Buffer)[];
  modifiedMs?: number;
}

export function diskError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

export class MemoryPartFiles implements PartFileSystem {
  readonly #files = new Map<string, File>();
  /** Names on the disk for certain. */
  #names = new Map<string, File>();
  readonly #claims = new Set<string>();
  #boot = 1;
  #isDead = false;
  #left = Number.POSITIVE_INFINITY;
  freeSpace = Number.POSITIVE_INFINITY;
  /** Called before each step on a file; may throw what the disk would. */
  fault: (step: 'create' | 'write' | 'sync' | 'rename' | 'text', path: string) => void = () => undefined;

  get names(): string[] {
    return [...this.#files.keys()].sort();
  }

  contentOf(path: string): Buffer | undefined {
    return this.#files.get(path)?.bytes;
  }

  modifiedOf(path: string): number | undefined {
    return this.#files.get(path)?.modifiedMs;
  }

  put(path: string, bytes: Buffer): void {
    const file: File = { bytes, durable: bytes, writes: [] };
    this.#files.set(path, file);
    this.#names.set(path, file);
  }

  /** The process is killed in the middle of the step that comes after so many. */
  killAfter(steps: number): void {
    this.#left = steps;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Another process of the same machine. */
  restart(): void {
    this.#isDead = false;
    this.#left = Number.POSITIVE_INFINITY;
    this.#claims.clear();
  }

  /** The same after a power cut; `chance` is asked from 0 to 1. */
  restartWithoutPower(chance: () => number): void {
    const names = new Map(this.#names);
    for (const [path, file] of this.#files) if (!names.has(path) && chance() < 0.5) names.set(path, file);
    for (const path of names.keys()) if (!this.#files.has(path) && chance() < 0.5) names.delete(path);
    this.#files.clear();
    for (const [path, file] of names) {
      let bytes = file.durable;
      for (const write of file.writes) if (chance() < 0.5) bytes = write(bytes);
      this.#files.set(path, { ...file, bytes, durable: bytes, writes: [] });
    }
    this.#names = new Map(this.#files);
    this.#boot += 1;
    this.restart();
  }

  async kindOf(path: string): Promise<FileKind> {
    this.#alive();
    return this.#files.has(path) ? 'file' : 'absent';
  }

  async create(path: string): Promise<PartHandle> {
    this.#step('create', path);
    if (this.#files.has(path)) throw diskError('EEXIST');
    const file: File = { bytes: Buffer.alloc(0), durable: Buffer.alloc(0), writes: [] };
    this.#files.set(path, file);
    return this.#handle(file, path);
  }

  async reopen(path: string): Promise<PartHandle | undefined> {
    this.#alive();
    const file = this.#files.get(path);
    return file && this.#handle(file, path);
  }

  async readBytes(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    this.#alive();
    const bytes = this.#files.get(path)?.bytes;
    return bytes && bytes.length <= maxBytes ? Buffer.from(bytes) : undefined;
  }

  async readText(path: string, maxBytes: number): Promise<string | undefined> {
    const bytes = await this.readBytes(path, maxBytes);
    return bytes && Buffer.from(bytes).toString('utf8');
  }

  async writeText(path: string, text: string | Uint8Array): Promise<void> {
    this.#step('text', path);
    this.put(path, Buffer.from(text));
    this.#syncFolder(dirname(path));
  }

  async remove(path: string): Promise<void> {
    this.#step('rename', path);
    this.#files.delete(path);
  }

  async rename(from: string, to: string, overwrite: 'refuse' | 'replace'): Promise<void> {
    this.#step('rename', from);
    const file = this.#files.get(from);
    if (!file) throw diskError('ENOENT');
    if (overwrite === 'refuse' && this.#files.has(to)) throw diskError('EEXIST');
    this.#files.set(to, file);
    this.#files.delete(from);
    this.#syncFolder(dirname(to));
  }

  async claim(path: string): Promise<Claim | undefined> {
    this.#alive();
    if (this.#claims.has(path)) return undefined;
    this.#claims.add(path);
    return {
      release: async () => {
        this.#claims.delete(path);
      },
    };
  }

  async freeBytes(): Promise<number> {
    this.#alive();
    return this.freeSpace;
  }

  async bootId(): Promise<string> {
    return `boot ${this.#boot}`;
  }

  #handle(file: File, path: string): PartHandle {
    const change = (write: (bytes: Buffer) => Buffer) => {
      file.bytes = write(file.bytes);
      file.writes.push(write);
    };
    return {
      read: async (buffer, position) => {
        this.#alive();
        return file.bytes.copy(buffer, 0, position, position + buffer.byteLength);
      },
      write: async (bytes, position) => {
        const own = Buffer.from(bytes);
        // Halves: a write need not be all there after it was interrupted.
        const half = own.length >>> 1;
        this.#step('write', path, () => change(put(own.subarray(0, half), position)));
        change(put(own.subarray(0, half), position));
        change(put(own.subarray(half), position + half));
      },
      size: async () => file.bytes.length,
      isAt: async (name) => this.#files.get(name) === file,
      truncate: async (size) => {
        this.#step('write', path);
        change((bytes) =>
          Buffer.concat([bytes.subarray(0, size), Buffer.alloc(Math.max(0, size - bytes.length))]),
        );
      },
      setModified: async (modifiedMs) => {
        file.modifiedMs = modifiedMs;
      },
      sync: async () => {
        this.#alive();
        const { bytes, writes } = file;
        await new Promise((resolve) => setImmediate(resolve)); // what is written meanwhile is not part of it
        this.#step('sync', path);
        file.durable = bytes;
        file.writes = file.writes.slice(writes.length);
      },
      close: async () => undefined,
    };
  }

  #syncFolder(folder: string): void {
    for (const path of this.#names.keys()) {
      if (dirname(path) === folder && !this.#files.has(path)) this.#names.delete(path);
    }
    for (const [path, file] of this.#files) if (dirname(path) === folder) this.#names.set(path, file);
  }

  #step(type: Parameters<MemoryPartFiles['fault']>[0], path: string, half?: () => void): void {
    this.#alive();
    this.fault(type, path);
    if (this.#left === 0) {
      this.#isDead = true;
      half?.();
      throw new Killed('killed');
    }
    this.#left -= 1;
  }

  #alive(): void {
    if (this.#isDead) throw new Killed('the process is dead');
  }
}

function put(own: Buffer, position: number): (bytes: Buffer) => Buffer {
  return (bytes) => {
    const end = Math.max(bytes.length, position + own.length);
    const next = Buffer.alloc(end);
    bytes.copy(next);
    own.copy(next, position);
    return next;
  };
}
