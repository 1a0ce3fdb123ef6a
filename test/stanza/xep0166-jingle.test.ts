import assert from 'node:assert/strict';
import type { Codec } from '../../src/stanza/codec.js';
import { StanzaError, stanzaErrorOf, stanzaErrorToXml } from '../../src/stanza/stanza-error.js';
import {
  type Jingle,
  JingleError,
  jingleCodec,
  jingleError,
  jingleErrorOf,
  ReasonCondition,
} from '../../src/stanza/xep0166-jingle.js';
import { Element, xml } from '../../src/stanza/xml.js';
import { canonical, describeFixtures, elementOf } from '../support/codec-fixtures.js';

/** Elements that other specifications define stand in the fixtures as what they mean. */
const asData: Codec<unknown> = {
  fromXml: (element) => plain(jingleCodec.fromXml(element)),
  toXml: (value) => jingleCodec.toXml(revive(value) as Jingle),
};

function plain(value: unknown): unknown {
  if (value instanceof Element) return { element: canonical(value) };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

interface Canonical {
  readonly name: string;
  readonly ns: string;
  readonly attributes: readonly (readonly [string, string])[];
  readonly children: readonly Canonical[];
  readonly text: string;
}

function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== 'object' || value === null) return value;
  if ('element' in value) return elementFrom(value.element as Canonical);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, revive(each)]));
}

function elementFrom({ name, ns, attributes, children, text }: Canonical): Element {
  return xml(name, { xmlns: ns, ...Object.fromEntries(attributes) }, children.map(elementFrom), text);
}

describeFixtures('xep0166', asData);

describe('Jingle', () => {
  it('reads every reason of §7.4 and writes it', () => {
    for (const condition of ReasonCondition) {
      const jingle: Jingle = { action: 'session-terminate', sid: 's', reason: { condition } };
      assert.deepEqual(jingleCodec.fromXml(elementOf(jingleCodec.toXml(jingle).toString())), jingle);
    }
  });

  it('reads prefixes, as some clients write them', () => {
    const text =
      '<j:jingle xmlns:j="urn:xmpp:jingle:1" action="session-terminate" sid="s"><j:reason><j:success/></j:reason></j:jingle>';
    assert.deepEqual(jingleCodec.fromXml(elementOf(text)), {
      action: 'session-terminate',
      sid: 's',
      reason: { condition: 'success' },
    });
  });

  it('keeps no more of a text than is worth it', () => {
    const text = `<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='s'><reason><cancel/><text>${'x'.repeat(9000)}</text></reason></jingle>`;
    const jingle = jingleCodec.fromXml(elementOf(text));
    assert.equal(jingle.action === 'session-terminate' && jingle.reason?.text?.length, 500);
  });

  for (const error of Object.keys(JingleError) as JingleError[]) {
    it(`says ${error} beside its stanza error, and reads it`, () => {
      const written = xml('iq', { type: 'error' }, stanzaErrorToXml(jingleError(error)));
      const read = stanzaErrorOf(elementOf(written.toString()));
      assert.equal(read.condition, JingleError[error]);
      assert.equal(jingleErrorOf(read), error);
    });
  }

  it('finds no Jingle condition in other errors', () => {
    assert.equal(jingleErrorOf(new StanzaError('conflict')), undefined);
    assert.equal(
      jingleErrorOf(new StanzaError('conflict', undefined, { detail: xml('tie-break', { xmlns: 'other' }) })),
      undefined,
    );
  });
});
