/** A process that floods an address with questions, as many a second as it is told to, and counts what comes back. */
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../src/clock.js';
import type { AskerConfig } from '../src/config/options.js';
import { clientConnection } from '../src/entity/client-connection.js';
import { StanzaRouter } from '../src/entity/stanza-router.js';
import { silentLog } from '../src/log.js';
import { findCodec } from '../src/stanza/file-discovery.js';
import { iqRequest } from '../src/stanza/iq.js';
import { parseJid } from '../src/stanza/jid.js';
import { words } from './asking.js';
import { CountedConnection } from './counted-connection.js';

export interface FloodTask {
  readonly config: AskerConfig;
  readonly perSecond: number;
}

export type FloodOrder = { readonly type: 'begin'; readonly to: string } | { readonly type: 'end' };

export type FloodReport =
  | { readonly type: 'ready' }
  | {
      readonly type: 'ended';
      readonly sent: number;
      readonly stanzas: number;
      readonly bytes: number;
      readonly ms: number;
    };

const TURN_MS = 5;
const ID = 'FLOOD-ID';
const MS_A_SECOND = 1000;
/** Questions that differ, as those of somebody who is after everything. */
const WORDS = ['music', 'flac', 'video', 'lecture', 'sonata', 'photo', 'thesis', 'episode'];

const task = JSON.parse(process.argv[2] ?? '') as FloodTask;
const components = { clock: systemClock, log: silentLog };
const counted = new CountedConnection(clientConnection(components, task.config));
const entity = new StanzaRouter({ ...components, connection: counted });

class Flood {
  readonly #began = performance.now();
  readonly #before = counted.received();
  readonly #running: Promise<void>;
  #over = false;
  #sent = 0;

  constructor(to: string) {
    this.#running = this.#run(to);
  }

  async end(): Promise<FloodReport> {
    this.#over = true;
    await this.#running;
    const { stanzas, bytes } = counted.received();
    return {
      type: 'ended',
      sent: this.#sent,
      stanzas: stanzas - this.#before.stanzas,
      bytes: bytes - this.#before.bytes,
      ms: performance.now() - this.#began,
    };
  }

  async #run(address: string): Promise<void> {
    // Written beforehand: on a small machine the flood is not to take the time that is measured.
    const stanzas = WORDS.map((word) => {
      const payload = findCodec.toXml({ criteria: words(word), page: { max: 100 } });
      return iqRequest({ from: counted.jid, to: parseJid(address), id: ID }, 'get', payload);
    });
    const texts = stanzas.map((each) => each.toString().split(ID));
    while (!this.#over) {
      const due = ((performance.now() - this.#began) * task.perSecond) / MS_A_SECOND;
      for (; this.#sent < due; this.#sent += 1) {
        const at = this.#sent % WORDS.length;
        const stanza = stanzas[at];
        if (stanza) counted.write(stanza, (texts[at] ?? []).join(`flood-${this.#sent}`));
      }
      await pause(TURN_MS);
    }
  }
}

function tell(report: FloodReport): void {
  process.send?.(report);
}

let flood: Flood | undefined;
process.on('message', (order: FloodOrder) => {
  if (order.type === 'begin') flood = new Flood(order.to);
  else void flood?.end().then(tell);
});
process.on('disconnect', () => process.exit());
await entity.start();
tell({ type: 'ready' });
