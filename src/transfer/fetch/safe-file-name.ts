/**
 * A name that a peer gave, made into one that is safe to create in a folder of ours. A file by
 * that name stays in the folder, is not hidden, is no option to a command, can be shown on a
 * terminal and copied to other systems.
 */

const MAX_NAME_BYTES = 255; // NAME_MAX of Linux's file systems
const MAX_EXTENSION_BYTES = 20; // what is longer is no extension worth keeping
const FALLBACK = 'file';

/** Controls, lone surrogates, line and paragraph separators, and what turns the direction of writing around. */
const UNSAFE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\\]/gu;
/** Names that Windows keeps for devices, also with an extension. */
const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)/iu;

/** The last part of `name`, made safe; at most 255 bytes of UTF-8, never empty, `.` or `..`. */
export function safeFileName(name: string): string {
  const last = name.split('/').findLast((part) => part !== '') ?? '';
  const plain = last.toWellFormed().replace(UNSAFE, '_').trim().replace(/^[.-]/, '_'); // hidden, or read as an option
  const whole = withoutEnd(plain, '. '); // Windows drops them
  const free = RESERVED.test(whole) ? `_${whole}` : whole;
  return shorten(/^_*$/.test(free) ? FALLBACK : free);
}

/** `text` without those of `characters` that it ends with. */
function withoutEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/** Cuts the middle out: the beginning and the extension stay. Whole characters only. */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
  const dot = name.lastIndexOf('.');
  const tail = dot > 0 ? name.slice(dot) : '';
  const extension = Buffer.byteLength(tail) <= MAX_EXTENSION_BYTES ? tail : '';
  return cut(name, MAX_NAME_BYTES - Buffer.byteLength(extension)).trimEnd() + extension;
}

/** The longest beginning of `text` that has at most `maxBytes` bytes. */
export function cut(text: string, maxBytes: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    end += character.length;
  }
  return text.slice(0, end);
}
