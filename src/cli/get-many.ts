/** `shoal get` of folders and lists: what each wish stands for, a few files at a time, and how it all ended. */
import { dirname, join } from 'node:path';
import { AbortedError, messageOf, ShoalError } from '../errors.js';
import { guarded } from '../transfer/fetch/disk-error.js';
import { FetchError } from '../transfer/fetch/fetch-request.js';
import { ExitCode } from './command.js';
import { Crew, type Turn } from './get-crew.js';
import { FetchUnfinishedError, type GetComponents, runGet } from './get-one.js';
import { foldsCase, makeFolder } from './local-files.js';
import { ManyView } from './many-view.js';
import { PartNames } from './part-names.js';
import { MIN_SHARED_BYTES, type ResolveInit, resolveWishes, type WishedFile } from './resolve-wishes.js';
import { isThere } from './there-already.js';

/** `folder` is made where it is not there. */
export interface GetManyInit extends Omit<ResolveInit, 'foldsCase'> {
  readonly overwrite: 'refuse' | 'replace';
  readonly form: 'lines' | 'json';
}

export async function getMany(components: GetComponents, init: GetManyInit): Promise<ExitCode> {
  const { clock, io } = components;
  await madeFolder(init.folder);
  const view = new ManyView({ clock, io }, { form: init.form });
  const folds = await guarded(init.folder, () => foldsCase(init.folder));
  const names = new PartNames(folds);
  const ended = new AbortController();
  const signal = AbortSignal.any([io.signal, ended.signal]);
  const resolving = { ...components, io: { err: io.err, signal } };
  const files = resolveWishes(resolving, { ...init, foldsCase: folds }, view);
  const failed: unknown[] = [];
  const crew = new Crew(async (turn) => {
    try {
      // Workers take turns: a generator gives one file after the other, whoever asks.
      while (!turn.isSpare) {
        const next = await files.next();
        if (next.done === true || signal.aborted) return;
        const file = next.value;
        await names.alone(file.job.target, () => getFile(components, file, init, view, { signal, turn }));
      }
    } catch (thrown) {
      failed.push(thrown);
      ended.abort(); // one that can't go on at all ends the others
    }
  });
  try {
    await crew.work();
    const cause = failed.find((each) => !(each instanceof AbortedError)) ?? failed[0];
    if (cause !== undefined) throw cause;
    if (io.signal.aborted) throw new AbortedError('interrupted');
  } finally {
    ended.abort();
    await files.return(undefined);
    view.finish();
    view.summarise(io.signal.aborted);
  }
  return view.failures === 0 ? ExitCode.done : ExitCode.failed;
}

async function getFile(
  { asker, clock, io }: GetComponents,
  { line, job, audience }: WishedFile,
  { overwrite, waitMs }: GetManyInit,
  view: ManyView,
  { signal, turn }: { readonly signal: AbortSignal; readonly turn: Turn },
): Promise<void> {
  const { target, row } = job;
  view.begin(target, row.size);
  try {
    if (await isThereAlready(job, io.signal)) {
      view.ended(target, { type: 'there' });
      return;
    }
    await madeFolder(dirname(target));
    const { size = 0 } = row;
    const asked = size < MIN_SHARED_BYTES ? { ...audience, channels: [] } : audience;
    let done = false;
    for await (const event of runGet(
      { asker, clock },
      { ...job, overwrite, waitMs, audience: asked },
      signal,
    )) {
      view.take(target, event);
      turn.heard(event);
      done ||= event.type === 'done';
    }
    if (!done) throw new FetchUnfinishedError('the fetch ended before the file was there');
    view.ended(target, { type: 'done' });
  } catch (thrown) {
    if (signal.aborted) throw new AbortedError('interrupted', { cause: thrown });
    view.ended(target, { type: 'failed', error: thrown, wish: line });
    // What is no error of ours is a fault of the program; a full disk is full for the others too.
    const isFull = thrown instanceof FetchError && thrown.code === 'no-space' && thrown.failures.length === 0;
    if (isFull || !(thrown instanceof ShoalError)) throw thrown;
  } finally {
    turn.over();
  }
}

/** Whether an earlier run has brought it already. */
async function isThereAlready({ row, hash, target }: WishedFile['job'], signal: AbortSignal) {
  const wanted = hash ?? row.hashes.find(({ algo }) => algo === 'sha-256');
  if (wanted?.algo !== 'sha-256' || row.size === undefined) return false;
  return isThere(target, { size: row.size, sha256: wanted.value }, signal);
}

async function madeFolder(path: string): Promise<void> {
  try {
    await makeFolder(path);
  } catch (cause) {
    throw new FetchError('not-writable', `${join(path)}: the folder can't be made: ${messageOf(cause)}`, {
      cause,
    });
  }
}
