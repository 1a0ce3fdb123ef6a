/**
 * Offered files in memory: a catalogue and what opens its files. A file can be replaced, cut or
 * removed while it is open, as on a disk: who has it open sees the bytes change.
 */
import { createHash } from 'node:crypto';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import { type FileEntry, keyOf } from '../../src/catalogue/file-entry.js';
import type { FullPath, ShareRelativePath } from '../../src/catalogue/share-path.js';
import type { FileOpener } from '../../src/transfer/send/file-server.js';
import type { OpenFile } from '../../src/transfer/send/range-reader.js';

interface Stored {
  bytes: Buffer;
  mtimeMs: number;
}

export class MemoryFiles implements FileOpener {
  readonly catalogue = new Catalogue();
  readonly #stored = new Map<FullPath, Stored>();
  #open = 0;
  /** Called before every read, with how many bytes of the file have been read; may change the files. */
  beforeRead: ((position: number) => void | Promise<void>) | undefined;

  /** Files open now. */
  get openFiles(): number {
    return this.#open;
  }

  /** Offers a file of the share `share`; without `hashed: false` its hash is known. */
  offer(path: string, bytes: Buffer, also: Partial<FileEntry> & { hashed?: boolean } = {}): FileEntry {
    const { hashed = true, ...rest } = also;
    const entry: FileEntry = {
      share: 'share',
      path: path as ShareRelativePath,
      size: bytes.length,
      mtimeMs: 1_700_000_000_000,
      mediaType: 'application/octet-stream',
      ...(hashed && { sha256: sha256(bytes) }),
      ...rest,
    };
    this.catalogue.apply([{ type: 'put', entry }]);
    this.#stored.set(keyOf(entry), { bytes, mtimeMs: entry.mtimeMs });
    return entry;
  }

  /** Writes to the file behind the catalogue's back. */
  write(entry: FileEntry, bytes: Buffer, mtimeMs = entry.mtimeMs + 1000): void {
    const stored = this.#stored.get(keyOf(entry));
    if (stored) Object.assign(stored, { bytes, mtimeMs });
  }

  remove(entry: FileEntry): void {
    this.write(entry, Buffer.alloc(0));
    this.#stored.delete(keyOf(entry));
  }

  async open(entry: FileEntry): Promise<OpenFile> {
    const stored = this.#stored.get(keyOf(entry));
    if (!stored) throw new Error('ENOENT');
    const { mtimeMs, bytes } = stored;
    this.#open += 1;
    let closed = false;
    const isUnwritten = () => stored.mtimeMs === mtimeMs && stored.bytes.length === bytes.length;
    return {
      size: bytes.length,
      mtimeMs,
      read: async (buffer, position) => {
        if (closed) throw new Error('EBADF');
        await this.beforeRead?.(position);
        const part = stored.bytes.subarray(position, position + buffer.length);
        buffer.set(part);
        return part.length;
      },
      isUnwritten,
      unchanged: async () => isUnwritten(),
      close: async () => {
        if (closed) throw new Error('EBADF');
        closed = true;
        this.#open -= 1;
      },
    };
  }
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64');
}
