/** What the table of files keeps of a name beside its bytes. */
import { FileFlag } from './file-columns.js';

/** `name` as text, and how many bytes it has. */
export function flagsOf(name: string, bytes: number): number {
  const isWellFormed = name.isWellFormed();
  // Whatever is not ASCII takes more bytes than UTF-16 units, but for bytes that are no UTF-8.
  if (bytes === name.length && isWellFormed) return 0;
  const isOdd = !isWellFormed || name.normalize('NFC') !== name;
  return FileFlag.wide | (isOdd ? FileFlag.odd : 0);
}

/** FNV-1a over the bytes, begun with the folder. */
export function hashOfName(folder: number, name: Uint8Array): number {
  let hash = Math.imul(0x811c9dc5 ^ folder, 0x01000193);
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ (name[at] as number), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
