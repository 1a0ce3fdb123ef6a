/**
 * Keeps two processes of one machine from working on the same thing. Each makes a file whose
 * name nobody else uses and says which process made it, *then* looks for others' files: of two
 * that come at once at least one sees the other. Since no name is used twice, a file left
 * behind by a killed process can be removed without ever removing a living one's.
 *
 * It does not see processes of other machines or containers that share the folder.
 */
import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf } from './os-error.js';

/** What is claimed is ours until `release`. */
export interface Claim {
  release(): Promise<void>;
}

/**
 * Claims `path`, which need not exist; the files made are called `PATH-PID-START-RANDOM`.
 * Undefined when a living process has claimed it. Fails with Node's errors of making a file.
 */
export async function claim(path: string): Promise<Claim | undefined> {
  const prefix = `${basename(path)}-`;
  const folder = dirname(path);
  const own = `${prefix}${process.pid}-${(await startOf(process.pid)) ?? 0}-${randomBytes(6).toString('hex')}`;
  await (await open(join(folder, own), 'wx')).close();
  try {
    for (const name of await readdir(folder)) {
      const owner = name !== own && name.startsWith(prefix) ? ownerOf(name.slice(prefix.length)) : undefined;
      if (owner === undefined) continue;
      if (await isAlive(owner)) {
        await removeIfThere(join(folder, own));
        return undefined;
      }
      await removeIfThere(join(folder, name));
    }
  } catch (error) {
    await removeIfThere(join(folder, own));
    throw error;
  }
  return { release: () => removeIfThere(join(folder, own)) };
}

interface Owner {
  readonly pid: number;
  /** When the process began, in clock ticks since the machine did; 0 where that can't be known. */
  readonly start: number;
}

function ownerOf(text: string): Owner | undefined {
  const match = /^(\d{1,10})-(\d{1,16})-[0-9a-f]{12}$/.exec(text);
  return match ? { pid: Number(match[1]), start: Number(match[2]) } : undefined;
}

/** A process number is given again after a while, so the start has to agree too. */
async function isAlive(owner: Owner): Promise<boolean> {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') return false; // EPERM: alive, and somebody else's
  }
  const start = await startOf(owner.pid);
  return start === undefined || owner.start === 0 || start === owner.start;
}

/** Field 22 of /proc/PID/stat (proc(5)); undefined where there is no such file. */
async function startOf(pid: number): Promise<number | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // begins with field 3
    return Number(afterName[19]);
  } catch {
    return undefined;
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
