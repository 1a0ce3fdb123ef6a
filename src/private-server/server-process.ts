/**
 * A server program as our child: started, waited for, stopped, and never left behind, also when
 * this process is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Clock } from '../clock.js';
import { ShoalError } from '../errors.js';

/** Thrown when a server program is missing, can't start or does not come up. */
export class PrivateServerError extends ShoalError {
  readonly code = 'private-server';
}

export interface ServerProcessInit {
  /** For messages: `Prosody`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Looks at a line of the program's output. `true`: ready now. A string: it can't go on, and why. */
  readonly read: (line: string) => boolean | string;
  readonly startTimeoutMs?: number;
}

const DEFAULT_START_TIMEOUT_MS = 30_000; // ten times what it takes on a busy machine
const STOP_TIMEOUT_MS = 10_000;
const KEPT_LINES = 20; // of its output, for an error's message

export class ServerProcess {
  readonly #clock: Clock;
  readonly #init: ServerProcessInit;
  readonly #lastLines: string[] = [];
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #state: 'starting' | 'running' | 'ending' = 'starting';
  readonly #killAtExit = () => this.#child?.kill('SIGKILL');

  constructor({ clock }: { readonly clock: Clock }, init: ServerProcessInit) {
    this.#clock = clock;
    this.#init = init;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when the program has ended though nobody asked it to. */
  async died(): Promise<void> {
    await this.#exited;
    if (this.#state !== 'running') await new Promise<never>(() => {});
  }

  /** Resolves when the program says that it is ready. Throws {@link PrivateServerError}; nothing runs then. */
  async start(): Promise<void> {
    const { name, command, args, cwd, env, read } = this.#init;
    const [program, ...words] = await withDeathSignal(command, args);
    // Its own process group: Ctrl-C in a terminal is ours to handle, and the server is stopped in order.
    const child = spawn(program, words, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    process.on('exit', this.#killAtExit);
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    const failure = await new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(`it ended at once (${signal ?? `exit code ${code}`})`));
      const timer = this.#clock.after(this.#init.startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS, () =>
        resolve('it did not come up in time'),
      );
      const onLine = (line: string) => {
        this.#keep(line);
        const said = read(line);
        if (said === false) return;
        timer.cancel();
        resolve(said === true ? undefined : said);
      };
      for (const stream of [child.stdout, child.stderr]) {
        if (stream) createInterface({ input: stream }).on('line', onLine);
      }
      void this.#exited.then(() => timer.cancel());
    });
    if (failure === undefined) {
      this.#state = 'running';
      return;
    }
    await this.kill();
    throw new PrivateServerError(
      [`${name} could not be started: ${failure}`, ...this.#lastLines].join('\n  '),
    );
  }

  /** Asks it to end, and insists after a while. */
  async stop(): Promise<void> {
    this.#state = 'ending';
    this.#child?.kill('SIGTERM');
    const insist = this.#clock.after(STOP_TIMEOUT_MS, () => this.#child?.kill('SIGKILL'));
    await this.#gone();
    insist.cancel();
  }

  /** Ends it without warning, as a crash would. */
  async kill(): Promise<void> {
    this.#state = 'ending';
    this.#child?.kill('SIGKILL');
    await this.#gone();
  }

  async #gone(): Promise<void> {
    await this.#exited;
    process.off('exit', this.#killAtExit);
    this.#child = undefined;
  }

  #keep(line: string): void {
    this.#lastLines.push(line);
    if (this.#lastLines.length > KEPT_LINES) this.#lastLines.shift();
  }
}

/** Where the shell would find a program, or undefined. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin']) {
    const path = join(folder, name);
    const found = await access(path, 1).then(
      () => true,
      () => false,
    );
    if (folder !== '' && found) return path;
  }
  return undefined;
}

/** Where util-linux is there (any Linux), the kernel ends the program when this process dies in whatever way. */
async function withDeathSignal(command: string, args: readonly string[]): Promise<[string, ...string[]]> {
  const setpriv = process.platform === 'linux' ? await findProgram('setpriv') : undefined;
  return setpriv === undefined
    ? [command, ...args]
    : [setpriv, '--pdeathsig', 'KILL', '--', command, ...args];
}
