import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ParseError } from '../../src/errors.js';
import { type Element, xml, xmlSafe } from '../../src/stanza/xml.js';
import { parseXml, XmlStream, type XmlStreamLimits } from '../../src/stanza/xml-stream.js';

const HEADER = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='urn:s'>";

function collect(pieces: readonly string[], limits?: XmlStreamLimits): string[] {
  const seen: string[] = [];
  const note = (what: string) => (element: Element) => seen.push(`${what} ${element}`);
  const stream = new XmlStream(
    { start: note('start'), element: note('element'), end: () => seen.push('end') },
    limits,
  );
  for (const piece of pieces) stream.write(piece);
  return seen;
}

describe('XmlStream', () => {
  it('gives the same elements wherever the text is split', () => {
    const text = fc.string({ unit: 'binary' }).map(xmlSafe);
    const element = fc
      .tuple(text, text, fc.array(text, { maxLength: 3 }))
      .map(([attribute, body, parts]) =>
        xml('message', { attribute }, body, ...parts.map((part) => xml('part', { xmlns: 'p' }, part))),
      );
    fc.assert(
      fc.property(fc.array(element, { maxLength: 4 }), fc.array(fc.nat()), (elements, cuts) => {
        const whole = `${HEADER}${elements.join('')}</stream:stream>`;
        const places = [...new Set(cuts.map((cut) => cut % whole.length))].sort((a, b) => a - b);
        const pieces = [0, ...places].map((from, index) => whole.slice(from, places[index]));
        const expected = collect([whole]);
        assert.deepEqual(collect(pieces), expected);
        assert.deepEqual(collect([...whole]), expected);
        assert.equal(expected.length, elements.length + 2);
      }),
      { numRuns: 100 },
    );
  });

  it('gives children of the stream its namespace, without keeping them', () => {
    const roots: Element[] = [];
    const namespaces: unknown[] = [];
    const stream = new XmlStream({
      start: (root) => roots.push(root),
      element: (element) => namespaces.push(element.getNS()),
      end: () => {},
    });
    stream.write(`${HEADER}<message/><message/>`);
    assert.deepEqual(namespaces, ['jabber:client', 'jabber:client']);
    assert.deepEqual(roots[0]?.children, []);
  });

  for (const [what, text] of [
    ['an entity that is not XML’s', '<a>&nbsp;</a>'],
    ['a character reference that XML forbids', '<a>&#0;</a>'],
    ['a tag that closes something else', '<a><b></a></b>'],
    ['a tag too many', '</stream:stream></a>'],
    ['a tag that closes something else deep down', `${'<a>'.repeat(70)}</b>`],
  ] as const) {
    it(`refuses ${what} with a ParseError instead of an exception of the parser's`, () => {
      assert.throws(() => collect([HEADER, text]), ParseError);
    });
  }

  it('gives what is nested too deeply without its children, and goes on (any stranger could end the stream)', () => {
    const limits = { maxElementChars: 1_000_000, maxDepth: 4 };
    const nested = (depth: number) => `${'<a>x'.repeat(depth)}${'</a>'.repeat(depth)}`;
    const text = [
      '<iq id="1">x</iq>',
      `<iq id="2">${nested(2)}</iq>`,
      `<iq id="3"><b/>${nested(3)}<c/>x</iq>`,
    ];
    assert.deepEqual(
      collect([HEADER, ...text, `<iq id="4">${nested(50_000)}</iq>`, '<iq id="5"><b/></iq>'], limits).slice(
        1,
      ),
      [text[0], text[1], '<iq id="3"/>', '<iq id="4"/>', '<iq id="5"><b/></iq>'].map(
        (each) => `element ${each}`,
      ),
    );
  });

  it('refuses an element that never ends, without collecting it', () => {
    const limits = { maxElementChars: 10_000, maxDepth: 8 };
    const chunk = 'x'.repeat(1000);
    let written = 0;
    assert.throws(() => {
      const stream = new XmlStream({ start: () => {}, element: () => {}, end: () => {} }, limits);
      stream.write(`${HEADER}<message><body>`);
      for (; written < 100; written++) stream.write(chunk);
    }, ParseError);
    assert.ok(written <= 12, `${written} chunks were taken`);
  });

  it('takes any number of elements that are each short enough', () => {
    const many = Array.from({ length: 50 }, () => `<message><body>${'x'.repeat(900)}</body></message>`);
    assert.equal(collect([HEADER, ...many], { maxElementChars: 1000, maxDepth: 8 }).length, 51);
  });

  it('needs time in proportion to the text, also when it comes in single characters', () => {
    const time = (length: number) => {
      const text = `${HEADER}<message><body>${'字'.repeat(length)}</body></message>`;
      const from = performance.now();
      collect([...text]);
      return performance.now() - from;
    };
    time(20_000);
    const short = Math.max(time(20_000), 1);
    const long = time(400_000);
    assert.ok(long < short * 20 * 10, `20 times the text took ${long / short} times the time`);
  });
});

describe('parseXml', () => {
  it('reads one element', () => assert.equal(parseXml('<a b="c">d</a>').attrs.b, 'c'));
  for (const text of ['', 'text', '<a/><b/>', '<a>', '<a></b>']) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseXml(text), ParseError));
  }
});
