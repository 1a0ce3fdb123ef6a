/** Somebody who chats: `chat-client.py`, which shares no code with us, as a process. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { projectRoot } from './codec-fixtures.js';
import { eventually } from './eventually.js';
import { DOMAIN, type TestServer } from './server.js';

const ROOT = projectRoot(path.dirname(fileURLToPath(import.meta.url)));
const PROGRAM = path.join(ROOT, 'test/scenarios/chat-client.py');

/** One thing that happened, as the program tells it. */
export interface Heard {
  readonly body?: string;
  readonly sender?: string;
  readonly type?: string;
  readonly thread?: string;
  readonly chat_state?: string;
  readonly url?: string | null;
  readonly state?: string;
  readonly sent?: string;
  readonly receipt?: string;
  readonly sid?: string;
  readonly id?: string;
  readonly sha256?: string;
  readonly via?: string;
  readonly error?: string;
  readonly ready?: string;
  readonly subscribed?: string;
  readonly news?: readonly (string | null)[];
  readonly node?: string;
  readonly items?: readonly string[];
  readonly retracted?: readonly string[];
  readonly listed?: readonly string[];
  readonly sources?: readonly string[];
  readonly nodes?: readonly (string | null)[];
  readonly names?: readonly string[];
}

export interface ChatAccount {
  readonly user: string;
  readonly password: string;
  readonly resource?: string;
  readonly takesFiles?: boolean;
}

export class ChatClient {
  readonly heard: Heard[] = [];
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #unread: Heard[] = [];
  #errors = '';

  private constructor(
    child: ChildProcessByStdio<Writable, Readable, Readable>,
    readonly jid: string,
  ) {
    this.#child = child;
    child.stderr.on('data', (bytes: Buffer) => {
      this.#errors += bytes.toString();
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const heard = JSON.parse(line) as Heard;
      this.heard.push(heard);
      this.#unread.push(heard);
    });
  }

  static async start(server: TestServer, account: ChatAccount): Promise<ChatClient> {
    const { user, password, resource = 'chat', takesFiles = true } = account;
    const jid = `${user}@${DOMAIN}/${resource}`;
    const files = takesFiles ? 'files' : 'no-files';
    const child = spawn(
      '/usr/bin/python3',
      [PROGRAM, jid, password, server.host, String(server.c2sPort), files],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    const client = new ChatClient(child, jid);
    await client.next(({ ready }) => ready !== undefined, 30_000);
    return client;
  }

  do(command: object): void {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** The first thing that fits of those that nobody has waited for yet. */
  async next(fits: (heard: Heard) => boolean, withinMs?: number): Promise<Heard> {
    await eventually(
      () => ({ unread: this.#unread, ended: this.#child.exitCode, errors: this.#errors.slice(-1000) }),
      ({ unread, ended }) => ended !== null || unread.some(fits),
      withinMs,
    );
    const [heard] = this.#unread.splice(this.#unread.findIndex(fits), 1);
    if (heard === undefined || !fits(heard)) throw new Error(`it ended: ${this.#errors}`);
    return heard;
  }

  /** What is answered to `text`. */
  async ask(to: string, text: string): Promise<Heard> {
    this.#unread.length = 0;
    this.do({ do: 'say', to, text });
    return await this.next(({ body }) => body !== undefined);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    await ended;
  }
}
