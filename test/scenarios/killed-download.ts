/**
 * The process that `many-sources.test.ts` kills: an asker that downloads a file from those it is told of, and says
 * what it hears, a line for each event. Its only argument is an {@link KilledDownload} in JSON.
 */
import { systemClock } from '../../src/clock.js';
import type { AskerConfig } from '../../src/config/options.js';
import { silentLog } from '../../src/log.js';
import type { DownloadOrder } from '../../src/node/asker.js';
import { NetworkAsker } from '../../src/node/network-asker.js';

export interface KilledDownload {
  readonly config: AskerConfig;
  readonly order: DownloadOrder;
  readonly external: { readonly host: string; readonly port: number };
}

const [text = '{}'] = process.argv.slice(2);
const { config, order, external } = JSON.parse(text) as KilledDownload;

process.stdin.resume(); // our timers do not keep a process alive
const asker = new NetworkAsker({ clock: systemClock, log: silentLog }, config, { external });
await asker.start();
try {
  for await (const event of asker.download(order)) {
    const said = 'error' in event ? { ...event, error: event.error.message } : event;
    process.stdout.write(`${JSON.stringify(said)}\n`);
  }
} catch (error) {
  process.stdout.write(`${JSON.stringify({ type: 'failed', error: String(error) })}\n`);
} finally {
  await asker.stop();
  process.stdin.destroy();
}
