// `npm start`: sets up what is missing, then runs `shoal start` with the words that follow.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './project.mjs';
import { root } from './run.mjs';
import { ensurePackages, prosody } from './system-packages.mjs';

ensureBuilt();
ensurePackages([prosody]);

// In this process, so that Ctrl-C and signals reach the program itself.
const program = join(root, 'dist', 'src', 'cli', 'main.js');
process.argv = [process.execPath, program, 'start', ...process.argv.slice(2)];
await import(pathToFileURL(program).href);
