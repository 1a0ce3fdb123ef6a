import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../../src/config/config-error.js';
import { loadNodeConfig } from '../../src/config/load.js';

const XMPP = 'xmpp: { jid: files.example.org, secret: s3cret }\n';

describe('links in the configuration of a node', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-config-'));
    await mkdir(join(folder, 'books'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  async function written(text: string): Promise<string> {
    const file = join(folder, 'node.yaml');
    await writeFile(file, text, { mode: 0o600 });
    return file;
  }

  /** The lines of the error, without the folder. */
  async function faultsOf(loading: Promise<unknown>): Promise<string[]> {
    try {
      await loading;
    } catch (thrown) {
      assert.ok(thrown instanceof ConfigError, String(thrown));
      return thrown.lines.map((line) => line.replaceAll(folder, ''));
    }
    return [];
  }

  const load = async (links: string) => await loadNodeConfig(await written(`${XMPP}links: ${links}\n`));
  const url = 'url: https://files.example.org/dl';

  it('are off unless there is somewhere to listen', async () => {
    assert.equal((await loadNodeConfig(await written(XMPP))).config.links, undefined);
    assert.equal((await load('{ expireS: 60 }')).config.links, undefined);
  });

  it('need an address and a URL, and have defaults for everything else', async () => {
    const { config, warnings } = await load(`{ listen: '127.0.0.1:8780', ${url} }`);
    assert.deepEqual(config.links, {
      listen: { host: '127.0.0.1', port: 8780 },
      url: new URL('https://files.example.org/dl/'),
      expireS: 86_400,
      behindProxy: false,
      pinAddress: false,
      inAnswers: true,
    });
    assert.deepEqual(warnings, []);
  });

  it('warn of a URL without encryption, and of a key that others may read', async () => {
    await writeFile(join(folder, 'crt'), '');
    await writeFile(join(folder, 'key'), '', { mode: 0o644 });
    await chmod(join(folder, 'key'), 0o644);
    const { config, warnings } = await load(
      "{ listen: '127.0.0.1:8780', url: 'http://example.org', tlsCert: crt, tlsKey: key }",
    );
    assert.deepEqual(config.links?.tls, { cert: join(folder, 'crt'), key: join(folder, 'key') });
    assert.equal(warnings.length, 2);
    assert.match(warnings[0] ?? '', /key holds a secret and may be read by others/);
    assert.match(warnings[1] ?? '', /^links\.url is http:\/\/example\.org\/: who listens/);
  });

  const listen = "listen: '127.0.0.1:8780'";
  for (const [what, links, expected] of [
    ['no URL', `{ ${listen} }`, /^\/node\.yaml:2: links\.url: is missing; it belongs to links\.listen$/],
    ['nowhere to listen', `{ ${url} }`, /links\.listen: is missing; it belongs to links\.url$/],
    [
      'a URL with a query',
      `{ ${listen}, url: 'https://a.example/?x' }`,
      /links\.url: .* must be a URL such as/,
    ],
    ['a URL with a password', `{ ${listen}, url: 'https://a:b@c/' }`, /links\.url: .* must be a URL such as/],
    [
      'a URL of another kind',
      `{ ${listen}, url: 'ftp://a.example/' }`,
      /links\.url: .* must be a URL such as/,
    ],
    ['a key alone', `{ ${listen}, ${url}, tlsKey: node.yaml }`, /links\.tlsCert: is missing/],
    ['a links that is a list', '[]', /links: .* must be a mapping/],
  ] as const) {
    it(`are refused with ${what}`, async () => {
      const faults = await faultsOf(load(links));
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] ?? '', expected);
    });
  }

  it('are refused with a certificate that is not there, and with a key in a share', async () => {
    await writeFile(join(folder, 'books/key'), '', { mode: 0o600 });
    const text = `${XMPP}shares: [{ name: books, path: books }]\nlinks: { ${listen}, ${url}, tlsCert: none, tlsKey: books/key }\n`;
    const faults = (await faultsOf(loadNodeConfig(await written(text)))).sort();
    assert.equal(faults.length, 2, faults.join('\n'));
    assert.match(faults[0] ?? '', /links\.tlsCert: "\/none" can't be read/);
    assert.match(faults[1] ?? '', /links\.tlsKey: .* must not lie inside the share 'books'/);
  });
});
