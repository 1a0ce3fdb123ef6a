/**
 * What a link says, sealed: nobody reads it on its way through proxies and histories, and nobody but us makes or changes
 * one. The same link always has the same text. Its HMAC is the tag and the start of the cipher's counter, as in
 * RFC 5297 with an HMAC for its CMAC.
 */
import { createCipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import type { Asker } from '../access/access-policy.js';
import { type FullPath, fromBytes, toBytes } from '../catalogue/share-path.js';
import { bareOf, parseBareJid } from '../stanza/jid.js';

/** Whom a link is for, and one version of one file. */
export interface Link {
  /** By its bare address: a link outlives sessions. */
  readonly asker: Asker;
  readonly path: FullPath;
  /** sha-256 of the content, base64. */
  readonly sha256: string;
  /** Seconds since 1970, whole. */
  readonly expiresS: number;
}

export const LINK_KEY_BYTES = 32;

const FORMAT = 1;
const TAG_BYTES = 16;
/** Enough to tell versions of a file apart; nobody can choose them against us, as nobody else seals. */
const HASH_BYTES = 16;
const HEAD_BYTES = 1 + 4 + HASH_BYTES;
/** A path of 4096 bytes, and three addresses and names of an asker of at most 3 KiB each. */
const MAX_TOKEN_CHARS = 18_000;

export class LinkSeal {
  readonly #macKey: Buffer;
  readonly #cipherKey: Buffer;

  constructor(key: Uint8Array) {
    this.#macKey = createHmac('sha256', key).update('mac').digest();
    this.#cipherKey = createHmac('sha256', key).update('cipher').digest();
  }

  seal(link: Link): string {
    const plain = toPlain(link);
    const tag = this.#tagOf(plain);
    return Buffer.concat([tag, this.#crypt(tag, plain)]).toString('base64url');
  }

  /** Undefined for what we have not sealed. Says nothing of whether it has expired. */
  open(token: string): OpenedLink | undefined {
    if (token.length > MAX_TOKEN_CHARS) return undefined;
    const bytes = Buffer.from(token, 'base64url');
    if (bytes.length <= TAG_BYTES + HEAD_BYTES) return undefined;
    if (bytes.toString('base64url') !== token) return undefined; // a link has one spelling
    const tag = bytes.subarray(0, TAG_BYTES);
    const plain = this.#crypt(tag, bytes.subarray(TAG_BYTES));
    return timingSafeEqual(tag, this.#tagOf(plain)) ? fromPlain(plain) : undefined;
  }

  #tagOf(plain: Uint8Array): Buffer {
    return createHmac('sha256', this.#macKey).update(plain).digest().subarray(0, TAG_BYTES);
  }

  /** Both ways. */
  #crypt(tag: Uint8Array, bytes: Uint8Array): Buffer {
    const cipher = createCipheriv('aes-256-ctr', this.#cipherKey, tag);
    return Buffer.concat([cipher.update(bytes), cipher.final()]);
  }
}

export interface OpenedLink extends Omit<Link, 'sha256'> {
  /** Whether it is for the content with this sha-256, base64. */
  isOf(sha256: string): boolean;
}

function toPlain({ asker, path, sha256, expiresS }: Link): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(FORMAT, 0);
  head.writeUInt32BE(expiresS, 1);
  const { jid, through } = asker;
  const asked = [bareOf(jid), ...(through ? [through.service, through.nodeId] : [])].join('\0');
  // Neither addresses nor paths hold a NUL: the path is what is behind the last one.
  return Buffer.concat([head, hashBytes(sha256), Buffer.from(`${asked}\0`), toBytes(path)]);
}

function fromPlain(plain: Buffer): OpenedLink | undefined {
  if (plain.readUInt8(0) !== FORMAT) return undefined; // of another version of this program
  const hash = plain.subarray(5, HEAD_BYTES);
  const rest = plain.subarray(HEAD_BYTES);
  const pathAt = rest.lastIndexOf(0) + 1;
  const [jid = '', service, nodeId] = rest
    .subarray(0, pathAt - 1)
    .toString()
    .split('\0');
  const through =
    service !== undefined && nodeId !== undefined ? { service: parseBareJid(service), nodeId } : undefined;
  return {
    asker: { jid: parseBareJid(jid), ...(through && { through }) },
    path: fromBytes(rest.subarray(pathAt)) as FullPath,
    expiresS: plain.readUInt32BE(1),
    isOf: (sha256) => hashBytes(sha256).equals(hash),
  };
}

function hashBytes(sha256: string): Buffer {
  return Buffer.from(sha256, 'base64').subarray(0, HASH_BYTES);
}
