import assert from 'node:assert/strict';
import { OfflineError } from '../../src/entity/entity.js';
import { AbortedError, LimitError, ParseError, TimeoutError } from '../../src/errors.js';
import { FileChangedError, FileNotAvailableError, SessionEndedError } from '../../src/jingle/file-session.js';
import { reasonOf, SessionFailedError } from '../../src/jingle/reason.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { TransportFailedError } from '../../src/transport/transport.js';

describe('reasonOf', () => {
  const cases: readonly [unknown, string, string | undefined][] = [
    [new FileNotAvailableError('/srv/x'), 'failed-application', 'file-not-available'],
    [new ParseError("'offset' is wrong", { field: 'offset' }), 'failed-application', 'bad-request'],
    [new FileChangedError('/srv/x'), 'media-error', undefined],
    [new LimitError('uploads', 'all slots'), 'busy', undefined],
    [new TransportFailedError('10.0.0.1'), 'failed-transport', undefined],
    [new TimeoutError('x'), 'timeout', undefined],
    [new AbortedError('x'), 'cancel', undefined],
    [new OfflineError('x'), 'gone', undefined],
    [new SessionEndedError('cancel', undefined, undefined), 'cancel', undefined],
    [new SessionFailedError('media-error', 'more bytes', 'file-too-large'), 'media-error', 'file-too-large'],
    [new StanzaError('gone'), 'general-error', undefined],
    [new TypeError('a fault of ours in /srv/x'), 'general-error', undefined],
    ['thrown as it should not be', 'general-error', undefined],
  ];
  for (const [error, condition, application] of cases) {
    it(`makes ${error instanceof Error ? error.name : typeof error} ${condition}`, () => {
      const reason = reasonOf(error);
      assert.equal(reason.condition, condition);
      assert.equal(reason.application?.getName(), application);
      assert.doesNotMatch(reason.text ?? '', /srv|10\.0/);
    });
  }
});
