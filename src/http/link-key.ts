/** The key that links are sealed with: made once, kept in the data folder, so that links outlive restarts. */
import { randomBytes } from 'node:crypto';
import type { DataFolder } from '../catalogue/data-folder.js';
import { ShoalError } from '../errors.js';
import { LINK_KEY_BYTES } from './link-seal.js';

const NAME = 'key';

/** Thrown at start when there is a key that is none. */
export class LinkKeyError extends ShoalError {
  readonly code = 'link-key';
}

/** Reads the key, or makes one. Throws {@link LinkKeyError} and what the folder throws. */
export async function linkKey(folder: DataFolder): Promise<Uint8Array> {
  await folder.make();
  const known = await folder.open(NAME);
  if (known === undefined) return await newKey(folder);
  try {
    const key = Buffer.alloc(LINK_KEY_BYTES);
    const read = await known.read(key, 0);
    if (known.size === LINK_KEY_BYTES && read === LINK_KEY_BYTES) return key;
  } finally {
    await known.close();
  }
  throw new LinkKeyError(
    `${folder.location}/${NAME} is not the key that was written; without it a new one is made, and old links end`,
  );
}

async function newKey(folder: DataFolder): Promise<Uint8Array> {
  const key = randomBytes(LINK_KEY_BYTES);
  const draft = `${NAME}.new`;
  const file = await folder.create(draft);
  try {
    await file.append([key]);
    await file.sync();
  } finally {
    await file.close();
  }
  await folder.rename(draft, NAME);
  return key;
}
