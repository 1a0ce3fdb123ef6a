/**
 * A whole node on a real server, with a share full of traps, one who does everything wrong and one
 * who only wants an answer. In the end `assertNothingLeft` looks for whatever may have stayed behind.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../../src/clock.js';
import type { TransferStatus } from '../../src/node/node-status.js';
import { readStatusSocket, statusSocketPath } from '../../src/node/status-socket.js';
import { parseJid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import type { Element } from '../../src/stanza/xml.js';
import { attachClient } from './attached.js';
import { eventually } from './eventually.js';
import { field, RawAsker } from './raw-asker.js';
import { ServedNode } from './served-node.js';
import { COMPONENT_SECRET, PUBSUB, type TestServer } from './server.js';
import { type TemporaryFolder, temporaryFolder } from './temporary-folder.js';

/** What is small here is so that tests reach it soon. */
export const BESIEGED = {
  jid: parseJid('node7.localhost'),
  channel: 'bad-input',
  sessionsPerPeer: 4,
  candidates: 3,
  deadlineMs: 500,
  manyFiles: 1500,
  /** More than the sockets' buffers between two processes hold. */
  largeBytes: 24_000_000,
  /** More than a node reads ahead. */
  mediumBytes: 1_200_000,
} as const;

/** Finds one file, whatever else is the matter. */
export const ROMEO = field('name', 'romeo');

const LARGE = ['vanishes', 'shrinks', 'changes', 'grows', 'replaced', 'whole'];
const MEDIUM = ['shrinks', 'changes', 'whole'];

export class BesiegedNode {
  #sids = 0;
  #socketsAtRest = 0;

  private constructor(
    readonly folder: TemporaryFolder,
    readonly served: ServedNode,
    readonly attacker: RawAsker,
    readonly innocent: RawAsker,
  ) {}

  static async start(server: TestServer): Promise<BesiegedNode> {
    const folder = await temporaryFolder();
    await fill(folder);
    const served = await ServedNode.make(folder.path, configFor(server));
    const attacker = RawAsker.on(attachClient(server, 'alice', { maxPendingIqs: 20_000 }), BESIEGED.jid);
    const innocent = RawAsker.on(attachClient(server, 'bob'), BESIEGED.jid);
    const node = new BesiegedNode(folder, served, attacker, innocent);
    try {
      await node.#start();
    } catch (error) {
      await node.stop();
      throw error;
    }
    return node;
  }

  async #start(): Promise<void> {
    await this.served.start();
    await eventually(
      () => this.served.line('all files are hashed') !== undefined,
      (hashed) => hashed,
      30_000,
    );
    await this.attacker.entity.start();
    await this.innocent.entity.start();
    this.#socketsAtRest = this.#sockets();
  }

  async stop(): Promise<void> {
    await this.attacker.entity.stop();
    await this.innocent.entity.stop();
    await this.served.stop();
    await this.folder.remove();
  }

  newSid(): string {
    this.#sids += 1;
    return `s${this.#sids}`;
  }

  /** The absolute path of a file in the share. */
  at(name: string): string {
    return path.join(this.folder.path, 'share', name);
  }

  /** The attacker ends these sessions. */
  async end(...sids: readonly string[]): Promise<void> {
    for (const sid of sids)
      await this.attacker.jingle('session-terminate', sid, '<reason><cancel/></reason>');
  }

  async assertAnswers(): Promise<void> {
    assert.equal(totalOf(await this.innocent.find(ROMEO)), 1);
  }

  /** No session, no open file, no socket, no upload, no error in the log; ends with 0 when told to. */
  async assertNothingLeft(): Promise<void> {
    const { attacker, innocent, served } = this;
    await eventually(
      () => this.#openFiles(),
      (files) => !files.some((each) => each.startsWith(this.at(''))),
    );
    await eventually(
      () => this.#sockets(),
      (count) => count <= this.#socketsAtRest,
      25_000,
    );
    const socket = statusSocketPath(path.join(this.folder.path, 'data'));
    const status = (await readStatusSocket({ clock: systemClock }, socket)) as Record<string, unknown>;
    // What has ended is shown for some seconds more.
    const transfers = status.transfers as readonly TransferStatus[];
    assert.deepEqual(
      transfers.filter(({ state }) => state !== 'ended'),
      [],
    );
    assert.equal(status.online, true);
    const peers = [attacker, innocent].map(({ entity }) => String(entity.jid));
    await eventually(
      () =>
        served.log.filter(({ msg, peer }) => msg === 'session ended' && peers.includes(String(peer))).length,
      (ended) => ended === attacker.sessions + innocent.sessions,
    );
    for (let sid = 1; sid <= this.#sids; sid += 1) {
      assert.match(await attacker.jingle('session-info', `s${sid}`), /^item-not-found/);
    }
    assert.deepEqual(this.complaints(50), []);
    await this.assertAnswers();
    assert.equal(await served.stop(), 0);
  }

  /** What it logged at this level (40 is warn, 50 error) or above. */
  complaints(level: number): unknown[] {
    return this.served.log.filter((line) => Number(line.level) >= level);
  }

  #sockets(): number {
    return this.#openFiles().filter((each) => each.startsWith('socket:')).length;
  }

  #openFiles(): string[] {
    const folder = `/proc/${this.served.pid}/fd`;
    return readdirSync(folder).flatMap((each) => {
      try {
        return [readlinkSync(path.join(folder, each))];
      } catch {
        return []; // closed meanwhile
      }
    });
  }
}

/** The number of matches that an answer tells; fails when it is none. */
export function totalOf(answer: Element | string): number {
  if (typeof answer === 'string') assert.fail(answer);
  return Number(answer.getChild('found', NS.find)?.attrs.total);
}

async function fill(folder: TemporaryFolder): Promise<void> {
  await folder.write('outside/secret.txt', 'not for you');
  await folder.write('share/romeo.txt', 'Romeo and Juliet');
  await folder.write('share/.hidden.txt', 'hidden');
  await folder.write('share/folder/deep.txt', 'deep');
  await folder.write('share/ctl\u0001\u001b[31m.odd', 'control characters');
  await folder.write('share/line\nbreak\ttab.odd', 'line break');
  await folder.write('share/mac\rand\r\ndos.odd', 'carriage return');
  await folder.write('share/caf\udce9.odd', 'Latin 1');
  const share = (name: string) => path.join(folder.path, 'share', name);
  symlinkSync('../outside/secret.txt', share('link.txt'));
  symlinkSync('../outside', share('out'));
  symlinkSync('romeo.txt', share('alias.txt'));
  execFileSync('mkfifo', [share('fifo')]);
  mkdirSync(share('many'));
  for (let at = 0; at < BESIEGED.manyFiles; at += 1) {
    writeFileSync(share(`many/${'abcdefghij '.repeat(20)}${at}`), String(at));
  }
  const content = (bytes: number) => Buffer.alloc(bytes, 'the old version, ');
  for (const name of LARGE) writeFileSync(share(`${name}.large`), content(BESIEGED.largeBytes));
  for (const name of MEDIUM) writeFileSync(share(`${name}.medium`), content(BESIEGED.mediumBytes));
}

function configFor({ host, componentPort }: TestServer): object {
  return {
    xmpp: { mode: 'component', host, port: componentPort, jid: BESIEGED.jid, secret: COMPONENT_SECRET },
    shares: [{ name: 'share', path: './share' }],
    channels: [{ service: PUBSUB, node: BESIEGED.channel, create: true }],
    data: './data',
    limits: {
      queriesPerAskerPerMinute: 100_000,
      queriesPerDomainPerMinute: 100_000,
      requestsPerAskerPerMinute: 1_000_000,
      requestsPerDomainPerMinute: 1_000_000,
      requestsPerMinute: 1_000_000,
      refusalsPerAskerPerMinute: 1_000_000,
      fileRequestsPerAskerPerMinute: 1_000_000,
      fileRequestsPerDomainPerMinute: 1_000_000,
      fileRequestsPerMinute: 1_000_000,
      answerFilesPerAskerPerMinute: 1_000_000,
      answerFilesPerDomainPerMinute: 1_000_000,
      answerFilesPerMinute: 1_000_000,
      answerBytesPerAskerPerMinute: 1_000_000_000,
      answerBytesPerDomainPerMinute: 1_000_000_000,
      answerBytesPerMinute: 1_000_000_000,
      searchMsPerAskerPerMinute: 120_000,
      searchMsPerDomainPerMinute: 120_000,
      searchMsPerMinute: 120_000,
      queriesPerMinute: 100_000,
      queryDeadlineMs: BESIEGED.deadlineMs,
      sessionsPerPeer: BESIEGED.sessionsPerPeer,
      candidates: BESIEGED.candidates,
      sessionIdleMs: 20_000,
    },
  };
}
