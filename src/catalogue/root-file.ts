/** Which folder each share was, in a small file that is replaced as a whole. */
import { Buffer } from 'node:buffer';
import type { DataFolder } from './data-folder.js';
import { DRAFT, ROOTS } from './store-files.js';

/** Far more than the shares of one configuration take. */
const MAX_BYTES = 1 << 20;

/** Undefined when the file can't be read. */
export async function readRoots(folder: DataFolder): Promise<Map<string, string> | undefined> {
  const reader = await folder.open(ROOTS);
  if (reader === undefined) return new Map();
  try {
    const bytes = Buffer.alloc(Math.min(reader.size, MAX_BYTES));
    await reader.read(bytes, 0);
    const roots: unknown = JSON.parse(bytes.toString());
    if (!Array.isArray(roots)) return undefined;
    return new Map(roots.filter(isRoot));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  } finally {
    await reader.close();
  }
}

export async function writeRoots(folder: DataFolder, roots: ReadonlyMap<string, string>): Promise<void> {
  const draft = `${ROOTS}${DRAFT}`;
  const writer = await folder.create(draft);
  try {
    await writer.append([Buffer.from(JSON.stringify([...roots]))]);
    await writer.sync();
  } finally {
    await writer.close();
  }
  await folder.rename(draft, ROOTS);
}

function isRoot(root: unknown): root is [share: string, identity: string] {
  return Array.isArray(root) && root.length === 2 && root.every((each) => typeof each === 'string');
}
