import assert from 'node:assert/strict';
import { type DiscoInfo, discoInfoCodec } from '../../src/stanza/xep0030-disco.js';
import { capabilitiesNodeId, capabilitiesOf } from '../../src/stanza/xep0115-entity-capabilities.js';
import { elementOf } from '../support/codec-fixtures.js';

const FEATURES = [
  'http://jabber.org/protocol/muc',
  'http://jabber.org/protocol/disco#info',
  'http://jabber.org/protocol/caps',
  'http://jabber.org/protocol/disco#items',
];

describe('entity capabilities', () => {
  it('have the verification string of §5.2', () => {
    const info: DiscoInfo = {
      identities: [{ category: 'client', type: 'pc', name: 'Exodus 0.9.1' }],
      features: FEATURES,
      forms: [],
    };
    const capabilities = capabilitiesOf('http://code.google.com/p/exodus', info);
    assert.equal(capabilities.ver, 'QgayPKawpkPSDYmwT/WM94uAlu0=');
    assert.equal(capabilities.hash, 'sha-1');
    assert.equal(
      capabilitiesNodeId(capabilities),
      'http://code.google.com/p/exodus#QgayPKawpkPSDYmwT/WM94uAlu0=',
    );
  });

  it('have that of §5.3, with languages and a form, in any order', () => {
    const field = (name: string, ...values: string[]) =>
      `<field var='${name}'>${values.map((each) => `<value>${each}</value>`).join('')}</field>`;
    const info = discoInfoCodec.fromXml(
      elementOf(`<query xmlns='http://jabber.org/protocol/disco#info'>
        <identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>
        <identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>
        ${FEATURES.map((each) => `<feature var='${each}'/>`).join('')}
        <x xmlns='jabber:x:data' type='result'>
          <field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>
          ${field('software_version', '0.11')}${field('ip_version', 'ipv6', 'ipv4')}${field('os', 'Mac')}
          ${field('software', 'Psi')}${field('os_version', '10.5.1')}
        </x>
      </query>`),
    );
    assert.equal(capabilitiesOf('http://psi-im.org', info).ver, 'q07IKJEyjvHSyhy//CH0CxmKi8w=');
  });
});
