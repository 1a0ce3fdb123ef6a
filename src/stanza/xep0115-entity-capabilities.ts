/**
 * XEP-0115: Entity Capabilities
 * https://xmpp.org/extensions/xep-0115.html, version 1.6.0 (2022-03-08)
 *
 * A short name for what an entity answers to disco#info, carried in its presence.
 */
import { createHash } from 'node:crypto';
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import type { DiscoInfo } from './xep0030-disco.js';
import { type Element, is, requiredAttribute, xml } from './xml.js';

export const CAPS_FEATURE = NS.caps;

export interface EntityCapabilities {
  /** Of `ver`, as the IANA names it. */
  readonly hash: string;
  /** A URI of the software. */
  readonly nodeId: string;
  readonly ver: string;
}

/** COMPAT: `<c/>` without `hash` is the form of before version 1.4 and says nothing that can be verified; it is refused. */
export const capabilitiesCodec: Codec<EntityCapabilities> = {
  fromXml(element: Element) {
    if (!is(element, 'c', NS.caps)) throw new ParseError('not capabilities', { field: 'c' });
    return {
      hash: requiredAttribute(element, 'hash'),
      nodeId: requiredAttribute(element, 'node'),
      ver: requiredAttribute(element, 'ver'),
    };
  },
  toXml: ({ hash, nodeId, ver }) => xml('c', { xmlns: NS.caps, hash, node: nodeId, ver }),
};

/** The capabilities of who answers `info`. SHA-1, as everybody has to be able to (§9.1); it protects nothing here. */
export function capabilitiesOf(nodeId: string, info: DiscoInfo): EntityCapabilities {
  const ver = createHash('sha1').update(verificationText(info)).digest('base64');
  return { hash: 'sha-1', nodeId, ver };
}

/** The node at which disco#info is asked for what the presence had (§6.2). */
export function capabilitiesNodeId({ nodeId, ver }: EntityCapabilities): string {
  return `${nodeId}#${ver}`;
}

/** §5.1: what is hashed. A `<` in a name, which would let others pass for us, is not ours to write. */
function verificationText({ identities, features, forms }: DiscoInfo): string {
  const names = identities.map(
    ({ category, type, lang, name }) => `${category}/${type}/${lang ?? ''}/${name ?? ''}`,
  );
  const fields = byBytes(forms, ({ formType }) => formType ?? '').flatMap(({ formType, fields }) => [
    formType ?? '',
    ...byBytes(fields, (field) => field.var).flatMap((field) => [
      field.var,
      ...byBytes(field.values, (value) => value),
    ]),
  ]);
  return [...byBytes(names, (name) => name), ...byBytes(features, (each) => each), ...fields]
    .map((part) => `${part}<`)
    .join('');
}

/** i;octet (RFC 4790 §9.3): by the bytes of the UTF-8. */
function byBytes<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...items].sort((one, other) => Buffer.compare(Buffer.from(keyOf(one)), Buffer.from(keyOf(other))));
}
