/** A file with wishes, one a line: what `shoal get --list` is to fetch. */
import { ParseError } from '../errors.js';
import { type Jid, parseJid } from '../stanza/jid.js';
import type { Hash } from '../stanza/xep0300-hashes.js';
import { readHash } from './criteria-arguments.js';

/** What one line wishes for. */
export type Wish =
  | { readonly type: 'hash'; readonly hash: Hash }
  /** A file of one node. */
  | { readonly type: 'path'; readonly from: Jid; readonly path: string }
  /** Everything below a folder of one node; `path` ends with a slash. */
  | { readonly type: 'folder'; readonly from: Jid; readonly path: string };

export interface WishLine {
  /** From 1; missing for what stands on the command line. */
  readonly line?: number;
  readonly text: string;
  /** What is wrong with the line, in words. */
  readonly wish: Wish | { readonly type: 'fault'; readonly message: string };
}

/** Lines without a wish, empty or with a `#` in front, are left out. A wish that stands there twice is one. */
export function parseWishes(text: string): WishLine[] {
  const seen = new Set<string>();
  return text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .flatMap((written, at) => {
      const line = written.trim();
      if (line === '' || line.startsWith('#') || seen.has(line)) return [];
      seen.add(line);
      return [{ line: at + 1, text: line, wish: wishOf(line) }];
    });
}

function wishOf(text: string): WishLine['wish'] {
  const hash = readHash(text);
  if (hash !== undefined) return { type: 'hash', hash };
  const match = /^(\S+)\s+(.*)$/u.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) {
    return { type: 'fault', message: 'neither a hash nor an address and a path' };
  }
  const from = addressOf(match[1]);
  if (from === undefined) return { type: 'fault', message: `'${match[1]}' is no XMPP address` };
  return wishAt(from, match[2]);
}

/** A file or, with a slash at its end, a folder. */
export function wishAt(from: Jid, path: string): WishLine['wish'] {
  const plain = path.replace(/^\/+/, '').normalize('NFC');
  if (!plain.includes('/')) {
    return { type: 'fault', message: `a path begins with the name of a share: '${plain || 'SHARE'}/…'` };
  }
  return { type: plain.endsWith('/') ? 'folder' : 'path', from, path: plain };
}

function addressOf(text: string): Jid | undefined {
  try {
    return parseJid(text);
  } catch (thrown) {
    if (thrown instanceof ParseError) return undefined;
    throw thrown;
  }
}
