// Programs that the distribution has as packages: installed when they are missing and the user may.
import { isInstalled, run, stop, succeeds } from './run.mjs';

export const prosody = { package: 'prosody', name: 'Prosody', isThere: () => isInstalled('prosody') };
export const ejabberd = { package: 'ejabberd', name: 'ejabberd', isThere: () => isInstalled('ejabberdctl') };
export const openssl = { package: 'openssl', name: 'OpenSSL', isThere: () => isInstalled('openssl') };
/** For clients with windows, on a machine without a screen. */
export const x11 = {
  package: ['xvfb', 'xauth', 'xdotool', 'openbox'],
  name: 'an X server without a screen',
  isThere: () => ['Xvfb', 'xdotool', 'openbox'].every(isInstalled),
};
export const dbus = { package: 'dbus', name: 'D-Bus', isThere: () => isInstalled('dbus-daemon') };
export const libervia = {
  package: ['libervia-backend', 'libervia-cli', 'python3-progressbar'],
  name: 'Libervia',
  isThere: () =>
    isInstalled('libervia-cli') &&
    isInstalled('libervia-backend') &&
    succeeds('/usr/bin/python3', ['-c', 'import progressbar']),
};
export const dino = {
  package: ['dino-im', 'sqlite3'],
  name: 'Dino',
  isThere: () => isInstalled('dino-im') && isInstalled('sqlite3'),
};
export const gajim = { package: 'gajim', name: 'Gajim', isThere: () => isInstalled('gajim') };
export const chromium = {
  package: 'chromium-headless-shell',
  name: 'Chromium without windows',
  isThere: () => isInstalled('chromium-headless-shell'),
};
export const slixmpp = {
  package: 'python3-slixmpp',
  name: 'slixmpp for Python',
  isThere: () => succeeds('/usr/bin/python3', ['-c', 'import slixmpp']),
};

// Debian starts and enables a service as soon as it is installed. These servers are only run
// privately, with data and ports of their own, so nothing of that is wanted: a policy-rc.d that
// forbids it stands there while the packages are installed, and the services are disabled.
const INSTALL = `
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -y -q --no-install-recommends "$@"
if command -v systemctl > /dev/null; then
  for each in "$@"; do
    case "$each" in prosody|ejabberd) systemctl disable "$each" > /dev/null 2>&1 || true ;; esac
  done
fi
`;

/** Installs what is missing, or stops with the line to type. */
export function ensurePackages(wanted) {
  const reason = installPackages(wanted);
  if (reason !== undefined) stop(reason);
}

/** Installs what is missing. Says why that can't be, and what to type; undefined when all is there. */
export function installPackages(wanted) {
  const missing = wanted.filter((each) => !each.isThere());
  if (missing.length === 0) return undefined;
  const names = missing.map((each) => each.name).join(' and ');
  const packages = missing.flatMap((each) => each.package);
  const line = `sudo apt-get update && sudo apt-get install -y ${packages.join(' ')}`;
  if (!isInstalled('apt-get')) {
    return `${names} is missing. Install it with your package manager, then try again.`;
  }
  const prefix = privilege();
  if (prefix === undefined) {
    return `${names} is missing, and installing it needs rights that you have to give. Type\n\n  ${line}\n\nthen try again.`;
  }
  process.stdout.write(`Installing ${names} from the distribution's packages; the service is not started…\n`);
  const [command, ...args] = [...prefix, 'sh', '-c', INSTALL, 'sh', ...packages];
  const failed = run(command, args, { stdio: ['ignore', 'inherit', 'inherit'] }) !== 0;
  if (failed || missing.some((each) => !each.isThere())) {
    return `${names} could not be installed. Type\n\n  ${line}\n\nand see what is wrong.`;
  }
  return undefined;
}

/** What to put before a command that needs root; undefined when there is no way without asking. */
function privilege() {
  if (process.getuid?.() === 0) return [];
  return succeeds('sudo', ['-n', 'true']) ? ['sudo', '-n'] : undefined;
}
