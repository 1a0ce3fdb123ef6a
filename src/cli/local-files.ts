/** What commands ask of the files of the person who runs them. */
import { stat } from 'node:fs/promises';
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
