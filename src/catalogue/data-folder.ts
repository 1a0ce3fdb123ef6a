/**
 * A folder of files of our own, as the stores see it (`fs/real-data-folder.ts` is the real one). Failures are
 * Node's own errors, with their `code`.
 */

/** All in order; positions and sizes in bytes. */
export interface DataReader {
  /** When it was opened. */
  readonly size: number;
  /**
   * Fills `buffer` from `position`; how many bytes there were, fewer than fit only at the end. What has been
   * appended since it was opened can be read.
   */
  read(buffer: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

export interface DataWriter {
  /** Writes all of these, one after another, at the end. */
  append(pieces: readonly Uint8Array[]): Promise<void>;
  /** Resolves when the content would survive a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface DataFolder {
  /** Its path, for messages. */
  readonly location: string;
  /** Makes it, and those above, where it is missing. */
  make(): Promise<void>;
  list(): Promise<string[]>;
  /** Keeps other processes off; undefined when one has claimed the name already. */
  claim(name: string): Promise<{ release(): Promise<void> } | undefined>;
  /** Undefined when there is no such file. */
  open(name: string): Promise<DataReader | undefined>;
  /** A new file, in place of one of that name. */
  create(name: string): Promise<DataWriter>;
  /** Goes on with a file of which so many bytes are kept; there may be none yet. */
  continue(name: string, bytes: number): Promise<DataWriter>;
  /** In place of one of that name. Resolves when it would survive a power cut. */
  rename(from: string, to: string): Promise<void>;
  /** No error when there is nothing. */
  remove(name: string): Promise<void>;
}
