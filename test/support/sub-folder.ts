/** A part of a data folder as a folder of its own, so that two have one history. */
import type { DataFolder, DataReader, DataWriter } from '../../src/catalogue/data-folder.js';

export class SubFolder implements DataFolder {
  readonly #folder: DataFolder;
  readonly #prefix: string;

  constructor(folder: DataFolder, name: string) {
    this.#folder = folder;
    this.#prefix = `${name}/`;
  }

  get location(): string {
    return this.#prefix;
  }

  make(): Promise<void> {
    return this.#folder.make();
  }

  async list(): Promise<string[]> {
    const names = await this.#folder.list();
    return names
      .filter((name) => name.startsWith(this.#prefix))
      .map((name) => name.slice(this.#prefix.length));
  }

  claim(name: string) {
    return this.#folder.claim(this.#prefix + name);
  }

  open(name: string): Promise<DataReader | undefined> {
    return this.#folder.open(this.#prefix + name);
  }

  create(name: string): Promise<DataWriter> {
    return this.#folder.create(this.#prefix + name);
  }

  continue(name: string, bytes: number): Promise<DataWriter> {
    return this.#folder.continue(this.#prefix + name, bytes);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#folder.rename(this.#prefix + from, this.#prefix + to);
  }

  remove(name: string): Promise<void> {
    return this.#folder.remove(this.#prefix + name);
  }
}
