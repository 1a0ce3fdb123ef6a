/**
 * Standard output and error as the commands see them. A reader that goes away (`| head`) is not
 * an error: it ends the command.
 */

export interface Output {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Cells in a line, and lines; 80 × 24 where there is no terminal. */
  readonly columns: number;
  readonly rows: number;
}

/** What a command may know of the world around it. */
export interface Io {
  readonly out: Output;
  readonly err: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by SIGINT, SIGTERM and SIGHUP, and when nobody reads the output any more. */
  readonly signal: AbortSignal;
  /** From here on SIGHUP means this, where no terminal can have sent it by going away. */
  readonly onHangup?: (listener: () => void) => void;
}

export interface ProcessIo extends Io {
  /** The code to end with, where a signal or a closed pipe ended the command; else undefined. */
  readonly interruptedBy: () => number | undefined;
}

// As the shell says it: 128 + the number of the signal.
const SIGNAL_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** The real ones. A second signal ends the process at once. */
export function processIo(): ProcessIo {
  const controller = new AbortController();
  let code: number | undefined;
  const interrupt = (by: number) => {
    code ??= by;
    controller.abort();
  };
  let hungUp: (() => void) | undefined;
  for (const [name, by] of Object.entries(SIGNAL_CODES)) {
    process.on(name, () => {
      if (name === 'SIGHUP' && hungUp && !controller.signal.aborted) {
        hungUp();
        return;
      }
      if (controller.signal.aborted) process.exit(by);
      interrupt(by);
    });
  }
  return {
    out: outputOf(process.stdout, () => interrupt(0)),
    err: outputOf(process.stderr, () => interrupt(0)),
    env: process.env,
    signal: controller.signal,
    interruptedBy: () => code,
    onHangup: (listener) => {
      if (!process.stdout.isTTY && !process.stderr.isTTY) hungUp = listener;
    },
  };
}

function outputOf(stream: NodeJS.WriteStream, onGone: () => void): Output {
  let gone = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    gone = true;
    onGone();
  });
  return {
    write(text) {
      if (!gone) stream.write(text);
    },
    isTerminal: stream.isTTY === true && process.env.TERM !== 'dumb',
    get columns() {
      return stream.columns ?? 80;
    },
    get rows() {
      return stream.rows ?? 24;
    },
  };
}
