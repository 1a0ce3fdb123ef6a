/**
 * A unix socket on which a running program answers whoever connects and ends his side: in one line of JSON,
 * after which it hangs up. To those who said nothing it tells about itself; others sent a question as JSON.
 * Only the owner of the folder can connect. It also is a sign of life: where nobody listens, nobody runs.
 */
import { createHash } from 'node:crypto';
import { chmod, mkdir, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Clock } from '../clock.js';
import { ParseError, ShoalError, TimeoutError } from '../errors.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';

const MAX_SOCKET_PATH_BYTES = 100; // sun_path holds 108 with its NUL on Linux, 104 elsewhere
const MAX_CONNECTIONS = 16;
const MAX_ANSWER_CHARS = 4_194_304;
const MAX_QUESTION_CHARS = 262_144; // the longest criteria are below
const ANSWER_TIMEOUT_MS = 5000;
/** A question may take as long as the longest search that can be configured. */
const QUESTION_TIMEOUT_MS = 70_000;

/** Where the node with this data folder listens. Folders too deep for a socket's name have it in the temporary folder. */
export function statusSocketPath(dataFolder: string, name = 'status.sock'): string {
  const path = join(dataFolder, name);
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return path;
  const digest = createHash('sha256').update(path).digest('hex').slice(0, 24);
  return join(tmpdir(), `shoal-${digest}.sock`);
}

/** Thrown when another process already listens: it uses the same data. */
export class AlreadyRunningError extends ShoalError {
  readonly code = 'already-running';
}

/** Thrown when nobody listens. */
export class NotRunningError extends ShoalError {
  readonly code = 'not-running';
}

export interface StatusSocketComponents {
  readonly clock: Clock;
  readonly log: Log;
}

export interface StatusSocketInit {
  readonly path: string;
  /** What is said to those who ask nothing: JSON can hold it. */
  readonly read: () => unknown;
  /** Answers a question; without it there is no answer. What it rejects with is logged. */
  readonly answer?: (question: unknown, signal: AbortSignal) => Promise<unknown>;
}

export class StatusSocket implements Startable {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #init: StatusSocketInit;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor({ clock, log }: StatusSocketComponents, init: StatusSocketInit) {
    this.#clock = clock;
    this.#log = log;
    this.#init = init;
  }

  /** Throws {@link AlreadyRunningError}. A socket that a killed process left behind is taken over. */
  async start(): Promise<void> {
    const { path } = this.#init;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    try {
      this.#server = await this.#listen();
    } catch (thrown) {
      if (!hasCode(thrown, 'EADDRINUSE')) throw thrown;
      if (await isAnswered(this.#clock, path)) {
        throw new AlreadyRunningError(`another process uses ${dirname(path)}`, { cause: thrown });
      }
      await unlink(path);
      this.#server = await this.#listen();
    }
    await chmod(path, 0o600);
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    // `close` removes the file too.
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #listen(): Promise<Server> {
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#hear(socket));
    server.maxConnections = MAX_CONNECTIONS;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#init.path, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#log.warn({ err: error }, 'status socket'));
        resolve(server);
      });
    });
  }

  #hear(socket: Socket): void {
    this.#sockets.add(socket);
    const gone = new AbortController();
    let timer = this.#clock.after(ANSWER_TIMEOUT_MS, () => socket.destroy());
    let text = '';
    socket.setEncoding('utf8');
    socket.on('close', () => {
      timer.cancel();
      this.#sockets.delete(socket);
      gone.abort();
    });
    socket.on('error', () => socket.destroy()); // a reader that went away
    socket.on('data', (piece: string) => {
      text += piece;
      if (text.length > MAX_QUESTION_CHARS) socket.destroy();
    });
    socket.on('end', () => {
      timer.cancel();
      timer = this.#clock.after(text === '' ? ANSWER_TIMEOUT_MS : QUESTION_TIMEOUT_MS, () =>
        socket.destroy(),
      );
      void this.#answer(socket, text, gone.signal);
    });
  }

  /** Hangs up without an answer where there is none. */
  async #answer(socket: Socket, text: string, signal: AbortSignal): Promise<void> {
    try {
      const said = text === '' ? this.#init.read() : await this.#init.answer?.(JSON.parse(text), signal);
      socket.end(`${JSON.stringify(said)}\n`);
    } catch (error) {
      if (!signal.aborted) this.#log.warn({ err: error }, 'a question on the status socket has no answer');
      socket.destroy();
    }
  }
}

/** What the program behind `path` says. Throws {@link NotRunningError}, TimeoutError, ParseError. */
export function readStatusSocket(components: { readonly clock: Clock }, path: string): Promise<unknown> {
  return exchange(components, path, '', ANSWER_TIMEOUT_MS);
}

/** What it answers. Throws as {@link readStatusSocket}; ParseError where it gives no answer. */
export function askStatusSocket(
  components: { readonly clock: Clock },
  path: string,
  question: unknown,
): Promise<unknown> {
  return exchange(components, path, JSON.stringify(question), QUESTION_TIMEOUT_MS);
}

function exchange(
  { clock }: { readonly clock: Clock },
  path: string,
  question: string,
  timeoutMs: number,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let text = '';
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const socket = connect(path);
    const timer = clock.after(timeoutMs, () => fail(new TimeoutError('the status socket does not answer')));
    socket.end(question);
    socket.setEncoding('utf8');
    socket.on('close', () => timer.cancel());
    socket.on('error', (cause) =>
      fail(
        ['ENOENT', 'ECONNREFUSED', 'ENOTDIR'].some((code) => hasCode(cause, code))
          ? new NotRunningError(`no node runs here: nobody listens at ${path}`, { cause })
          : cause,
      ),
    );
    socket.on('data', (piece: string) => {
      text += piece;
      if (text.length > MAX_ANSWER_CHARS) fail(new ParseError('the status is too long'));
    });
    socket.on('end', () => {
      socket.destroy();
      try {
        resolve(JSON.parse(text));
      } catch (cause) {
        reject(new ParseError('the status is not JSON', { cause }));
      }
    });
  });
}

async function isAnswered(clock: Clock, path: string): Promise<boolean> {
  try {
    await readStatusSocket({ clock }, path);
    return true;
  } catch (thrown) {
    return !(thrown instanceof NotRunningError);
  }
}

function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && (thrown as NodeJS.ErrnoException).code === code;
}
