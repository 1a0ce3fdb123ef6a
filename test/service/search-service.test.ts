import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  SEARCH_FORM_TYPE,
  searchFormCodec,
  searchRequestCodec,
  searchResultCodec,
} from '../../src/stanza/xep0055-search.js';
import type { PageRequest } from '../../src/stanza/xep0059-rsm.js';
import { type Element, xml } from '../../src/stanza/xml.js';
import { elementOf, projectRoot } from '../support/codec-fixtures.js';
import { put } from '../support/file-entries.js';
import { DoorWorld, SHA } from './door-world.js';

/** What windows of clients were recorded to send. */
const WINDOWS = path.join(projectRoot(path.dirname(fileURLToPath(import.meta.url))), 'test/fixtures/windows');

function request(values: Readonly<Record<string, string>>, page: PageRequest = {}): Element {
  const fields = Object.entries(values).map(([name, value]) => ({ var: name, values: [value] }));
  return searchRequestCodec.toXml({ form: { type: 'submit', formType: SEARCH_FORM_TYPE, fields }, page });
}

describe('the search window', () => {
  let world: DoorWorld;

  beforeEach(async () => {
    world = new DoorWorld();
    await world.start([
      put('books/Romeo.txt', { size: 1200, sha256: SHA }),
      put('books/romeo.mp3', { size: 5_000_000, mediaType: 'audio/mpeg', sha256: SHA }),
      put('books/plays/juliet.pdf', { size: 10, mediaType: 'application/pdf', sha256: SHA }),
      put('books/unhashed.txt'),
    ]);
  });
  afterEach(() => world.stop());

  const search = async (values: Readonly<Record<string, string>>, page: PageRequest = {}) =>
    searchResultCodec.fromXml((await world.ask('set', request(values, page))) ?? xml('nothing'));
  const names = async (values: Readonly<Record<string, string>>) => {
    const { form } = await search(values);
    return (form.table?.rows ?? [])
      .map((row) => row.find((field) => field.var === 'name')?.values[0] ?? '')
      .sort();
  };

  it('is told by what can be searched, with labels, help and what is chosen', async () => {
    const asked = await world.ask('get', xml('query', { xmlns: SEARCH_FORM_TYPE }));
    const { form } = searchFormCodec.fromXml(asked ?? xml('nothing'));
    assert.equal(form.type, 'form');
    assert.equal(form.formType, SEARCH_FORM_TYPE);
    for (const field of form.fields) assert.ok(field.label, field.var);
    const kind = form.fields.find((field) => field.var === 'kind');
    assert.deepEqual(kind?.values, ['any']);
    assert.ok(kind?.options?.some(({ label }) => label === 'Sound and music'));
  });

  it('finds by each of its fields', async () => {
    assert.deepEqual(await names({ text: 'romeo' }), ['Romeo.txt', 'romeo.mp3']);
    assert.deepEqual(await names({ text: 'romeo', kind: 'audio' }), ['romeo.mp3']);
    assert.deepEqual(await names({ kind: 'document' }), ['Romeo.txt', 'juliet.pdf']);
    assert.deepEqual(await names({ name: 'ROMEO', 'case-sensitive': '0' }), ['Romeo.txt', 'romeo.mp3']);
    assert.deepEqual(await names({ name: 'Romeo', 'case-sensitive': '1' }), ['Romeo.txt']);
    assert.deepEqual(await names({ path: 'plays/' }), ['juliet.pdf']);
    assert.deepEqual(await names({ ext: 'pdf, mp3' }), ['juliet.pdf', 'romeo.mp3']);
    assert.deepEqual(await names({ 'size-min': '1.2 kB', 'size-max': '1 MB' }), ['Romeo.txt']);
    assert.deepEqual(await names({ 'date-min': '2026-01-01', 'date-max': '2026-01-01', ext: 'pdf' }), [
      'juliet.pdf',
    ]);
    assert.deepEqual(await names({ 'date-min': '2026-01-02' }), []);
    assert.deepEqual(await names({ text: 'juliet', unknown: 'field of another client' }), ['juliet.pdf']);
  });

  it('answers what the window of Psi 1.5 sends: all its fields, most of them with an empty value', async () => {
    const sent = readFileSync(path.join(WINDOWS, 'psi-1.5-search.xml'), 'utf8');
    const { form } = searchResultCodec.fromXml((await world.ask('set', elementOf(sent))) ?? xml('nothing'));
    assert.deepEqual(
      form.table?.rows.map((row) => row.find((field) => field.var === 'name')?.values[0]),
      ['Romeo.txt', 'romeo.mp3'],
    );
  });

  it('orders as was chosen', async () => {
    const sizes = async (order: string) =>
      (await search({ text: 'romeo', order })).form.table?.rows.map(
        (row) => row.find((field) => field.var === 'bytes')?.values[0],
      );
    assert.deepEqual(await sizes('largest'), ['5000000', '1200']);
    assert.deepEqual(await sizes('smallest'), ['1200', '5000000']);
  });

  it('gives pages, and tells in words which', async () => {
    const first = await search({ 'size-min': '1', order: 'name' }, { max: 1 });
    assert.equal(first.page.count, 4);
    assert.equal(first.form.title, 'files 1 to 1 of 4');
    const second = await search(
      { 'size-min': '1', order: 'name' },
      { max: 10, after: first.page.last ?? '' },
    );
    assert.equal(second.page.index, 1);
    assert.equal(second.form.title, 'files 2 to 4 of 4; 1 of them are still being read');
    assert.equal(second.form.table?.rows.length, 2);
  });

  it('says what is wrong by the words beside the field', async () => {
    for (const [values, text] of [
      [{ 'size-min': 'large' }, 'At least: write a size such as 500 kB or 1.5 GB'],
      [{ 'date-max': 'yesterday' }, 'Changed until: write a day such as 2026-01-31'],
      [{ kind: 'furniture' }, 'Kind: choose one of any, audio, video, image, document, archive'],
      [{}, 'at least one field must say what to look for'],
    ] as const) {
      assert.equal(await world.refused('set', request(values)), `modify|bad-request|${text}|`);
    }
    const stale = await world.refused('set', request({ text: 'romeo' }, { after: 'nonsense' }));
    assert.match(stale, /^cancel\|item-not-found/);
  });

  it('costs what questions cost', async () => {
    await world.stop();
    world = new DoorWorld({ budget: { queriesPerAskerPerMinute: 1 } });
    await world.start([put('a/b.txt', { sha256: SHA })]);
    assert.deepEqual(await names({ ext: 'txt' }), ['b.txt']);
    assert.match(await world.refused('set', request({ ext: 'txt' })), /^wait\|resource-constraint/);
  });
});
