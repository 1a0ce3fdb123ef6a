/** A small file in the data folder that is written anew, in one step, some moments after what it tells has changed. */

import type { Clock, Timer } from '../clock.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { DataFolder } from './data-folder.js';

export interface SavedTextComponents {
  readonly folder: DataFolder;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SavedTextInit {
  /** Of the file. */
  readonly name: string;
  /** Of it no more is read. */
  readonly maxBytes: number;
  /** What is to be written. */
  readonly text: () => string;
}

/** Changes come many at a time; a crash costs those of the last moment. */
const SAVE_AFTER_MS = 2000;

export class SavedText {
  readonly #components: SavedTextComponents;
  readonly #init: SavedTextInit;
  #timer: Timer | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(components: SavedTextComponents, init: SavedTextInit) {
    this.#components = components;
    this.#init = init;
  }

  /** '' when there is none, or it can't be read; the log says so. Never rejects. */
  async read(): Promise<string> {
    const { folder, log } = this.#components;
    const { name, maxBytes } = this.#init;
    try {
      await folder.make();
      const file = await folder.open(name);
      if (!file) return '';
      try {
        const bytes = Buffer.alloc(Math.min(file.size, maxBytes));
        const length = await file.read(bytes, 0);
        return bytes.toString('utf8', 0, length);
      } finally {
        await file.close();
      }
    } catch (error) {
      log.warn({ err: error, name }, `a file of the node's own can't be read: ${messageOf(error)}`);
      return '';
    }
  }

  changed(): void {
    this.#timer ??= this.#components.clock.after(SAVE_AFTER_MS, () => this.#save());
  }

  /** Writes what has changed at once. Resolves when it is done. */
  async written(): Promise<void> {
    if (this.#timer) this.#save();
    await this.#saving;
  }

  /** Resolves when all changes are written. */
  async stop(): Promise<void> {
    await this.written();
  }

  #save(): void {
    const { log } = this.#components;
    const { name, text } = this.#init;
    this.#timer?.cancel();
    this.#timer = undefined;
    const bytes = Buffer.from(text());
    this.#saving = this.#saving
      .then(() => this.#write(bytes))
      .catch((error: unknown) =>
        log.warn({ err: error, name }, `a file of the node's own can't be written: ${messageOf(error)}`),
      );
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { folder } = this.#components;
    const draft = `${this.#init.name}.new`;
    const file = await folder.create(draft);
    try {
      await file.append([bytes]);
      await file.sync();
    } finally {
      await file.close();
    }
    await folder.rename(draft, this.#init.name);
  }
}
