/**
 * Reads configurations from files and checks them, all faults together. The only part of
 * `config` that touches the disk.
 */
import { access, constants, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf } from '../errors.js';
import { parseHashText } from '../stanza/xep0300-hashes.js';
import { EVERY_FILE, shareOf, type WrittenRule } from './access-options.js';
import { ConfigError, describeFault } from './config-error.js';
import type { ExtensionModules } from './extension-module.js';
import { isInside, realFolder, realOf } from './folders.js';
import { limitWarnings } from './limit-order.js';
import { linksOf } from './link-options.js';
import type { Fault, Place, SectionOf } from './option.js';
import {
  type AskerConfig,
  type AskerValues,
  askerOptions,
  type NodeConfig,
  type NodeValues,
  nodeOptions,
  type ShareConfig,
} from './options.js';
import { readTable } from './read-table.js';
import type { WishConfig } from './wish-options.js';
import { checkMode, serverOf, xmppOf } from './xmpp-config.js';
import { parseYaml, type YamlSource } from './yaml-source.js';

export interface Loaded<T> {
  readonly config: T;
  /** What the owner should know, though it works. */
  readonly warnings: readonly string[];
}

const MAX_FILE_BYTES = 1_048_576;
const MAX_SECRET_BYTES = 4096;

/**
 * Reads the configuration of a node. Throws {@link ConfigError} naming every fault. With `modules` the extensions are
 * loaded too, to see that they can be: whoever only looks at a configuration does not want their code to run.
 */
export async function loadNodeConfig(file: string, modules?: ExtensionModules): Promise<Loaded<NodeConfig>> {
  const source = parseYaml(await readText(file), file);
  const place = placeOf(dirname(resolve(file)));
  const values = readTable(nodeOptions, source.value, place);
  if (!isMapping(source.value)) throwFaults(place, (path) => where(file, source, path));
  const warnings: string[] = [];
  checkMode(values, sectionAsWritten(source.value), place);
  const mode = values['xmpp.mode'];
  const [inline, inFile] =
    mode === 'client'
      ? (['xmpp.password', 'xmpp.passwordFile'] as const)
      : (['xmpp.secret', 'xmpp.secretFile'] as const);
  // Which of them is needed only a mode that is right can tell.
  const secret = mode === undefined ? '' : await readSecret(values, inline, inFile, place, warnings);
  if (values[inline] !== undefined) warnings.push(...(await exposed(file)));
  reportTwice(values.shares ?? [], ({ name }) => name, 'shares', 'name', place);
  reportTwice(
    values.channels ?? [],
    ({ service, node }) => service && node && `${node} at ${service}`,
    'channels',
    'node',
    place,
  );
  await checkFolders(values, place);
  checkAccess(values, place);
  const links = linksOf(values, place);
  for (const name of ['tlsCert', 'tlsKey'] as const) await checkReadable(values, `links.${name}`, place);
  const { 'links.tlsKey': linkKey } = values;
  if (linkKey !== undefined) warnings.push(...(await exposed(linkKey)));
  if (links?.url.protocol === 'http:') warnings.push(plainLinks(links.url));
  reportTwice(values.wishes ?? [], ({ name }) => name, 'wishes', 'name', place);
  checkAnnounced(values, place);
  await checkWishes(values, place);
  if (modules) await checkExtensions(values, place, modules);
  throwFaults(place, (path) => where(file, source, path));
  const complete = values as NodeValues;
  warnings.push(...limitWarnings(section(complete, 'limits')));
  return {
    config: {
      xmpp: xmppOf(section(complete, 'xmpp'), secret),
      shares: complete.shares,
      channels: complete.channels,
      access: complete.access?.map(
        (rule, at): WrittenRule => ({
          ...rule,
          what: rule.what ?? EVERY_FILE,
          line: source.lineOf(['access', at]) ?? 1,
        }),
      ),
      owners: complete.owners,
      ownersMayShare: complete.ownersMayShare,
      about: section(complete, 'about'),
      announce: complete.announce,
      wishes: complete.wishes,
      data: complete.data,
      extensions: complete.extensions,
      log: section(complete, 'log'),
      transfers: section(complete, 'transfers'),
      ...(links && { links }),
      bandwidth: section(complete, 'bandwidth'),
      scan: section(complete, 'scan'),
      limits: section(complete, 'limits'),
    },
    warnings,
  };
}

/** What the command line says; it wins over the file. Paths begin at the working folder. */
export interface AskerOverrides {
  readonly jid?: string;
  readonly passwordFile?: string;
  readonly server?: string;
  readonly tls?: string;
  readonly service?: string;
  readonly channels?: readonly string[];
}

/** Reads the configuration of an asker, from a file or the command line or both. Throws {@link ConfigError}. */
export async function loadAskerConfig(
  file: string | undefined,
  overrides: AskerOverrides = {},
): Promise<Loaded<AskerConfig>> {
  const source = file === undefined ? undefined : parseYaml(await readText(file), file);
  const place = placeOf(file === undefined ? process.cwd() : dirname(resolve(file)));
  const values = readTable(askerOptions, overridden(source?.value ?? {}, overrides), place);
  const warnings: string[] = [];
  const password = await readSecret(values, 'password', 'passwordFile', place, warnings);
  if (file !== undefined && values.password !== undefined) warnings.push(...(await exposed(file)));
  throwFaults(place, (path) => {
    const option = optionName(path[0]);
    return file === undefined || source === undefined || Object.hasOwn(overrides, path[0] ?? '')
      ? option
      : where(file, source, path);
  });
  const complete = values as AskerValues;
  return {
    config: {
      jid: complete.jid,
      password,
      ...serverOf(complete),
      service: complete.service,
      channels: complete.channels,
      strikes: complete.strikes,
    },
    warnings,
  };
}

function overridden(value: unknown, overrides: AskerOverrides): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const merged: Record<string, unknown> = { ...value, ...overrides };
  if (overrides.passwordFile !== undefined) {
    merged.passwordFile = resolve(overrides.passwordFile);
    delete merged.password;
  }
  return merged;
}

function optionName(key: string | number | undefined): string {
  return `--${String(key ?? '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) throw new ConfigError([`${file}: is longer than ${MAX_FILE_BYTES} bytes`]);
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError([`${file}: can't be read: ${messageOf(cause)}`]);
  }
}

function placeOf(folder: string): Place {
  return {
    path: [],
    faults: [],
    resolve: (written) => absolutePath(written, folder),
  };
}

/** Relative paths begin at `folder`, `~/` at the home folder. */
export function absolutePath(written: string, folder: string): string {
  const isAtHome = written === '~' || written.startsWith('~/');
  return resolve(folder, isAtHome ? join(homedir(), written.slice(1)) : written);
}

function sectionAsWritten(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'xmpp' in value ? value.xmpp : undefined;
}

/** Where the whole file is none, all that is missing in it is no news. */
function isMapping(value: unknown): boolean {
  return typeof value === 'object' && !Array.isArray(value);
}

function throwFaults(place: Place, whereIs: (path: Fault['path']) => string): void {
  if (place.faults.length === 0) return;
  throw new ConfigError(place.faults.map((fault) => describeFault(fault, whereIs(fault.path))));
}

function where(file: string, source: YamlSource, path: Fault['path']): string {
  const line = source.lineOf(path);
  return line === undefined ? file : `${file}:${line}`;
}

/** The secret itself, or what its file holds. '' when there is a fault. */
async function readSecret<Inline extends string, InFile extends string>(
  values: Partial<Record<Inline | InFile, unknown>>,
  inlineKey: Inline,
  fileKey: InFile,
  place: Place,
  warnings: string[],
): Promise<string> {
  const inline = values[inlineKey];
  const file = values[fileKey];
  const path = fileKey.split('.');
  const fault = (text: string, value?: unknown) => place.faults.push({ path, value, text });
  if (typeof inline === 'string' && file === undefined) return inline;
  if (typeof file !== 'string' || inline !== undefined) {
    // A value that is there but not allowed has been reported already.
    const reported = place.faults.some((each) =>
      [inlineKey, fileKey].includes(each.path.join('.') as Inline),
    );
    if (reported) return '';
    if (inline === undefined) fault(`is missing; either it or ${inlineKey} must be given`);
    else fault(`must not stand beside ${inlineKey}; one of the two is enough`, file);
    return '';
  }
  try {
    const found = await stat(file);
    if (!found.isFile() || found.size > MAX_SECRET_BYTES) {
      fault(`must be a file of at most ${MAX_SECRET_BYTES} bytes`, file);
      return '';
    }
    const secret = (await readFile(file, 'utf8')).split(/\r?\n/, 1)[0] ?? '';
    if (secret === '') fault('must hold the secret in its first line', file);
    warnings.push(...(await exposed(file)));
    return secret;
  } catch (cause) {
    fault(`can't be read: ${messageOf(cause)}`, file);
    return '';
  }
}

/** Files that are read when the node starts, and again while it runs. */
async function checkReadable(
  values: Partial<NodeValues>,
  key: 'links.tlsCert' | 'links.tlsKey',
  place: Place,
): Promise<void> {
  const file = values[key];
  if (file === undefined) return;
  try {
    await access(file, constants.R_OK);
  } catch (cause) {
    place.faults.push({ path: key.split('.'), value: file, text: `can't be read: ${messageOf(cause)}` });
  }
}

function plainLinks(url: URL): string {
  return `links.url is ${url}: who listens on the way sees links and files; a proxy or tlsCert and tlsKey make it https`;
}

/** A warning when others than the owner may read `file`, if it is there. */
async function exposed(file: string): Promise<string[]> {
  const mode = await stat(file).then(
    (found) => found.mode,
    () => 0,
  );
  return (mode & 0o077) === 0
    ? []
    : [`${file} holds a secret and may be read by others; chmod 600 ${basename(file)} keeps it to you`];
}

function reportTwice<T>(
  items: readonly T[],
  keyOf: (item: Partial<T>) => string | undefined,
  list: string,
  field: string,
  place: Place,
): void {
  const seen = new Set<string>();
  for (const [at, item] of items.entries()) {
    const key = keyOf(item);
    if (key === undefined || key === '') continue;
    if (seen.has(key))
      place.faults.push({ path: [list, at, field], value: key, text: 'stands here a second time' });
    seen.add(key);
  }
}

/** Shares must be folders, and must hold neither what the node remembers nor its secret. */
async function checkFolders(values: Partial<NodeValues>, place: Place): Promise<void> {
  const own = [
    { path: ['data'], folder: values.data },
    { path: ['xmpp', 'secretFile'], folder: values['xmpp.secretFile'] },
    { path: ['xmpp', 'passwordFile'], folder: values['xmpp.passwordFile'] },
    { path: ['links', 'tlsKey'], folder: values['links.tlsKey'] },
  ];
  const shares: readonly Partial<ShareConfig>[] = values.shares ?? [];
  for (const [at, share] of shares.entries()) {
    const path = ['shares', at, 'path'];
    if (share.path === undefined) continue; // it was at fault, and has been reported
    const root = await realFolder(share.path);
    if (root === undefined) {
      place.faults.push({ path, value: share.path, text: 'must be a folder that is there' });
      continue;
    }
    for (const each of own) {
      if (each.folder !== undefined && isInside(await realOf(each.folder), root)) {
        place.faults.push({
          path: each.path,
          value: each.folder,
          text: `must not lie inside the share '${share.name}', which everybody may read`,
        });
      }
    }
  }
}

/** A rule about what is not there would let through what it was written to keep, or the other way round. */
function checkAccess(values: Partial<NodeValues>, place: Place): void {
  // Where one of these was at fault it is not known what is there.
  const isAtFault = (key: string) => place.faults.some(({ path }) => path[0] === key);
  const shares = isAtFault('shares') ? undefined : values.shares;
  const areUnknown = isAtFault('channels') || isAtFault('announce');
  // Whoever listens where files are announced is one who may ask there.
  const channels = areUnknown
    ? undefined
    : values.channels && [...values.channels, ...(values.announce ?? [])];
  if (isAtFault('access')) return;
  for (const [at, { who, what = [] }] of (values.access ?? []).entries()) {
    for (const [each, set] of what.entries()) {
      const share = shareOf(set);
      if (share === undefined || shares === undefined || shares.some(({ name }) => name === share)) continue;
      const path = ['access', at, 'what', each];
      place.faults.push({ path, value: share, text: 'must be the name of one of the shares' });
    }
    for (const [each, asker] of who.entries()) {
      const path = ['access', at, 'who', each];
      if (asker.type === 'group' && values['xmpp.mode'] === 'component') {
        const text = 'is a group of a roster, which only a node with an account has (xmpp.mode: client)';
        place.faults.push({ path, value: asker.name, text });
      }
      if (asker.type !== 'channel' || channels === undefined) continue;
      const { service, nodeId } = asker;
      if (channels.some((channel) => channel.service === service && channel.node === nodeId)) continue;
      const text = 'must be one of the channels that the node is on, or announces files on';
      place.faults.push({ path, value: `${service}/${nodeId}`, text });
    }
  }
}

/** Only what is shared can be announced. */
function checkAnnounced(values: Partial<NodeValues>, place: Place): void {
  const names = new Set((values.shares ?? []).map(({ name }) => name));
  for (const [at, { shares = [] }] of (values.announce ?? []).entries()) {
    for (const [each, share] of shares.entries()) {
      if (names.has(share)) continue;
      const path = ['announce', at, 'shares', each];
      place.faults.push({ path, value: share, text: 'must be the name of one of the shares' });
    }
  }
}

/** Wishes go to shares of ours that we can write. */
async function checkWishes(values: Partial<NodeValues>, place: Place): Promise<void> {
  const wishes: readonly Partial<WishConfig>[] = values.wishes ?? [];
  for (const [at, { share: name, channels, hash }] of wishes.entries()) {
    const fault = (field: string, value: unknown, text: string) =>
      place.faults.push({ path: ['wishes', at, field], value, text });
    if (channels?.length === 0) fault('channels', channels, 'must name one channel at least');
    for (const each of hash ?? []) {
      if (!isHash(each)) fault('hash', each, 'must look like sha-256:BASE64');
    }
    if (name === undefined) continue; // it was at fault, and has been reported
    const share = values.shares?.find((each) => each.name === name);
    if (share === undefined) fault('share', name, 'must be the name of one of the shares');
    else if (share.path !== undefined && (await realFolder(share.path)) && !(await isWritable(share.path))) {
      fault('share', name, 'must be a share whose folder can be written');
    }
  }
}

function isHash(text: string): boolean {
  try {
    return parseHashText(text).algo === 'sha-256';
  } catch {
    return false;
  }
}

async function isWritable(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function checkExtensions(
  values: Partial<NodeValues>,
  place: Place,
  modules: ExtensionModules,
): Promise<void> {
  // Those that were at fault are not in the list.
  const faulty = new Set(
    place.faults.filter(({ path }) => path[0] === 'extensions').map(({ path }) => path[1]),
  );
  let at = -1;
  for (const { module } of values.extensions ?? []) {
    do at += 1;
    while (faulty.has(at));
    try {
      await modules.load(module);
    } catch (cause) {
      place.faults.push({ path: ['extensions', at], value: module, text: messageOf(cause) });
    }
  }
}

function section<S extends string>(values: NodeValues, name: S): SectionOf<NodeValues, S> {
  const prefix = `${name}.`;
  const entries = Object.entries(values).flatMap(([key, value]) =>
    key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
  );
  return Object.fromEntries(entries) as SectionOf<NodeValues, S>;
}
