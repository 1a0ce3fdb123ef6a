/** Whose the `.part` beside a target is: what it has of which file, as its journal says. */
import type { PartFileSystem } from '../../fs/part-file.js';
import type { Hash } from '../../stanza/xep0300-hashes.js';
import { MAX_JOURNAL_FILE_BYTES, readJournal } from './block-journal.js';
import { guarded } from './disk-error.js';
import { partPath } from './part-file.js';
import { MAX_JOURNAL_BYTES, parseJournal } from './part-journal.js';

/** Of our own: without `hash` it was asked for by its name. `foreign`: it was not made by us, and is in the way. */
export type PartOwner = 'none' | 'foreign' | { readonly hash?: Hash };

/** Throws `DiskError`. */
export function partOwner(fs: PartFileSystem, target: string): Promise<PartOwner> {
  return guarded(target, () => ownerOf(fs, target));
}

async function ownerOf(fs: PartFileSystem, target: string): Promise<PartOwner> {
  const path = partPath(target);
  if ((await fs.kindOf(path)) === 'absent') return 'none';
  const blocks = await fs.readBytes(`${path}.blocks`, MAX_JOURNAL_FILE_BYTES);
  const state = blocks && readJournal(blocks, await fs.bootId());
  if (state) return { hash: state.layout.file.hash };
  const text = await fs.readText(`${path}.json`, MAX_JOURNAL_BYTES);
  const journal = text === undefined ? undefined : parseJournal(text);
  if (journal === undefined) return 'foreign';
  const { asked } = journal.file;
  return asked === undefined ? {} : { hash: asked };
}

/** Whether a fetch of this file can take the target's name, as far as its `.part` goes. */
export function mayTake(owner: PartOwner, hash: Hash | undefined): boolean {
  if (owner === 'none') return true;
  return owner !== 'foreign' && owner.hash?.algo === hash?.algo && owner.hash?.value === hash?.value;
}
