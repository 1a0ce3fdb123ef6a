/**
 * A process that fetches one file from everybody who has it, as `shoal get` does, and says what happens as JSON
 * lines with the time of each. `process.argv[2]` is a {@link FetchOrder} as JSON.
 */
import { systemClock } from '../src/clock.js';
import { loadAskerConfig } from '../src/config/load.js';
import { createLog } from '../src/log.js';
import type { FindRequest, FoundFile } from '../src/node/asker.js';
import { NetworkAsker } from '../src/node/network-asker.js';
import { parseJid } from '../src/stanza/jid.js';
import type { FoundSource } from '../src/transfer/fetch/range-source.js';

export interface FetchOrder {
  readonly configFile: string;
  readonly service: string;
  readonly channel: string;
  /** base64. */
  readonly sha256: string;
  readonly size: number;
  readonly target: string;
  /** Begins when so many have answered. */
  readonly sources: number;
  /** Nobody listens there: peers are to be reached, not to reach us. */
  readonly deadPort?: number;
  readonly stateFolder: string;
  readonly waitMs: number;
}

/** One line. */
export type Told =
  | { readonly at: number; readonly type: 'begin' }
  | { readonly at: number; readonly type: 'found'; readonly jid: string }
  | {
      readonly at: number;
      readonly type: 'progress';
      readonly receivedBytes: number;
      readonly resumedBytes: number;
      readonly wastedBytes: number;
      readonly kept: Readonly<Record<string, number>>;
    }
  | { readonly at: number; readonly type: 'strike'; readonly jid: string }
  | { readonly at: number; readonly type: 'note'; readonly text: string }
  | { readonly at: number; readonly type: 'done'; readonly wastedBytes: number };

type Untimed<T> = T extends unknown ? Omit<T, 'at'> : never;

function tell(told: Untimed<Told>): void {
  process.stdout.write(`${JSON.stringify({ at: performance.timeOrigin + performance.now(), ...told })}\n`);
}

const order = JSON.parse(process.argv[2] ?? '{}') as FetchOrder;
const { config } = await loadAskerConfig(order.configFile);
const asker = new NetworkAsker({ clock: systemClock, log: createLog('silent') }, config, {
  stateFolder: order.stateFolder,
  ...(order.deadPort !== undefined && { external: { host: '127.0.0.1', port: order.deadPort } }),
});
await asker.start();
try {
  await fetch();
} finally {
  await asker.stop();
}

async function fetch(): Promise<void> {
  const hash = { algo: 'sha-256', value: order.sha256 } as const;
  const channels = [{ service: parseJid(order.service), node: order.channel }];
  const request: FindRequest = { criteria: { hash: [hash] }, channels, max: 1, waitMs: 10_000 };
  const found = new Map<string, FoundFile>();
  for await (const event of asker.find(request)) {
    if (event.type === 'file') found.set(event.file.source.jid, event.file);
    if (found.size >= order.sources) break;
  }
  const sources = [...found.values()].map(
    ({ source, path, blocks }): FoundSource => ({
      jid: source.jid,
      ...(path !== undefined && { path }),
      ...(blocks !== undefined && { tree: blocks }),
    }),
  );
  tell({ type: 'begin' });
  let wastedBytes = 0;
  for await (const event of asker.download({
    file: { hash, size: order.size },
    sources,
    target: order.target,
    overwrite: 'replace',
    waitMs: order.waitMs,
    audience: { channels, nodes: [] },
  })) {
    switch (event.type) {
      case 'progress': {
        const { receivedBytes, resumedBytes } = event;
        wastedBytes = event.wastedBytes;
        const kept = Object.fromEntries(event.sources.map(({ jid, keptBytes }) => [jid, keptBytes]));
        tell({ type: 'progress', receivedBytes, resumedBytes, wastedBytes, kept });
        break;
      }
      case 'source-found':
        tell({ type: 'found', jid: event.jid });
        break;
      case 'strike':
        tell({ type: 'strike', jid: event.jid });
        break;
      case 'source-failed':
        tell({ type: 'note', text: `${event.jid} failed: ${event.error.message}` });
        break;
      case 'done':
        tell({ type: 'done', wastedBytes });
        break;
      default:
        tell({ type: 'note', text: event.type });
    }
  }
}
