/** A screen that nobody sees, for programs with windows: an X server, a window manager, and keys and clicks. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { eventually } from '../support/eventually.js';

const DISPLAY_FD = 3;
const END_MS = 5000;

export class Desktop {
  readonly #processes: ChildProcess[] = [];
  /** Such as `:7`. */
  #display = '';

  static async start(): Promise<Desktop> {
    const desktop = new Desktop();
    try {
      await desktop.#start();
    } catch (error) {
      await desktop.stop();
      throw error;
    }
    return desktop;
  }

  async #start(): Promise<void> {
    const words = ['-displayfd', String(DISPLAY_FD), '-screen', '0', '1280x900x24', '-nolisten', 'tcp'];
    const server = spawn('Xvfb', words, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    this.#processes.push(server);
    const said = server.stdio[DISPLAY_FD];
    if (said === null || said === undefined) throw new TypeError('Xvfb has no third pipe');
    const [number] = (await Promise.race([
      once(said, 'data'),
      once(server, 'exit').then(() => Promise.reject(new Error('Xvfb ended'))),
    ])) as [Buffer];
    this.#display = `:${number.toString().trim()}`;
    this.#processes.push(spawn('openbox', ['--sm-disable'], { env: this.#env(), stdio: 'ignore' }));
  }

  /** The environment of a program that shall appear there. */
  get env(): Readonly<Record<string, string>> {
    return {
      DISPLAY: this.#display,
      GDK_BACKEND: 'x11',
      GSK_RENDERER: 'cairo',
      LIBGL_ALWAYS_SOFTWARE: '1',
      GSETTINGS_BACKEND: 'memory',
      GTK_A11Y: 'none',
      NO_AT_BRIDGE: '1',
    };
  }

  #env(): NodeJS.ProcessEnv {
    return { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LANG: 'C.UTF-8', ...this.env };
  }

  /** Waits for a window whose title matches, and brings it to the front. Its number. */
  async window(title: string, withinMs = 15_000): Promise<string> {
    const inFront = async () => {
      const found = await this.#xdotool('search', '--onlyvisible', '--name', title);
      const window = found.trim().split('\n').at(-1) ?? '';
      // Fails until the window manager is there.
      await this.#xdotool('windowactivate', '--sync', window);
      return window;
    };
    return await eventually(
      () => inFront().catch(() => ''),
      (window) => window !== '',
      withinMs,
    );
  }

  /** Waits until no window has such a title. */
  async gone(title: string, withinMs = 15_000): Promise<void> {
    await eventually(
      () => this.#xdotool('search', '--onlyvisible', '--name', title).catch(() => ''),
      (text) => text.trim() === '',
      withinMs,
    );
  }

  /** Width and height in pixels. */
  async sizeOf(window: string): Promise<{ readonly width: number; readonly height: number }> {
    const text = await this.#xdotool('getwindowgeometry', '--shell', window);
    const number = (name: string) => Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(text)?.[1]);
    return { width: number('WIDTH'), height: number('HEIGHT') };
  }

  /** Draws what is to be seen into a file; needs ImageMagick. */
  async picture(window: string, file: string): Promise<void> {
    await promisify(execFile)('import', ['-window', window, file], { env: this.#env(), timeout: 10_000 });
  }

  async click(window: string, x: number, y: number): Promise<void> {
    await this.#xdotool('mousemove', '--window', window, String(x), String(y), 'click', '1');
  }

  async type(text: string): Promise<void> {
    await this.#xdotool('type', '--delay', '10', text);
  }

  async press(key: string): Promise<void> {
    await this.#xdotool('key', key);
  }

  async #xdotool(...words: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('xdotool', words, { env: this.#env(), timeout: 10_000 });
    return stdout;
  }

  async stop(): Promise<void> {
    for (const child of this.#processes.splice(0).reverse()) await endProcess(child);
  }
}

/** Ends a program that was started `detached`, and what it has started. */
export async function endGroup(leader: ChildProcess): Promise<void> {
  if (leader.pid === undefined) return;
  try {
    process.kill(-leader.pid, 'SIGTERM');
  } catch {
    // all of them have ended already
  }
  await endProcess(leader);
}

/** Ends it and waits until it has. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await ended;
  clearTimeout(timer);
}
