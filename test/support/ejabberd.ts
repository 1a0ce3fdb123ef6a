/**
 * An ejabberd of its own for a test: a plain Erlang without epmd and distribution, so that any
 * number of them can run beside each other.
 */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { systemClock } from '../../src/clock.js';
import { findProgram, PrivateServerError, ServerProcess } from '../../src/private-server/server-process.js';
import { freePorts } from './free-ports.js';
import {
  ACCOUNTS,
  COMPONENT_SECRET,
  COMPONENTS,
  DOMAIN,
  PROXY65,
  PUBSUB,
  type TestServer,
  withPortsRetried,
} from './server.js';

interface Ports {
  readonly c2s: number;
  readonly component: number;
  readonly proxy65: number;
}

const READY = 'shoal: ejabberd is ready';

export function startEjabberd(): Promise<TestServer> {
  return withPortsRetried(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-test-ejabberd-'));
    const [c2s, component, proxy65] = await freePorts(3);
    const ports = { c2s, component, proxy65 };
    const server = await ejabberdProcess(folder, ports);
    const stop = async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    };
    try {
      await server.start();
    } catch (error) {
      await stop();
      throw error;
    }
    return {
      kind: 'ejabberd',
      host: '127.0.0.1',
      c2sPort: c2s,
      componentPort: component,
      proxy65Port: proxy65,
      folder,
      stop,
      kill: () => server.kill(),
      restart: async () => {
        await server.stop();
        await server.start();
      },
    };
  });
}

async function ejabberdProcess(folder: string, ports: Ports): Promise<ServerProcess> {
  const erl = await findProgram('erl');
  const ebin = await findEbin();
  if (erl === undefined || ebin === undefined) {
    throw new PrivateServerError('ejabberd is not installed; type: sudo apt-get install ejabberd');
  }
  const config = join(folder, 'ejabberd.yml');
  await mkdir(join(folder, 'log'));
  await writeFile(config, stringify(ejabberdConfig(ports)));
  return new ServerProcess(
    { clock: systemClock },
    {
      name: 'ejabberd',
      command: erl,
      args: [
        ...[
          '-noinput',
          '+K',
          'true',
          '+sbwt',
          'none',
          '-pa',
          ebin.path,
          '-mnesia',
          'dir',
          `"${join(folder, 'spool')}"`,
        ],
        ...['-s', 'ejabberd', '-eval', setUp()],
      ],
      cwd: folder,
      env: {
        ...process.env,
        HOME: folder,
        ERL_LIBS: process.env.ERL_LIBS ?? ebin.libs,
        EJABBERD_CONFIG_PATH: config,
        EJABBERD_LOG_PATH: join(folder, 'log', 'ejabberd.log'),
        ERL_CRASH_DUMP: join(folder, 'erl_crash.dump'),
      },
      read: (line) => {
        if (line.includes(READY)) return true;
        const failed = /Failed to (open|start|bind).*|eaddrinuse.*/.exec(line)?.[0];
        return failed ?? false;
      },
    },
  );
}

/** Erlang that adds the accounts, once, and says that all is up. */
function setUp(): string {
  const accounts = ACCOUNTS.map(({ user, password }) => `{<<"${user}">>, <<"${password}">>}`).join(', ');
  return (
    `[ejabberd_auth:try_register(U, <<"${DOMAIN}">>, P) || {U, P} <- [${accounts}]], ` +
    `io:format("${READY}~n").`
  );
}

/** Where Debian keeps ejabberd's compiled modules: `/usr/lib/<machine>/ejabberd-<version>/ebin`. */
async function findEbin(): Promise<{ path: string; libs: string } | undefined> {
  for (const machine of await readdir('/usr/lib')) {
    const libs = join('/usr/lib', machine);
    for (const name of await readdir(libs).catch(() => [])) {
      const path = join(libs, name, 'ebin');
      const compiled = /^ejabberd-\d/.test(name) ? await readdir(path).catch(() => []) : [];
      if (compiled.includes('ejabberd.beam')) return { path, libs };
    }
  }
  return undefined;
}

function ejabberdConfig(ports: Ports): object {
  const secrets = COMPONENTS.map((jid) => [jid, { password: COMPONENT_SECRET }]);
  return {
    hosts: [DOMAIN],
    loglevel: 'info',
    log_rotate_count: 0,
    auth_method: 'internal',
    auth_password_format: 'plain',
    disable_sasl_mechanisms: ['X-OAUTH2'],
    fqdn: DOMAIN,
    listen: [
      { port: ports.c2s, ip: '127.0.0.1', module: 'ejabberd_c2s', max_stanza_size: 262_144, access: 'c2s' },
      {
        port: ports.component,
        ip: '127.0.0.1',
        module: 'ejabberd_service',
        access: 'all',
        max_stanza_size: 524_288,
        check_from: true,
        // Otherwise each component that attaches takes over the addresses of all of them.
        global_routes: false,
        hosts: Object.fromEntries(secrets),
      },
    ],
    access_rules: { c2s: { allow: 'all' }, pubsub_createnode: { allow: 'all' } },
    shaper_rules: { max_user_sessions: 100, max_user_offline_messages: 1000, c2s_shaper: 'none' },
    modules: {
      mod_adhoc: {},
      mod_caps: {},
      mod_disco: {},
      mod_offline: {},
      mod_ping: {},
      mod_roster: {},
      mod_time: {},
      mod_version: {},
      mod_stream_mgmt: {},
      mod_proxy65: {
        host: PROXY65,
        ip: '127.0.0.1',
        hostname: '127.0.0.1',
        port: ports.proxy65,
        access: 'all',
        shaper: 'none',
      },
      mod_pubsub: {
        host: PUBSUB,
        access_createnode: 'pubsub_createnode',
        last_item_cache: false,
        max_items_node: 1000,
        plugins: ['flat'],
        // Tells subscribers who published an item.
        default_node_config: { itemreply: 'publisher' },
      },
    },
  };
}
