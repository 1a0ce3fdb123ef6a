import assert from 'node:assert/strict';
import type { Codec } from '../../src/stanza/codec.js';
import { NS } from '../../src/stanza/namespaces.js';
import {
  descriptionCodec,
  fileErrorToXml,
  fileInfoCodec,
  fileTransferNamespaceOf,
  isFileInfo,
} from '../../src/stanza/xep0234-file-transfer.js';
import { describeFixtures, elementOf } from '../support/codec-fixtures.js';

describeFixtures('xep0234', descriptionCodec(), 'description-');
describeFixtures('xep0234', fileInfoCodec(), 'info-');
describeFixtures('xep0234', descriptionCodec(NS.fileTransfer4) as Codec<unknown>, 'v4-description');
describeFixtures('xep0234', fileInfoCodec(NS.fileTransfer4) as Codec<unknown>, 'v4-checksum');

describe('Jingle file transfer', () => {
  it('tells its versions apart', () => {
    assert.equal(
      fileTransferNamespaceOf(elementOf(`<description xmlns='${NS.fileTransfer4}'/>`)),
      NS.fileTransfer4,
    );
    assert.equal(
      fileTransferNamespaceOf(elementOf("<description xmlns='urn:xmpp:jingle:apps:rtp:1'/>")),
      undefined,
    );
  });

  it('knows which payloads of a session-info are its own', () => {
    assert.ok(isFileInfo(elementOf(`<received xmlns='${NS.fileTransfer5}'/>`), NS.fileTransfer5));
    assert.ok(!isFileInfo(elementOf(`<received xmlns='${NS.fileTransfer4}'/>`), NS.fileTransfer5));
    assert.ok(!isFileInfo(elementOf("<ringing xmlns='urn:xmpp:jingle:apps:rtp:1:info'/>"), NS.fileTransfer5));
  });

  it('takes a checksum by functions that are not known here for one', () => {
    const text = `<checksum xmlns='${NS.fileTransfer5}'><file><hash xmlns='urn:xmpp:hashes:2' algo='md6'>AAAA</hash></file></checksum>`;
    const info = fileInfoCodec().fromXml(elementOf(text));
    assert.equal(info.type === 'checksum' && info.file.hashes.length, 0);
  });

  it('is read in a moment, however many slashes a folder has', () => {
    const folder = `a${'/'.repeat(200_000)}b`; // half a minute in which nobody else was heard
    const text = `<description xmlns='${NS.fileTransfer5}'><file><name>c</name><path>${folder}</path></file></description>`;
    const beganMs = performance.now();
    assert.equal(descriptionCodec().fromXml(elementOf(text)).path, 'a/b/c');
    assert.ok(performance.now() - beganMs < 5000);
  });

  it('names its conditions in their namespace', () => {
    const element = fileErrorToXml('file-not-available');
    assert.equal(element.getName(), 'file-not-available');
    assert.equal(element.getNS(), 'urn:xmpp:jingle:apps:file-transfer:errors:0');
  });
});
