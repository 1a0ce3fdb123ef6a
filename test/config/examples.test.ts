import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accessOptions } from '../../src/config/access-options.js';
import { examples } from '../../src/config/examples.js';
import { loadAskerConfig, loadNodeConfig } from '../../src/config/load.js';
import type { Table } from '../../src/config/option.js';
import {
  askerOptions,
  channelOptions,
  nodeOptions,
  OPTIONS_OF_MODE,
  shareOptions,
} from '../../src/config/options.js';
import { wishOptions } from '../../src/config/wish-options.js';

/** The folder of the project, from wherever this was built to. */
async function projectFile(name: string): Promise<string> {
  for (let up = 1; up <= 8; up += 1) {
    const text = await readFile(new URL(`${'../'.repeat(up)}${name}`, import.meta.url), 'utf8').catch(
      () => '',
    );
    if (text !== '') return text;
  }
  throw new Error(`${name} is nowhere above`);
}

describe('the example configurations', () => {
  for (const [name, text] of Object.entries(examples)) {
    it(`config/${name} is what the option table says; npm run examples writes it`, async () => {
      assert.equal(await projectFile(`config/${name}`), text);
    });
  }

  it('hold every option', () => {
    const tables: readonly (readonly [string, Table])[] = [
      [
        examples['node.example.yaml'],
        { ...nodeOptions, ...shareOptions, ...channelOptions, ...accessOptions, ...wishOptions },
      ],
      [examples['asker.example.yaml'], askerOptions],
    ];
    for (const [text, rows] of tables) {
      for (const key of Object.keys(rows))
        assert.match(text, new RegExp(`^ *(# )?(- )?${key.split('.').at(-1)}:`, 'm'));
    }
  });

  it('can be used once the folders are real, with every comment taken away too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-example-'));
    try {
      const books = join(folder, 'books');
      await mkdir(books);
      const use = async (text: string) => {
        const file = join(folder, 'example.yaml');
        await writeFile(file, text.replace('/srv/books', books));
        return file;
      };
      const node = examples['node.example.yaml'];
      assert.equal((await loadNodeConfig(await use(node))).config.shares[0]?.path, books);
      // What stands in comments is YAML as well, with allowed values; only the modes and the two ways to
      // give a secret exclude each other.
      const bare = node.replace(/# (?=(- )?[a-z]\w*:( |$))/gm, '');
      const without = (text: string, keys: readonly string[]) =>
        text.replace(new RegExp(`^  (${keys.join('|')}): .*\\n`, 'gm'), '');
      const { client, component } = OPTIONS_OF_MODE;
      const files = ['tlsCert', 'tlsKey']; // have to be there
      const { config } = await loadNodeConfig(await use(without(bare, [...client, ...files, 'secretFile'])));
      assert.deepEqual(config.shares[0]?.exclude, ['*.part', '.git/**']);
      assert.deepEqual(config.transfers.externalHosts, ['203.0.113.7']);
      assert.deepEqual(config.wishes[0]?.channels, ['books']);
      assert.equal(config.links?.url.href, 'https://files.example.org/');
      const asClient = without(bare, [...component, ...files, 'passwordFile'])
        .replace('mode: component', 'mode: client')
        .replace('jid: files.example.org', 'jid: files@example.org');
      const { xmpp } = (await loadNodeConfig(await use(asClient))).config;
      assert.ok(xmpp.mode === 'client' && xmpp.password === 's3cret');
      assert.equal(
        (await loadAskerConfig(await use(examples['asker.example.yaml']))).config.password,
        's3cret',
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('give a reason for every option', () => {
    for (const rows of [
      nodeOptions,
      shareOptions,
      channelOptions,
      wishOptions,
      askerOptions,
    ] as readonly Table[]) {
      for (const [key, option] of Object.entries(rows)) assert.ok(option.reason.endsWith('.'), key);
    }
  });

  it('have defaults within their own bounds', () => {
    for (const rows of [
      nodeOptions,
      shareOptions,
      channelOptions,
      wishOptions,
      askerOptions,
    ] as readonly Table[]) {
      for (const [key, { kind, default: value }] of Object.entries(rows)) {
        const place = { path: [], faults: [], resolve: (written: string) => written };
        if (value !== undefined) assert.deepEqual(kind.read(value, place), value, key);
      }
    }
  });
});
