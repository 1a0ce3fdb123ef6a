/** `shoal serve` as a process of its own, with a configuration in a folder of the test's. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { eventually } from './eventually.js';

export const SHOAL = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** One line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string };

export class ServedNode {
  /** Since the last `start`. */
  log: LogLine[] = [];
  #child: ChildProcess | undefined;
  #errors = '';

  private constructor(readonly configFile: string) {}

  /** Writes the configuration; does not start. */
  static async make(folder: string, config: object): Promise<ServedNode> {
    await mkdir(folder, { recursive: true });
    const file = join(folder, 'node.yaml');
    await writeFile(file, stringify(config), { mode: 0o600 });
    return new ServedNode(file);
  }

  /** Resolves at `"msg":"ready"`. */
  async start(): Promise<void> {
    this.log = [];
    const child = spawn(process.execPath, [SHOAL, 'serve', '--config', this.configFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.log.push(JSON.parse(line) as LogLine));
    child.stderr.on('data', (bytes: Buffer) => {
      this.#errors += bytes.toString();
    });
    await eventually(
      () => ({
        ready: this.line('ready') !== undefined,
        code: child.exitCode,
        errors: this.#errors,
        log: this.log.slice(-5),
      }),
      ({ ready, code }) => ready || code !== null,
      60_000,
    );
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}: ${this.#errors}`);
  }

  /** The first line of the log with this message. */
  line(msg: string): LogLine | undefined {
    return this.log.find((line) => line.msg === msg);
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new TypeError('it was not started');
    return pid;
  }

  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  /** As a crash would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** As a service manager would. Returns the exit code. */
  async stop(): Promise<number | null> {
    await this.#end('SIGTERM');
    return this.exitCode;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}
