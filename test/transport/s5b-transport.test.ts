import type { Duplex } from 'node:stream';
import { silentLog } from '../../src/log.js';
import { parseJid } from '../../src/stanza/jid.js';
import { AddressPolicy } from '../../src/transport/address-policy.js';
import { ConnectBudget } from '../../src/transport/connect-budget.js';
import { defaultConnectBudget, defaultListenerLimits, defaultS5bLimits } from '../../src/transport/limits.js';
import { fixedProxies } from '../../src/transport/proxy-finder.js';
import { S5bListener } from '../../src/transport/s5b-listener.js';
import { S5bTransport } from '../../src/transport/s5b-transport.js';
import { TcpConnector } from '../../src/transport/tcp-connector.js';
import { CountingClock } from '../support/counting-clock.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { describeTransport, type TransportRig } from './transport-compliance.js';

async function makeRig(): Promise<TransportRig> {
  const clock = new CountingClock();
  const network = new MemoryNetwork({ clock });
  const side = async (domain: string) => {
    const entity = network.component(domain);
    const listener = new S5bListener(
      { clock, log: silentLog },
      { ...defaultListenerLimits, hosts: ['127.0.0.1'], loopback: true, port: 0 },
    );
    await entity.start();
    await listener.start();
    const policy = new AddressPolicy({ allowPrivate: true, allowLoopback: true });
    const gate = new ConnectBudget({ clock }, defaultConnectBudget);
    const proxies = fixedProxies([]);
    const transport = new S5bTransport(
      { entity, clock, log: silentLog, listener, connector: new TcpConnector(), policy, gate, proxies },
      defaultS5bLimits,
    );
    const stop = async () => {
      await listener.stop();
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
    cutResponder: (stream: Duplex) => (stream as Duplex & { resetAndDestroy(): void }).resetAndDestroy(),
    async stop() {
      await initiator.stop();
      await responder.stop();
    },
  };
}

describeTransport('s5b', makeRig);
