import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartFolder } from '../../src/cli/start-folder.js';
import { ConfigError } from '../../src/config/config-error.js';
import { loadAskerConfig, loadNodeConfig } from '../../src/config/load.js';

let parent: string;
let folder: StartFolder;
const NOTHING = { shares: [], channels: [] };

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'shoal-start-'));
  folder = new StartFolder(join(parent, 'shoal-data'));
});

afterEach(() => rm(parent, { recursive: true }));

describe('the folder of npm start', () => {
  it('holds configurations that node and asker take, without a warning', async () => {
    const chosen = await folder.prepare(NOTHING, { ports: true });
    const node = await loadNodeConfig(folder.at('node.yaml'));
    assert.deepEqual(node.warnings, []);
    assert.ok(node.config.xmpp.mode === 'component');
    assert.equal(node.config.xmpp.secret, chosen.secret);
    assert.equal(node.config.xmpp.port, chosen.ports.component);
    assert.deepEqual(
      node.config.shares.map(({ name, path }) => [name, path]),
      [['library', folder.at('library')]],
    );
    assert.deepEqual(
      node.config.channels.map(({ node: id, create }) => [id, create]),
      [['library', true]],
    );
    const asker = await loadAskerConfig(folder.at('asker.yaml'));
    assert.deepEqual(asker.warnings, []);
    assert.equal(asker.config.password, chosen.password);
    assert.deepEqual(asker.config.server, { host: '127.0.0.1', port: chosen.ports.c2s });
    assert.equal(asker.config.service, node.config.channels[0]?.service);
    assert.deepEqual(asker.config.channels, ['library']);
  });

  it('shows its secrets to nobody else', async () => {
    await folder.prepare(NOTHING, { ports: true });
    assert.equal((await stat(folder.path)).mode & 0o077, 0);
    for (const name of ['chosen.json', 'secret', 'password', 'node.yaml', 'asker.yaml']) {
      assert.equal((await stat(join(folder.path, name))).mode & 0o077, 0, name);
    }
  });

  it('has a small library of its own, with something about Romeo', async () => {
    await folder.prepare(NOTHING, { ports: true });
    const files = await readdir(folder.at('library'), { recursive: true });
    assert.ok(files.filter((file) => /romeo/i.test(file)).length >= 2);
    const sound = await readFile(join(folder.at('library'), 'Sounds/Tuning fork A4.wav'));
    assert.equal(sound.readUInt32LE(4), sound.length - 8);
  });

  it('keeps at the next start what was chosen, and what the person did to the library', async () => {
    const first = await folder.prepare(NOTHING, { ports: true });
    await rm(join(folder.at('library'), 'Pictures'), { recursive: true });
    assert.deepEqual(await folder.prepare(NOTHING, { ports: true }), first);
    assert.deepEqual(await readdir(folder.at('library')), ['Shakespeare', 'Sounds']);
  });

  it('keeps named shares and channels too, until others are named', async () => {
    const own = join(parent, 'own');
    await mkdir(own);
    const wishes = { shares: [{ name: 'own', path: own }], channels: ['a', 'b'] };
    const named = await folder.prepare(wishes, { ports: true });
    assert.deepEqual(named.shares, wishes.shares);
    assert.ok(!(await readdir(folder.path)).includes('library'));
    assert.deepEqual(await folder.prepare(NOTHING, { ports: true }), named);
    const other = await folder.prepare({ shares: [], channels: ['c'] }, { ports: true });
    assert.deepEqual([other.shares, other.channels], [wishes.shares, ['c']]);
  });

  it('takes new ports where the old ones are gone, and nothing else new', async () => {
    const { ports, ...kept } = await folder.prepare(NOTHING, { ports: true });
    const { ports: others, ...same } = await folder.prepare(NOTHING, { ports: false });
    assert.deepEqual(same, kept);
    assert.equal(new Set([ports.c2s, ports.component, others.c2s, others.component]).size, 4);
  });

  it('says so when what it chose can not be read', async () => {
    await mkdir(folder.path);
    await writeFile(join(folder.path, 'chosen.json'), '{');
    await assert.rejects(folder.prepare(NOTHING, { ports: true }), ConfigError);
  });
});
