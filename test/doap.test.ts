import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Element, parse } from 'ltx';
import { projectRoot } from './support/codec-fixtures.js';

const ROOT = projectRoot(path.dirname(fileURLToPath(import.meta.url)));
const BANNER = /^\/\*\*\n \* XEP-(\d{4}): (.+)\n \* (\S+), version (\S+) \(\d{4}-\d\d-\d\d\)\n/;

/** Whose namespaces we know for something else: a name in XEP-0135, and an offer of servers that is left aside. */
const NAMED_ONLY = ['0105', '0388'];

interface Entry {
  readonly xep: string;
  readonly status: string;
  readonly version: string;
  /** Where it is done. */
  readonly file: string;
}

function entryOf(supported: Element): Entry {
  const text = (name: string) => supported.getChildText(name) ?? '';
  const ref = String(supported.getChild('xep')?.attrs['rdf:resource']);
  const [, xep] = /^https:\/\/xmpp\.org\/extensions\/xep-(\d{4})\.html$/.exec(ref) ?? [];
  const [, file] = /^(src\/\S+\.ts)\. /.exec(`${text('note')} `) ?? [];
  assert.ok(xep && file, `${ref}: the note begins with the file`);
  return { xep, file, status: text('status'), version: text('version') };
}

describe('doap.xml', () => {
  const project = parse(readFileSync(path.join(ROOT, 'doap.xml'), 'utf8')).getChild('Project');
  const entries = (project?.getChildren('implements') ?? [])
    .flatMap((each) => each.getChildren('SupportedXep'))
    .map(entryOf);
  const codecs = readdirSync(path.join(ROOT, 'src/stanza')).filter((name) => name.startsWith('xep'));

  it('can be read', () => {
    assert.ok(entries.length > 0);
  });

  it('names each specification once, in order, with a status', () => {
    const numbers = entries.map(({ xep }) => xep);
    assert.deepEqual(numbers, [...new Set(numbers)].sort());
    assert.deepEqual(
      entries.filter(({ status }) => !['complete', 'partial'].includes(status)),
      [],
    );
  });

  for (const codec of codecs) {
    it(`has what ${codec} says of itself`, () => {
      const file = `src/stanza/${codec}`;
      const banner = BANNER.exec(readFileSync(path.join(ROOT, file), 'utf8'));
      assert.ok(banner, 'it begins with number, title, address, version and date');
      const [, xep = '', , url, version] = banner;
      assert.ok(codec.startsWith(`xep${xep}-`), 'its name has the same number');
      assert.equal(url, `https://xmpp.org/extensions/xep-${xep}.html`);
      const entry = entries.find((each) => each.xep === xep);
      assert.equal(entry?.version, version);
      assert.equal(entry?.file, file);
    });
  }

  it('has every specification whose namespace we know', () => {
    const cited = readFileSync(path.join(ROOT, 'src/stanza/namespaces.ts'), 'utf8').matchAll(/XEP-(\d{4})/g);
    const numbers = entries.map(({ xep }) => xep);
    const missing = [...cited].map(([, xep = '']) => xep).filter((xep) => !numbers.includes(xep));
    assert.deepEqual(missing.sort(), NAMED_ONLY);
  });

  it('claims nothing that the code does not speak of', () => {
    const wrong = entries.filter(({ xep, file, version }) => {
      const text = readFileSync(path.join(ROOT, file), 'utf8');
      // Where a specification has no codec of its own, a version may stand in brackets after its number.
      const [, stated = version] = new RegExp(`XEP-${xep} \\(version ([0-9.]+),`).exec(text) ?? [];
      return !text.includes(`XEP-${xep}`) || stated !== version;
    });
    assert.deepEqual(wrong, []);
  });
});
