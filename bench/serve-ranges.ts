/**
 * Ranges of one large file, over SOCKS5 from a node and over HTTP from nginx, to the same process that only
 * reads. Sessions and connections are there and wait, each with its first byte, before the clock runs.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePorts } from '../src/cli/free-ports.js';
import type { FileDownload } from '../src/jingle/file-session.js';
import type { BareJid } from '../src/stanza/jid.js';
import type { Cleanups } from './cleanups.js';
import { type DownloadStack, startDownloadStack } from './download-stack.js';
import { Drain, type Drained } from './drain.js';
import { programOf } from './machine.js';
import type { NodeProcess } from './node-process.js';
import type { PrivateNetwork } from './private-network.js';
import { type Goal, median, type Row, type Table, timedShell } from './table.js';

/** What goes over the wire in a turn, and the ratio that is to be reached. */
const CASES = [
  { transfers: 1, bytesEach: 2 * 2 ** 30, ratio: 0.8 },
  { transfers: 8, bytesEach: 2 ** 28, ratio: 0.55 },
  { transfers: 64, bytesEach: 2 ** 25, ratio: 0.7 },
  { transfers: 512, bytesEach: 2 ** 23, ratio: 0.8 },
] as const;
export const LARGE_FILE_BYTES = 2 * 2 ** 30;
const STALLED = 512;
const REPEATS = 3; // each takes seconds
const SESSIONS_AT_ONCE = 16;
const MB = 1e6;
const MS_A_SECOND = 1000;
const MEMORY_GOAL: Goal = { kind: 'no more than', value: 350 };
/** Memory counts when it has stood still for so long. */
const STILL_MS = 2000;
/** A change of less is none. */
const STILL_MB = 1;

export interface Served {
  readonly network: PrivateNetwork;
  readonly node: NodeProcess;
  readonly address: BareJid;
  /** Where the large file is, and what it is called. */
  readonly share: string;
  readonly name: string;
}

export class RangesBench {
  readonly #served: Served;
  readonly #drain: Drain;
  readonly #stack: DownloadStack;
  readonly #nginxPort: number | undefined;

  private constructor(
    served: Served,
    parts: { readonly drain: Drain; readonly stack: DownloadStack; readonly nginxPort: number | undefined },
  ) {
    this.#served = served;
    this.#drain = parts.drain;
    this.#stack = parts.stack;
    this.#nginxPort = parts.nginxPort;
  }

  static async start(cleanups: Cleanups, folder: string, served: Served): Promise<RangesBench> {
    const drain = Drain.start(cleanups);
    const stack = await startDownloadStack(served.network.askerConfig('fetcher'), drain);
    cleanups.add(() => stack.stop());
    const nginxPort = programOf('nginx') && (await startNginx(cleanups, folder, served.share));
    return new RangesBench(served, { drain, stack, nginxPort: nginxPort || undefined });
  }

  async run(): Promise<readonly Table[]> {
    const rows: Row[] = [];
    let stalledMegabytes = Number.NaN;
    for (const { transfers, bytesEach, ratio } of CASES) {
      const ours: number[] = [];
      const nginx: number[] = [];
      for (let turn = 0; turn <= REPEATS; turn += 1) {
        const sent = await this.#ours(transfers, bytesEach, async () => {
          if (transfers === STALLED && turn === 0) stalledMegabytes = await this.#stillMegabytes();
        });
        const peers = this.#nginxPort && (await this.#nginx(this.#nginxPort, transfers, bytesEach));
        if (turn === 0) continue; // makes everything warm
        ours.push(sent);
        if (peers) nginx.push(peers);
      }
      rows.push({
        work: transfers === 1 ? '1 transfer' : `${transfers} transfers`,
        ours: median(ours),
        ...(nginx.length > 0 && {
          peer: { name: 'nginx', value: median(nginx) },
          goal: { kind: 'at least', ratio },
        }),
      });
      process.stdout.write('.');
    }
    const stalled: Row = {
      work: `VmRSS of the node with ${STALLED} stalled receivers`,
      ours: stalledMegabytes,
      goal: MEMORY_GOAL,
    };
    return [
      { title: 'Serving ranges', unit: 'MB/s', rows },
      { title: 'Memory', unit: 'MB', rows: [stalled] },
    ];
  }

  async #ours(transfers: number, bytesEach: number, whileStalled: () => Promise<void>): Promise<number> {
    this.#drain.expect(bytesEach);
    const downloads: FileDownload[] = [];
    for (let at = 0; at < transfers; at += 1) {
      downloads.push(this.#download(offsetOf(at, bytesEach), bytesEach));
      // A server and two processes of ours take a while over each: not all of them at once.
      if (downloads.length % SESSIONS_AT_ONCE === 0) await this.#flowing(downloads);
    }
    await this.#flowing(downloads);
    await whileStalled();
    const rate = rateOf(await this.#drain.go());
    // The bytes never were in this process: to its sessions nothing came.
    await Promise.all(downloads.map((each) => each.finish('cancel')));
    this.#drain.close();
    while ((await this.#served.node.status()).transfers.length > 0) await pause(20);
    return rate;
  }

  /** Fails with the first that the node refuses. */
  async #flowing(downloads: readonly FileDownload[]): Promise<void> {
    const all = this.#drain.flowing(downloads.length);
    await Promise.all([all, ...downloads.map((each) => each.accepted)]);
  }

  #download(offset: number, length: number): FileDownload {
    const file = {
      name: this.#served.name,
      hashes: [],
      hashesUsed: [],
      range: { offset, length, hashes: [] },
    };
    return this.#stack.jingle.download({ peer: this.#served.address, file });
  }

  async #nginx(port: number, transfers: number, bytesEach: number): Promise<number> {
    this.#drain.expect(bytesEach);
    for (let at = 0; at < transfers; at += 1) {
      this.#drain.http(port, `/${this.#served.name}`, offsetOf(at, bytesEach));
    }
    await this.#drain.flowing(transfers);
    const rate = rateOf(await this.#drain.go());
    this.#drain.close();
    return rate;
  }

  async #stillMegabytes(): Promise<number> {
    for (;;) {
      const before = this.#served.node.memory().megabytes;
      await pause(STILL_MS);
      const now = this.#served.node.memory().megabytes;
      if (Math.abs(now - before) < STILL_MB) return now;
    }
  }
}

function offsetOf(at: number, bytesEach: number): number {
  return (at * bytesEach) % LARGE_FILE_BYTES;
}

function rateOf({ bytes, ms }: Drained): number {
  return (bytes / MB / ms) * MS_A_SECOND;
}

/** Resolves with its port. */
async function startNginx(cleanups: Cleanups, folder: string, share: string): Promise<number> {
  const [port = 0] = await freePorts(1);
  const config = join(folder, 'nginx.conf');
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  writeFileSync(
    config,
    `${user} worker_processes auto; pid ${folder}/nginx.pid; error_log stderr error;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
server { listen 127.0.0.1:${port}; root ${share}; } }\n`,
  );
  // It becomes a service of its own, and must not hold the shell's output open.
  const nginx = programOf('nginx') ?? 'nginx';
  await timedShell('"$1" -c "$2" > /dev/null 2>&1', [nginx, config]);
  cleanups.add(() => timedShell('"$1" -c "$2" -s stop', [nginx, config]));
  return port;
}
