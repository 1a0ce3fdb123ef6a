import assert from 'node:assert/strict';
import { compileOfferRules } from '../../src/scan/offer-rules.js';

describe('offer rules', () => {
  const refused = (exclude: string[], paths: string[], hidden = true) =>
    paths.filter((path) => !compileOfferRules({ exclude, hidden }).acceptsAll(path));

  it('hold a pattern without a slash against every name', () => {
    assert.deepEqual(
      refused(['*.part'], ['a.part', 'deep/er/b.part', 'a.part/x', 'apart', 'new\nline.part', '.part']),
      ['a.part', 'deep/er/b.part', 'a.part/x', 'new\nline.part', '.part'],
    );
  });

  it('hold a pattern with a slash against the path', () => {
    const paths = ['.git', '.git/config', 'sub/.git/config', 'tmp/a/b', 'x/tmp/a'];
    assert.deepEqual(refused(['.git/**'], paths), ['.git', '.git/config']);
    assert.deepEqual(refused(['**/.git/**'], paths), ['.git', '.git/config', 'sub/.git/config']);
    assert.deepEqual(refused(['/tmp'], paths), ['tmp/a/b']);
    assert.deepEqual(refused(['./tmp/*'], paths), ['tmp/a/b']);
  });

  it('take a slash at the end for a folder, and nothing for nothing', () => {
    assert.deepEqual(refused(['tmp/'], ['tmp/a', 'x/tmp/a', 'tmpx']), ['tmp/a', 'x/tmp/a']);
    assert.deepEqual(refused(['', '/', './'], ['a', 'b/c']), []);
  });

  it('leave out what begins with a dot unless told otherwise', () => {
    assert.deepEqual(refused([], ['.a', 'b/.c/d', 'e.f', '...'], false), ['.a', 'b/.c/d', '...']);
    assert.deepEqual(refused([], ['.a', 'b/.c/d'], true), []);
  });
});
