import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.js';
import { ConfigError } from '../../src/config/config-error.js';
import { ImportedModules } from '../../src/config/extension-module.js';
import { loadAskerConfig, loadNodeConfig } from '../../src/config/load.js';
import { STRIKES_DEFAULTS } from '../../src/transfer/fetch/strikes.js';
import { eventually } from '../support/eventually.js';
import { VirtualClock } from '../support/virtual-clock.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-config-'));
  await mkdir(join(folder, 'books'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function written(text: string, name = 'node.yaml'): Promise<string> {
  const file = join(folder, name);
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

const XMPP = 'xmpp: { jid: files.example.org, secret: s3cret }\n';

describe('the configuration of a node that logs in as a client', () => {
  const account = 'mode: client, jid: files@example.org';

  it('needs an account and a password, and has defaults for everything else', async () => {
    const { config } = await loadNodeConfig(await written(`xmpp: { ${account}, password: s3cret }\n`));
    assert.deepEqual(config.xmpp, {
      mode: 'client',
      jid: 'files@example.org/shoal',
      password: 's3cret',
      server: { host: 'example.org', port: 5222 },
      tls: 'required',
      subscriptions: 'domain',
    });
  });

  it('takes a resource, a server, a file with the password, and rules', async () => {
    await writeFile(join(folder, 'password'), 's3cret\n', { mode: 0o644 });
    const { config, warnings } = await loadNodeConfig(
      await written(`xmpp:
  mode: client
  jid: files@example.org/attic
  passwordFile: ./password
  server: 127.0.0.1:15222
  subscriptions: everyone
`),
    );
    assert.deepEqual(config.xmpp, {
      mode: 'client',
      jid: 'files@example.org/attic',
      password: 's3cret',
      server: { host: '127.0.0.1', port: 15222 },
      tls: 'allowed',
      subscriptions: 'everyone',
    });
    assert.match(warnings.join(), /password holds a secret and may be read by others/);
  });

  const faults: readonly (readonly [string, string, readonly (string | RegExp)[]])[] = [
    [
      'an address without an account, and no password',
      'xmpp: { mode: client, jid: files.example.org }',
      [
        /xmpp\.jid: "files\.example\.org" must be an account such as files@example\.org/,
        /xmpp\.passwordFile: is missing; either it or xmpp\.password must be given/,
      ],
    ],
    [
      'options of a component',
      `xmpp: { ${account}, password: s3cret, host: 10.0.0.1, port: 5347, secret: hunter2, secretFile: ./x }`,
      ['host', 'port', 'secret', 'secretFile'].map(
        (name) => new RegExp(`xmpp\\.${name}: is an option of 'mode: component'; the mode here is client`),
      ),
    ],
    [
      'options of a client without the mode',
      'xmpp: { jid: files@example.org, password: hunter2, server: 127.0.0.1:5222 }',
      [
        /xmpp\.jid: "files@example\.org" must be a domain such as/,
        /xmpp\.secretFile: is missing/,
        /xmpp\.password: is an option of 'mode: client'; the mode here is component/,
        /xmpp\.server: is an option of 'mode: client'/,
      ],
    ],
    [
      'what is wrong in itself, once',
      `xmpp: { ${account}, password: "hunter2\\u0007", server: nowhere, tls: maybe, subscriptions: all, port: 0 }`,
      [
        /xmpp\.port: 0 must be a whole number/,
        /xmpp\.password: must be text/,
        /xmpp\.server: "nowhere" must be HOST:PORT/,
        /xmpp\.tls: "maybe" must be one of required, allowed, off/,
        /xmpp\.subscriptions: "all" must be one of everyone, domain, none/,
      ],
    ],
    [
      'a mode that there is not',
      'xmpp: { mode: bot, jid: a.b }',
      [/xmpp\.mode: "bot" must be one of component, client/],
    ],
  ];
  for (const [what, text, expected] of faults) {
    it(`tells of ${what}`, async () => {
      const lines = await faultsOf(loadNodeConfig(await written(`${text}\n`)));
      assert.equal(lines.length, expected.length, lines.join('\n'));
      for (const each of expected)
        assert.ok(
          lines.some((line) => line.match(each)),
          `${each}: ${lines.join('\n')}`,
        );
      assert.doesNotMatch(lines.join(), /hunter2/);
    });
  }

  it('keeps its password out of its shares', async () => {
    await writeFile(join(folder, 'books', 'password'), 's3cret\n', { mode: 0o600 });
    const lines = await faultsOf(
      loadNodeConfig(
        await written(
          `xmpp: { ${account}, passwordFile: ./books/password }\nshares: [{ name: books, path: ./books }]\n`,
        ),
      ),
    );
    assert.match(lines.join(), /xmpp\.passwordFile: .* must not lie inside the share 'books'/);
  });
});

describe('the configuration of a node', () => {
  it('needs an address and a secret, and has defaults for everything else', async () => {
    const { config, warnings } = await loadNodeConfig(await written(XMPP));
    assert.deepEqual(config.xmpp, {
      mode: 'component',
      host: '127.0.0.1',
      port: 5347,
      jid: 'files.example.org',
      secret: 's3cret',
    });
    assert.deepEqual(config.shares, []);
    assert.equal(config.data, join(folder, 'data'));
    assert.deepEqual(config.log, { level: 'info' });
    assert.deepEqual(config.scan, { quietMs: 1000, intervalS: 600 });
    assert.equal(config.limits.expiresMs, 300_000);
    assert.ok(Object.values(config.limits).every((limit) => limit > 0));
    assert.deepEqual(warnings, []);
  });

  it('is read as the issue shows it', async () => {
    const { config } = await loadNodeConfig(
      await written(`
xmpp: { mode: component, host: 127.0.0.1, port: 5347, jid: files.example.org, secret: s3cret }
shares:
  - { name: books, path: ${folder}/books, exclude: ['*.part', '.git/**'], followSymlinks: false, hidden: false }
channels:
  - { service: pubsub.example.org, node: books, create: true }
data: ./data
`),
    );
    assert.deepEqual(config.shares, [
      {
        name: 'books',
        path: join(folder, 'books'),
        exclude: ['*.part', '.git/**'],
        followSymlinks: false,
        hidden: false,
      },
    ]);
    assert.deepEqual(config.channels, [
      { service: 'pubsub.example.org', node: 'books', create: true, unsubscribeOnStop: false },
    ]);
  });

  it('tells all faults at once, with line, key, value and what is allowed', async () => {
    const faults = await faultsOf(
      loadNodeConfig(
        await written(`xmpp:
  mode: component
  prot: 5347
  jid: juliet@example.org
  port: 70000
shares:
  - { name: a/b, path: ./nowhere }
  - { name: books, path: ./books, hiden: true }
  - { name: books, path: ./node.yaml }
channels:
  - node: books
log: { level: loud }
limits: { uploads: "3" }
colour: red
`),
      ),
    );
    assert.deepEqual(
      faults.sort(),
      [
        '/node.yaml:11: channels[0].service: is missing; must be an XMPP address without a resource, such as pubsub.example.org',
        '/node.yaml:12: log.level: "loud" must be one of trace, debug, info, warn, error, silent',
        '/node.yaml:13: limits.uploads: "3" must be a whole number from 1 to 10000',
        '/node.yaml:14: colour: is not an option; known are xmpp, shares, channels, access, owners, ownersMayShare, about, announce, wishes, data, extensions, log, transfers, bandwidth, links, scan, limits',
        '/node.yaml:1: xmpp.secretFile: is missing; either it or xmpp.secret must be given',
        "/node.yaml:3: xmpp.prot: is not an option; did you mean 'port'?",
        '/node.yaml:4: xmpp.jid: "juliet@example.org" must be a domain such as files.example.org',
        '/node.yaml:5: xmpp.port: 70000 must be a whole number from 1 to 65535',
        `/node.yaml:7: shares[0].name: "a/b" must be a name of 1 to 255 bytes without '/' and control characters, not '.' or '..'`,
        '/node.yaml:7: shares[0].path: "/nowhere" must be a folder that is there',
        "/node.yaml:8: shares[1].hiden: is not an option; did you mean 'hidden'?",
        '/node.yaml:9: shares[2].name: "books" stands here a second time',
        '/node.yaml:9: shares[2].path: "/node.yaml" must be a folder that is there',
      ].sort(),
    );
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['syntax that is not YAML', 'xmpp: {', /^\/node\.yaml:\d+: /],
    ['two documents of it', `${XMPP}---\nlog: {}\n`, /^\/node\.yaml:2: /],
    ['a list at the top', '- 1\n', /must be a mapping with xmpp, shares/],
    ['a section that is no mapping', `${XMPP}log: info\n`, /log: "info" must be a mapping with level/],
    ['a list that is none', `${XMPP}shares: books\n`, /shares: "books" must be a list of at most 1000/],
    [
      'a share that is no mapping',
      `${XMPP}shares: [books]\n`,
      /shares\[0\]: "books" must be a mapping with name, path/,
    ],
    ['a share named ..', `${XMPP}shares: [{ name: .., path: books }]\n`, /shares\[0\]\.name: "\.\."/],
    [
      'a name with a control character',
      `${XMPP}shares: [{ name: "a\\e", path: books }]\n`,
      /shares\[0\]\.name/,
    ],
    [
      'a channel that is there twice',
      `${XMPP}channels: [{ service: a.b, node: x }, { service: a.b, node: x }]\n`,
      /channels\[1\]\.node: "x at a\.b" stands here a second time/,
    ],
    [
      'numbers that are not whole',
      `${XMPP}scan: { quietMs: 1.5 }\n`,
      /scan\.quietMs: 1\.5 must be a whole number from 100/,
    ],
    [
      'expiry beyond five minutes',
      `${XMPP}limits: { expiresMs: 300001 }\n`,
      /limits\.expiresMs: 300001 must be .* to 300000/,
    ],
    [
      'both ways to give the secret',
      'xmpp: { jid: a.b, secret: x, secretFile: y }\n',
      /secretFile: ".*" must not stand beside xmpp\.secret/,
    ],
    ['a secret that is no text', 'xmpp: { jid: a.b, secret: 12 }\n', /xmpp\.secret: must be text/],
    [
      'a secret file that is not there',
      'xmpp: { jid: a.b, secretFile: ./none }\n',
      /xmpp\.secretFile: ".*none" can't be read: ENOENT/,
    ],
    [
      'a secret file that is a folder',
      'xmpp: { jid: a.b, secretFile: ./books }\n',
      /xmpp\.secretFile: ".*books" must be a file/,
    ],
    [
      'data inside a share',
      `${XMPP}shares: [{ name: all, path: . }]\n`,
      /data: ".*data" must not lie inside the share 'all'/,
    ],
  ];
  for (const [what, text, expected] of wrong) {
    it(`refuses ${what}, and says nothing else`, async () => {
      const faults = await faultsOf(loadNodeConfig(await written(text)));
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] ?? '', expected);
    });
  }

  it('never shows a secret', async () => {
    const faults = await faultsOf(
      loadNodeConfig(await written('xmpp: { jid: a.b, secret: "hunter2\\u0007", secert: hunter2 }\n')),
    );
    assert.equal(faults.length, 2);
    assert.doesNotMatch(faults.join('\n'), /hunter2/);
  });

  it('does not repeat a whole file that is no YAML', async () => {
    const faults = await faultsOf(
      loadNodeConfig(await written(`a: b: ${'some text: and more\n'.repeat(500)}`)),
    );
    assert.ok(faults.length > 0 && faults.length <= 6, `${faults.length} faults`);
    assert.ok(faults.join('\n').length < 2000);
  });

  it('says when the file is not there', async () => {
    assert.match(
      (await faultsOf(loadNodeConfig(join(folder, 'none.yaml'))))[0] ?? '',
      /^\/none\.yaml: can't be read/,
    );
  });

  it('reads the secret from a file beside it, without the line end', async () => {
    await written('s3cret\nignored\n', 'secret');
    const file = await written('xmpp: { jid: a.b, secretFile: ./secret }\n');
    const { config, warnings } = await loadNodeConfig(file);
    assert.ok(config.xmpp.mode === 'component');
    assert.equal(config.xmpp.secret, 's3cret');
    assert.deepEqual(warnings, []);
  });

  it('warns when others may read the secret', async () => {
    await chmod(await written('s3cret\n', 'secret'), 0o644);
    const byFile = await loadNodeConfig(await written('xmpp: { jid: a.b, secretFile: ./secret }\n'));
    assert.match(byFile.warnings.join(), /secret holds a secret and may be read by others/);
    const file = await written(XMPP);
    await chmod(file, 0o644);
    assert.match((await loadNodeConfig(file)).warnings.join(), /node\.yaml holds a secret and may be read/);
  });

  it('keeps the secret out of shares, through symbolic links too', async () => {
    await written('s3cret\n', 'books/secret');
    await symlink(join(folder, 'books'), join(folder, 'link'));
    const file = await written(
      'xmpp: { jid: a.b, secretFile: ./link/secret }\nshares: [{ name: books, path: ./books }]\n',
    );
    assert.match(
      (await faultsOf(loadNodeConfig(file))).join(),
      /xmpp\.secretFile: .* must not lie inside the share 'books'/,
    );
  });

  it('begins paths at its own folder, and at the home folder after ~', async () => {
    const { config } = await loadNodeConfig(
      await written(`${XMPP}data: ~/shoal\nshares: [{ name: books, path: books }]\n`),
    );
    assert.equal(config.data, join(homedir(), 'shoal'));
    assert.equal(config.shares[0]?.path, join(folder, 'books'));
  });

  it('takes an empty value for one that was left out', async () => {
    const { config } = await loadNodeConfig(await written(`${XMPP}log:\nscan: { quietMs: }\nshares:\n`));
    assert.equal(config.log.level, 'info');
    assert.equal(config.scan.quietMs, 1000);
  });
});

describe('the extensions of a configuration', () => {
  const modules = new ImportedModules({ clock: systemClock });

  it('are paths from the folder of the file, or mappings with options of their own', async () => {
    await writeFile(join(folder, 'good.mjs'), 'export default () => ({});\n');
    const text = `${XMPP}extensions:\n- ./good.mjs\n- module: good.mjs\n  config: { domains: [example.org] }\n`;
    const { config } = await loadNodeConfig(await written(text), modules);
    const module = join(folder, 'good.mjs');
    assert.deepEqual(config.extensions, [
      { module, config: {}, folder },
      { module, config: { domains: ['example.org'] }, folder },
    ]);
  });

  it('that can not be loaded are told with all that is wrong elsewhere', async () => {
    const files = {
      'throws.mjs': "throw new Error('out of order');\n",
      'syntax.mjs': 'export default () => ({});\n\nexport default (\n',
      'object.mjs': 'export default {};\n',
      'newer.mjs': 'export const apiVersion = 2;\nexport default () => ({});\n',
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const list = ['none.mjs', ...Object.keys(files)].map((name) => `- ./${name}\n`).join('');
    const text = `${XMPP}extensions:\n- 7\n- { modul: ./x.mjs }\n${list}log: { level: loud }\n`;
    const faults = await faultsOf(loadNodeConfig(await written(text), modules));
    const expected = [
      /^\/node\.yaml:5: extensions\[2\]: "\/none\.mjs" can't be loaded: Cannot find module/,
      /^\/node\.yaml:6: extensions\[3\]: "\/throws\.mjs" can't be loaded: out of order$/,
      /^\/node\.yaml:7: extensions\[4\]: "\/syntax\.mjs" can't be loaded: .* \('node --check' with its path tells where\)$/,
      /^\/node\.yaml:8: extensions\[5\]: "\/object\.mjs" has no function as its default export$/,
      /^\/node\.yaml:9: extensions\[6\]: "\/newer\.mjs" is written for version 2 of the interface; here it is 1$/,
      /^\/node\.yaml:3: extensions\[0\]: 7 must be a path, or a mapping with 'module'/,
      /^\/node\.yaml:4: extensions\[1\]\.modul: is not an option; did you mean 'module'\?/,
      /^\/node\.yaml:4: extensions\[1\]\.module: is missing/,
      /^\/node\.yaml:10: log\.level: "loud"/,
    ];
    assert.equal(faults.length, expected.length, faults.join('\n'));
    for (const each of expected)
      assert.ok(
        faults.some((line) => each.test(line)),
        `${each}\n${faults.join('\n')}`,
      );
  });

  it('that are never loaded are told after a while', async () => {
    await writeFile(join(folder, 'waits.mjs'), 'await new Promise(() => {});\n');
    const clock = new VirtualClock();
    const loading = faultsOf(
      loadNodeConfig(await written(`${XMPP}extensions: [waits.mjs]\n`), new ImportedModules({ clock })),
    );
    await eventually(
      () => clock.pendingTimers,
      (timers) => timers === 1,
    );
    await clock.advance(10_000);
    assert.match((await loading).join(), /"\/waits\.mjs" is still not loaded after 10 s/);
    assert.equal(clock.pendingTimers, 0);
  });

  it('do not run where a configuration is only looked at', async () => {
    await writeFile(join(folder, 'throws.mjs'), "throw new Error('it runs');\n");
    const { config } = await loadNodeConfig(await written(`${XMPP}extensions: [throws.mjs]\n`));
    assert.equal(config.extensions[0]?.module, join(folder, 'throws.mjs'));
  });
});

describe('the configuration of an asker', () => {
  const ASKER = 'jid: juliet@example.org\npassword: pw\n';

  it('finds the server by the account', async () => {
    const { config } = await loadAskerConfig(await written(ASKER, 'asker.yaml'));
    assert.deepEqual(config, {
      jid: 'juliet@example.org',
      password: 'pw',
      server: { host: 'example.org', port: 5222 },
      tls: 'required',
      service: undefined,
      channels: [],
      strikes: STRIKES_DEFAULTS.forGood,
    });
  });

  it('says after how many strikes nobody is asked again', async () => {
    const { config } = await loadAskerConfig(await written(`${ASKER}strikes: 0\n`, 'asker.yaml'));
    assert.equal(config.strikes, 0);
  });

  it('insists on encryption, but not towards a server on this machine', async () => {
    for (const [server, tls] of [
      ['127.0.0.1:5222', 'allowed'],
      ['localhost:5222', 'allowed'],
      ['[::1]:5222', 'allowed'],
      ['127.example.org:5222', 'required'],
      ['192.168.0.1:5222', 'required'],
    ] as const) {
      const { config } = await loadAskerConfig(await written(`${ASKER}server: '${server}'\n`, 'asker.yaml'));
      assert.equal(config.tls, tls, server);
    }
  });

  it('is overruled by the command line', async () => {
    const passwordFile = await written('other\n', 'password');
    const { config } = await loadAskerConfig(await written(`${ASKER}channels: [a]\n`, 'asker.yaml'), {
      jid: 'romeo@example.net',
      passwordFile,
      server: '[::1]:5223',
      tls: 'off',
      service: 'pubsub.example.net',
      channels: ['b', 'c'],
    });
    assert.deepEqual(config, {
      jid: 'romeo@example.net',
      password: 'other',
      server: { host: '::1', port: 5223 },
      tls: 'off',
      service: 'pubsub.example.net',
      channels: ['b', 'c'],
      strikes: STRIKES_DEFAULTS.forGood,
    });
  });

  it('names the option where the command line is wrong, and the line where the file is', async () => {
    const file = await written(`${ASKER}tls: maybe\n`, 'asker.yaml');
    assert.deepEqual(await faultsOf(loadAskerConfig(file, { server: 'example.org' })), [
      '--server: server: "example.org" must be HOST:PORT, such as 127.0.0.1:5222 or [::1]:5222',
      '/asker.yaml:3: tls: "maybe" must be one of required, allowed, off',
    ]);
    assert.match((await faultsOf(loadAskerConfig(undefined, { jid: 'a@b' }))).join(), /^--password-file: /);
  });
});
