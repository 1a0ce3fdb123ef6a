// `npm run examples`: writes config/*.example.yaml anew from the option tables.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './project.mjs';
import { root } from './run.mjs';

ensureBuilt();
const { examples } = await import(pathToFileURL(join(root, 'dist', 'src', 'config', 'examples.js')).href);
for (const [name, text] of Object.entries(examples)) writeFileSync(join(root, 'config', name), text);
