/** A Chromium without windows for a test, led over the DevTools protocol through pipes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { endGroup } from './desktop.js';

const COMMAND = 'chromium-headless-shell';
/** The protocol's messages end so. */
const END = '\0';
const PIPES = ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] as const;
const TO_IT = 3;
const FROM_IT = 4;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

type Listener = (message: Message) => void;

export class Chromium {
  readonly #child: ChildProcess;
  readonly #listeners = new Set<Listener>();
  #calls = 0;
  #early = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    (child.stdio[FROM_IT] as Readable).setEncoding('utf8').on('data', (text: string) => this.#take(text));
  }

  /** `downloads`: where it puts files. */
  static async start(home: string, downloads: string): Promise<Chromium> {
    const flags = ['--no-sandbox', '--disable-gpu', '--remote-debugging-pipe'];
    const child = spawn(COMMAND, [...flags, `--user-data-dir=${path.join(home, 'profile')}`], {
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8' }, // else it gives names of ASCII alone
      detached: true,
      stdio: [...PIPES],
    });
    const chromium = new Chromium(child);
    const behaviour = { behavior: 'allow', downloadPath: downloads, eventsEnabled: true };
    await chromium.#call('Browser.setDownloadBehavior', behaviour);
    return chromium;
  }

  /** Goes to `url`, which is a file to keep. Resolves, when it has all of it, with the name that it gives it. */
  async download(url: string): Promise<string> {
    const begun = this.#heard(({ method }) => method === 'Browser.downloadWillBegin');
    const ended = this.#heard(
      ({ method, params }) => method === 'Browser.downloadProgress' && params?.state !== 'inProgress',
    );
    await this.#call('Target.createTarget', { url });
    const { params } = await begun;
    const state = (await ended).params?.state;
    if (state !== 'completed') throw new Error(`the download is ${String(state)}`);
    return String(params?.suggestedFilename);
  }

  async stop(): Promise<void> {
    // It ends what it has started itself; by a signal it would leave them behind.
    const ended = once(this.#child, 'exit');
    await this.#call('Browser.close', {});
    await ended;
    await endGroup(this.#child);
    for (const pipe of this.#child.stdio) pipe?.destroy();
  }

  async #call(method: string, params: Readonly<Record<string, unknown>>): Promise<Message> {
    this.#calls += 1;
    const id = this.#calls;
    const answered = this.#heard((message) => message.id === id);
    (this.#child.stdio[TO_IT] as Writable).write(`${JSON.stringify({ id, method, params })}${END}`);
    const answer = await answered;
    if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
    return answer;
  }

  /** Rejects when it ends before. */
  #heard(isMeant: (message: Message) => boolean): Promise<Message> {
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error(`${COMMAND} ended`));
      const listener: Listener = (message) => {
        if (!isMeant(message)) return;
        this.#listeners.delete(listener);
        this.#child.off('exit', onExit);
        resolve(message);
      };
      this.#listeners.add(listener);
      this.#child.once('exit', onExit);
    });
  }

  #take(text: string): void {
    const messages = (this.#early + text).split(END);
    this.#early = messages.pop() ?? '';
    for (const message of messages) {
      const parsed = JSON.parse(message) as Message;
      for (const listener of [...this.#listeners]) listener(parsed);
    }
  }
}
