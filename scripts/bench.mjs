// `npm run bench -- NAME`: runs one of the measurements in `bench`, with the words that follow.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './project.mjs';
import { root, stop } from './run.mjs';

ensureBuilt();
const [name = '', ...words] = process.argv.slice(2);
const folder = join(root, 'dist', 'bench');
/** The other files there are their parts. */
const names = [
  'search',
  'access',
  'regex',
  'scan',
  'hash',
  'serve',
  'fetch',
  'ibb',
  'node',
  'channel',
  'busy',
  'flood',
].filter((each) => existsSync(join(folder, `${each}.js`)));
if (!names.includes(name)) stop(`npm run bench -- NAME, with one of: ${names.join(', ')}`);
const program = join(folder, `${name}.js`);
process.argv = [process.execPath, program, ...words];
await import(pathToFileURL(program).href);
