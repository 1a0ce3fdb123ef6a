import type { Duplex } from 'node:stream';
import { parseJid } from '../../src/stanza/jid.js';
import { TransportFailedError } from '../../src/transport/transport.js';
import { describeTransport } from '../transport/transport-compliance.js';
import { MemoryBytestreams, MemoryTransport } from './memory-transport.js';

describeTransport('memory', async () => {
  const bytestreams = new MemoryBytestreams();
  const transport = new MemoryTransport({ type: 's5b', bytestreams });
  return {
    initiator: { transport, jid: parseJid('romeo.example') },
    responder: { transport, jid: parseJid('juliet.example') },
    pendingTimers: () => 0,
    cutResponder: (stream: Duplex) => stream.destroy(new TransportFailedError('the line broke')),
    stop: async () => undefined,
  };
});
