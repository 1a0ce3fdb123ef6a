/**
 * The inside of the walking worker: takes looks, sends what they find. What somebody waits for
 * (`soon`) goes before a scan of everything (`later`), between two batches; and no more than
 * {@link WINDOW} batches are under way, so that a slow main thread is not buried.
 */
import type { ShareConfig } from '../catalogue/share.js';
import type { Clock } from '../clock.js';
import type { BlockingFileSystem } from '../fs/file-system.js';
import type { Finding, LookRequest } from './listing.js';
import { walk, walkedShare } from './walk.js';

export type LookPriority = 'soon' | 'later';

export type ToWalker =
  | {
      readonly type: 'look';
      readonly id: number;
      readonly request: LookRequest;
      readonly priority: LookPriority;
    }
  | { readonly type: 'cancel'; readonly id: number }
  /** One batch has been dealt with. */
  | { readonly type: 'credit' };

export type FromWalker =
  | { readonly type: 'found'; readonly id: number; readonly findings: readonly Finding[] }
  /** `tookMs`: what the worker spent on it, without the time others had. */
  | { readonly type: 'done'; readonly id: number; readonly tookMs: number };

/** The worker's side of the channel; a `MessagePort`. */
export interface WalkerPort {
  postMessage(message: FromWalker): void;
  on(event: 'message', listener: (message: ToWalker) => void): void;
}

const WINDOW = 4;
/** A batch is sent when it holds this many files or folders. */
const BATCH_FILES = 1000;
const BATCH_FOLDERS = 200;

interface Task {
  readonly id: number;
  readonly findings: Iterator<Finding>;
  tookMs: number;
}

export interface WalkLoopComponents {
  readonly port: WalkerPort;
  readonly fs: BlockingFileSystem;
  readonly clock: Pick<Clock, 'monotonic'>;
}

export function runWalkLoop({ port, fs, clock }: WalkLoopComponents, configs: readonly ShareConfig[]): void {
  const shares = configs.map(walkedShare);
  const tasks: Record<LookPriority, Task[]> = { soon: [], later: [] };
  let credits = WINDOW;
  /** In the middle of a folder: its parts follow each other, whoever else is waiting. */
  let unfinished: LookPriority | undefined;
  let turn: NodeJS.Immediate | undefined;

  port.on('message', (message) => {
    if (message.type === 'look') {
      const share = shares[message.request.share];
      if (share === undefined) throw new TypeError(`there is no share ${message.request.share}`);
      tasks[message.priority].push({ id: message.id, findings: walk(fs, share, message.request), tookMs: 0 });
    } else if (message.type === 'cancel') {
      for (const priority of ['soon', 'later'] as const) {
        if (tasks[priority][0]?.id === message.id && unfinished === priority) unfinished = undefined;
        tasks[priority] = tasks[priority].filter((task) => task.id !== message.id);
      }
    } else {
      credits += 1;
    }
    wake();
  });

  /** One batch, then the event loop has its turn, so that new messages are seen. */
  function wake(): void {
    if (turn !== undefined || credits === 0) return;
    if (tasks.soon.length + tasks.later.length === 0) return;
    turn = setImmediate(() => {
      turn = undefined;
      step();
      wake();
    });
  }

  function step(): void {
    const priority = unfinished ?? (tasks.soon.length > 0 ? 'soon' : 'later');
    const task = tasks[priority][0];
    if (task === undefined) return;
    const began = clock.monotonic();
    const { findings, ended } = takeBatch(task.findings);
    task.tookMs += clock.monotonic() - began;
    const last = findings.at(-1);
    unfinished = last?.type === 'listing' && !last.last ? priority : undefined;
    if (findings.length > 0) {
      credits -= 1;
      port.postMessage({ type: 'found', id: task.id, findings });
    }
    if (ended) {
      tasks[priority].shift();
      port.postMessage({ type: 'done', id: task.id, tookMs: task.tookMs });
    }
  }
}

function takeBatch(source: Iterator<Finding>): { findings: Finding[]; ended: boolean } {
  const findings: Finding[] = [];
  let files = 0;
  while (files < BATCH_FILES && findings.length < BATCH_FOLDERS) {
    const next = source.next();
    if (next.done === true) return { findings, ended: true };
    findings.push(next.value);
    if (next.value.type === 'listing') files += next.value.files.length;
  }
  return { findings, ended: false };
}
