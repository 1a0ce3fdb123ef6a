/** Another name for a file whose own is taken. */
import { cut } from './safe-file-name.js';

const MAX_NAME_BYTES = 255; // NAME_MAX of Linux's file systems
const MAX_EXTENSION_BYTES = 20; // what is longer is no extension worth keeping

/** `song.ogg`, `song (2).ogg`, `song (3).ogg` …; at most 255 bytes of UTF-8. `name` is safe, `number` begins at 1. */
export function numberedName(name: string, number: number): string {
  if (number === 1) return name;
  const dot = name.lastIndexOf('.');
  const isExtension = dot > 0 && Buffer.byteLength(name.slice(dot)) <= MAX_EXTENSION_BYTES;
  const end = ` (${number})${isExtension ? name.slice(dot) : ''}`;
  const base = isExtension ? name.slice(0, dot) : name;
  return `${cut(base, MAX_NAME_BYTES - Buffer.byteLength(end))}${end}`;
}
