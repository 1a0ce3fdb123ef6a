/** The streamhost's side of SOCKS5 (XEP-0065 §5.3.2, §6.3.2): a machine, and its run on a stream. */
import type { Duplex } from 'node:stream';
import { defineMachine, rowsOf } from '../machine.js';
import { isDestinationAddress } from '../stanza/xep0065-bytestreams.js';
import { type Handshake, type HandshakeInit, runHandshake } from './socks5-handshake.js';
import {
  methodChoice,
  readGreeting,
  readRequest,
  replyTo,
  SocksCommand,
  SocksReply,
  type SocksRequest,
  wantedOfMessage,
} from './socks5-wire.js';
import { TransportFailedError } from './transport.js';

export type SocksServerState =
  | { readonly type: 'greeting'; readonly bytes: Buffer }
  | { readonly type: 'request'; readonly bytes: Buffer }
  /** Whether somebody here expects `request` is being found out. */
  | { readonly type: 'routing'; readonly request: SocksRequest }
  | { readonly type: 'accepted' }
  | { readonly type: 'refused' };

export type SocksServerEvent =
  | { readonly type: 'bytes'; readonly bytes: Buffer }
  | { readonly type: 'expected' }
  | { readonly type: 'unexpected' };

export type SocksServerEffect =
  | { readonly type: 'write'; readonly bytes: Buffer }
  | { readonly type: 'route'; readonly dstaddr: string }
  | { readonly type: 'refused'; readonly why: string };

const row = rowsOf<SocksServerState, SocksServerEvent, SocksServerEffect>();

function refused(bytes: Buffer, why: string): { state: SocksServerState; effects: SocksServerEffect[] } {
  return {
    state: { type: 'refused' },
    effects: [
      { type: 'write', bytes },
      { type: 'refused', why },
    ],
  };
}

export const socksServerMachine = defineMachine<SocksServerState, SocksServerEvent, SocksServerEffect>(
  'socks5-server',
  [
    ...row('greeting', 'bytes', 'RFC 1928 §3', (state, event) => {
      const bytes = Buffer.concat([state.bytes, event.bytes]);
      const read = readGreeting(bytes);
      if (!read) return { state: { ...state, bytes } };
      if (!read.value.noAuthentication) return refused(methodChoice('none'), 'no method in common');
      return {
        state: { type: 'request', bytes: bytes.subarray(read.bytes) },
        effects: [{ type: 'write', bytes: methodChoice('no-authentication') }],
      };
    }),
    ...row('request', 'bytes', 'RFC 1928 §4, XEP-0065 §10.2', (state, event) => {
      const bytes = Buffer.concat([state.bytes, event.bytes]);
      const read = readRequest(bytes);
      if (!read) return { state: { ...state, bytes } };
      const request = read.value;
      const { domain } = request.address;
      if (request.command !== SocksCommand.connect) {
        return refused(replyTo(request, SocksReply.commandNotSupported), 'only CONNECT is served');
      }
      if (domain === undefined) {
        return refused(replyTo(request, SocksReply.addressTypeNotSupported), 'only domain names are served');
      }
      if (!isDestinationAddress(domain)) {
        return refused(replyTo(request, SocksReply.notAllowed), 'not the hash of a bytestream');
      }
      return {
        state: { type: 'routing', request },
        effects: [{ type: 'route', dstaddr: domain.toLowerCase() }],
      };
    }),
    ...row('routing', 'expected', 'XEP-0065 §6.3.2', ({ request }) => ({
      state: { type: 'accepted' },
      effects: [{ type: 'write', bytes: replyTo(request, SocksReply.succeeded) }],
    })),
    ...row('routing', 'unexpected', 'RFC 1928 §6', ({ request }) =>
      refused(replyTo(request, SocksReply.notAllowed), 'nobody expects this bytestream'),
    ),
  ],
);

/** How many more bytes a state needs, as far as it can tell yet. */
export function wantedByServer(state: SocksServerState): number {
  switch (state.type) {
    case 'greeting':
      return 2 + (state.bytes[1] ?? 0) - state.bytes.length;
    case 'request':
      return wantedOfMessage(state.bytes);
    case 'routing':
    case 'accepted':
    case 'refused':
      return 0;
  }
}

/**
 * Serves the client at the other end of `stream`. `route` says who takes the stream, if anyone
 * expects that destination; it resolves with that, once the client has been told. Rejects with
 * TransportFailedError, ParseError, TimeoutError or AbortedError.
 */
export async function acceptSocks5<T>(
  stream: Duplex,
  route: (dstaddr: string) => T | undefined,
  init: HandshakeInit,
): Promise<T> {
  let state: SocksServerState = { type: 'greeting', bytes: Buffer.alloc(0) };
  let taker: T | undefined;
  const handle = (event: SocksServerEvent): void => {
    const step = socksServerMachine.step(state, event);
    if (!step) throw new TransportFailedError(`'${event.type}' in '${state.type}'`);
    state = step.state;
    for (const effect of step.effects) perform(effect);
  };
  const perform = (effect: SocksServerEffect): void => {
    switch (effect.type) {
      case 'write':
        stream.write(effect.bytes);
        return;
      case 'route':
        taker = route(effect.dstaddr);
        handle({ type: taker === undefined ? 'unexpected' : 'expected' });
        return;
      case 'refused':
        throw new TransportFailedError(effect.why);
    }
  };
  const handshake: Handshake = {
    get wanted() {
      return wantedByServer(state);
    },
    take: (bytes) => handle({ type: 'bytes', bytes }),
  };
  await runHandshake(stream, handshake, init);
  if (taker === undefined) throw new TransportFailedError('nobody took the bytestream');
  return taker;
}
