/** A program of its own: logs in as alice over TLS to the port it is given, asks files.localhost, prints the answer. */
import { clientEntity } from '../../src/entity/client-entity.js';
import { parseJid } from '../../src/stanza/jid.js';
import { xml } from '../../src/stanza/xml.js';
import { ENTITY_COMPONENTS } from './attached.js';

const alice = clientEntity(ENTITY_COMPONENTS, {
  jid: parseJid('alice@localhost'),
  password: 'alicepw',
  server: { host: '127.0.0.1', port: Number(process.argv[2]) },
  tls: 'required',
});
await alice.start();
const payload = xml('q', { xmlns: 'test' });
const answer = await alice.request({ to: parseJid('files.localhost'), type: 'get', payload });
process.stdout.write(answer.getChildText('a') ?? '');
await alice.stop();
