/**
 * Runs a codec over the fixtures of one specification, `test/fixtures/stanzas/<folder>/`:
 *
 * - `<case>.xml` + `<case>.json`: read gives the value, written gives the XML;
 * - `<case>.read.xml` + `<case>.json`: read only, for what peers send and we don't;
 * - `<case>.invalid.xml`: refused with a ParseError; a comment `<!-- error: FIELD: words -->` in
 *   it names the field and words that the message holds.
 *
 * XML is compared as names, namespaces, attributes, order and trimmed text.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'ltx';
import { ParseError } from '../../src/errors.js';
import type { Codec } from '../../src/stanza/codec.js';
import type { Element } from '../../src/stanza/xml.js';

export const FIXTURES = path.join(
  projectRoot(path.dirname(fileURLToPath(import.meta.url))),
  'test/fixtures/stanzas',
);

/** The folder with tsconfig.json, wherever this was compiled to. */
export function projectRoot(folder: string): string {
  return readdirSync(folder).includes('tsconfig.json') ? folder : projectRoot(path.dirname(folder));
}

/** Declares a test for every fixture of `folder` whose name begins with `prefix`. */
export function describeFixtures<T>(folder: string, codec: Codec<T>, prefix = ''): void {
  const directory = path.join(FIXTURES, folder);
  const files = readdirSync(directory).filter((name) => name.startsWith(prefix) && name.endsWith('.xml'));
  assert.ok(files.length > 0, `no fixtures in ${folder} that begin with '${prefix}'`);
  describe(`${folder} ${prefix}`, () => {
    for (const file of files.sort()) {
      const text = readFileSync(path.join(directory, file), 'utf8');
      const name = file.replace(/(\.read|\.invalid)?\.xml$/, '');
      const json = (): T => JSON.parse(readFileSync(path.join(directory, `${name}.json`), 'utf8')) as T;
      if (file.endsWith('.invalid.xml')) {
        it(`refuses ${name}`, () => assertRefused(codec, text));
        continue;
      }
      it(`reads ${name}`, () => assert.deepEqual(codec.fromXml(elementOf(text)), json()));
      if (file.endsWith('.read.xml')) continue;
      it(`writes ${name}`, () => {
        // Through text and back, as on the wire: namespaces that are inherited get resolved.
        const written = elementOf(codec.toXml(json()).toString());
        assert.deepEqual(canonical(written), canonical(elementOf(text)));
      });
    }
  });
}

function assertRefused<T>(codec: Codec<T>, text: string): void {
  const expected = /<!--\s*error:\s*([^:\s]*)\s*:\s*(.*?)\s*-->/.exec(text);
  assert.ok(expected, 'an invalid fixture says <!-- error: FIELD: words -->');
  assert.throws(
    () => codec.fromXml(elementOf(text)),
    (error: unknown) => {
      assert.ok(error instanceof ParseError, String(error));
      assert.equal(error.field, expected[1]);
      assert.ok(error.message.includes(expected[2] ?? ''), `'${error.message}' holds '${expected[2]}'`);
      return true;
    },
  );
}

export function elementOf(text: string): Element {
  return parse(text.replace(/<!--[\s\S]*?-->/g, '').trim()) as Element;
}

/** An element as plain data: what it means, without how it was written. */
export function canonical(element: Element): unknown {
  const attributes = Object.entries(element.attrs)
    .filter(([name]) => !name.startsWith('xmlns'))
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    name: element.getName(),
    ns: element.getNS(),
    attributes,
    children: element.getChildElements().map(canonical),
    text: element.getText().trim(),
  };
}
