/** `shoal get` of one file: which is meant, and how it comes. */
import { basename, join } from 'node:path';
import { AbortedError, ShoalError } from '../errors.js';
import type { Asker } from '../node/asker.js';
import { formatBytes } from '../quantities.js';
import type { Jid } from '../stanza/jid.js';
import type { Range } from '../stanza/xep0234-file-transfer.js';
import { FetchError } from '../transfer/fetch/fetch-request.js';
import { partPath } from '../transfer/fetch/part-file.js';
import { safeFileName } from '../transfer/fetch/safe-file-name.js';
import { type Components, ExitCode } from './command.js';
import { type FetchJob, type JobComponents, type JobEvent, runJob } from './fetch-job.js';
import { failureToJson } from './fetch-json.js';
import { type FoundRow, namesOf, rowsWith } from './found-rows.js';
import { GetView } from './get-view.js';
import { placeOf } from './kept-place.js';
import { isFolder } from './local-files.js';
import { type Audience, lookFor } from './look-for.js';
import { printable } from './printable.js';
import { rowLines } from './row-table.js';
import type { Io } from './terminal.js';
import { UsageError } from './usage-error.js';
import { criteriaFor, matches, rangeIn, unseen, type Wanted } from './wanted-file.js';

const MAX_CANDIDATES = 100;
/** Files of one name that a node may have; of a hash there is one. */
const MAX_OF_NAME = 25;
/** A file has a name or two; whoever tells of more shall not have us look for them all. */
const MAX_NAMES = 20;

export interface GetComponents extends Pick<Components, 'clock'> {
  readonly asker: Asker;
  readonly io: Io;
}

export interface GetOneInit {
  readonly wanted: Wanted;
  readonly audience: Audience;
  readonly waitMs: number;
  readonly range: Range | undefined;
  readonly output: string | undefined;
  readonly overwrite: 'refuse' | 'replace';
  readonly form: 'lines' | 'json';
}

export async function getOne(components: GetComponents, init: GetOneInit): Promise<ExitCode> {
  const { wanted, audience, waitMs, form } = init;
  const { io } = components;
  const found = await lookFor(components, {
    audience,
    criteria: criteriaFor(wanted),
    matches: (file) => matches(file, wanted),
    max: MAX_CANDIDATES,
    maxOfNode: wanted.type === 'hash' ? 1 : MAX_OF_NAME,
    waitMs,
  });
  const row = choose(found.rows, wanted, io) ?? unseenAt(found.cannotSearch, found.rows, wanted);
  if (row === undefined) {
    sayMissing(found.others, wanted, init, io);
    return ExitCode.failed;
  }
  if (row === 'several') return ExitCode.failed;
  const range = rangeIn(init.range, row.size);
  const names = wanted.type === 'hash' ? namesOf(row) : [row.name];
  const target = await targetOf(init.output, names, row, io.signal);
  const { overwrite } = init;
  const job: FetchJob = {
    row,
    ...(wanted.type === 'hash' && { hash: wanted.hash, others: rowsWith(found.rows, wanted.hash).slice(1) }),
    ...(range !== undefined && { range }),
    target,
    overwrite,
    audience,
    waitMs,
  };
  await fetch(components, job, form);
  return ExitCode.done;
}

/** The one file that is meant; says so when it can't be told. */
function choose(rows: readonly FoundRow[], wanted: Wanted, io: Io): FoundRow | 'several' | undefined {
  const meant = wanted.type === 'hash' ? rowsWith(rows, wanted.hash).slice(0, 1) : rows;
  const [first, second] = meant;
  if (first === undefined || second === undefined) return first;
  io.err.write('several files have this name; say which by its hash or path:\n');
  for (const line of rowLines(meant, { withHash: true })) io.err.write(`${line}\n`);
  return 'several';
}

/** A node that serves files but can't search may have it; the first, where there are several. */
function unseenAt(
  cannotSearch: readonly Jid[],
  rows: readonly FoundRow[],
  wanted: Wanted,
): FoundRow | undefined {
  const [from] = cannotSearch;
  return from !== undefined && rows.length === 0 ? unseen(wanted, from) : undefined;
}

/** `others`: what else was told of. */
function sayMissing(others: readonly FoundRow[], wanted: Wanted, { form }: GetOneInit, io: Io): void {
  const text = `not found: ${wanted.type === 'hash' ? 'nobody answered that has it' : printable(wanted.name)}`;
  if (form === 'json') io.out.write(`${failureToJson(new Error(text), {})}\n`);
  io.err.write(`${text}\n`);
  if (others.length === 0) return;
  io.err.write('there is:\n');
  for (const line of rowLines(others, { withHash: false })) io.err.write(`${line}\n`);
}

/** The name that a peer gave never leads out of the folder. */
async function targetOf(
  output: string | undefined,
  names: readonly string[],
  row: FoundRow,
  signal: AbortSignal,
): Promise<string> {
  if (output === '') throw new UsageError('--output needs a path');
  if (output !== undefined && !output.endsWith('/') && !(await isFolder(output))) return output;
  const places = names.slice(0, MAX_NAMES).map((name) => join(output ?? '', safeFileName(name)));
  const begun = await placeOf(row, places, signal);
  return begun ?? places[0] ?? join(output ?? '', safeFileName(row.name));
}

async function fetch(
  { asker, clock, io }: GetComponents,
  job: FetchJob,
  form: 'lines' | 'json',
): Promise<void> {
  const { target } = job;
  const view = new GetView({ clock, io }, { name: basename(target), form, target });
  try {
    for await (const event of runGet({ asker, clock }, job, io.signal)) view.take(event);
  } catch (thrown) {
    view.finish();
    if (thrown instanceof AbortedError && io.signal.aborted) sayInterrupted(view, target, io);
    else if (form === 'json') io.out.write(`${failureToJson(thrown, { target })}\n`);
    throw thrown;
  } finally {
    view.finish();
  }
  if (!view.done) throw new FetchUnfinishedError('the fetch ended before the file was there');
}

/** As {@link runJob}; tells of the option that only this command has. */
export async function* runGet(
  components: JobComponents,
  job: FetchJob,
  signal: AbortSignal,
): AsyncGenerator<JobEvent> {
  try {
    yield* runJob(components, job, signal);
  } catch (thrown) {
    if (!(thrown instanceof FetchError) || thrown.code !== 'exists') throw thrown;
    throw new FetchError('exists', `${thrown.message}; --force replaces it`, { cause: thrown });
  }
}

function sayInterrupted(view: GetView, target: string, io: Io): void {
  const { bytes, ofBytes } = view.received;
  if (bytes === 0) return;
  const amount =
    ofBytes === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(ofBytes)}`;
  io.err.write(
    `stopped; ${amount} are in ${printable(partPath(target))}, and the same command goes on from there\n`,
  );
}

/** Thrown when a fetch ends with neither a file nor an error. */
export class FetchUnfinishedError extends ShoalError {
  readonly code = 'fetch-unfinished';
}
