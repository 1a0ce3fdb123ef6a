/** How fast Libervia gets one file of a node of ours, over SOCKS5 on loopback. */
import { randomBytes } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Libervia } from '../test/interop/libervia.js';
import { OurNode, SHARE } from '../test/interop/our-sides.js';
import { startTlsProsody } from '../test/interop/tls-server.js';
import { ACCOUNTS } from '../test/support/server.js';
import { temporaryFolder } from '../test/support/temporary-folder.js';
import type { Cleanups } from './cleanups.js';
import { median, timed } from './table.js';

const MB = 1e6;
/** So much that it takes longer than the talk before it differs from time to time. */
const LARGE_BYTES = 1000 * MB;
const REPEATS = 3;
const MS_A_SECOND = 1000;

/** MB/s. Its start and its talk before the first byte are taken off, as those of a request for one byte. */
export async function liberviaRate(cleanups: Cleanups): Promise<number> {
  const folder = await temporaryFolder();
  cleanups.add(() => folder.remove());
  await folder.write('shared/large', randomBytes(LARGE_BYTES));
  await folder.write('shared/small', 'x');
  const { server, certificateFile } = await startTlsProsody(folder.path);
  cleanups.add(() => server.stop());
  const home = join(folder.path, 'node');
  const shared = join(folder.path, 'shared');
  const node = await OurNode.start(server, { jid: 'files.localhost', reach: 'open', folder: shared, home });
  cleanups.add(() => node.stop());
  const libervia = await Libervia.start(server, {
    home: join(folder.path, 'libervia'),
    account: ACCOUNTS[2],
    certificateFile,
  });
  cleanups.add(() => libervia.stop());
  const take = async (name: string, bytes: number) => {
    const target = join(folder.path, 'taken');
    const ms = await timed(() => libervia.request(`${node.jid}/x`, { name, folder: `/${SHARE}` }, target));
    if (statSync(target).size !== bytes) throw new Error(`Libervia did not get all of ${name}`);
    rmSync(target);
    return ms;
  };
  const large: number[] = [];
  const small: number[] = [];
  for (let turn = 0; turn < REPEATS; turn += 1) {
    small.push(await take('small', 1));
    large.push(await take('large', LARGE_BYTES));
  }
  return (LARGE_BYTES / MB / (median(large) - median(small))) * MS_A_SECOND;
}
