/** Opens files on their way (`block-part.ts`): takes the target's name, and what an earlier run left. */
import { basename, dirname } from 'node:path';
import { blockCountOf, blockRange } from '../../blocks/block-size.js';
import { isSameTree } from '../../blocks/block-tree.js';
import type { PartHandle } from '../../fs/part-file.js';
import type { Claim } from '../../fs/process-claim.js';
import {
  formatHead,
  formatRecord,
  type JournalRecord,
  type JournalState,
  MAX_JOURNAL_FILE_BYTES,
  readJournal,
  seedOf,
} from './block-journal.js';
import { BlockPart, type BlockPartComponents } from './block-part.js';
import { DiskError, existsError, guarded } from './disk-error.js';
import { JournalWriter } from './journal-writer.js';
import { OtherSizes } from './other-sizes.js';
import { partPath } from './part-file.js';
import { MAX_JOURNAL_BYTES, parseJournal } from './part-journal.js';
import type { PartInit, PartLayout, PartStore, PartStores } from './part-store.js';
import { RangeSet } from './range-set.js';
import type { WantedFile } from './range-source.js';

export interface BlockPartsInit {
  /** How long verified blocks may wait to be made safe from a power cut. Default 1000. */
  readonly syncMs?: number;
}

const DEFAULT_SYNC_MS = 1000; // a disk of 100 MB/s then has at most that second to catch up with

interface Found extends Pick<JournalState, 'settled' | 'written'> {
  readonly handle: PartHandle;
}

export class BlockParts implements PartStores {
  readonly #components: BlockPartComponents;
  readonly #init: BlockPartsInit;
  readonly #open = new Map<BlockPart, string>();
  readonly #otherSizes: OtherSizes;

  constructor(components: BlockPartComponents, init: BlockPartsInit = {}) {
    this.#components = components;
    this.#init = init;
    this.#otherSizes = new OtherSizes(components.fs);
  }

  kept(target: string, file: WantedFile): Promise<PartLayout | undefined> {
    return guarded(target, async () => {
      const { fs } = this.#components;
      const path = partPath(target);
      const state = (await fs.kindOf(path)) === 'file' ? await this.#journalOf(path) : undefined;
      if (state && isSameFile(state.layout.file, file)) return state.layout;
      return (await this.#otherSizes.kept(target, file))?.layout;
    });
  }

  open(init: PartInit): Promise<PartStore> {
    const { fs } = this.#components;
    const { target, overwrite } = init;
    const path = partPath(target);
    return guarded(target, async () => {
      const kind = await fs.kindOf(target);
      if (kind === 'folder') throw new DiskError('not-writable', `${target} is a folder`);
      if (kind !== 'absent' && overwrite === 'refuse') throw existsError(target);
      if (kind === 'other') throw new DiskError('not-writable', `${target} is not a plain file`);
      const claim = await fs.claim(`${path}.lock`);
      if (claim === undefined) throw new DiskError('in-use', `${target} is being fetched by another process`);
      try {
        return await this.#openClaimed(init, path, claim);
      } catch (error) {
        await claim.release();
        throw error;
      }
    });
  }

  async #openClaimed(init: PartInit, path: string, claim: Claim): Promise<PartStore> {
    const { fs } = this.#components;
    const { file } = init;
    await this.#otherSizes.change(init.target, file);
    const found = await this.#take(init, path);
    const settled = found?.settled ?? new RangeSet();
    const written = found?.written ?? new Map<number, number>();
    let handle = found?.handle;
    let log: PartHandle | undefined;
    try {
      await this.#reserve(init, settled, written);
      const head = formatHead(layoutOf(init), await fs.bootId());
      const seed = seedOf(head);
      const records = recordsOf(settled, written);
      const journalPath = `${path}.blocks`;
      // It says what was there before, so that it does not grow with every run; nothing of it is said to be synced.
      const text = Buffer.concat([head, ...records.map((record) => formatRecord(record, seed))]);
      if (handle) await handle.sync();
      const synced = handle
        ? formatRecord({ type: 'synced', records: records.length }, seed)
        : Buffer.alloc(0);
      await fs.writeText(journalPath, Buffer.concat([text, synced]));
      handle ??= await this.#create(path, file.size);
      log = await fs.reopen(journalPath);
      if (!log) throw new DiskError('changed', `${journalPath} was changed by another program`);
      const journal = new JournalWriter(log, {
        at: text.length + synced.length,
        seed,
        count: records.length + (synced.length > 0 ? 1 : 0),
      });
      const part: BlockPart = new BlockPart(this.#components, {
        init,
        path,
        journalPath,
        claim,
        handle,
        journal,
        settled,
        written,
        syncMs: this.#init.syncMs ?? DEFAULT_SYNC_MS,
        onNamed: () => this.#otherSizes.forget(init.target),
        onClosed: () => this.#open.delete(part),
      });
      this.#open.set(part, dirname(path));
      return part;
    } catch (error) {
      await log?.close();
      await handle?.close();
      throw error;
    }
  }

  /** What an earlier run left of the same blocks; what is in the way is removed, or refused. */
  async #take(init: PartInit, path: string): Promise<Found | undefined> {
    const { fs, log } = this.#components;
    const kind = await fs.kindOf(path);
    const state = await this.#journalOf(path);
    const isOurs = state !== undefined && isSameFile(state.layout.file, init.file);
    const isOld = await this.#isOldPart(path, init.file);
    if (kind !== 'absent' && !isOurs && !isOld && init.overwrite === 'refuse') {
      const whose = state ? 'holds part of another file' : 'was not made by shoal';
      throw new DiskError('exists', `${basename(path)} is in the way and ${whose}`);
    }
    const isSame = isOurs && isSameLayout(state.layout, init);
    if (isSame || (isOurs && init.perhaps !== undefined)) {
      const handle = await fs.reopen(path);
      const { settled, written } = isSame
        ? state
        : { settled: new RangeSet(), written: perhapsWritten(init) };
      if (handle && (await handle.size()) === init.file.size) return { settled, written, handle };
      await handle?.close();
    }
    if (kind === 'folder') throw new DiskError('not-writable', `${path} is a folder`);
    if (kind !== 'absent') log.info({ part: path }, 'part of another file, or of other blocks, removed');
    for (const each of [path, `${path}.blocks`, `${path}.json`]) await fs.remove(each);
    return undefined;
  }

  async #journalOf(path: string): Promise<JournalState | undefined> {
    const { fs } = this.#components;
    const bytes = await fs.readBytes(`${path}.blocks`, MAX_JOURNAL_FILE_BYTES);
    return bytes && readJournal(bytes, await fs.bootId());
  }

  /** Whether it is of this file, made when files came from one source at a time. */
  async #isOldPart(path: string, file: WantedFile): Promise<boolean> {
    const text = await this.#components.fs.readText(`${path}.json`, MAX_JOURNAL_BYTES);
    const asked = text === undefined ? undefined : parseJournal(text)?.file.asked;
    return asked !== undefined && asked.algo === file.hash.algo && asked.value === file.hash.value;
  }

  async #reserve(init: PartInit, settled: RangeSet, written: ReadonlyMap<number, number>): Promise<void> {
    const folder = dirname(init.target);
    let others = 0;
    for (const [part, where] of this.#open) if (where === folder) others += part.missingBytes;
    let there = settled.size * init.blockBytes; // the last block may be shorter: a block at most too much
    for (const bytes of written.values()) there += bytes;
    const missing = Math.max(0, init.file.size - there);
    const free = await this.#components.fs.freeBytes(folder);
    if (missing + others <= free) return;
    const besides = others > 0 ? `, of which ${others} are set aside for other downloads` : '';
    throw new DiskError(
      'no-space',
      `${missing} bytes are missing and the disk has room for ${free}${besides}`,
    );
  }

  async #create(path: string, size: number): Promise<PartHandle> {
    const { fs } = this.#components;
    const handle = await fs.create(path).catch(async (error: unknown) => {
      await fs.remove(`${path}.blocks`); // it must not vouch for what is in the way
      throw error;
    });
    try {
      await handle.truncate(size);
      return handle;
    } catch (error) {
      await handle.close();
      for (const each of [path, `${path}.blocks`]) await fs.remove(each);
      throw error;
    }
  }
}

/** Whole blocks that another layout took for right. */
export function perhapsWritten({ file, blockBytes, perhaps }: PartInit): Map<number, number> {
  const written = new Map<number, number>();
  if (perhaps === undefined) return written;
  for (let block = 0; block < blockCountOf(file.size, blockBytes); block += 1) {
    const { offset, length } = blockRange(file.size, blockBytes, block);
    if (length > 0 && perhaps.missing(offset, offset + length).length === 0) written.set(block, length);
  }
  return written;
}

function recordsOf(settled: RangeSet, written: ReadonlyMap<number, number>): JournalRecord[] {
  const records: JournalRecord[] = [];
  for (const { start, end } of settled) {
    for (let block = start; block < end; block += 1) records.push({ type: 'settled', block });
  }
  for (const [block, bytes] of written) records.push({ type: 'written', block, bytes });
  return records;
}

function layoutOf({ file, blockBytes, tree }: PartInit): PartLayout {
  return { file, blockBytes, ...(tree && { tree }) };
}

function isSameFile(one: WantedFile, other: WantedFile): boolean {
  return one.size === other.size && one.hash.algo === other.hash.algo && one.hash.value === other.hash.value;
}

function isSameLayout(one: PartLayout, other: PartLayout): boolean {
  if (one.blockBytes !== other.blockBytes) return false;
  if (one.tree === undefined || other.tree === undefined) return one.tree === other.tree;
  return isSameTree(one.tree, other.tree);
}
