import assert from 'node:assert/strict';
import fc from 'fast-check';
import { planFolder } from '../../src/cli/folder-plan.js';

function places(paths: readonly string[], init: { prefix?: string; foldsCase?: boolean } = {}) {
  const files = paths.map((path) => ({ path }));
  return planFolder(files, { prefix: 'books/', foldsCase: false, ...init }).map(
    ({ file, local, renamed }) => `${file.path} → ${local}${renamed === undefined ? '' : ` (${renamed})`}`,
  );
}

describe('the places of a folder that is fetched', () => {
  it('are as at the node, below the folder, in an order that does not change', () => {
    assert.deepEqual(
      places(['books/b/c.txt', 'books/a.txt', 'books/a.txt', 'other/x', 'books/', 'bookshop/x']),
      ['books/a.txt → a.txt', 'books/b/c.txt → b/c.txt'],
    );
    assert.deepEqual(places(['books/x/y/z'], { prefix: 'books/x/' }), ['books/x/y/z → y/z']);
  });

  it('are safe', () => {
    assert.deepEqual(places(['books/../../etc/passwd', 'books/con.txt', 'books/-rf', 'books/a\u202eb']), [
      'books/-rf → _rf (unsafe)',
      'books/../../etc/passwd → file/file/etc/passwd (unsafe)',
      'books/a\u202eb → a_b (unsafe)',
      'books/con.txt → _con.txt (unsafe)',
    ]);
  });

  it('get a number where two would be one', () => {
    assert.deepEqual(places(['books/a\u202e.txt', 'books/a\u202d.txt', 'books/a_.txt']), [
      'books/a_.txt → a_.txt',
      'books/a\u202d.txt → a_ (2).txt (taken)',
      'books/a\u202e.txt → a_ (3).txt (taken)',
    ]);
    assert.deepEqual(places(['books/a/x', 'books/a']), ['books/a → a', 'books/a/x → a (2)/x (taken)']);
  });

  it('differ in more than case where the disk does not tell it', () => {
    const paths = ['books/README', 'books/ReadMe', 'books/Pics/1', 'books/pics/1', 'books/pics/2'];
    assert.deepEqual(places(paths, { foldsCase: true }), [
      'books/Pics/1 → Pics/1',
      'books/README → README',
      'books/ReadMe → ReadMe (2) (taken)',
      'books/pics/1 → pics/1 (2) (taken)',
      'books/pics/2 → pics/2',
    ]);
    assert.deepEqual(
      places(paths).filter((line) => line.includes('(')),
      [],
    );
  });

  it('are found whatever form the node writes accents in, or the person typed', () => {
    assert.deepEqual(places(['cafe\u0301/x'], { prefix: 'caf\u00e9/' }), ['cafe\u0301/x → x']);
    assert.deepEqual(places(['a\nb/x'], { prefix: 'a\\x0ab/' }), ['a\nb/x → x']);
  });

  it('come last for what looks like a file that is on its way', () => {
    assert.deepEqual(places(['books/a', 'books/a.part', 'books/a.part.blocks', 'books/b']), [
      'books/a → a',
      'books/b → b',
      'books/a.part → a.part',
      'books/a.part.blocks → a.part.blocks',
    ]);
  });

  it('never lead out, never are the same, whatever a node says', () => {
    const part = fc.oneof(
      fc.constantFrom('..', '.', '', 'a', 'A', 'b', 'a (2)', 'con', 'x'.repeat(300), 'CON'),
      fc.string({ maxLength: 4 }),
    );
    const path = fc.array(part, { maxLength: 4 }).map((parts) => `books/${parts.join('/')}`);
    fc.assert(
      fc.property(fc.array(path, { maxLength: 30 }), fc.boolean(), (paths, foldsCase) => {
        const planned = planFolder(
          paths.map((each) => ({ path: each })),
          { prefix: 'books/', foldsCase },
        );
        const locals = planned.map(({ local }) => (foldsCase ? local.normalize('NFC').toLowerCase() : local));
        assert.equal(new Set(locals).size, locals.length);
        for (const local of locals) {
          for (const name of local.split('/')) {
            assert.ok(!['', '.', '..'].includes(name) && Buffer.byteLength(name) <= 255, local);
          }
          assert.ok(
            !locals.some((other) => other.startsWith(`${local}/`)),
            `${local} is a file and a folder`,
          );
        }
      }),
    );
  });
});
