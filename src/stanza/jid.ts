/**
 * XMPP addresses (RFC 7622). A `Jid` has been parsed and normalised: local part and domain in
 * lower case, everything in NFC. Compare with `===`.
 */
import { ParseError } from '../errors.js';

declare const bare: unique symbol;
declare const full: unique symbol;
/** `local@domain` or `domain`. */
export type BareJid = string & { readonly [bare]: true };
/** `local@domain/resource` or `domain/resource`. */
export type FullJid = string & { readonly [full]: true };
export type Jid = BareJid | FullJid;

const MAX_PART_BYTES = 1023; // RFC 7622 §3.1
const FORBIDDEN_LOCAL = /["&'/:<>@\s\p{Cc}]/u; // RFC 7622 §3.3.1
const FORBIDDEN_DOMAIN = /[\s\p{Cc}"&'/<>@\\]/u;
const FORBIDDEN_RESOURCE = /[\p{Cc}\p{Cs}]/u;

/** Parses and normalises an address. Throws {@link ParseError}. */
export function parseJid(text: string, field = 'jid'): Jid {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const resource = slash < 0 ? undefined : text.slice(slash + 1).normalize('NFC');
  const at = address.indexOf('@');
  const local = at < 0 ? undefined : address.slice(0, at).normalize('NFC').toLowerCase();
  const domain = address
    .slice(at + 1)
    .normalize('NFC')
    .toLowerCase()
    .replace(/\.$/, '');
  if (
    !validPart(domain, FORBIDDEN_DOMAIN) ||
    (local !== undefined && !validPart(local, FORBIDDEN_LOCAL)) ||
    (resource !== undefined && !validPart(resource, FORBIDDEN_RESOURCE))
  ) {
    throw new ParseError(`'${field}' is not an XMPP address`, { field });
  }
  const bareJid = local === undefined ? domain : `${local}@${domain}`;
  return (resource === undefined ? bareJid : `${bareJid}/${resource}`) as Jid;
}

function validPart(part: string, forbidden: RegExp): boolean {
  return part !== '' && Buffer.byteLength(part) <= MAX_PART_BYTES && !forbidden.test(part);
}

/** Parses an address that must have no resource. Throws {@link ParseError}. */
export function parseBareJid(text: string, field = 'jid'): BareJid {
  const jid = parseJid(text, field);
  if (jid.includes('/')) throw new ParseError(`'${field}' must be an address without a resource`, { field });
  return jid as BareJid;
}

/** The address without its resource. */
export function bareOf(jid: Jid): BareJid {
  const slash = jid.indexOf('/');
  return (slash < 0 ? jid : jid.slice(0, slash)) as BareJid;
}

export function domainOf(jid: Jid): BareJid {
  const bareJid = bareOf(jid);
  return bareJid.slice(bareJid.indexOf('@') + 1) as BareJid;
}

export function isFull(jid: Jid): jid is FullJid {
  return jid.includes('/');
}
