#!/usr/bin/env -S node --max-semi-space-size=2
/**
 * The program `shoal`. Only here the commands meet the real parts, each of which is loaded when a command asks for
 * it: to load a node takes longer than most commands run.
 *
 * The option above, which is in `npm start` too, bounds the room for new objects of each thread: with a million
 * files it saves a node some 50 MB, and costs a few hundredths of the time in which it starts. Without it
 * everything works.
 */
import { stayAlive, systemClock } from '../clock.js';
import { readVersion } from '../config/version.js';
import { accessCommand } from './access.js';
import { banCommand, unbanCommand } from './ban.js';
import { bansCommand } from './bans.js';
import { explainCommand } from './explain.js';
import { findCommand } from './find.js';
import { getCommand } from './get.js';
import { reloadCommand } from './reload.js';
import { type Program, runCommand } from './run-command.js';
import { serveCommand } from './serve.js';
import { startCommand } from './start.js';
import { statusCommand } from './status.js';
import { processIo } from './terminal.js';
import { transfersCommand } from './transfers.js';
import { wantCommand } from './want.js';

const version = await readVersion();
const program: Program = {
  version,
  commands: [
    accessCommand,
    banCommand,
    bansCommand,
    explainCommand,
    findCommand,
    getCommand,
    reloadCommand,
    serveCommand,
    startCommand,
    statusCommand,
    transfersCommand,
    unbanCommand,
    wantCommand,
  ],
  components: {
    clock: systemClock,
    createAsker: async (...init) => new (await import('../node/network-asker.js')).NetworkAsker(...init),
    createServer: async (...init) =>
      new (await import('../private-server/prosody.js')).PrivateProsody(...init),
    createNode: async (components, init) => {
      const { NetworkNode } = await import('../node/network-node.js');
      return new NetworkNode({ ...components, version }, init);
    },
  },
};

const io = processIo();
// A command that waits for its server to come back has nothing else that would keep it here.
const alive = stayAlive();
const code = await runCommand(program, process.argv.slice(2), io);
alive.cancel();
process.exitCode = code === 0 ? code : (io.interruptedBy() ?? code);
