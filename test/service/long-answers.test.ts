/** Answers of the doors that list, where names and paths are long: each fits a stanza. */
import assert from 'node:assert/strict';
import { MAX_STANZA_BYTES } from '../../src/entity/stanza-router.js';
import { NS } from '../../src/stanza/namespaces.js';
import { type Element, xml } from '../../src/stanza/xml.js';
import { put } from '../support/file-entries.js';
import { DoorWorld, SHA } from './door-world.js';

describe('what doors answer', function () {
  this.timeout(20_000);
  const deep = `s/${'d & e'.repeat(30)}/${'f'.repeat(200)}/${'g'.repeat(200)}`;
  const many = (folder: string, name: (at: number) => string) =>
    Array.from({ length: 400 }, (_, at) => put(`${folder}/${name(at)}`, { sha256: SHA, size: 1e12 }));

  it('is paid for, as files and bytes, by who walks through folders too', async () => {
    for (const budget of [
      { answerFilesPerAskerPerMinute: 600 },
      { answerBytesPerAskerPerMinute: 30_000 },
      { answerFilesPerMinute: 600 },
    ]) {
      const world = new DoorWorld({ budget });
      await world.start(many('s', (at) => `${at}.txt`));
      const look = () => world.refused('get', xml('query', { xmlns: NS.discoItems, node: 'files/s' }));
      try {
        const answers = [await look(), await look(), await look(), await look()];
        assert.match(answers[0] ?? '', /^answered/);
        assert.match(answers[3] ?? '', /resource-constraint/, Object.keys(budget)[0]);
      } finally {
        await world.stop();
      }
    }
  });
  for (const [title, files, folder] of [
    ['short names in a deep folder', many(deep, (at) => `${at}.mp3`), deep],
    ['short names', many('s', (at) => `${at}.epub`), 's'],
    ['folders with long names', many('s', (at) => `${'h'.repeat(240)}${at}/a.txt`), 's'],
    ['long names', many('s', (at) => `${'<'.repeat(200)}${at}`), 's'],
  ] as const) {
    it(`fits a stanza: ${title}`, async () => {
      const world = new DoorWorld();
      await world.start(files);
      const set = xml('set', { xmlns: NS.rsm }, xml('max', {}, '1000'));
      const form = (...fields: Element[]) => xml('x', { xmlns: NS.dataForms, type: 'submit' }, fields);
      const text = xml('field', { var: 'size-min' }, xml('value', {}, '1'));
      const questions: [string, 'get' | 'set', Element][] = [
        ['XEP-0329', 'get', xml('query', { xmlns: NS.fis, node: folder })],
        ['XEP-0329, paged', 'get', xml('query', { xmlns: NS.fis, node: folder }, set)],
        ['XEP-0135', 'get', xml('query', { xmlns: NS.discoItems, node: `files/${folder}` })],
        ['XEP-0135, paged', 'get', xml('query', { xmlns: NS.discoItems, node: `files/${folder}` }, set)],
        ['XEP-0055', 'set', xml('query', { xmlns: NS.search }, form(text), set)],
        ['browse', 'set', xml('command', { xmlns: NS.commands, node: 'browse' })],
      ];
      try {
        for (const [door, type, payload] of questions) {
          const answer = await world.refused(type, payload);
          assert.match(answer, /^answered/, door);
          assert.ok(Buffer.byteLength(answer) < MAX_STANZA_BYTES, door);
        }
      } finally {
        await world.stop();
      }
    });
  }
});
