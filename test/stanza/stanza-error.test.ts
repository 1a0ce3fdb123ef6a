import assert from 'node:assert/strict';
import { LimitError, ParseError } from '../../src/errors.js';
import {
  StanzaError,
  stanzaErrorOf,
  stanzaErrorToXml,
  toStanzaError,
} from '../../src/stanza/stanza-error.js';
import { xml } from '../../src/stanza/xml.js';
import { elementOf } from '../support/codec-fixtures.js';

describe('stanza errors', () => {
  it('go out and come back', () => {
    const error = new StanzaError('resource-constraint', 'later', { detail: xml('busy', { xmlns: 'x' }) });
    const read = stanzaErrorOf(elementOf(xml('iq', { type: 'error' }, stanzaErrorToXml(error)).toString()));
    assert.equal(read.condition, 'resource-constraint');
    assert.equal(read.type, 'wait');
    assert.equal(read.text, 'later');
    assert.equal(read.detail?.getName(), 'busy');
  });

  it('are read whatever a peer sends', () => {
    assert.equal(stanzaErrorOf(elementOf("<iq type='error'/>")).condition, 'undefined-condition');
    assert.equal(
      stanzaErrorOf(
        elementOf(
          "<iq type='error'><error type='odd'><strange xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        ),
      ).condition,
      'undefined-condition',
    );
  });

  it('repeat no more than a few words of what a peer wrote', () => {
    const error = toStanzaError(new ParseError(`there is no field '${'x'.repeat(70_000)}'`));
    assert.ok((error.text?.length ?? 0) <= 500);
  });

  it('tell a peer the field and the bound, and nothing of an unexpected failure', () => {
    assert.equal(toStanzaError(new ParseError("'size' is odd")).condition, 'bad-request');
    assert.match(
      toStanzaError(new LimitError('deadline', 'x', 1500)).text ?? '',
      /'deadline'; try again in 2 s/,
    );
    const unexpected = toStanzaError(new Error('ENOENT: /home/romeo/secret'));
    assert.equal(unexpected.condition, 'internal-server-error');
    assert.equal(unexpected.text, undefined);
  });
});
