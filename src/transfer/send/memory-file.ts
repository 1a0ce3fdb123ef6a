/** What was made for a peer, to be read like a file that is open. */
import type { MadeFile } from '../../catalogue/made-file.js';
import type { OpenFile } from './range-reader.js';

export class MemoryFile implements OpenFile {
  readonly size: number;
  readonly mtimeMs: number;
  readonly #content: Buffer;

  constructor({ content, mtimeMs }: MadeFile) {
    this.#content = content;
    this.size = content.length;
    this.mtimeMs = mtimeMs;
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const bytes = this.#content.subarray(position, position + buffer.length);
    buffer.set(bytes);
    return bytes.length;
  }

  isUnwritten(): boolean {
    return true;
  }

  async unchanged(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {}
}
