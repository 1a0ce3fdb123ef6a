/** The side that connects to a streamhost (XEP-0065 §5.3.2, §6.3.2): a machine, and its run on a stream. */
import type { Duplex } from 'node:stream';
import { defineMachine, rowsOf } from '../machine.js';
import { type Handshake, type HandshakeInit, runHandshake } from './socks5-handshake.js';
import {
  connectRequest,
  greeting,
  readMethod,
  readReply,
  SocksReply,
  wantedOfMessage,
} from './socks5-wire.js';
import { TransportFailedError } from './transport.js';

export type SocksClientState =
  | { readonly type: 'method'; readonly dstaddr: string; readonly bytes: Buffer }
  | { readonly type: 'reply'; readonly bytes: Buffer }
  | { readonly type: 'connected' }
  | { readonly type: 'refused' };

export type SocksClientEvent = { readonly type: 'bytes'; readonly bytes: Buffer };

export type SocksClientEffect =
  | { readonly type: 'write'; readonly bytes: Buffer }
  | { readonly type: 'refused'; readonly why: string };

const row = rowsOf<SocksClientState, SocksClientEvent, SocksClientEffect>();

function refused(why: string): { state: SocksClientState; effects: SocksClientEffect[] } {
  return { state: { type: 'refused' }, effects: [{ type: 'refused', why }] };
}

export const socksClientMachine = defineMachine<SocksClientState, SocksClientEvent, SocksClientEffect>(
  'socks5-client',
  [
    ...row('method', 'bytes', 'RFC 1928 §3', (state, event) => {
      const bytes = Buffer.concat([state.bytes, event.bytes]);
      const read = readMethod(bytes);
      if (!read) return { state: { ...state, bytes } };
      if (!read.value.noAuthentication) return refused('the streamhost wants authentication');
      return {
        state: { type: 'reply', bytes: bytes.subarray(read.bytes) },
        effects: [{ type: 'write', bytes: connectRequest(state.dstaddr) }],
      };
    }),
    ...row('reply', 'bytes', 'RFC 1928 §6', (state, event) => {
      const bytes = Buffer.concat([state.bytes, event.bytes]);
      const read = readReply(bytes);
      if (!read) return { state: { ...state, bytes } };
      if (read.value.reply !== SocksReply.succeeded) {
        return refused(`the streamhost refused with code ${read.value.reply}`);
      }
      return { state: { type: 'connected' } };
    }),
  ],
);

/** How many more bytes a state needs, as far as it can tell yet. */
export function wantedByClient(state: SocksClientState): number {
  switch (state.type) {
    case 'method':
      return 2 - state.bytes.length;
    case 'reply':
      return wantedOfMessage(state.bytes);
    case 'connected':
    case 'refused':
      return 0;
  }
}

/**
 * Asks the streamhost at the other end of `stream` for `dstaddr`. Rejects with TransportFailedError,
 * ParseError, TimeoutError or AbortedError.
 */
export function connectSocks5(stream: Duplex, dstaddr: string, init: HandshakeInit): Promise<void> {
  let state: SocksClientState = { type: 'method', dstaddr, bytes: Buffer.alloc(0) };
  const handshake: Handshake = {
    get wanted() {
      return wantedByClient(state);
    },
    take(bytes) {
      const step = socksClientMachine.step(state, { type: 'bytes', bytes });
      if (!step) throw new TransportFailedError('bytes after the SOCKS5 handshake');
      state = step.state;
      for (const effect of step.effects) {
        if (effect.type === 'refused') throw new TransportFailedError(effect.why);
        stream.write(effect.bytes);
      }
    },
  };
  stream.write(greeting());
  return runHandshake(stream, handshake, init);
}
