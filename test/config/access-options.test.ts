import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../../src/config/config-error.js';
import { loadNodeConfig } from '../../src/config/load.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

describe('the rules of access in a configuration', () => {
  let folder: TemporaryFolder;

  beforeEach(async () => {
    folder = await temporaryFolder();
    await mkdir(join(folder.path, 'books'));
  });
  afterEach(() => folder.remove());

  async function load(access: string, xmpp = 'jid: files.example.org, secret: s') {
    const text = `xmpp: { ${xmpp} }
shares: [{ name: books, path: ./books }]
channels: [{ service: pubsub.example.org, node: plays/old }]
${access}`;
    await folder.write('node.yaml', text);
    return (await loadNodeConfig(join(folder.path, 'node.yaml'))).config.access;
  }
  const faults = async (access: string) => {
    const error = await load(access).then(
      () => assert.fail('it was taken'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof ConfigError);
    return error.lines.map((line) => line.replace(/^.*node\.yaml:/, ''));
  };

  it('are read with their lines', async () => {
    const rules = await load(`access:
  - { who: [everyone], what: [books/private, 'type:Image/*'], may: nothing }

  - who: [Juliet@Example.org, '@example.net', channels, 'channel:pubsub.example.org/plays/old', bot.example.com]
    may: take
`);
    assert.deepEqual(rules, [
      {
        who: [{ type: 'everyone' }],
        what: [
          { type: 'path', glob: 'books/private' },
          { type: 'media-type', mediaType: 'image/*' },
        ],
        may: 'nothing',
        line: 5,
      },
      {
        who: [
          { type: 'jid', jid: 'juliet@example.org' },
          { type: 'domain', domain: 'example.net' },
          { type: 'channels' },
          { type: 'channel', service: 'pubsub.example.org', nodeId: 'plays/old' },
          { type: 'jid', jid: 'bot.example.com' },
        ],
        what: [{ type: 'path', glob: '**' }],
        may: 'take',
        line: 7,
      },
    ]);
  });

  it('may be none, which is something else than none written', async () => {
    assert.deepEqual(await load('access: []'), []);
    assert.equal(await load(''), undefined);
  });

  it('know groups where there is a roster', async () => {
    const access = "access: [{ who: ['group:My friends'], may: see }]";
    const rules = await load(access, 'mode: client, jid: files@example.org, password: s');
    assert.deepEqual(rules?.[0]?.who, [{ type: 'group', name: 'My friends' }]);
    assert.deepEqual(await faults(access), [
      '4: access[0].who[0]: "My friends" is a group of a roster, which only a node with an account has (xmpp.mode: client)',
    ]);
  });

  it('are not about what is not there', async () => {
    const access = `access:
  - who: [everyone, 'channel:pubsub.example.org/songs']
    what: ['*/x', bokos/private]
    may: nothing`;
    assert.deepEqual(await faults(access), [
      '6: access[0].what[1]: "bokos" must be the name of one of the shares',
      '5: access[0].who[1]: "pubsub.example.org/songs" must be one of the channels that the node is on, or announces files on',
    ]);
  });

  for (const rule of [
    '{ who: everyone, may: take }',
    '{ who: [everyon], may: take }',
    '{ who: [juliet@example.org/balcony], may: take }',
    "{ who: ['@juliet@example.org'], may: take }",
    "{ who: ['channel:pubsub.example.org'], may: take }",
    "{ who: ['group:'], may: take }",
    '{ who: [everyone], may: give }',
    '{ who: [everyone] }',
    '{ may: see }',
    '{ who: [everyone], what: books, may: see }',
    '{ who: [everyone], what: [books/../x], may: see }',
    '{ who: [everyone], what: [/books], may: see }',
    '{ who: [everyone], what: [books/], may: see }',
    "{ who: [everyone], what: ['type:audio'], may: see }",
    "{ who: [everyone], what: [''], may: see }",
    '{ who: [everyone], waht: [books], may: see }',
  ]) {
    it(`refuse ${rule}`, async () => {
      assert.match((await faults(`access: [${rule}]`))[0] ?? '', /^4: access\[0\]/);
    });
  }
});
