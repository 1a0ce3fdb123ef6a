/** A whole file, from a search to the checked copy on disk: `shoal get`, Libervia on the same server, and `cp`. */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Libervia } from '../test/interop/libervia.js';
import { startTlsProsody } from '../test/interop/tls-server.js';
import { SHOAL } from '../test/support/served-node.js';
import { ACCOUNTS, COMPONENT_SECRET, DOMAIN } from '../test/support/server.js';
import type { Cleanups } from './cleanups.js';
import { programOf } from './machine.js';
import { NodeProcess } from './node-process.js';
import { type Contender, type Row, type Table, takeTurns, timedShell } from './table.js';

const REPEATS = 3;
const GOAL = { kind: 'at most', ratio: 1 / 4 } as const;
const NODE = `files.${DOMAIN}`;
const [ALICE, BOB, CAROL] = ACCOUNTS;

/** `share` has one file, `name`. */
export async function measureWhole(
  cleanups: Cleanups,
  { folder, share, name }: { readonly folder: string; readonly share: string; readonly name: string },
): Promise<Table> {
  const { server, certificateFile } = await startTlsProsody(folder);
  cleanups.add(() => server.stop());
  const node = new NodeProcess(join(folder, 'whole'), {
    xmpp: { host: server.host, port: server.componentPort, jid: NODE, secret: COMPONENT_SECRET },
    shares: [{ name: 's', path: share }],
    transfers: { listenHost: '127.0.0.1', externalHosts: ['127.0.0.1'] },
  });
  cleanups.add(() => node.close());
  node.spawn();
  await Promise.all([node.logged('ready'), node.logged('all files are hashed')]);
  const passwordFile = join(folder, 'alice');
  writeFileSync(passwordFile, `${ALICE.password}\n`, { mode: 0o600 });
  const config = join(folder, 'alice.yaml');
  const asker = { jid: `${ALICE.user}@${DOMAIN}`, passwordFile, server: `127.0.0.1:${server.c2sPort}` };
  writeFileSync(config, stringify({ ...asker, tls: 'off' }));
  const file = join(share, name);
  const contenders: Contender[] = [
    { name: 'ours', run: () => get({ config, name, target: join(folder, 'got') }) },
    {
      name: 'cp + sync + sha256',
      run: () => copy(file, join(folder, 'copied'), ' && sync "$2" && openssl dgst -sha256 "$2"'),
    },
  ];
  if (programOf('libervia-backend') !== undefined) {
    const [sender, receiver] = await Promise.all(
      [BOB, CAROL].map(async (account) => {
        const libervia = await Libervia.start(server, {
          home: join(folder, account.user),
          account,
          certificateFile,
        });
        cleanups.add(() => libervia.stop());
        return libervia;
      }),
    );
    if (!sender || !receiver) throw new TypeError('two were started');
    const target = join(folder, 'downloads');
    await mkdir(target);
    contenders.push({
      name: 'Libervia to Libervia',
      run: async () => {
        for (const each of readdirSync(target)) rmSync(join(target, each));
        const { done } = await receiver.receive(`${BOB.user}@${DOMAIN}`, target);
        const began = performance.now();
        await Promise.all([sender.send(receiver.jid, file), done]);
        return performance.now() - began;
      },
    });
  }
  const medians = await takeTurns(contenders, REPEATS);
  const ours = medians.get('ours') ?? Number.NaN;
  const rows: Row[] = [...medians]
    .filter(([peer]) => peer !== 'ours')
    .map(([peer, value]) => ({
      work: '`shoal get`',
      ours,
      peer: { name: peer, value },
      ...(peer.startsWith('Libervia') && { goal: GOAL }),
    }));
  return { title: 'A file of 1 GiB, to disk, checked', unit: 'ms', rows };
}

async function get(wanted: {
  readonly config: string;
  readonly name: string;
  readonly target: string;
}): Promise<number> {
  rmSync(wanted.target, { force: true });
  const words = [process.execPath, SHOAL, wanted.name, wanted.config, NODE, wanted.target];
  const { ms } = await timedShell('"$1" "$2" get "$3" --config "$4" --from "$5" -o "$6" >&2', words);
  if (!existsSync(wanted.target)) throw new Error('nothing came');
  return ms;
}

async function copy(from: string, target: string, after: string): Promise<number> {
  rmSync(target, { force: true });
  return (await timedShell(`cp "$1" "$2"${after}`, [from, target])).ms;
}
