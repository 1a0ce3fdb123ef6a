/** A peer in Python, on slixmpp, that shares no code with us: `slixmpp-peer.py` as a process. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../support/codec-fixtures.js';
import { DOMAIN, type TestServer } from '../support/server.js';
import type { Reach, Via } from './reach.js';

const ROOT = projectRoot(path.dirname(fileURLToPath(import.meta.url)));
const PROGRAM = path.join(ROOT, 'test/interop/slixmpp-peer.py');

/** How a transfer went, as the peer saw it. */
export interface PeerResult {
  readonly via: Via;
  /** Hex. */
  readonly sha256: string;
}

interface Said extends Partial<PeerResult> {
  readonly id?: number;
  readonly ready?: string;
  readonly armed?: boolean;
  readonly error?: string;
}

interface Waiting {
  readonly armed: () => void;
  readonly resolve: (result: PeerResult) => void;
  readonly reject: (error: Error) => void;
}

export class SlixmppPeer {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting = new Map<number, Waiting>();
  #commands = 0;
  #errors = '';

  private constructor(
    child: ChildProcessByStdio<Writable, Readable, Readable>,
    /** Its full address. */
    readonly jid: string,
  ) {
    this.#child = child;
    child.stderr.on('data', (bytes: Buffer) => {
      this.#errors += bytes.toString();
    });
    child.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`it ended: ${this.#errors}`));
    });
  }

  static async start(server: TestServer, account: { user: string; password: string }): Promise<SlixmppPeer> {
    const jid = `${account.user}@${DOMAIN}/slixmpp`;
    const child = spawn(
      '/usr/bin/python3',
      [PROGRAM, jid, account.password, server.host, String(server.c2sPort)],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    const peer = new SlixmppPeer(child, jid);
    const ready = new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${peer.#errors}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const said = JSON.parse(line) as Said;
        if (said.ready !== undefined) resolve();
        else peer.#hear(said);
      });
    });
    await ready;
    return peer;
  }

  #hear(said: Said): void {
    const { id = 0, armed, error, via, sha256 } = said;
    const waiting = this.#waiting.get(id);
    if (armed) {
      waiting?.armed();
      return;
    }
    this.#waiting.delete(id);
    if (via !== undefined && sha256 !== undefined) waiting?.resolve({ via, sha256 });
    else waiting?.reject(new Error(`slixmpp: ${error}`));
  }

  /** Offers a file; resolves when the other side says that it has it. */
  offer(reach: Reach, peer: string, file: string): Promise<PeerResult> {
    return this.#command({ do: 'offer', reach, peer, file }).result;
  }

  /** Asks for a file by its name, and writes it to `file`. */
  request(reach: Reach, peer: string, name: string, file: string): Promise<PeerResult> {
    return this.#command({ do: 'request', reach, peer, name, file }).result;
  }

  /** Answers the next request with `file`. */
  async serve(reach: Reach, file: string): Promise<{ readonly result: Promise<PeerResult> }> {
    return await this.#armed({ do: 'serve', reach, file });
  }

  /** Takes the next offer, and writes it to `file`. */
  async receive(reach: Reach, file: string): Promise<{ readonly result: Promise<PeerResult> }> {
    return await this.#armed({ do: 'receive', reach, file });
  }

  async #armed(command: object): Promise<{ readonly result: Promise<PeerResult> }> {
    const { armed, result } = this.#command(command);
    await Promise.race([armed, result]);
    return { result };
  }

  #command(command: object): { readonly armed: Promise<void>; readonly result: Promise<PeerResult> } {
    this.#commands += 1;
    const id = this.#commands;
    let onArmed = () => {};
    const armed = new Promise<void>((resolve) => {
      onArmed = resolve;
    });
    const result = new Promise<PeerResult>((resolve, reject) => {
      this.#waiting.set(id, { armed: onArmed, resolve, reject });
    });
    result.catch(() => undefined); // whoever asked hears of it, when they come to it
    this.#child.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
    return { armed, result };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    await ended;
  }
}
