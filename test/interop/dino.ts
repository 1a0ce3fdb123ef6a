/** A Dino of its own for a test, on a screen that nobody sees. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { appendFile, copyFile, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../support/eventually.js';
import { DOMAIN } from '../support/server.js';
import { type Desktop, endGroup } from './desktop.js';

const SYSTEM_CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
/** Dino asks DNS for its server and knows no other port. */
export const DINO_PORT = 5222;

/** Where the paper clip is in the window, in pixels. */
const CLIP = { x: 338, aboveBottom: 37 };

export interface DinoInit {
  readonly home: string;
  readonly account: { readonly user: string; readonly password: string };
  /** PEM, trusted beside those of the system. */
  readonly certificateFile: string;
}

export class Dino {
  readonly jid: string;
  #child: ChildProcess | undefined;
  #printed = '';

  private constructor(
    private readonly desktop: Desktop,
    private readonly init: DinoInit,
  ) {
    this.jid = `${init.account.user}@${DOMAIN}/dino`;
  }

  /** Logged in. Its server has to be at {@link DINO_PORT} of this machine. */
  static async start(desktop: Desktop, init: DinoInit): Promise<Dino> {
    const dino = new Dino(desktop, init);
    try {
      await dino.#start();
    } catch (error) {
      await dino.stop();
      throw error;
    }
    return dino;
  }

  get #data(): string {
    return path.join(this.init.home, '.local/share/dino');
  }

  get #certificates(): string {
    return path.join(this.init.home, 'certificates.crt');
  }

  async #start(): Promise<void> {
    await mkdir(path.join(this.init.home, 'run'), { recursive: true, mode: 0o700 });
    await mkdir(this.#data, { recursive: true });
    await copyFile(SYSTEM_CERTIFICATES, this.#certificates);
    await appendFile(this.#certificates, await readFile(this.init.certificateFile));
    // The first start makes the database, to which the account is added.
    const database = path.join(this.#data, 'dino.db');
    const { user, password } = this.init.account;
    const insert =
      'INSERT INTO account (bare_jid, resourcepart, password, alias, enabled, mam_earliest_synced) ' +
      `VALUES ('${user}@${DOMAIN}', 'dino', '${password}', '', 1, 0);`;
    this.#spawn();
    await this.desktop.window('^Dino$');
    await this.stop();
    await promisify(execFile)('sqlite3', [database, insert]);
    this.#spawn();
    // Its presence is the last thing that it says when it logs in.
    await this.printed(/:presence\b/);
  }

  #spawn(): void {
    const { home } = this.init;
    // A mount namespace of its own, in which the list of authorities has one more.
    const script = `mount --bind "$0" ${SYSTEM_CERTIFICATES} && exec dbus-run-session -- dino-im --print-xmpp=all`;
    const words = ['-m', '--propagation', 'private', 'sh', '-c', script, this.#certificates];
    const child = spawn('unshare', words, {
      cwd: home,
      detached: true, // a group of its own: D-Bus, Dino and what they start end together
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
        HOME: home,
        LANG: 'C.UTF-8',
        XDG_RUNTIME_DIR: path.join(home, 'run'),
        XDG_DATA_HOME: path.join(home, '.local/share'),
        XDG_CONFIG_HOME: path.join(home, '.config'),
        XDG_CACHE_HOME: path.join(home, '.cache'),
        ...this.desktop.env,
      },
    });
    this.#printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        this.#printed += bytes.toString();
      });
    }
    this.#child = child;
  }

  /** Resolves when it has printed this; what goes over its line is printed. */
  async printed(pattern: RegExp, withinMs = 20_000): Promise<void> {
    await eventually(
      () => ({
        has: pattern.test(this.#printed),
        code: this.#child?.exitCode,
        end: this.#printed.slice(-1500),
      }),
      ({ has, code }) => has || (code !== null && code !== undefined),
      withinMs,
    );
  }

  /** Where it keeps what it receives. */
  get received(): string {
    return path.join(this.#data, 'files');
  }

  /** Attaches a file in the conversation that is shown, and sends it. */
  async send(file: string): Promise<void> {
    const window = await this.desktop.window('^Dino$');
    const { height } = await this.desktop.sizeOf(window);
    await this.desktop.click(window, CLIP.x, height - CLIP.aboveBottom);
    const dialog = '^Select file$';
    await this.desktop.window(dialog);
    await this.desktop.press('ctrl+l'); // the field for a path
    await this.desktop.type(file);
    await this.desktop.press('Return');
    await this.desktop.gone(dialog);
    // "Send" has the focus once it is there; in the conversation itself the key does nothing.
    const sent = new RegExp(`action='session-initiate' \\S+initiator='${this.jid}'`);
    await eventually(async () => {
      await this.desktop.window('^Dino$');
      await this.desktop.press('Return');
      return await this.printed(sent, 1000).then(
        () => true,
        () => false,
      );
    }, Boolean);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child) await endGroup(child);
  }
}
