import assert from 'node:assert/strict';
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { ConfigFile } from '../../src/config/config-file.js';
import { loadNodeConfig } from '../../src/config/load.js';
import type { NodeConfig } from '../../src/config/options.js';
import { silentLog } from '../../src/log.js';
import { ConfigurationKeeper } from '../../src/node/configuration-keeper.js';
import { RestartNeededError } from '../../src/node/reload.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const OWNER = 'owner@example.org';

describe('an owner who changes the shares', () => {
  let folder: TemporaryFolder;
  let file: string;
  let text: string;
  let taken: NodeConfig[];
  let refusal: Error | undefined;
  let isReady: boolean;
  let keeper: ConfigurationKeeper;

  beforeEach(async () => {
    folder = await temporaryFolder();
    for (const path of ['files/books/1', 'files/music/2', 'files/music/live/3', 'private/4', 'data/5'])
      await folder.write(path);
    file = `${folder.path}/node.yaml`;
    text = [
      '# Ours.',
      'xmpp: { jid: files.example.org, secret: s3cret }',
      'shares:',
      '  - { name: books, path: ./files/books } # the first',
      'ownersMayShare: [./files]',
      'access:',
      '  - { who: [everyone], what: [books], may: take }',
      '',
    ].join('\n');
    await writeFile(file, text, { mode: 0o640 });
    await chmod(file, 0o640);
    taken = [];
    refusal = undefined;
    isReady = true;
    keeper = new ConfigurationKeeper({
      node: {
        reload: async (config) => {
          if (refusal) throw refusal;
          taken.push(config);
          return ['shares'];
        },
      },
      load: () => loadNodeConfig(file),
      file: new ConfigFile(file),
      log: silentLog,
      isReady: () => isReady,
    });
  });
  afterEach(() => folder.remove());

  const add = (path: string, name = 'more') =>
    keeper.editor?.addShare({ name, path }, OWNER) ?? assert.fail('it can not be written');
  const remove = (name: string) => keeper.editor?.removeShare(name, OWNER) ?? assert.fail();
  const shares = () => taken.at(-1)?.shares.map(({ name, path }) => [name, path]);

  /** What was refused, with the file as it was. */
  async function refused(doing: ReturnType<typeof add>): Promise<string> {
    const before = await readFile(file, 'utf8');
    const outcome = await doing;
    assert.equal(outcome.type, 'refused');
    assert.equal(await readFile(file, 'utf8'), before);
    assert.deepEqual(
      (await readdir(folder.path)).filter((name) => name.endsWith('.new')),
      [],
    );
    return outcome.why.join('\n').replaceAll(folder.path, '');
  }

  it('changes the file, which keeps its rights and everything else, and then holds', async () => {
    const outcome = await add(`${folder.path}/files/music`, 'music');
    assert.equal(outcome.type, 'reloaded');
    const [books, music] = ['books', 'music'].map((name) => [name, `${folder.path}/files/${name}`]);
    assert.deepEqual(shares(), [books, music]);
    const lines = (await readFile(file, 'utf8')).split('\n');
    assert.deepEqual(
      lines.filter((line) => !text.split('\n').includes(line)),
      ['  - name: music', `    path: ${folder.path}/files/music`],
    );
    assert.equal((await stat(file)).mode & 0o777, 0o640);
    assert.equal((await remove('music')).type, 'reloaded');
    assert.deepEqual(shares(), [books]);
    assert.equal(await readFile(file, 'utf8'), text);
  });

  it('changes what a link leads to, and leaves the link', async () => {
    await mkdir(`${folder.path}/etc`);
    await rename(file, `${folder.path}/etc/real.yaml`);
    await symlink('etc/real.yaml', file);
    assert.equal((await add(`${folder.path}/files/music`)).type, 'reloaded');
    assert.equal(await readlink(file), 'etc/real.yaml');
    assert.deepEqual(await readdir(`${folder.path}/etc`), ['real.yaml']);
  });

  it('may share what lies in the folders that the configuration names, wherever links lead', async () => {
    const { path } = folder;
    await symlink('../private', `${path}/files/way-out`);
    await symlink('files/music', `${path}/way-in`);
    for (const each of [
      `${path}/private`,
      `${path}/files`,
      `${path}/files/way-out`,
      `${path}/files/../private`,
      `${path}/files/nothing`,
      `${path}/files/music/2`,
      'files/music',
      `${path}/files/music\0`,
      '/etc',
    ]) {
      assert.match(await refused(add(each)), /^'.*' is no folder in \/files$/s, each);
    }
    assert.equal((await add(`${path}/way-in`)).type, 'reloaded');
    assert.deepEqual(shares()?.at(-1), ['more', `${path}/files/music`]);
  });

  it('may share nothing in another share, around one, or of what the node keeps', async () => {
    const { path } = folder;
    assert.match(await refused(add(`${path}/files/books`)), /lies in the share 'books'$/);
    await mkdir(`${path}/files/books/inner`);
    assert.match(await refused(add(`${path}/files/books/inner`)), /lies in the share 'books'$/);
    await writeFile(file, text.replace('ownersMayShare: [./files]', "ownersMayShare: [., '..']"));
    assert.match(await refused(add(`${path}/files`)), /^the share 'books' lies in/);
    assert.match(await refused(add(`${path}/data`)), /what the node keeps for itself$/);
    await mkdir(`${path}/data/index`);
    assert.match(await refused(add(`${path}/data/index`)), /what the node keeps for itself$/);
    assert.match(await refused(add(path)), /^the share 'books' lies in/);
  });

  it('is told what is wrong, and the file is as it was', async () => {
    const music = `${folder.path}/files/music`;
    assert.match(await refused(add(music, 'books')), /shares\[1\].name: "books" stands here a second time/);
    assert.match(await refused(add(music, 'a/b')), /must be a name of 1 to 255 bytes/);
    assert.match(await refused(remove('books')), /"books" must be the name of one of the shares/);
    assert.match(await refused(remove('letters')), /there is no share 'letters'/);
    refusal = new RestartNeededError(['data']);
    assert.match(await refused(add(music)), /has to be started anew for: data/);
    refusal = undefined;
    isReady = false;
    assert.match(await refused(add(music)), /still starting/);
    isReady = true;
    await writeFile(file, `${text}colour: blue\n`);
    assert.match(await refused(add(music)), /colour: is not an option/);
    assert.deepEqual(taken, []);
  });

  it('overwrites nothing that somebody else writes meanwhile', async () => {
    const config = new ConfigFile(file);
    const before = await config.read();
    await writeFile(file, `${before}# mine\n`);
    await assert.rejects(config.replace(before, 'other'), /somebody else has written it meanwhile/);
    assert.equal(await readFile(file, 'utf8'), `${before}# mine\n`);
  });

  it('changes one thing after the other', async () => {
    const { path } = folder;
    const all = ['music', 'a', 'b', 'c'];
    for (const name of all.slice(1)) await mkdir(`${path}/files/${name}`);
    await Promise.all(all.map((name) => add(`${path}/files/${name}`, name)));
    assert.deepEqual(
      shares()?.map(([name]) => name),
      ['books', ...all],
    );
  });
});
