/** The version of this program, from its package.json. */
import { readFile } from 'node:fs/promises';

const MAX_FOLDERS_UP = 8;

/** Looks in the folders above this module, wherever it was built to. */
export async function readVersion(): Promise<string> {
  for (let up = 1; up <= MAX_FOLDERS_UP; up += 1) {
    const file = new URL(`${'../'.repeat(up)}package.json`, import.meta.url);
    const manifest = await readManifest(file);
    if (manifest?.name === 'shoal') return manifest.version;
  }
  return 'unknown';
}

async function readManifest(file: URL): Promise<{ name: string; version: string } | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as { name: string; version: string };
  } catch {
    return undefined; // none here: it is further up
  }
}
