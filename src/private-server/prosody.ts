/**
 * A private Prosody: on loopback, on unprivileged ports, with all its data in one folder. What
 * `npm start` attaches its node to, and what tests run against.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { type Clock, sleep } from '../clock.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import { accountFile, type PrivateProsodyInit, prosodyConfig } from './prosody-config.js';
import { findProgram, PrivateServerError, ServerProcess } from './server-process.js';

export interface PrivateProsodyComponents {
  readonly clock: Clock;
  readonly log: Log;
}

const OWNER_ONLY = 0o600; // secrets and passwords stand in these files
const LEFT_BEHIND_POLLS = 100;
const LEFT_BEHIND_POLL_MS = 50;

export class PrivateProsody implements Startable {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #init: PrivateProsodyInit;
  readonly #dir: string;
  #process: ServerProcess | undefined;

  constructor({ clock, log }: PrivateProsodyComponents, init: PrivateProsodyInit) {
    this.#clock = clock;
    this.#log = log;
    this.#dir = resolve(init.dataDir);
    this.#init = { ...init, dataDir: this.#dir };
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Resolves when clients and components can connect. Throws {@link PrivateServerError}. May follow `stop`. */
  async start(): Promise<void> {
    const command = await findProgram(this.#init.program ?? 'prosody');
    if (command === undefined) {
      throw new PrivateServerError('Prosody is not installed; type: sudo apt-get install prosody');
    }
    await this.#endLeftBehind();
    for (const port of Object.values(this.#init.ports)) await assertFree(port);
    await this.#writeFiles();
    const waitedFor = new Set(Object.keys(this.#init.ports));
    const server = new ServerProcess(
      { clock: this.#clock },
      {
        name: 'Prosody',
        command,
        args: ['-F', '--config', join(this.#dir, 'prosody.cfg.lua')],
        cwd: this.#dir,
        read: (line) => {
          if (/Failed to open server port/.test(line)) return line.trim();
          const service = /Activated service '(\w+)'/.exec(line)?.[1];
          return service !== undefined && waitedFor.delete(service) && waitedFor.size === 0;
        },
      },
    );
    this.#process = server;
    await server.start();
    await writeFile(this.#pidFile, `${server.pid}\n`);
    this.#log.info({ pid: server.pid, ...this.#init.ports }, 'a private Prosody runs');
  }

  /** Resolves when the Prosody that runs now ends though nobody asked it to. */
  async died(): Promise<void> {
    await this.#process?.died();
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#process = undefined;
    await rm(this.#pidFile, { force: true });
  }

  /** Ends it as a crash would. `start` brings it back with its data. */
  async kill(): Promise<void> {
    await this.#process?.kill();
    this.#process = undefined;
  }

  get #pidFile(): string {
    return join(this.#dir, 'prosody.pid');
  }

  async #writeFiles(): Promise<void> {
    const { domain, accounts } = this.#init;
    await mkdir(join(this.#dir, 'certs'), { recursive: true, mode: 0o700 });
    await writeFile(join(this.#dir, 'prosody.cfg.lua'), prosodyConfig(this.#init), { mode: OWNER_ONLY });
    for (const { user, password } of accounts) {
      const { path, text } = accountFile(domain, user, password);
      const file = join(this.#dir, 'data', path);
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(file, text, { mode: OWNER_ONLY });
    }
  }

  /** A server of an earlier run, where the system could not end it together with its parent. */
  async #endLeftBehind(): Promise<void> {
    const pid = Number(await readFile(this.#pidFile, 'utf8').catch(() => ''));
    if (!Number.isInteger(pid) || pid <= 1) return;
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!words.split('\0').includes(join(this.#dir, 'prosody.cfg.lua'))) return;
    this.#log.warn({ pid }, 'ending the Prosody of an earlier run');
    process.kill(pid, 'SIGTERM');
    for (let polls = 0; polls < LEFT_BEHIND_POLLS && (await isRunning(pid)); polls++) {
      await sleep(this.#clock, LEFT_BEHIND_POLL_MS);
    }
  }
}

/** False also for a process that has ended but whose parent has not looked yet. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) [ZX] /.test(stat);
}

/** Throws {@link PrivateServerError} when somebody listens on this port of 127.0.0.1. */
async function assertFree(port: number): Promise<void> {
  const probe = createServer();
  await new Promise<void>((done, failed) => {
    probe.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE' ? 'is taken by another program' : `can't be used: ${cause.message}`;
      failed(new PrivateServerError(`port ${port} of 127.0.0.1 ${why}`, { cause }));
    });
    probe.listen(port, '127.0.0.1', () => probe.close(() => done()));
  });
}
