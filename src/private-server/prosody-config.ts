/** The configuration of a private Prosody, as text. Nothing here touches a file. */
import { join } from 'node:path';

export const ProsodyLogLevel = ['debug', 'info', 'warn', 'error'] as const;
export type ProsodyLogLevel = (typeof ProsodyLogLevel)[number];

export interface PrivateProsodyInit {
  /** Everything it writes is below this folder. */
  readonly dataDir: string;
  /** All on 127.0.0.1. `proxy65` only where there is such a component. */
  readonly ports: { readonly c2s: number; readonly component: number; readonly proxy65?: number };
  readonly domain: string;
  readonly components: readonly { readonly jid: string; readonly secret: string }[];
  readonly accounts: readonly { readonly user: string; readonly password: string }[];
  /** Components and accounts may all create nodes there. */
  readonly pubsub: { readonly jid: string };
  readonly proxy65?: { readonly jid: string };
  /** PEM files; without them nothing is encrypted, which on loopback harms nobody. */
  readonly tls?: { readonly keyFile: string; readonly certificateFile: string };
  /** Of `prosody.log` in the folder. Default `info`. */
  readonly logLevel?: ProsodyLogLevel;
  /** Default `prosody`, wherever the shell would find it. */
  readonly program?: string;
}

/** What clients expect of a server. Nothing that reaches other servers or the web. */
const MODULES = [
  ...['roster', 'saslauth', 'disco', 'ping', 'time', 'version', 'private', 'vcard4', 'pep', 'carbons'],
  ...['blocklist', 'smacks'],
];

export function prosodyConfig(init: PrivateProsodyInit): string {
  const { dataDir, ports, domain, components, accounts, pubsub, proxy65, tls } = init;
  const everyone = [...components.map(({ jid }) => jid), ...accounts.map(({ user }) => `${user}@${domain}`)];
  const lines = [
    '-- Written at every start; changes are lost.',
    'run_as_root = true',
    `data_path = ${lua(join(dataDir, 'data'))}`,
    `certificates = ${lua(join(dataDir, 'certs'))}`,
    'interfaces = { "127.0.0.1" }',
    'local_interfaces = { "127.0.0.1" }',
    'component_interfaces = { "127.0.0.1" }',
    `c2s_ports = { ${ports.c2s} }`,
    `component_ports = { ${ports.component} }`,
    'c2s_direct_tls_ports = {}',
    'http_ports = {}',
    'https_ports = {}',
    `log = { { levels = { min = ${lua(init.logLevel ?? 'info')} }, to = "file", filename = ${lua(join(dataDir, 'prosody.log'))} },`,
    '        { levels = { min = "info" }, to = "stdout" } }', // read by prosody.ts
    `modules_enabled = { ${[...MODULES, ...(tls === undefined ? [] : ['tls'])].map(lua).join(', ')} }`,
    `modules_disabled = { ${['s2s', ...(tls === undefined ? ['tls'] : [])].map(lua).join(', ')} }`,
    tls === undefined ? '' : `ssl = { key = ${lua(tls.keyFile)}, certificate = ${lua(tls.certificateFile)} }`,
    'c2s_require_encryption = false',
    'allow_unencrypted_plain_auth = true',
    'authentication = "internal_plain"',
    'allow_registration = false',
    'storage = "internal"',
    'limits = {}', // everyone is on this machine
    'network_settings = { nagle = false, read_size = 65536 }', // with Nagle each stanza takes 44 ms
    `VirtualHost ${lua(domain)}`,
    `Component ${lua(pubsub.jid)} "pubsub"`,
    `  admins = { ${everyone.map(lua).join(', ')} }`, // only they may create nodes
    '  expose_publisher = true', // tells subscribers who asked
    '  pubsub_max_items = 1000',
    ...(proxy65 === undefined || ports.proxy65 === undefined
      ? []
      : [
          `Component ${lua(proxy65.jid)} "proxy65"`,
          '  proxy65_address = "127.0.0.1"',
          `  proxy65_acl = { ${[domain, ...components.map(({ jid }) => jid)].map(lua).join(', ')} }`,
        ]),
    ...components.flatMap(({ jid, secret }) => [
      `Component ${lua(jid)}`,
      `  component_secret = ${lua(secret)}`,
    ]),
  ];
  if (ports.proxy65 !== undefined) {
    // Before the first host: these belong to the whole server.
    lines.splice(1, 0, `proxy65_ports = { ${ports.proxy65} }`, 'proxy65_interfaces = { "127.0.0.1" }');
  }
  return `${lines.filter((line) => line !== '').join('\n')}\n`;
}

/** Where Prosody's own storage keeps an account, below `data`, and what stands there. */
export function accountFile(domain: string, user: string, password: string): { path: string; text: string } {
  return {
    path: join(storeName(domain), 'accounts', `${storeName(user)}.dat`),
    text: `return {\n\t["password"] = ${lua(password)};\n};\n`,
  };
}

/** Prosody writes all but ASCII letters and digits of a name as %xx, in lower case. */
function storeName(name: string): string {
  return [...Buffer.from(name)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9]/.test(char) ? char : `%${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}

/** A Lua string literal. Bytes beyond ASCII stand for themselves. */
function lua(text: string): string {
  const escaped = text.replace(/[\\"\p{Cc}]/gu, (char) => `\\${String(char.charCodeAt(0)).padStart(3, '0')}`);
  return `"${escaped}"`;
}
