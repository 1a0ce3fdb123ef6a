/** Sends one file, or a part of it, over one HTTP connection, to whoever has a link to it. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FileRequestBudget } from '../access/file-request-budget.js';
import { keyOf } from '../catalogue/file-entry.js';
import { toDisplay } from '../catalogue/share-path.js';
import type { Clock } from '../clock.js';
import { AbortedError, LimitError, messageOf } from '../errors.js';
import type { FileRequest, FileRequestHandler } from '../jingle/file-session.js';
import type { Log } from '../log.js';
import { bareOf, type Jid } from '../stanza/jid.js';
import type { LinkedFile } from './file-links.js';
import { type PlannedResponse, plannedResponse } from './planned-response.js';

export interface FileResponseComponents {
  /** Waits for an upload slot for each, and gives it back; `FileServer` is one. */
  readonly files: { handle: FileRequestHandler };
  /** Pays for answers without a file, as `files` does for the others. */
  readonly budget?: Pick<FileRequestBudget, 'charge'>;
  /** Who goes on being refused is not answered for a while, by its links either. */
  readonly ignores?: (asker: Jid) => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

export interface FileResponseInit {
  /** How long one chunk of a file, some 64 to 256 KiB, may take to go: a client that takes none holds a slot. */
  readonly stallMs: number;
}

/** When a client that has waited for a slot in vain should come again. */
const RETRY_AFTER_S = 30;

/** In every answer: what a browser must not make of it. */
const SAFE_HEADERS: OutgoingHttpHeaders = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; sandbox",
  'Referrer-Policy': 'no-referrer', // the link is in the address
  // Clients that are web pages fetch too. Who has the link needs nothing else, so nothing is given away.
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'Accept-Ranges, Content-Range, Digest, ETag, Repr-Digest',
  'Cross-Origin-Resource-Policy': 'cross-origin',
};

/** The answer to all that is wrong with a link, always the same. */
export function refuse(response: ServerResponse, status: 404 | 405 = 404): void {
  const body = status === 404 ? 'No such link, or no longer.\n' : 'Only GET and HEAD.\n';
  response.shouldKeepAlive = false; // who guesses pays for a connection each time
  response.writeHead(status, {
    ...SAFE_HEADERS,
    'Cache-Control': 'no-store',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': body.length,
    ...(status === 405 && { Allow: 'GET, HEAD' }),
  });
  response.end(body);
}

export class FileResponder {
  readonly #components: FileResponseComponents;
  readonly #init: FileResponseInit;
  #requests = 0;

  constructor(components: FileResponseComponents, init: FileResponseInit) {
    this.#components = components;
    this.#init = init;
  }

  /** Resolves when the answer is on its way to the end, or the connection is closed. Never rejects. */
  async respond(
    linked: LinkedFile,
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, log, ignores } = this.#components;
    if (ignores?.(linked.asker.jid)) {
      response.destroy();
      return;
    }
    const { range: _, ...unranged } = request.headers; // RFC 9110 §14.2: of GET alone
    const headers = request.method === 'GET' ? request.headers : unranged;
    const planned = plannedResponse(linked, headers, clock.now());
    try {
      if (planned.range && request.method === 'GET') {
        await this.#send(linked, { ...planned, range: planned.range }, response, signal);
      } else {
        this.#components.budget?.charge(bareOf(linked.asker.jid));
        head(response, planned);
        response.end();
      }
    } catch (error) {
      log.debug({ path: linked.entry.path, why: messageOf(error) }, 'a file was not sent over http');
      if (response.headersSent || signal.aborted) response.destroy();
      else if (error instanceof LimitError) busy(response);
      else refuse(response);
    }
  }

  async #send(
    { asker, entry }: LinkedFile,
    planned: PlannedResponse & Required<Pick<PlannedResponse, 'range'>>,
    response: ServerResponse,
    gone: AbortSignal,
  ): Promise<void> {
    const dismissed = new AbortController();
    const request = { ...this.#requestFor(entry, asker), onDismissed: () => dismissed.abort() };
    const source = await this.#components.files.handle(request, gone);
    const signal = AbortSignal.any([gone, dismissed.signal]);
    const sent = { bytes: 0 };
    try {
      head(response, planned);
      const reader = source.open(planned.range);
      for await (const chunk of reader) {
        // The chunk's memory is used again for the next.
        await this.#written(signal, (done) => response.write(chunk, done));
        sent.bytes += chunk.length;
      }
      await this.#written(signal, (done) => response.end(done));
      source.release({ type: 'success', ...sent });
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      source.release({ type: 'failed', ...sent, error });
      throw error;
    }
  }

  /** As if it were asked for by Jingle, each time in a session of its own. */
  #requestFor(entry: LinkedFile['entry'], { jid: peer, through }: LinkedFile['asker']): FileRequest {
    const hashes = [{ algo: 'sha-256', value: entry.sha256 }] as const;
    const file = { path: toDisplay(keyOf(entry)), size: entry.size, hashes, hashesUsed: [] };
    return { peer, ...(through && { through }), sid: `http ${this.#requests++}`, file };
  }

  /** Waits until the client's side has taken what is written. Rejects with AbortedError. */
  #written(signal: AbortSignal, write: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error | null) => {
        stall.cancel();
        signal.removeEventListener('abort', onAbort);
        if (error) reject(error);
        else resolve();
      };
      const onAbort = () => settle(new AbortedError('the connection is closed'));
      const stall = this.#components.clock.after(this.#init.stallMs, () =>
        settle(new AbortedError('the client takes nothing')),
      );
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      else write(settle);
    });
  }
}

function head(response: ServerResponse, { status, headers }: PlannedResponse): void {
  response.writeHead(status, { ...SAFE_HEADERS, ...headers });
}

function busy(response: ServerResponse): void {
  response.shouldKeepAlive = false; // who goes on pays for a connection each time
  response.writeHead(503, {
    ...SAFE_HEADERS,
    'Cache-Control': 'no-store',
    'Retry-After': RETRY_AFTER_S,
    'Content-Length': 0,
  });
  response.end();
}
