/** Contact lists of a private Prosody, written where it keeps them, before those whose they are log in. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ACCOUNTS, DOMAIN, type TestServer } from '../support/server.js';

/** Everybody sees everybody, and `components` are in the list of each. */
export async function makeFriends(server: TestServer, components: readonly string[] = []): Promise<void> {
  const folder = path.join(server.folder, 'data', DOMAIN, 'roster');
  await mkdir(folder, { recursive: true });
  for (const { user } of ACCOUNTS) {
    const others = ACCOUNTS.filter((each) => each.user !== user).map((each) => `${each.user}@${DOMAIN}`);
    const items = [...others, ...components].map(
      (jid) => `\t["${jid}"] = { ["subscription"] = "both"; ["groups"] = {}; };\n`,
    );
    const text = `return {\n\t[false] = { ["version"] = 1; };\n${items.join('')}};\n`;
    await writeFile(path.join(folder, `${user}.dat`), text);
  }
}
