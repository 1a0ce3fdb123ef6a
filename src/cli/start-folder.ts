/**
 * The folder in which `shoal start` keeps everything: what it has chosen once (ports, secrets,
 * shares, channels), the configurations made from that, and the sample library.
 *
 *     shoal-data/chosen.json    what was chosen
 *     shoal-data/node.yaml      the node's configuration, written at every start
 *     shoal-data/asker.yaml     the one that `find` and `get` use
 *     shoal-data/secret, password
 *     shoal-data/node.log       the node's log
 *     shoal-data/node/          what the node remembers of the files
 *     shoal-data/prosody/       the server's data
 *     shoal-data/library/       the sample library
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { ConfigError } from '../config/config-error.js';
import { messageOf } from '../errors.js';
import { type BareJid, parseBareJid } from '../stanza/jid.js';
import { freePorts } from './free-ports.js';
import { exists } from './local-files.js';
import { sampleFiles } from './sample-library.js';

export const DOMAIN = 'localhost';
export const NODE_JID: BareJid = parseBareJid(`files.${DOMAIN}`);
export const PUBSUB_JID: BareJid = parseBareJid(`pubsub.${DOMAIN}`);
export const ASKER_USER = 'asker';

export interface NamedFolder {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

/** What is chosen at the first start, and kept. */
export interface Chosen {
  readonly ports: { readonly c2s: number; readonly component: number };
  readonly secret: string;
  readonly password: string;
  readonly shares: readonly NamedFolder[];
  readonly channels: readonly string[];
}

export interface Wishes {
  /** None: those of the last start, or the sample library. */
  readonly shares: readonly NamedFolder[];
  /** None: those of the last start, or {@link DEFAULT_CHANNEL}. */
  readonly channels: readonly string[];
}

const DEFAULT_CHANNEL = 'library';
const OWNER_ONLY = 0o600;

export class StartFolder {
  readonly path: string;
  #madeLibrary = false;

  constructor(path: string) {
    this.path = path;
  }

  /** True when `prepare` wrote the sample library just now: a node does not offer it before it has been quiet. */
  get madeLibrary(): boolean {
    return this.#madeLibrary;
  }

  at(name: 'node.yaml' | 'asker.yaml' | 'node.log' | 'prosody' | 'library'): string {
    return join(this.path, name);
  }

  /**
   * Makes or completes the folder. Ports are those of the last start, unless they are not to be kept,
   * since somebody else has taken one meanwhile. Throws ConfigError when what is there can't be read.
   */
  async prepare(wishes: Wishes, keep: { readonly ports: boolean }): Promise<Chosen> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    const before = await this.#read();
    const chosen: Chosen = {
      ports: keep.ports ? (before?.ports ?? (await newPorts())) : await newPorts(),
      secret: before?.secret ?? randomSecret(),
      password: before?.password ?? randomSecret(),
      shares: await this.#shares(wishes, before),
      channels: wishes.channels.length > 0 ? wishes.channels : (before?.channels ?? [DEFAULT_CHANNEL]),
    };
    await this.#write('chosen.json', `${JSON.stringify(chosen, undefined, 2)}\n`);
    await this.#write('secret', `${chosen.secret}\n`);
    await this.#write('password', `${chosen.password}\n`);
    await this.#write('node.yaml', nodeYaml(chosen));
    await this.#write('asker.yaml', askerYaml(chosen));
    return chosen;
  }

  async #read(): Promise<Chosen | undefined> {
    const file = join(this.path, 'chosen.json');
    try {
      // Written by this program only, and whole.
      return JSON.parse(await readFile(file, 'utf8')) as Chosen;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new ConfigError([
        `${file}: can't be read: ${messageOf(cause)}; without it everything is chosen anew`,
      ]);
    }
  }

  async #shares(wishes: Wishes, before: Chosen | undefined): Promise<readonly NamedFolder[]> {
    if (wishes.shares.length > 0) return wishes.shares;
    if (before !== undefined) return before.shares;
    const library = this.at('library');
    if (!(await exists(library))) {
      await writeSamples(library);
      this.#madeLibrary = true;
    }
    return [{ name: 'library', path: library }];
  }

  /** A reader never sees half a file. */
  async #write(name: string, text: string): Promise<void> {
    const file = join(this.path, name);
    await writeFile(`${file}.new`, text, { mode: OWNER_ONLY });
    await rename(`${file}.new`, file);
  }
}

async function newPorts(): Promise<Chosen['ports']> {
  const [c2s = 0, component = 0] = await freePorts(2);
  return { c2s, component };
}

function randomSecret(): string {
  return randomBytes(24).toString('base64url');
}

/** All or nothing: an interrupted first start leaves no half library behind. */
async function writeSamples(library: string): Promise<void> {
  const draft = `${library}.new`;
  for (const { path, content } of sampleFiles()) {
    const file = join(draft, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  await rename(draft, library);
}

const WRITTEN = '# Written by `npm start` at every start: changes made here are lost.\n';

function nodeYaml(chosen: Chosen): string {
  const config = {
    xmpp: {
      mode: 'component',
      host: '127.0.0.1',
      port: chosen.ports.component,
      jid: NODE_JID,
      secretFile: './secret',
    },
    shares: chosen.shares,
    channels: chosen.channels.map((node) => ({ service: PUBSUB_JID, node, create: true })),
    data: './node',
    // Everybody who can reach the private server is on this machine.
    transfers: { listenHost: '127.0.0.1', externalHosts: ['127.0.0.1'] },
  };
  return `${WRITTEN}${stringify(config)}`;
}

function askerYaml(chosen: Chosen): string {
  const config = {
    jid: `${ASKER_USER}@${DOMAIN}`,
    passwordFile: './password',
    server: `127.0.0.1:${chosen.ports.c2s}`,
    tls: 'off',
    service: PUBSUB_JID,
    channels: chosen.channels,
  };
  return `${WRITTEN}${stringify(config)}`;
}
