/** `shoal get`: finds who has a file, and fetches it. */
import { basename, join } from 'node:path';
import { AbortedError, ShoalError } from '../errors.js';
import { createLog } from '../log.js';
import type { Asker, FindRequest } from '../node/asker.js';
import type { StanzaError } from '../stanza/stanza-error.js';
import { FetchError, type FetchRequest } from '../transfer/fetch/fetch-request.js';
import { safeFileName } from '../transfer/fetch/safe-file-name.js';
import type { Arguments, CommandSpec } from './arguments.js';
import {
  askerConfigOf,
  askerFlags,
  askerNote,
  audienceOf,
  jidOf,
  waitFlag,
  waitOf,
} from './asker-arguments.js';
import { type Command, type Components, ExitCode } from './command.js';
import { type FoundRow, FoundRows } from './found-rows.js';
import { GetView } from './get-view.js';
import { isFolder } from './local-files.js';
import { printable } from './printable.js';
import { rowLines } from './row-table.js';
import type { Io } from './terminal.js';
import { UsageError } from './usage-error.js';
import {
  criteriaFor,
  matches,
  meantOf,
  rangeIn,
  rangeOf,
  requestOf,
  unseen,
  type Wanted,
  wantedOf,
} from './wanted-file.js';

// After the first node that has the file, others may still turn up: sources to fall back on.
const MORE_SOURCES_MS = 700;
const MAX_CANDIDATES = 100;

const spec: CommandSpec = {
  name: 'get',
  summary: 'Fetches a file, by its hash, name or path, from whoever has it.',
  words: '(HASH|NAME)',
  maxWords: 1,
  flags: [
    { name: 'from', value: 'JID', help: 'Fetch from this node.' },
    {
      name: 'output',
      short: 'o',
      value: 'PATH',
      help: 'Where to: a file, or a folder. Default: its name, here.',
    },
    {
      name: 'range',
      value: 'OFFSET-END',
      help: 'These bytes only, counted from 0, END included; no END: to the end.',
    },
    { name: 'force', help: 'Replace a file that has this name.' },
    waitFlag,
    ...askerFlags,
  ],
  notes: [
    [
      'HASH is sha-256:BASE64 or another function, as `shoal find --long` shows it; base64 or hexadecimal alone is',
      'taken as sha-256. NAME is the whole name of the file, or its path as `shoal find` shows it. When several',
      'files have the name they are listed, and nothing is fetched.',
    ].join('\n'),
    [
      'Bytes go to PATH.part, which the next call continues; the file gets its name once its hash is right.',
      'Ends with 0 when the file is there, 1 when it was not found or could not be fetched, 2 when the command',
      'line or the configuration is wrong.',
    ].join('\n'),
    askerNote,
  ],
};

async function run(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  const word = args.words[0];
  if (word === undefined || word === '') throw new UsageError('say which file: its hash or its name');
  const wanted = wantedOf(word);
  const range = rangeOf(args.get('range'));
  const from = jidOf(args, 'from');
  const waitMs = waitOf(args);
  const { config, warnings } = await askerConfigOf(args, io);
  const question = {
    ...audienceOf(config, from),
    criteria: criteriaFor(wanted),
    max: MAX_CANDIDATES,
    waitMs,
  };
  for (const warning of warnings) io.err.write(`shoal: ${warning}\n`);
  const asker = components.createAsker({ clock: components.clock, log: createLog('silent') }, config);
  try {
    await asker.start();
    const found = await lookFor(components, asker, question, wanted, io.signal);
    const row =
      from !== undefined && found.cannotSearch ? unseen(wanted, from) : choose(found.rows, wanted, io);
    if (row === undefined) return ExitCode.failed;
    const part = rangeIn(range, row.size);
    const request: FetchRequest = {
      ...requestOf(row, wanted),
      target: await targetOf(args.get('output'), row.name),
      ...(part !== undefined && { range: part }),
      overwrite: args.has('force') ? 'replace' : 'refuse',
    };
    await fetch(components, asker, request, io);
    return ExitCode.done;
  } finally {
    await asker.stop();
  }
}

interface LookedFor {
  readonly rows: readonly FoundRow[];
  /** The node that was asked does not know our query at all: it may have the file nevertheless. */
  readonly cannotSearch: boolean;
}

async function lookFor(
  components: Components,
  asker: Asker,
  request: FindRequest,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<LookedFor> {
  const rows = new FoundRows();
  let cannotSearch = false;
  const enough = new AbortController();
  let timer: { cancel(): void } | undefined;
  try {
    for await (const event of asker.find(request, AbortSignal.any([signal, enough.signal]))) {
      if (event.type === 'refused') cannotSearch = isUnknownThere(event.error);
      if (event.type !== 'file' || rows.size >= MAX_CANDIDATES) continue;
      rows.add(event.file);
      if (matches(event.file, wanted)) {
        timer ??= components.clock.after(MORE_SOURCES_MS, () => enough.abort());
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof AbortedError) || signal.aborted) throw thrown;
  } finally {
    timer?.cancel();
  }
  return { rows: rows.rows, cannotSearch };
}

/** The one file that is meant; says why when it can't be told. */
function choose(rows: readonly FoundRow[], wanted: Wanted, io: Io): FoundRow | undefined {
  const meant = meantOf(rows, wanted);
  const [first, second] = meant;
  if (first !== undefined && second === undefined) return first;
  if (first !== undefined) {
    io.err.write('several files have this name; say which by its hash or path:\n');
    for (const line of rowLines(meant, { withHash: true })) io.err.write(`${line}\n`);
    return undefined;
  }
  io.err.write(
    `not found: ${wanted.type === 'hash' ? 'nobody answered that has it' : printable(wanted.name)}\n`,
  );
  if (rows.length > 0) {
    io.err.write('there is:\n');
    for (const line of rowLines(rows, { withHash: false })) io.err.write(`${line}\n`);
  }
  return undefined;
}

function isUnknownThere(error: StanzaError): boolean {
  return error.condition === 'service-unavailable' || error.condition === 'feature-not-implemented';
}

/** The name that a peer gave never leads out of the folder. */
async function targetOf(output: string | undefined, name: string): Promise<string> {
  if (output === undefined) return safeFileName(name);
  if (output === '') throw new UsageError('--output needs a path');
  return output.endsWith('/') || (await isFolder(output)) ? join(output, safeFileName(name)) : output;
}

async function fetch(components: Components, asker: Asker, request: FetchRequest, io: Io): Promise<void> {
  const view = new GetView({ clock: components.clock, io }, { name: basename(request.target) });
  try {
    for await (const event of asker.fetch(request, io.signal)) view.take(event);
  } catch (thrown) {
    if (!(thrown instanceof FetchError) || thrown.code !== 'exists') throw thrown;
    throw new FetchError('exists', `${thrown.message}; --force replaces it`, { cause: thrown });
  } finally {
    view.finish();
  }
  if (!view.done) throw new FetchUnfinishedError('the fetch ended before the file was there');
}

/** Thrown when a fetch ends with neither a file nor an error. */
class FetchUnfinishedError extends ShoalError {
  readonly code = 'fetch-unfinished';
}

export const getCommand: Command = { spec, run };
