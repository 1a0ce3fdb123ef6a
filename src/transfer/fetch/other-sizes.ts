/**
 * Parts of one target and one hash that differ in size: all but one are of files that do not exist, and there is no
 * telling which. Each but the one that is open is kept beside it as `TARGET.SIZE.part`, until one of them is the file.
 */
import { basename } from 'node:path';
import type { PartFileSystem } from '../../fs/part-file.js';
import { type JournalState, MAX_JOURNAL_FILE_BYTES, readJournal } from './block-journal.js';
import { DiskError } from './disk-error.js';
import { partPath } from './part-file.js';
import type { WantedFile } from './range-source.js';

/** Who makes up sizes shall not fill the disk: those of which least was right go first. */
const MAX_KEPT = 3;
/** Targets of which it is known what is beside them. */
const MAX_TARGETS = 1000;

export class OtherSizes {
  readonly #fs: PartFileSystem;
  /** By target: the parts that were set aside, with the bytes of them that are right. */
  readonly #aside = new Map<string, Map<string, number>>();

  constructor(fs: PartFileSystem) {
    this.#fs = fs;
  }

  /** Where the part of this size is while another one is open. */
  static pathOf(target: string, { size }: WantedFile): string {
    return partPath(`${target}.${size}`);
  }

  /** What is kept of this file while `TARGET.part` is of another size. */
  async kept(target: string, file: WantedFile): Promise<JournalState | undefined> {
    const path = OtherSizes.pathOf(target, file);
    if ((await this.#fs.kindOf(path)) !== 'file') return undefined;
    const state = await this.#journalOf(path);
    return state && isSameHash(state.layout.file, file) && state.layout.file.size === file.size
      ? state
      : undefined;
  }

  /** Sets aside what `TARGET.part` has of another size, and brings back what was kept of this one. */
  async change(target: string, file: WantedFile): Promise<void> {
    const path = partPath(target);
    const here = (await this.#fs.kindOf(path)) === 'file' ? await this.#journalOf(path) : undefined;
    if (here !== undefined) {
      const { file: other, blockBytes } = here.layout;
      if (!isSameHash(other, file) || other.size === file.size) return;
      await this.#setAside(target, other, here.settled.size * blockBytes);
    } else if ((await this.#fs.kindOf(path)) !== 'absent') return;
    if ((await this.kept(target, file)) === undefined) return;
    const aside = OtherSizes.pathOf(target, file);
    await this.#move(aside, path);
    this.#aside.get(target)?.delete(aside);
  }

  /** The target has its name: what was kept of other sizes is of no use. */
  async forget(target: string): Promise<void> {
    const paths = [...(this.#aside.get(target)?.keys() ?? [])];
    this.#aside.delete(target);
    for (const path of paths) await this.#remove(path);
  }

  async #setAside(target: string, other: WantedFile, rightBytes: number): Promise<void> {
    const path = partPath(target);
    if (rightBytes === 0) return this.#remove(path);
    const to = OtherSizes.pathOf(target, other);
    if ((await this.#fs.kindOf(to)) !== 'absent' && (await this.kept(target, other)) === undefined)
      throw new DiskError('exists', `${basename(to)} is in the way`);
    await this.#move(path, to);
    const aside = this.#aside.get(target) ?? new Map<string, number>();
    aside.set(to, rightBytes);
    this.#aside.set(target, aside);
    for (const oldest of this.#aside.keys()) {
      if (this.#aside.size <= MAX_TARGETS) break;
      this.#aside.delete(oldest);
    }
    const [[least] = []] = [...aside].sort(([, one], [, more]) => one - more);
    if (aside.size <= MAX_KEPT || least === undefined) return;
    aside.delete(least);
    await this.#remove(least);
  }

  /** The journal is there before the part and goes after it, so that a kill leaves no part without one. */
  async #move(from: string, to: string): Promise<void> {
    const bytes = await this.#fs.readBytes(`${from}.blocks`, MAX_JOURNAL_FILE_BYTES);
    if (bytes === undefined) return;
    await this.#fs.writeText(`${to}.blocks`, bytes);
    await this.#fs.rename(from, to, 'replace');
    await this.#fs.remove(`${from}.blocks`);
  }

  async #remove(path: string): Promise<void> {
    for (const each of [path, `${path}.blocks`]) await this.#fs.remove(each);
  }

  async #journalOf(path: string): Promise<JournalState | undefined> {
    const bytes = await this.#fs.readBytes(`${path}.blocks`, MAX_JOURNAL_FILE_BYTES);
    return bytes && readJournal(bytes, await this.#fs.bootId());
  }
}

function isSameHash({ hash: one }: WantedFile, { hash: other }: WantedFile): boolean {
  return one.algo === other.algo && one.value === other.value;
}
