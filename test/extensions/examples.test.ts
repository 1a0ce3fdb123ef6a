/** What authors of extensions go by: the examples, and the one in the document, are what the types say. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/clock.js';
import { ImportedModules } from '../../src/config/extension-module.js';
import { API_VERSION } from '../../src/extensions/api.js';
import { ExtensionHost } from '../../src/extensions/extension-host.js';
import { DecidingHook, HearingHook, hooksOf } from '../../src/extensions/hooks.js';
import { silentLog } from '../../src/log.js';
import { parseJid } from '../../src/stanza/jid.js';
import { projectRoot } from '../support/codec-fixtures.js';

const ROOT = projectRoot(path.dirname(fileURLToPath(import.meta.url)));
const EXAMPLES = path.join(ROOT, 'examples');
const document = readFileSync(path.join(ROOT, 'docs/extensions.md'), 'utf8');

/** A folder for JavaScript to be checked as the examples are: inside the project, where `shoal/extension` is found. */
async function checkedFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(EXAMPLES, '.check-'));
  const config = { extends: '../tsconfig.json', compilerOptions: { rootDir: '../..' }, include: ['*.js'] };
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
  return folder;
}

/** The compiler's complaints about the JavaScript in a folder of the project; '' where there are none. */
function complaints(folder: string): string {
  const compiler = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
  return stdout + stderr;
}

describe('the examples of extensions', function () {
  this.timeout(60_000);

  it('are what the types of shoal/extension ask for', () => {
    assert.ok(readdirSync(EXAMPLES).filter((name) => name.endsWith('.js')).length >= 2);
    assert.equal(complaints(EXAMPLES), '');
  });

  it('in docs/extensions.md are so too, and work as they stand there', async () => {
    const examples = [...document.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
    assert.ok(examples.length > 0);
    const folder = await checkedFolder();
    try {
      for (const [at, text] of examples.entries()) {
        const file = path.join(folder, `example-${at}.js`);
        await writeFile(file, text);
        const { default: create } = (await import(file)) as { default: (context: object) => unknown };
        hooksOf(await create({ config: {}, log: { info: () => undefined } }));
      }
      assert.equal(complaints(folder), '');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('are checked in earnest', async () => {
    const folder = await checkedFolder();
    try {
      const wrong =
        "/** @type {import('shoal/extension').Extension} */\nexport default () => ({ onQuery: () => ({ veto: 'no' }) });\n";
      await writeFile(path.join(folder, 'wrong.js'), wrong);
      assert.match(complaints(folder), /wrong\.js.*error TS2322/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  const faults: readonly (readonly [string, RegExp])[] = [
    ['only-colleagues.js', /only-colleagues\.js did not start: config\.domains must be a list of domains/],
    ['transfer-journal.js', /transfer-journal\.js did not start: config\.file must be the path/],
  ];
  for (const [name, expected] of faults) {
    it(`say what is wrong with their options: ${name}`, async () => {
      const host = new ExtensionHost(
        { clock: systemClock, log: silentLog, modules: new ImportedModules({ clock: systemClock }) },
        {
          extensions: [{ module: path.join(EXAMPLES, name), config: {}, folder: ROOT }],
          jid: parseJid('files.example.org'),
          limitMs: 1000,
        },
      );
      await assert.rejects(host.start(), expected);
      await host.stop();
    });
  }

  it('leave no hook and no version out of the document', () => {
    for (const hook of [...DecidingHook, ...HearingHook, 'stop'])
      assert.ok(document.includes(`\`${hook}\``), hook);
    assert.ok(document.includes(`\`apiVersion\` is ${API_VERSION}`));
  });
});
