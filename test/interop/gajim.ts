/** A Gajim of its own for a test, on a screen that nobody sees, that takes what it is offered: `gajim-receiver.py`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../support/codec-fixtures.js';
import { eventually } from '../support/eventually.js';
import { freePorts } from '../support/free-ports.js';
import { DOMAIN, type TestServer } from '../support/server.js';
import { type Desktop, endGroup } from './desktop.js';

const ROOT = projectRoot(path.dirname(fileURLToPath(import.meta.url)));
const RECEIVER = path.join(ROOT, 'test/interop/gajim-receiver.py');
const WINDOWS = path.join(ROOT, 'test/interop/gajim-windows.py');
const START_MS = 30_000;

export interface GajimInit {
  readonly home: string;
  readonly account: { readonly user: string; readonly password: string };
  /** Where it puts what it is offered. */
  readonly folder: string;
  /** The node whose windows it goes through; see `gajim-windows.py`. */
  readonly windowsOf?: string;
}

export class Gajim {
  readonly jid: string;
  readonly #child: ChildProcess;
  #printed = '';

  private constructor(child: ChildProcess, jid: string) {
    this.#child = child;
    this.jid = jid;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        this.#printed += bytes.toString();
      });
    }
  }

  /** Logged in. */
  static async start(desktop: Desktop, server: TestServer, init: GajimInit): Promise<Gajim> {
    const { home, account, folder, windowsOf } = init;
    await mkdir(path.join(home, 'run'), { recursive: true, mode: 0o700 });
    await mkdir(folder, { recursive: true });
    const bare = `${account.user}@${DOMAIN}`;
    const [listen] = await freePorts(1);
    const words = [home, bare, account.password, server.host, server.c2sPort, folder, listen].map(String);
    const program = windowsOf === undefined ? [RECEIVER, ...words] : [WINDOWS, ...words, windowsOf];
    const child = spawn('dbus-run-session', ['--', '/usr/bin/python3', ...program], {
      cwd: home,
      detached: true, // a group of its own: D-Bus, Gajim and what they start end together
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
        HOME: home,
        LANG: 'C.UTF-8',
        PYTHONDONTWRITEBYTECODE: '1', // one of the programs imports the other, which lies in our tree
        XDG_RUNTIME_DIR: path.join(home, 'run'),
        PYTHONUNBUFFERED: '1',
        ...desktop.env,
      },
    });
    const gajim = new Gajim(child, `${bare}/gajim`);
    try {
      await gajim.printed(/^ready$/m, START_MS);
    } catch (error) {
      await gajim.stop();
      throw error;
    }
    return gajim;
  }

  /** Resolves when it has printed this. */
  async printed(pattern: RegExp, withinMs?: number): Promise<void> {
    const { isOver } = await eventually(
      () => ({
        has: pattern.test(this.#printed),
        isOver: this.#child.exitCode !== null,
        end: this.#printed.slice(-1500),
      }),
      ({ has, isOver }) => has || isOver,
      withinMs,
    );
    if (isOver) throw new Error(`Gajim ended: ${this.#printed.slice(-1500)}`);
  }

  /** What it has printed after this word, up to the end of the line. */
  said(word: string): string | undefined {
    return new RegExp(`^${word} (.*)$`, 'm').exec(this.#printed)?.[1];
  }

  /** Waits for a page, and then lets it go on. */
  async page(name: string, look: () => Promise<void> = async () => undefined): Promise<void> {
    await this.printed(new RegExp(`^shown ${name}$`, 'm'));
    await look();
    this.#child.stdin?.write('\n');
  }

  async stop(): Promise<void> {
    await endGroup(this.#child);
  }
}
