/** Where folders really are, and which of them lies in which. Reads the disk. */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { ConfigError } from './config-error.js';
import type { NodeConfig } from './options.js';

/** The real path; undefined for what is no folder, or not there. */
export async function realFolder(path: string): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    return (await stat(real)).isDirectory() ? real : undefined;
  } catch {
    return undefined;
  }
}

/** The real path, also of what is not there yet. */
export async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realOf(parent), basename(path));
  }
}

/** A folder is inside itself. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith('../'));
}

/**
 * The real path of a folder that an owner wants to share from afar. Throws ConfigError where it lies nowhere in
 * `ownersMayShare`, and where it has to do with another share, with what the node keeps, or with `configFile`.
 */
export async function sharableFolder(
  written: string,
  { ownersMayShare, shares, data }: Pick<NodeConfig, 'ownersMayShare' | 'shares' | 'data'>,
  configFile: string,
): Promise<string> {
  const folder = isAbsolute(written) && !written.includes('\0') ? await realFolder(written) : undefined;
  const places = await Promise.all(ownersMayShare.map(realOf));
  // What there is elsewhere is not told.
  if (folder === undefined || !places.some((place) => place !== folder && isInside(folder, place))) {
    throw new ConfigError([`'${written}' is no folder in ${ownersMayShare.join(', ')}`]);
  }
  for (const { name, path } of shares) {
    const other = await realOf(path);
    if (isInside(folder, other)) throw new ConfigError([`'${written}' lies in the share '${name}'`]);
    if (isInside(other, folder)) throw new ConfigError([`the share '${name}' lies in '${written}'`]);
  }
  const kept = await realOf(data);
  if (isInside(folder, kept) || isInside(kept, folder) || isInside(await realOf(configFile), folder)) {
    throw new ConfigError([`'${written}' has to do with what the node keeps for itself`]);
  }
  return folder;
}
