/** What a person sees of `shoal want`: a line for each file, when it is found and when it is there. */
import { messageOf } from '../errors.js';
import type { WantEvent } from '../node/asker.js';
import { formatBytes, formatDuration } from '../quantities.js';
import { type FoundRow, rowToJson } from './found-rows.js';
import { jsonLine } from './json-line.js';
import { printable } from './printable.js';
import { rowLines } from './row-table.js';
import type { Io } from './terminal.js';

export class WantView {
  readonly #io: Pick<Io, 'out' | 'err'>;
  readonly #form: 'lines' | 'json';
  readonly #refusals = new Map<string, string>();
  #overflowed = false;
  #isUnreached = false;
  #said = false;

  constructor(io: Pick<Io, 'out' | 'err'>, form: 'lines' | 'json') {
    this.#io = io;
    this.#form = form;
  }

  take(event: Exclude<WantEvent, { type: 'file' }>): void {
    switch (event.type) {
      case 'asking':
        if (this.#isUnreached) this.#say('asked again');
        else if (!this.#said) this.#say('asked; what comes is shown until Ctrl-C');
        this.#isUnreached = false;
        this.#said = true;
        return;
      case 'unreached':
        this.#isUnreached = true;
        this.#say(
          `could not ask: ${printable(messageOf(event.error))}; again in ${formatDuration(event.againMs)}`,
        );
        return;
      case 'refused': {
        const text = event.error.message;
        if (this.#refusals.get(event.jid) === text || this.#refusals.size > 1000) return;
        this.#refusals.set(event.jid, text);
        this.#say(`${printable(event.jid)} refused: ${printable(text)}`);
      }
    }
  }

  found(row: FoundRow): void {
    const lines = this.#form === 'json' ? [rowToJson(row)] : rowLines([row], { withHash: false });
    for (const line of lines) this.#io.out.write(`${line}\n`);
  }

  fetched(path: string, bytes: number, sha256: string | undefined): void {
    if (this.#form === 'json') {
      this.#io.out.write(`${jsonLine({ fetched: path, bytes, 'sha-256': sha256 ?? null })}\n`);
    } else this.#io.out.write(`${printable(path)}: ${formatBytes(bytes)}\n`);
  }

  failed(name: string, error: unknown): void {
    if (this.#form === 'json') this.#io.out.write(`${jsonLine({ failed: name, error: messageOf(error) })}\n`);
    else this.#say(`${printable(name)} was not fetched: ${printable(messageOf(error))}`);
  }

  overflow(most: number): void {
    if (this.#overflowed) return;
    this.#overflowed = true;
    this.#say(`more than ${most} files; what comes now is not shown: narrow the question`);
  }

  summarise(found: number, fetches: { readonly fetched: number; readonly failed: number } | undefined): void {
    const facts = [found === 0 ? 'nothing came' : `${found} file${found === 1 ? '' : 's'}`];
    if (fetches && found > 0) {
      facts.push(`${fetches.fetched} fetched`);
      if (fetches.failed > 0) facts.push(`${fetches.failed} not`);
    }
    this.#say(facts.join(', '));
  }

  /** On standard error, so that it is never taken for an answer. */
  #say(text: string): void {
    this.#io.err.write(`${text}\n`);
  }
}
