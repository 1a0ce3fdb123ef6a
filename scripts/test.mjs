// `npm test`: sets up what is missing, runs all tests, and ends with a line `N passed, N failed`.
// Words that follow go to mocha, such as a file or `--grep PATTERN`.
import { conclude, runMocha } from './mocha.mjs';
import { ensureBuilt } from './project.mjs';
import { ejabberd, ensurePackages, openssl, prosody, slixmpp } from './system-packages.mjs';

ensureBuilt();
ensurePackages([prosody, ejabberd, openssl, slixmpp]);

const words = process.argv.slice(2);
// Mocha adds files named to those of .mocharc.json; whoever names one wants it alone.
const alone = words.some((word) => word.endsWith('.js')) ? ['--no-config', '--timeout', '20000'] : [];
conclude(runMocha([...alone, ...words]));
