/** Standard output and error kept in memory, for commands run inside a test. */
import type { Io, Output } from '../../src/cli/terminal.js';

export class CapturedOutput implements Output {
  text = '';
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly rows: number;

  constructor(terminal?: { readonly columns: number; readonly rows: number }) {
    this.isTerminal = terminal !== undefined;
    this.columns = terminal?.columns ?? 80;
    this.rows = terminal?.rows ?? 24;
  }

  write(text: string): void {
    this.text += text;
  }

  /** What a terminal of this size shows now, with what has scrolled away above it, trailing blanks dropped. */
  screen(): string[] {
    const lines: string[][] = [[]];
    let [row, column] = [0, 0];
    for (const [token] of this.text.matchAll(/\x1b\[(\d*)([A-Z])|[\s\S]/gu)) {
      const control = /^\x1b\[(\d*)([A-Z])$/.exec(token);
      const top = Math.max(0, lines.length - this.rows);
      if (control?.[2] === 'A') row = Math.max(top, row - Number(control[1] || 1));
      else if (control?.[2] === 'J') {
        lines.length = row + 1;
        lines[row]?.splice(column);
      } else if (control !== null) throw new Error(`this terminal does not know ${JSON.stringify(token)}`);
      else if (token === '\n') {
        row += 1;
        column = 0;
        if (row === lines.length) lines.push([]);
      } else if (token === '\r') column = 0;
      else {
        if (column >= this.columns) throw new Error('a line wraps');
        const line = lines[row];
        if (line !== undefined) line[column] = token;
        column += 1;
      }
    }
    return lines
      .map((line) => line.join('').trimEnd())
      .filter((line, at) => line !== '' || at < lines.length - 1);
  }
}

export interface CapturedIo extends Io {
  readonly out: CapturedOutput;
  readonly err: CapturedOutput;
}

export function captureIo(
  init: {
    readonly terminal?: { readonly columns: number; readonly rows: number };
    readonly env?: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
  } = {},
): CapturedIo {
  return {
    out: new CapturedOutput(init.terminal),
    err: new CapturedOutput(init.terminal),
    env: init.env ?? {},
    signal: init.signal ?? new AbortController().signal,
  };
}
