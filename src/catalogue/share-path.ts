/**
 * Paths inside a share. File names on disk are bytes; here they are strings that lose nothing:
 * a byte that is not part of valid UTF-8 is held as the lone surrogate U+DC80 + (byte - 0x80),
 * as Python's `surrogateescape` does. `toBytes` gives the file system its name back.
 */
import { Buffer } from 'node:buffer';
import { ParseError } from '../errors.js';

declare const relative: unique symbol;
/** `folder/name`: at least one part, no part empty, `.` or `..`, no NUL, no leading slash. */
export type ShareRelativePath = string & { readonly [relative]: true };

declare const full: unique symbol;
/** `share/folder/name`: names one file of the node; the key of the catalogue and of the index. */
export type FullPath = string & { readonly [full]: true };

const MAX_PATH_BYTES = 4096; // Linux PATH_MAX

/** Checks a path from outside. Throws {@link ParseError}; never touches the file system. */
export function parseShareRelativePath(text: string, field = 'path'): ShareRelativePath {
  const parts = text.split('/');
  const wrong = parts.some((part) => part === '' || part === '.' || part === '..') || text.includes('\0');
  if (wrong || Buffer.byteLength(text) > MAX_PATH_BYTES || !isCanonical(text)) {
    throw new ParseError(`'${field}' is not a path inside a share`, { field });
  }
  return text as ShareRelativePath;
}

export function fullPath(share: string, path: ShareRelativePath): FullPath {
  return `${share}/${path}` as FullPath;
}

/** The path of what has `path` in `folder`; '' is the folder itself. */
export function join(folder: string, path: string): string {
  if (path === '') return folder;
  return folder === '' || folder.endsWith('/') ? folder + path : `${folder}/${path}`;
}

/** Whether `path` is somewhere below `folder`; both absolute, or both relative to the same place ('' is above all). */
export function isBelow(folder: string, path: string): boolean {
  if (folder === '') return path !== '';
  return path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** The path of the folder that holds `path`; '' at the top. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The extension of a name in lower case, without the dot: '' when there is none. A leading dot starts no extension. */
export function extensionOf(path: string): string {
  const name = baseName(path);
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? '' : name.slice(dot + 1).toLowerCase();
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A name as the file system gave it. */
export function fromBytes(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return escapeInvalid(bytes);
  }
}

/** The bytes of a path, for the file system and for keys on disk. */
export function toBytes(path: string): Buffer {
  if (path.isWellFormed()) return Buffer.from(path);
  const pieces: Buffer[] = [];
  for (const piece of path.split(/([\uDC80-\uDCFF])/u)) {
    const unit = piece.charCodeAt(0);
    const escaped = piece.length === 1 && unit >= 0xdc80 && unit <= 0xdcff;
    pieces.push(escaped ? Buffer.from([unit - 0xdc00]) : Buffer.from(piece));
  }
  return Buffer.concat(pieces);
}

/** A path as people and XML may see it: no lone surrogate. Different files may look the same. */
export function toDisplay(path: string): string {
  return path.toWellFormed();
}

/** Whether the text is how we write the bytes it stands for: no file has two spellings. */
function isCanonical(text: string): boolean {
  return text.isWellFormed() || fromBytes(toBytes(text)) === text;
}

function escapeInvalid(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = validLength(bytes, at);
    if (length === 0) {
      text += String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
      at += 1;
    } else {
      text += decoder.decode(bytes.subarray(at, at + length));
      at += length;
    }
  }
  return text;
}

/** Length of the valid UTF-8 sequence at `at`, or 0. */
function validLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  const length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (length <= 1) return length;
  try {
    const text = decoder.decode(bytes.subarray(at, at + length));
    return text.length <= 2 && [...text].length === 1 ? length : 0;
  } catch {
    return 0;
  }
}
