import assert from 'node:assert/strict';
import { ParseError } from '../../src/errors.js';
import {
  fileAnswer2011FromXml,
  fileAnswer2011ToXml,
  fileQuery2011FromXml,
  fileQuery2011ToXml,
  isFileQuery2011,
} from '../../src/stanza/file-query-2011.js';
import { canonical, elementOf } from '../support/codec-fixtures.js';

const query = (inside: string) =>
  elementOf(`<query xmlns='http://jabber.org/protocol/disco#info' node='files'>${inside}</query>`);

describe('the 2011 form', () => {
  it('is told from an ordinary disco#info query', () => {
    assert.equal(isFileQuery2011(query('')), false);
    assert.equal(isFileQuery2011(query("<identity category='client' type='pc'/>")), false);
    assert.equal(isFileQuery2011(query("<identity category='filesys' type='file' name='a'/>")), true);
  });

  it('reads attributes and regular expressions', () => {
    const read = fileQuery2011FromXml(
      query(`<identity category='filesys' type='file' size='6144' media-type='text/plain'/>
        <x xmlns='jabber:x:data'><field var='name'>
          <validate xmlns='http://jabber.org/protocol/xdata-validate' datatype='xs:string'><regex>^romeo</regex></validate>
        </field></x>`),
    );
    assert.deepEqual(read, {
      nodeId: 'files',
      criteria: { size: [6144], mediaType: ['text/plain'], name: [{ type: 'regex', pattern: '^romeo' }] },
      page: {},
    });
    assert.deepEqual(fileQuery2011FromXml(elementOf(fileQuery2011ToXml(read).toString())), read);
  });

  it('refuses a field that stands both as an attribute and in the form', () => {
    const twice = query(`<identity category='filesys' type='file' name='a'/>
      <x xmlns='jabber:x:data' type='submit'><field var='name'><value>b</value></field></x>`);
    assert.throws(
      () => fileQuery2011FromXml(twice),
      (error: unknown) => error instanceof ParseError && error.field === 'name',
    );
  });

  it('answers with one identity a file', () => {
    const answer = {
      nodeId: 'files',
      files: [
        {
          name: 'Romeo & Juliet.epub',
          size: 10,
          dateMs: Date.UTC(2026, 10, 23),
          hashes: [{ algo: 'sha-256', value: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' }] as const,
          hashesUsed: [],
        },
      ],
      page: {},
    };
    const element = elementOf(fileAnswer2011ToXml(answer).toString());
    assert.deepEqual(
      canonical(element),
      canonical(
        query(`<identity category='filesys' type='file' name='Romeo &amp; Juliet.epub' size='10'
          hash='sha-256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' date='2026-11-23T00:00:00Z'/>`),
      ),
    );
    assert.deepEqual(fileAnswer2011FromXml(element), answer);
  });
});
