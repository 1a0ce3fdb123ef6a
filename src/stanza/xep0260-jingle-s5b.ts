/**
 * XEP-0260: Jingle SOCKS5 Bytestreams Transport Method
 * https://xmpp.org/extensions/xep-0260.html, version 1.0.3 (2018-05-15)
 *
 * `<transport/>` as a description (in session-initiate, session-accept, transport-replace and
 * transport-accept) and as a transport-info.
 *
 * Departures: a candidate that can't be used as it is written (a port out of range, a malformed
 * address, an unknown type, no cid) is left out instead of spoiling its neighbours: to us it is
 * one that can't be reached.
 * `<early/>` of our own namespace may stand in a description: docs/protocol.md, "Transports".
 * COMPAT: Psi gives candidates neither `jid` nor `type`, and no `dstaddr`; Dino gives hosts such
 * as `fe80::1%eth0`.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { type Jid, parseJid } from './jid.js';
import { NS } from './namespaces.js';
import { isDestinationAddress, parseHost, parsePort } from './xep0065-bytestreams.js';
import { attribute, child, children, type Element, is, parseCount, requiredAttribute, xml } from './xml.js';

export const CandidateType = ['direct', 'assisted', 'tunnel', 'proxy'] as const;
export type CandidateType = (typeof CandidateType)[number];

/** §2.2, "Defined Types". */
export const TYPE_PREFERENCE: Readonly<Record<CandidateType, number>> = {
  direct: 126,
  assisted: 120,
  tunnel: 110,
  proxy: 10,
};

export interface S5bCandidate {
  readonly cid: string;
  readonly host: string;
  readonly port: number;
  readonly priority: number;
  readonly type: CandidateType;
  /** Of the streamhost. Needed of a proxy that is ours, to activate it. */
  readonly jid?: Jid;
}

export interface S5bDescription {
  readonly sid: string;
  /** Said in offers only; tcp when absent. */
  readonly mode?: 'tcp' | 'udp';
  /** What to ask the sender's streamhosts for, in lower-case hex. */
  readonly dstaddr?: string;
  readonly candidates: readonly S5bCandidate[];
  /** Takes bytes through a connection before the reports that nominate it are there. */
  readonly early?: true;
}

/** A transport-info is one of these. */
export type S5bInfo = { readonly sid: string } & (
  | { readonly type: 'candidate-used'; readonly cid: string }
  | { readonly type: 'candidate-error' }
  | { readonly type: 'activated'; readonly cid: string }
  | { readonly type: 'proxy-error' }
  /** §2.2: candidates may follow one by one. Psi's proxy does. */
  | { readonly type: 'candidates'; readonly dstaddr?: string; readonly candidates: readonly S5bCandidate[] }
);

const MAX_ID_CHARS = 1024; // a sid or cid; the specification has no bound

/** §2.2: (2^16) * (type preference) + (local preference). */
export function candidatePriority(type: CandidateType, localPreference: number): number {
  return 65536 * TYPE_PREFERENCE[type] + localPreference;
}

export const s5bDescriptionCodec: Codec<S5bDescription> = {
  fromXml(element) {
    const sid = transportSid(element);
    const mode = attribute(element, 'mode');
    if (mode !== undefined && mode !== 'tcp' && mode !== 'udp') {
      throw new ParseError("'mode' must be tcp or udp", { field: 'mode' });
    }
    return {
      sid,
      ...(mode !== undefined && { mode }),
      ...dstaddrOf(element),
      candidates: candidatesOf(element),
      ...(child(element, 'early', NS.find) && { early: true }),
    };
  },
  toXml: (description) =>
    transportToXml(description.sid, { dstaddr: description.dstaddr, mode: description.mode }, [
      ...description.candidates.map(candidateToXml),
      ...(description.early ? [xml('early', { xmlns: NS.find })] : []),
    ]),
};

export const s5bInfoCodec: Codec<S5bInfo> = {
  fromXml(element) {
    const sid = transportSid(element);
    const found = infosOf(element, sid);
    const [info] = found;
    if (info === undefined || found.length > 1) {
      throw new ParseError('a transport-info says exactly one thing', { field: 'transport' });
    }
    return info;
  },
  toXml(info) {
    switch (info.type) {
      case 'candidate-used':
      case 'activated':
        return transportToXml(info.sid, {}, [xml(info.type, { cid: info.cid })]);
      case 'candidate-error':
      case 'proxy-error':
        return transportToXml(info.sid, {}, [xml(info.type)]);
      case 'candidates':
        return transportToXml(info.sid, { dstaddr: info.dstaddr }, info.candidates.map(candidateToXml));
    }
  },
};

function infosOf(element: Element, sid: string): S5bInfo[] {
  const infos: S5bInfo[] = [];
  for (const type of ['candidate-used', 'activated'] as const) {
    for (const each of children(element, type, NS.s5b)) infos.push({ type, sid, cid: idOf(each, 'cid') });
  }
  for (const type of ['candidate-error', 'proxy-error'] as const) {
    if (child(element, type, NS.s5b)) infos.push({ type, sid });
  }
  if (child(element, 'candidate', NS.s5b)) {
    infos.push({ type: 'candidates', sid, ...dstaddrOf(element), candidates: candidatesOf(element) });
  }
  return infos;
}

function transportSid(element: Element): string {
  if (!is(element, 'transport', NS.s5b))
    throw new ParseError('not an S5B <transport/>', { field: 'transport' });
  return idOf(element, 'sid');
}

function idOf(element: Element, name: 'sid' | 'cid'): string {
  const id = requiredAttribute(element, name);
  if (id.length > MAX_ID_CHARS) throw new ParseError(`'${name}' is too long`, { field: name });
  return id;
}

function dstaddrOf(element: Element): { dstaddr?: string } {
  const dstaddr = attribute(element, 'dstaddr');
  if (dstaddr === undefined) return {};
  if (!isDestinationAddress(dstaddr)) {
    throw new ParseError("'dstaddr' must be a SHA-1 in hex", { field: 'dstaddr' });
  }
  return { dstaddr: dstaddr.toLowerCase() };
}

function candidatesOf(element: Element): S5bCandidate[] {
  const seen = new Set<string>();
  return children(element, 'candidate', NS.s5b).flatMap((each) => {
    const candidate = usableCandidate(each);
    if (candidate === undefined || seen.has(candidate.cid)) return [];
    seen.add(candidate.cid);
    return [candidate];
  });
}

function usableCandidate(element: Element): S5bCandidate | undefined {
  try {
    return candidateFromXml(element);
  } catch (thrown) {
    if (thrown instanceof ParseError) return undefined;
    throw thrown;
  }
}

function candidateFromXml(element: Element): S5bCandidate {
  const type = attribute(element, 'type') ?? 'direct';
  if (!isCandidateType(type)) throw new ParseError('unknown candidate type', { field: 'type' });
  const jid = attribute(element, 'jid');
  return {
    cid: idOf(element, 'cid'),
    host: parseHost(requiredAttribute(element, 'host')),
    port: parsePort(attribute(element, 'port')),
    priority: parseCount(requiredAttribute(element, 'priority'), 'priority'),
    type,
    ...(jid !== undefined && { jid: parseJid(jid) }),
  };
}

function isCandidateType(text: string): text is CandidateType {
  return (CandidateType as readonly string[]).includes(text);
}

function transportToXml(
  sid: string,
  attributes: Record<string, string | undefined>,
  inside: Element[],
): Element {
  return xml('transport', { xmlns: NS.s5b, sid, ...attributes }, inside);
}

function candidateToXml(candidate: S5bCandidate): Element {
  return xml('candidate', {
    cid: candidate.cid,
    host: candidate.host,
    jid: candidate.jid,
    port: candidate.port,
    priority: candidate.priority,
    type: candidate.type,
  });
}
