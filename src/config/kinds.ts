/** The kinds of values that options have. */
import { isIP } from 'node:net';
import { type BareJid, type Jid, parseBareJid, parseJid } from '../stanza/jid.js';
import type { ExtensionConfig } from './extension-module.js';
import { type Kind, optional, type Place, required, type Table, type ValuesOf } from './option.js';
import { readTable } from './read-table.js';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const MAX_PORT = 65_535;

/** A kind without parts. */
export function kind<T>(allowed: string, read: (value: unknown, place: Place) => T | undefined): Kind<T> {
  return { allowed, read };
}

export function whole(min: number, max: number): Kind<number> {
  return kind(`a whole number from ${min} to ${max}`, (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? value
      : undefined,
  );
}

export const port: Kind<number> = whole(1, MAX_PORT);

export const yesOrNo: Kind<boolean> = kind('true or false', (value) =>
  typeof value === 'boolean' ? value : undefined,
);

export function oneOf<const T extends string>(values: readonly T[]): Kind<T> {
  return kind(values.length === 1 ? `'${values[0]}'` : `one of ${values.join(', ')}`, (value) =>
    values.find((each) => each === value),
  );
}

/** Text that is not empty and holds no control character. */
export function text(maxBytes: number): Kind<string> {
  return kind(`text of 1 to ${maxBytes} bytes without control characters`, (value) =>
    isText(value, maxBytes) ? value : undefined,
  );
}

function isText(value: unknown, maxBytes: number): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    Buffer.byteLength(value) <= maxBytes &&
    !/\p{Cc}/u.test(value)
  );
}

export const jid: Kind<Jid> = kind('an XMPP address such as juliet@example.org', (value) =>
  parsed(value, parseJid),
);

export const bareJid: Kind<BareJid> = kind(
  'an XMPP address without a resource, such as pubsub.example.org',
  (value) => parsed(value, parseBareJid),
);

/** An address without local part and resource: what a component has. */
export const domain: Kind<BareJid> = kind('a domain such as files.example.org', (value) => {
  const address = parsed(value, parseBareJid);
  return address?.includes('@') ? undefined : address;
});

function parsed<T>(value: unknown, parse: (text: string) => T): T | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    return parse(value);
  } catch {
    return undefined;
  }
}

/** A host name or an IP address. */
export const host: Kind<string> = kind('a host name or an IP address', (value) =>
  typeof value === 'string' && isHost(value) ? value : undefined,
);

function isHost(written: string): boolean {
  const label = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/;
  return (
    isIP(written) !== 0 || (written.length <= 253 && written.split('.').every((part) => label.test(part)))
  );
}

/** `HOST:PORT`, an IPv6 address in brackets. */
export const hostPort: Kind<HostPort> = kind('HOST:PORT, such as 127.0.0.1:5222 or [::1]:5222', (value) => {
  const match = typeof value === 'string' ? /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(value) : null;
  const name = match?.[1] ?? match?.[2] ?? '';
  const number = Number(match?.[3]);
  return isHost(name) && number >= 1 && number <= MAX_PORT ? { host: name, port: number } : undefined;
});

/** What asks for mapped ports: NAT-PMP by address, UPnP by the URL of the device's description. */
export const gateway: Kind<string> = kind('an IPv4 address, or a URL that begins with http://', (value) =>
  typeof value === 'string' && (isIP(value) === 4 || (/^http:\/\//.test(value) && URL.canParse(value)))
    ? value
    : undefined,
);

/** What other URLs begin with: a slash ends it. */
export const httpUrl: Kind<URL> = kind('a URL such as https://files.example.org/', (value) => {
  if (typeof value !== 'string' || !/^https?:\/\/[^?#@]+$/.test(value) || !URL.canParse(value))
    return undefined;
  return new URL(value.endsWith('/') ? value : `${value}/`);
});

/** A path, made absolute: relative ones begin at the folder of the configuration, `~/` at the home folder. */
export const path: Kind<string> = kind('a path', (value, place) =>
  typeof value === 'string' && value !== '' && !value.includes('\0') ? place.resolve(value) : undefined,
);

/** The path of a module or, with options for it, a mapping with both. */
export const extension: Kind<ExtensionConfig> = {
  allowed: "a path, or a mapping with 'module', a path, and 'config', a mapping",
  reportsParts: true,
  read(value, place) {
    const written = typeof value === 'string' ? { module: value } : mapping.read(value, place);
    if (written === undefined) {
      place.faults.push({ path: place.path, value, text: `must be ${this.allowed}` });
      return undefined;
    }
    const faultsBefore = place.faults.length;
    const { module, config = {} } = readTable(extensionRows, written, place);
    if (module === undefined || place.faults.length > faultsBefore) return undefined;
    return { module, config, folder: place.resolve('.') };
  },
};

const mapping: Kind<Readonly<Record<string, unknown>>> = kind('a mapping', (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined,
);

const extensionRows = {
  module: required(path, { reason: 'The module.' }),
  config: optional(mapping, { reason: 'Its own options.' }),
};

/** The first part of every path in a share, so: no slash, not `.`, not `..`. */
export const shareName: Kind<string> = kind(
  "a name of 1 to 255 bytes without '/' and control characters, not '.' or '..'",
  (value) =>
    isText(value, 255) && !value.includes('/') && value !== '.' && value !== '..' ? value : undefined,
);

export function listOf<T>(item: Kind<T>, maxItems: number): Kind<readonly T[]> {
  return {
    allowed: `a list of at most ${maxItems}, each ${item.allowed}`,
    reportsParts: true,
    ...(item.rows !== undefined && { rows: item.rows }),
    read(value, place) {
      if (!Array.isArray(value) || value.length > maxItems) {
        place.faults.push({ path: place.path, value, text: `must be ${this.allowed}` });
        return undefined;
      }
      return value.flatMap((each: unknown, at) => {
        const inner = { ...place, path: [...place.path, at] };
        const result = item.read(each, inner);
        if (result === undefined && !item.reportsParts) {
          place.faults.push({ path: inner.path, value: each, text: `must be ${item.allowed}` });
        }
        return result === undefined ? [] : [result];
      });
    },
  };
}

/** A mapping with options of its own. Where one is at fault it lacks that one, and the place knows. */
export function tableOf<T extends Table>(rows: T): Kind<ValuesOf<T>> {
  return {
    allowed: `a mapping with ${Object.keys(rows).join(', ')}`,
    reportsParts: true,
    rows,
    read: (value, place) => readTable(rows, value, place) as ValuesOf<T>,
  };
}
