/** A link server with files in memory, and clients for it: curl, and bare sockets. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type AccessPolicy, type Asker, allowAll } from '../../src/access/access-policy.js';
import type { FileRequestBudget } from '../../src/access/file-request-budget.js';
import type { FileEntry } from '../../src/catalogue/file-entry.js';
import { type Clock, systemClock } from '../../src/clock.js';
import type { CertificateSource } from '../../src/http/certificate.js';
import { FileLinks } from '../../src/http/file-links.js';
import { LinkServer, type LinkServerInit } from '../../src/http/link-server.js';
import { silentLog } from '../../src/log.js';
import { type Jid, parseBareJid } from '../../src/stanza/jid.js';
import { FileServer } from '../../src/transfer/send/file-server.js';
import { eventually } from './eventually.js';
import { MemoryFiles } from './memory-files.js';
import { MemoryFolder } from './memory-folder.js';

export const JULIET: Asker = { jid: parseBareJid('juliet@example.org') };

export interface LinkHarnessInit extends Partial<LinkServerInit> {
  readonly access?: AccessPolicy;
  readonly expireS?: number;
  readonly maxUploads?: number;
  readonly maxUploadsPerPeer?: number;
  /** Default 300. */
  readonly slotWaitMs?: number;
  /** Those of another, which has been stopped. */
  readonly files?: MemoryFiles;
  readonly folder?: MemoryFolder;
  readonly certificate?: CertificateSource;
  readonly clock?: Clock;
  readonly budget?: FileRequestBudget;
  readonly ignores?: (asker: Jid) => boolean;
  /** What links begin with, behind the address. Default '/'. */
  readonly prefix?: string;
}

export class LinkHarness {
  readonly files: MemoryFiles;
  readonly folder: MemoryFolder;
  readonly uploads: FileServer;
  readonly links: FileLinks;
  readonly server: LinkServer;
  /** Added to the time by which links expire. */
  lateMs = 0;
  readonly #isTls: boolean;
  readonly #sockets: Socket[] = [];

  constructor(init: LinkHarnessInit = {}) {
    const {
      access = allowAll,
      expireS = 3600,
      maxUploads = 4,
      maxUploadsPerPeer = 2,
      prefix = '/',
      slotWaitMs = 300,
    } = init;
    const { files = new MemoryFiles(), folder = new MemoryFolder() } = init;
    this.files = files;
    this.folder = folder;
    const { certificate, budget, ignores } = init;
    const base = init.clock ?? systemClock;
    const clock: Clock = {
      now: () => base.now() + this.lateMs,
      monotonic: () => base.monotonic(),
      after: (delayMs, callback) => base.after(delayMs, callback),
    };
    this.uploads = new FileServer(
      { catalogue: files.catalogue, files, access, clock, log: silentLog, ...(budget && { budget }) },
      { maxUploads, maxUploadsPerPeer, waits: { unknownMs: slotWaitMs } },
    );
    this.links = new FileLinks(
      { catalogue: files.catalogue, access, clock },
      { url: new URL(`http://files.example.org${prefix}`), expireS },
    );
    this.server = new LinkServer(
      {
        links: this.links,
        files: this.uploads,
        folder: this.folder,
        clock,
        log: silentLog,
        ...(certificate && { certificate }),
        ...(budget && { budget }),
        ...(ignores && { ignores }),
      },
      {
        host: '127.0.0.1',
        port: 0,
        stallMs: 5000,
        behindProxy: false,
        pinAddress: false,
        maxConnections: 16,
        ...init,
      },
    );
    this.#isTls = certificate !== undefined;
  }

  /** A link as its client gets it. */
  link(file: FileEntry, asker: Asker = JULIET): URL {
    const link = this.links.linkFor(asker, file);
    if (!link) throw new Error('no link was made');
    return link;
  }

  /** The same, at the address where the server really listens. */
  here(link: URL): string {
    return `${this.#isTls ? 'https' : 'http'}://127.0.0.1:${this.server.port}${link.pathname}`;
  }

  curl(link: URL, ...options: string[]): Promise<Fetched> {
    return curl(this.here(link), ...options);
  }

  /** A connection that is there until {@link end}, unless the server closes it. */
  async connected(): Promise<Socket> {
    const socket = connect(this.server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    this.#sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  /** Closes everything, and sees that nothing is left. */
  async end(): Promise<void> {
    for (const socket of this.#sockets.splice(0)) socket.destroy();
    await this.server.stop();
    assert.equal(this.uploads.uploads, 0, 'slots are left taken');
    assert.equal(this.uploads.waiting, 0, 'requests are left waiting');
    await eventually(
      () => this.files.openFiles,
      (open) => open === 0,
    );
  }

  /** Sends bytes over a connection of its own, and resolves with all that comes until it is closed. */
  async raw(bytes: string): Promise<string> {
    const socket = connect(this.server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.write(bytes, 'latin1');
    await once(socket, 'close');
    return text;
  }
}

export interface Fetched {
  /** curl's exit code. */
  readonly code: number;
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** With the head of the last answer. */
export function curl(url: string, ...options: string[]): Promise<Fetched> {
  return new Promise((resolve) => {
    const args = ['--silent', '--include', '--max-time', '20', '--path-as-is', ...options, url];
    execFile('curl', args, { encoding: 'buffer', maxBuffer: 1 << 28 }, (error, stdout) => {
      const end = stdout.indexOf('\r\n\r\n');
      const [first = '', ...lines] = stdout.subarray(0, Math.max(0, end)).toString('latin1').split('\r\n');
      const headers = lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      });
      resolve({
        code: error === null ? 0 : Number(error.code),
        status: Number(first.split(' ')[1] ?? 0),
        headers: Object.fromEntries(headers) as Record<string, string>,
        body: stdout.subarray(end + 4),
      });
    });
  });
}
