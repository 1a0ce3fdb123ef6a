import { silentLog } from '../../src/log.js';
import { parseJid } from '../../src/stanza/jid.js';
import { IbbTransport } from '../../src/transport/ibb-transport.js';
import { defaultIbbLimits } from '../../src/transport/limits.js';
import { CountingClock } from '../support/counting-clock.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { describeTransport, type TransportRig } from './transport-compliance.js';

async function makeRig(): Promise<TransportRig> {
  const clock = new CountingClock();
  const network = new MemoryNetwork({ clock });
  const side = async (domain: string) => {
    const entity = network.component(domain);
    await entity.start();
    const transport = new IbbTransport(
      { entity, clock, log: silentLog },
      { ...defaultIbbLimits, blockSize: 4096, lingerMs: 100 },
    );
    await transport.start();
    const stop = async () => {
      await transport.stop();
      await entity.stop();
    };
    return { transport, jid: parseJid(domain), stop };
  };
  const initiator = await side('romeo.example');
  const responder = await side('juliet.example');
  return {
    initiator,
    responder,
    pendingTimers: () => clock.pendingTimers,
    cutResponder: () => network.cut('juliet.example'),
    async stop() {
      await initiator.stop();
      await responder.stop();
    },
  };
}

describeTransport('ibb', makeRig);
