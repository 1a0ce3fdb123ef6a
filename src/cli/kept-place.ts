/** Where an earlier run has put a file, or begun to: nodes call one file by several names, and it is fetched to one. */
import { AbortedError } from '../errors.js';
import { realPartFileSystem } from '../fs/part-file.js';
import { partOwner } from '../transfer/fetch/part-owner.js';
import type { FoundRow } from './found-rows.js';
import { sha256Of, sizeOf } from './local-files.js';

/** The first of `places` that has part of the file, else that has all of it. What can't be looked at has neither. */
export async function placeOf(
  { hashes, size }: FoundRow,
  places: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const place of places) {
    const owner = await partOwner(realPartFileSystem, place).catch(() => 'none' as const);
    const kept = typeof owner === 'string' ? undefined : owner.hash;
    if (kept && hashes.some(({ algo, value }) => algo === kept.algo && value === kept.value)) return place;
  }
  const sha256 = hashes.find(({ algo }) => algo === 'sha-256')?.value;
  if (sha256 === undefined || size === undefined || places.length < 2) return undefined;
  const alike: string[] = [];
  for (const place of places) if ((await sizeOf(place)) === size) alike.push(place);
  // Where it would go anyway it is looked at then, and not twice.
  if (alike.length === 1 && alike[0] === places[0]) return undefined;
  for (const place of alike) {
    const actual = await sha256Of(place, signal).catch(() => undefined);
    if (signal.aborted) throw new AbortedError('interrupted');
    if (actual === sha256) return place;
  }
  return undefined;
}
