/** A Libervia of its own for a test: backend and command line, with a home and a D-Bus of their own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { DOMAIN, type TestServer } from '../support/server.js';
import { endProcess } from './desktop.js';

const PYTHON = '/usr/bin/python3'; // another Python in front of it lacks what Debian's packages installed
const PROFILE = 'tester';
const COMMAND_TIMEOUT_MS = 30_000;

export interface LiberviaInit {
  readonly home: string;
  readonly account: { readonly user: string; readonly password: string };
  /** PEM; the only authority that it trusts. */
  readonly certificateFile: string;
}

export class Libervia {
  readonly #env: NodeJS.ProcessEnv;
  readonly #processes: ChildProcess[] = [];
  readonly jid: string;

  private constructor(
    env: NodeJS.ProcessEnv,
    private readonly init: LiberviaInit,
  ) {
    this.#env = env;
    this.jid = `${init.account.user}@${DOMAIN}/libervia`;
  }

  /** At home: some of its files it makes where it was started (0.9 forgets `local_dir`). */
  get #where() {
    return { cwd: this.init.home, env: this.#env };
  }

  /** Logged in, with STARTTLS and the certificate checked. */
  static async start(server: TestServer, init: LiberviaInit): Promise<Libervia> {
    const { home, certificateFile } = init;
    const run = path.join(home, 'run');
    const config = path.join(home, '.config');
    await mkdir(run, { recursive: true, mode: 0o700 });
    await mkdir(path.join(config, 'libervia'), { recursive: true });
    const hosts = JSON.stringify({ [DOMAIN]: { host: server.host, port: server.c2sPort } });
    await writeFile(path.join(config, 'libervia', 'libervia.conf'), `[DEFAULT]\nhosts_dict = ${hosts}\n`);
    const env = {
      PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
      HOME: home,
      LANG: 'C.UTF-8',
      PYTHONUNBUFFERED: '1', // what its command line prints is read while it runs
      XDG_RUNTIME_DIR: run,
      XDG_CONFIG_HOME: config,
      XDG_DATA_HOME: path.join(home, '.local/share'),
      XDG_CACHE_HOME: path.join(home, '.cache'),
      SSL_CERT_FILE: certificateFile,
    };
    const libervia = new Libervia(env, init);
    try {
      await libervia.#start();
    } catch (error) {
      await libervia.stop();
      throw error;
    }
    return libervia;
  }

  async #start(): Promise<void> {
    const address = `unix:path=${path.join(this.init.home, 'run', 'bus')}`;
    await this.#spawn(
      'dbus-daemon',
      ['--session', '--nofork', '--print-address', `--address=${address}`],
      /^unix:/,
    );
    this.#env.DBUS_SESSION_BUS_ADDRESS = address;
    await this.#spawn(PYTHON, ['/usr/bin/libervia-backend', 'foreground'], /Backend is ready/);
    const { password } = this.init.account;
    // Its own password, not -x, is what it logs in with.
    await this.#run('profile', 'create', PROFILE, '-p', password, '-j', this.jid);
    // Otherwise it would ask, in a dialogue, whether a web page may tell it its address.
    await this.#run('param', 'set', 'General', 'allow_get_ip', 'false', '-p', PROFILE, '--pwd', password);
    await this.#run('profile', 'connect', '-c', '-p', PROFILE, '--pwd', password);
  }

  /** Resolves when it prints `ready`. */
  async #spawn(command: string, args: readonly string[], ready: RegExp): Promise<void> {
    const child = spawn(command, args, { ...this.#where, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#processes.push(child);
    const printed: string[] = [];
    child.stderr.on('data', (bytes: Buffer) => printed.push(bytes.toString()));
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) =>
        reject(new Error(`${command} ended with ${code}: ${printed.join('').slice(-2000)}`)),
      );
      createInterface({ input: child.stdout }).on('line', (line) => {
        printed.push(`${line}\n`);
        if (ready.test(line)) resolve();
      });
    });
  }

  async #run(...args: readonly string[]): Promise<string> {
    try {
      const { stdout, stderr } = await promisify(execFile)(PYTHON, ['/usr/bin/libervia-cli', ...args], {
        ...this.#where,
        timeout: COMMAND_TIMEOUT_MS,
      });
      return `${stdout}${stderr}`;
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw new Error(`libervia-cli ${args.join(' ')}: ${stdout}${stderr}`, { cause: error });
    }
  }

  /** Requests a file by its folder and name; resolves when it is at `target`. */
  async request(
    from: string,
    file: { readonly name: string; readonly folder?: string },
    target: string,
  ): Promise<string> {
    const folder = file.folder === undefined ? [] : ['-d', file.folder];
    return await this.#run(
      'file',
      'request',
      '-vv',
      '-p',
      PROFILE,
      '-n',
      file.name,
      ...folder,
      '-D',
      target,
      from,
    );
  }

  /** What it finds in a folder (XEP-0329), or at the top. */
  async list(at: string, folder = ''): Promise<readonly { name: string; type: string; size?: string }[]> {
    const printed = await this.#run(
      'file',
      'share',
      'list',
      '-O',
      'json-raw',
      '-p',
      PROFILE,
      '-d',
      folder,
      at,
    );
    return JSON.parse(printed.slice(printed.indexOf('['), printed.lastIndexOf(']') + 1));
  }

  /** Offers a file; resolves when it was taken. */
  async send(to: string, file: string): Promise<string> {
    return await this.#run('file', 'send', '-vv', '-p', PROFILE, file, to);
  }

  /** Takes the next file that `from`, a bare address, offers, into `folder`. Resolves when it waits for it. */
  async receive(from: string, folder: string): Promise<{ readonly done: Promise<string> }> {
    const args = [
      '/usr/bin/libervia-cli',
      'file',
      'receive',
      '-vv',
      '-f',
      '-p',
      PROFILE,
      '--path',
      folder,
      from,
    ];
    const child = spawn(PYTHON, args, { ...this.#where, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#processes.push(child);
    let printed = '';
    child.stderr.on('data', (bytes: Buffer) => {
      printed += bytes.toString();
    });
    const done = new Promise<string>((resolve, reject) => {
      child.once('exit', (code) =>
        code === 0 ? resolve(printed) : reject(new Error(`${code}: ${printed}`)),
      );
    });
    done.catch(() => undefined); // whoever waits for the file hears of it
    await new Promise<void>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        printed += `${line}\n`;
        if (/waiting for incoming/.test(line)) resolve();
      });
      child.once('exit', () => resolve());
    });
    return { done };
  }

  async stop(): Promise<void> {
    for (const child of this.#processes.splice(0).reverse()) await endProcess(child);
  }
}
