/**
 * XEP-0092: Software Version
 * https://xmpp.org/extensions/xep-0092.html, version 1.1 (2007-02-15)
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { childText, is, xml } from './xml.js';

export const VersionElement = { name: 'query', ns: NS.version } as const;

/** `os` is left out as §6 allows: it helps nobody but who looks for known faults. */
export interface SoftwareVersion {
  readonly name: string;
  readonly version: string;
  readonly os?: string;
}

export const softwareVersionCodec: Codec<SoftwareVersion> = {
  fromXml(element) {
    if (!is(element, 'query', NS.version)) throw new ParseError('not a version', { field: 'query' });
    const name = childText(element, 'name', NS.version);
    const version = childText(element, 'version', NS.version);
    const os = childText(element, 'os', NS.version);
    if (name === undefined) throw new ParseError('a version needs a <name/>', { field: 'name' });
    if (version === undefined) throw new ParseError('a version needs a <version/>', { field: 'version' });
    return { name, version, ...(os !== undefined && { os }) };
  },
  toXml: ({ name, version, os }) =>
    xml(
      'query',
      { xmlns: NS.version },
      xml('name', {}, name),
      xml('version', {}, version),
      os !== undefined && xml('os', {}, os),
    ),
};
