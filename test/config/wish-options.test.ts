import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../../src/config/config-error.js';
import { loadNodeConfig } from '../../src/config/load.js';

const XMPP = 'xmpp: { jid: files.example.org, secret: s3cret }\n';

describe('the wishes of a node', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-wishes-'));
    await mkdir(join(folder, 'books'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function written(text: string): Promise<string> {
    const file = join(folder, 'node.yaml');
    await writeFile(file, text, { mode: 0o600 });
    return file;
  }

  /** The lines of the error, without the folder. */
  async function faultsOf(loading: Promise<unknown>): Promise<string[]> {
    const error = await loading.then(
      () => assert.fail('there is no fault'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof ConfigError, String(error));
    return error.lines.map((line) => line.replaceAll(folder, ''));
  }

  const node = (wishes: string) => `${XMPP}shares: [{ name: books, path: ./books }]\nwishes:\n${wishes}`;
  const plays = '  - { name: plays, share: books, service: pubsub.example.org, channels: [books]';

  it('have limits where none are given', async () => {
    const { config } = await loadNodeConfig(await written(node(`${plays}, text: romeo }\n`)));
    const [wish] = config.wishes;
    assert.equal(wish?.text, 'romeo');
    assert.deepEqual(
      [wish?.maxFileBytes, wish?.maxShareBytes, wish?.maxShareFiles, wish?.keepFreeBytes],
      [1e9, 1e10, 10_000, 1e9],
    );
  });

  it('go to a share that is there, ask somewhere, and have a name of their own', async () => {
    const faults = await faultsOf(
      loadNodeConfig(
        await written(
          node(
            `${plays} }\n${plays} }\n` +
              '  - { name: b, share: elsewhere, service: pubsub.example.org, channels: [], hash: [sha-1:x] }\n',
          ),
        ),
      ),
    );
    assert.deepEqual(faults, [
      '/node.yaml:5: wishes[1].name: "plays" stands here a second time',
      '/node.yaml:6: wishes[2].channels: [] must name one channel at least',
      '/node.yaml:6: wishes[2].hash: "sha-1:x" must look like sha-256:BASE64',
      '/node.yaml:6: wishes[2].share: "elsewhere" must be the name of one of the shares',
    ]);
  });
});
