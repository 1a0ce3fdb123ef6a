import assert from 'node:assert/strict';
import { systemClock } from '../../src/clock.js';
import { clientEntity } from '../../src/entity/client-entity.js';
import { componentEntity } from '../../src/entity/component-entity.js';
import { silentLog } from '../../src/log.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { xml } from '../../src/stanza/xml.js';
import { ACCOUNTS, COMPONENT_SECRET } from '../support/server.js';
import { describeOnServers } from '../support/server-fixture.js';

const components = { clock: systemClock, log: silentLog };

describeOnServers('entity', (server) => {
  const component = (domain: string) =>
    componentEntity(components, {
      jid: parseBareJid(domain),
      host: server().host,
      port: server().componentPort,
      secret: COMPONENT_SECRET,
    });
  const client = (index: 0 | 1 | 2) =>
    clientEntity(components, {
      jid: parseJid(`${ACCOUNTS[index].user}@localhost`),
      password: ACCOUNTS[index].password,
      server: { host: server().host, port: server().c2sPort },
      tls: 'off',
    });

  it('asks and is asked', async () => {
    const files = component('files.localhost');
    const alice = client(0);
    await files.start();
    await alice.start();
    files.handleIq('get', 'q', 'test', (iq) => xml('a', { xmlns: 'test', from: iq.from }));
    alice.handleIq('get', 'q', 'test', (iq) => xml('a', { xmlns: 'test', from: iq.from }));
    const there = await files.request({ to: alice.jid, type: 'get', payload: xml('q', { xmlns: 'test' }) });
    assert.equal(there.getChild('a')?.attrs.from, 'files.localhost');
    const back = await alice.request({
      to: parseJid('files.localhost/x'),
      type: 'get',
      payload: xml('q', { xmlns: 'test' }),
    });
    assert.equal(back.getChild('a')?.attrs.from, alice.jid);
    await files.stop();
    await alice.stop();
  });
});
