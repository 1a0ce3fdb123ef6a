/** What commands ask of the files of the person who runs them. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Io } from './terminal.js';

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/** Where programs keep their configuration (XDG Base Directory Specification). */
export function configHome(env: Io['env']): string {
  return env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config');
}

/** Where they keep what they remember. */
export function stateHome(env: Io['env']): string {
  return env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state');
}

/** Makes it and those it is in, where they are not there. Throws Node's errors. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
}

/** The time of last change, milliseconds since 1970; of a file that we made. */
export async function setModified(path: string, ms: number): Promise<void> {
  await utimes(path, ms / 1000, ms / 1000);
}

/** Bytes; undefined when there is no plain file. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const status = await stat(path);
    return status.isFile() ? status.size : undefined;
  } catch {
    return undefined;
  }
}

const PIECE_BYTES = 1_048_576;

/** The sha-256 of a file, base64; `signal` ends it. Throws Node's errors. */
export async function sha256Of(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path);
  try {
    for await (const piece of file.createReadStream({
      highWaterMark: PIECE_BYTES,
      autoClose: false,
      signal,
    })) {
      hash.update(piece as Buffer);
    }
  } finally {
    await file.close();
  }
  return hash.digest('base64');
}

/** The text of a file. Undefined when it is longer. Throws Node's errors. */
export async function readTextFile(path: string, maxBytes: number): Promise<string | undefined> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      length += bytesRead;
      if (bytesRead === 0 || length > maxBytes) break;
    }
    return length > maxBytes ? undefined : buffer.toString('utf8', 0, length);
  } finally {
    await file.close();
  }
}

/** Whether names that differ in case alone are one name in this folder: tried out with a file that goes again. */
export async function foldsCase(folder: string): Promise<boolean> {
  const name = `.shoal-Case-${randomBytes(6).toString('hex')}`;
  await writeFile(join(folder, name), '', { flag: 'wx' });
  try {
    return await exists(join(folder, name.toLowerCase()));
  } finally {
    await rm(join(folder, name), { force: true });
  }
}
