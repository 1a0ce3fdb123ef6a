/** Gives a file that has come its name in the share: one that is free, and that the disk can have. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { PartFileSystem } from '../fs/part-file.js';
import { FetchError } from '../transfer/fetch/fetch-request.js';
import { numberedName } from '../transfer/fetch/numbered-name.js';
import { safeFileName } from '../transfer/fetch/safe-file-name.js';
import type { Candidate } from './candidates.js';

const MAX_NUMBER = 1000;
/** What file systems say that do not take a name which others take, such as `?` on exFAT. */
const NAME_ERRORS: readonly unknown[] = ['EINVAL', 'ENAMETOOLONG', 'EILSEQ'];
const READ_BYTES = 1_048_576;

/** The name that it got. Rejects with Node's own errors, and FetchError when too many have this name. */
export async function place(
  disk: Pick<PartFileSystem, 'kindOf' | 'rename'>,
  from: string,
  folder: string,
  candidate: Pick<Candidate, 'name' | 'sha256'>,
): Promise<string> {
  const name = safeFileName(candidate.name);
  try {
    return await placeAs(disk, from, folder, name);
  } catch (error) {
    if (!NAME_ERRORS.includes((error as { code?: unknown }).code)) throw error;
    const extension = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? '';
    const hex = Buffer.from(candidate.sha256, 'base64').toString('hex');
    return placeAs(disk, from, folder, `${hex}${extension}`);
  }
}

async function placeAs(
  disk: Pick<PartFileSystem, 'kindOf' | 'rename'>,
  from: string,
  folder: string,
  name: string,
): Promise<string> {
  for (let number = 1; number <= MAX_NUMBER; number += 1) {
    const free = numberedName(name, number);
    const to = join(folder, free);
    if ((await disk.kindOf(to)) !== 'absent') continue;
    try {
      await disk.rename(from, to, 'refuse');
      return free;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'EEXIST') throw error; // somebody was quicker
    }
  }
  throw new FetchError('exists', `${name} and ${MAX_NUMBER} others of this name are in the share`);
}

/** Whether all of the file is there, and right. False where it can't be read. */
export async function isWhole(
  disk: Pick<PartFileSystem, 'reopen'>,
  path: string,
  { sha256, size }: Pick<Candidate, 'sha256' | 'size'>,
  signal: AbortSignal,
): Promise<boolean> {
  const file = await disk.reopen(path).catch(() => undefined);
  if (file === undefined) return false;
  try {
    if ((await file.size()) !== size) return false;
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (let at = 0; at < size; ) {
      const count = await file.read(buffer, at);
      if (count === 0 || signal.aborted) return false;
      hash.update(buffer.subarray(0, count));
      at += count;
    }
    return hash.digest('base64') === sha256;
  } catch {
    return false;
  } finally {
    await file.close();
  }
}
