/** How a node or an asker attaches to its server: what the table of options can't say row by row. */
import { type BareJid, domainOf, type FullJid, isFull, type Jid } from '../stanza/jid.js';
import { domain } from './kinds.js';
import type { Place, SectionOf } from './option.js';
import { AttachMode, type NodeValues, OPTIONS_OF_MODE, type TlsMode, type XmppConfig } from './options.js';

const CLIENT_PORT = 5222; // RFC 6120 §14.7
const DEFAULT_RESOURCE = 'shoal'; // always the same, so that others find the node at one address

/** Where an account's server is and how the connection is protected, where the configuration leaves it open. */
export function serverOf(account: {
  readonly jid: Jid;
  readonly server: { readonly host: string; readonly port: number } | undefined;
  readonly tls: TlsMode | undefined;
}): { server: { host: string; port: number }; tls: TlsMode } {
  const server = account.server ?? { host: domainOf(account.jid), port: CLIENT_PORT };
  // What stays on this machine nobody can listen to who could not read the password as well.
  return { server, tls: account.tls ?? (isThisMachine(server.host) ? 'allowed' : 'required') };
}

/** The two kinds of address, and options of the other mode; `written` is the section as it stands in the file. */
export function checkMode(values: Partial<NodeValues>, written: unknown, place: Place): void {
  const mode = values['xmpp.mode'];
  if (mode === undefined) return; // it was at fault, and has been reported
  const jid = values['xmpp.jid'];
  const fault = (name: string, text: string, value?: unknown) =>
    place.faults.push({ path: ['xmpp', name], value, text });
  if (jid !== undefined && mode === 'component' && domain.read(jid, place) === undefined) {
    fault('jid', `must be ${domain.allowed}`, jid);
  }
  if (jid !== undefined && mode === 'client' && !jid.includes('@')) {
    fault('jid', 'must be an account such as files@example.org', jid);
  }
  for (const other of AttachMode.filter((each) => each !== mode)) {
    for (const name of OPTIONS_OF_MODE[other]) {
      const isReported = place.faults.some(({ path }) => path.join('.') === `xmpp.${name}`);
      const isThere = typeof written === 'object' && written !== null && Object.hasOwn(written, name);
      if (isThere && !isReported) fault(name, `is an option of 'mode: ${other}'; the mode here is ${mode}`);
    }
  }
}

export function xmppOf(values: SectionOf<NodeValues, 'xmpp'>, secret: string): XmppConfig {
  const { mode, jid } = values;
  if (mode === 'component') {
    return { mode, host: values.host, port: values.port, jid: jid as BareJid, secret };
  }
  return {
    mode,
    jid: isFull(jid) ? jid : (`${jid}/${DEFAULT_RESOURCE}` as FullJid),
    password: secret,
    ...serverOf(values),
    subscriptions: values.subscriptions,
  };
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
