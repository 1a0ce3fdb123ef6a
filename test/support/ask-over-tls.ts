/**
 * A program of its own: logs in as alice over TLS to the port it is given, asks files.localhost, prints the answer.
 * With `again` after the port it asks once more when its session was resumed, and says so.
 */
import { clientEntity } from '../../src/entity/client-entity.js';
import { parseJid } from '../../src/stanza/jid.js';
import { xml } from '../../src/stanza/xml.js';
import { ENTITY_COMPONENTS } from './attached.js';

const [port, again] = process.argv.slice(2);
const alice = clientEntity(ENTITY_COMPONENTS, {
  jid: parseJid('alice@localhost'),
  password: 'alicepw',
  server: { host: '127.0.0.1', port: Number(port) },
  tls: 'required',
  times: { minBackoffMs: 20, maxBackoffMs: 100 },
});
const resumed = new Promise<void>((resolve) => {
  alice.onEvent((event) => {
    if (event.type === 'online' && event.resumed) resolve();
  });
});

async function ask(): Promise<void> {
  const payload = xml('q', { xmlns: 'test' });
  const answer = await alice.request({ to: parseJid('files.localhost'), type: 'get', payload });
  process.stdout.write(answer.getChildText('a') ?? '');
}

await alice.start();
await ask();
if (again !== undefined) {
  const waiting = setInterval(() => {}, 1000); // timers of the clock keep no process alive
  await resumed;
  clearInterval(waiting);
  process.stdout.write(' resumed ');
  await ask();
}
await alice.stop();
