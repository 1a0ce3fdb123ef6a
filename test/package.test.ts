/** What is in the package is what its `exports` point at, and what that needs. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from './support/codec-fixtures.js';

const ROOT = projectRoot(path.dirname(fileURLToPath(import.meta.url)));

interface Package {
  readonly files: readonly string[];
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
}

describe('package.json', () => {
  const { files, exports } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as Package;
  const entries = Object.entries(exports).flatMap(([name, target]) =>
    typeof target === 'string' ? [] : [[name, target] as const],
  );

  it('exports what the documents import', () => {
    const imported = readdirSync(path.join(ROOT, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => readFileSync(path.join(ROOT, 'docs', name), 'utf8'))
      .flatMap((text) => [...text.matchAll(/from 'shoal(\/\w+)'/g)].map(([, name = '']) => `.${name}`));
    assert.ok(imported.length >= 2);
    const names = entries.map(([name]) => name);
    assert.deepEqual(
      imported.filter((name) => !names.includes(name)),
      [],
    );
  });

  for (const [name, target] of entries) {
    it(`has compiled code and declarations for ${name}, inside of what is packed`, () => {
      const [, source = ''] = /^\.\/dist\/(src\/\S+)\.js$/.exec(target.default) ?? [];
      assert.ok(existsSync(path.join(ROOT, `${source}.ts`)));
      assert.equal(target.types, `./dist/${source}.d.ts`);
      assert.ok(files.includes('dist/src'));
    });
  }

  it('packs the workers, too', () => {
    assert.ok(files.includes('dist/workers'));
  });
});
