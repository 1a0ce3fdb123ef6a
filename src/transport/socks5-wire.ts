/**
 * The part of SOCKS5 (RFC 1928) that XEP-0065 §10.2 uses: no authentication, CONNECT, and as
 * domain name the SHA-1 of a bytestream. Bytes to values and back; each reader answers undefined
 * while bytes are missing and throws {@link ParseError} as soon as they can't be right.
 */
import { ParseError } from '../errors.js';

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const NO_ACCEPTABLE_METHOD = 0xff;
const ATYP_DOMAIN = 3;
/** Bytes of an address by its type (RFC 1928 §5); a domain name begins with its length. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 1: 4, 4: 16 };

export const SocksCommand = { connect: 1 } as const;

/** RFC 1928 §6. */
export const SocksReply = {
  succeeded: 0,
  notAllowed: 2,
  commandNotSupported: 7,
  addressTypeNotSupported: 8,
} as const;
export type SocksReply = (typeof SocksReply)[keyof typeof SocksReply];

/** A value read, and how many bytes it took. */
export interface Read<T> {
  readonly value: T;
  readonly bytes: number;
}

/** An address as it stands in requests and replies: type, address and port, unread. */
export interface SocksAddress {
  readonly raw: Buffer;
  /** The domain name, where the address is one. */
  readonly domain: string | undefined;
}

export interface SocksRequest {
  readonly command: number;
  readonly address: SocksAddress;
}

/** The client's first bytes: VER, NMETHODS, METHODS. Says whether it can do without authentication. */
export function readGreeting(bytes: Buffer): Read<{ readonly noAuthentication: boolean }> | undefined {
  checkVersion(bytes);
  const count = bytes[1];
  if (count === undefined) return undefined;
  if (count === 0) throw new ParseError('a SOCKS5 greeting without a method');
  const end = 2 + count;
  if (bytes.length < end) return undefined;
  return { value: { noAuthentication: bytes.subarray(2, end).includes(NO_AUTHENTICATION) }, bytes: end };
}

/** The server's choice: VER, METHOD. */
export function readMethod(bytes: Buffer): Read<{ readonly noAuthentication: boolean }> | undefined {
  checkVersion(bytes);
  const method = bytes[1];
  if (method === undefined) return undefined;
  return { value: { noAuthentication: method === NO_AUTHENTICATION }, bytes: 2 };
}

/** VER, CMD, RSV, then the address. */
export function readRequest(bytes: Buffer): Read<SocksRequest> | undefined {
  const read = readMessage(bytes);
  return read && { value: { command: read.value.code, address: read.value.address }, bytes: read.bytes };
}

/** VER, REP, RSV, then the address. Which address is of no interest: implementations put anything. */
export function readReply(bytes: Buffer): Read<{ readonly reply: number }> | undefined {
  const read = readMessage(bytes);
  return read && { value: { reply: read.value.code }, bytes: read.bytes };
}

export function greeting(): Buffer {
  return Buffer.from([VERSION, 1, NO_AUTHENTICATION]);
}

export function methodChoice(choice: 'no-authentication' | 'none'): Buffer {
  return Buffer.from([VERSION, choice === 'none' ? NO_ACCEPTABLE_METHOD : NO_AUTHENTICATION]);
}

/** XEP-0065 §10.2: CMD 1, ATYP 3, the hash, port 0. */
export function connectRequest(dstaddr: string): Buffer {
  return Buffer.concat([Buffer.from([VERSION, SocksCommand.connect, 0]), domainAddress(dstaddr)]);
}

/** XEP-0065 §6.3.2: BND.ADDR and BND.PORT repeat DST.ADDR and DST.PORT. */
export function replyTo(request: SocksRequest, reply: SocksReply): Buffer {
  return Buffer.concat([Buffer.from([VERSION, reply, 0]), request.address.raw]);
}

/** What is missing of a request or reply of which `bytes` are there (RFC 1928 §4, §6). */
export function wantedOfMessage(bytes: Buffer): number {
  const [, , , type, length] = bytes;
  if (length === undefined) return 5 - bytes.length; // every address has at least a byte
  const addressBytes = ADDRESS_BYTES[type ?? ATYP_DOMAIN] ?? 1 + length;
  return 4 + addressBytes + 2 - bytes.length;
}

function domainAddress(name: string): Buffer {
  const bytes = Buffer.from(name, 'latin1');
  return Buffer.concat([Buffer.from([ATYP_DOMAIN, bytes.length]), bytes, Buffer.from([0, 0])]);
}

function readMessage(bytes: Buffer): Read<{ code: number; address: SocksAddress }> | undefined {
  checkVersion(bytes);
  const [, code, , type, length] = bytes;
  if (code === undefined || type === undefined) return undefined;
  const fixed = ADDRESS_BYTES[type];
  if (fixed === undefined && type !== ATYP_DOMAIN) throw new ParseError('unknown SOCKS5 address type');
  if (fixed === undefined && length === undefined) return undefined;
  const addressBytes = fixed ?? 1 + (length ?? 0);
  const end = 4 + addressBytes + 2;
  if (bytes.length < end) return undefined;
  const domain = fixed === undefined ? bytes.toString('latin1', 5, end - 2) : undefined;
  return { value: { code, address: { raw: Buffer.from(bytes.subarray(3, end)), domain } }, bytes: end };
}

function checkVersion(bytes: Buffer): void {
  if (bytes.length > 0 && bytes[0] !== VERSION) throw new ParseError('not SOCKS5');
}
