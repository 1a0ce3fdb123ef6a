/** `shoal want`: keeps asking, shows what comes, and fetches it if it is told to. */
import { join } from 'node:path';
import { AbortedError } from '../errors.js';
import { createLog } from '../log.js';
import type { Asker, WantRequest } from '../node/asker.js';
import type { Arguments, CommandSpec } from './arguments.js';
import { askerConfigOf, askerFlags, askerNote, audienceOf, jidOf } from './asker-arguments.js';
import { type Command, type Components, ExitCode } from './command.js';
import { criteriaFlags, criteriaOf } from './criteria-arguments.js';
import { FoundRows, keyOf } from './found-rows.js';
import { isFolder, stateHome } from './local-files.js';
import { parseDuration } from './quantities.js';
import type { Io } from './terminal.js';
import { UsageError } from './usage-error.js';
import { WantFetches } from './want-fetches.js';
import { WantView } from './want-view.js';

const MAX_FOR_MS = 20 * 86_400_000; // a timer can't wait for longer than 24 days
/** Of each node, each time. */
const MAX_FILES = 1000;
/** Files that are remembered, so that each is shown once. */
const MAX_SEEN = 100_000;

const spec: CommandSpec = {
  name: 'want',
  summary: 'Keeps asking for files, shows each once when somebody has it, and can fetch it.',
  words: '[TEXT]',
  maxWords: 100,
  flags: [
    ...criteriaFlags,
    { name: 'get', help: 'Fetch each file that is found.' },
    { name: 'into', value: 'DIR', help: 'The folder that fetched files go to. Default: here.' },
    { name: 'for', value: 'TIME', help: 'Stop asking after so long: 30m, 12h, 3d. Default: never.' },
    { name: 'json', help: 'Print one JSON object a line.' },
    { name: 'to', value: 'JID', help: 'Ask this node alone, and no channel.' },
    ...askerFlags,
  ],
  notes: [
    [
      'TEXT is as for `shoal find`. Nodes that keep questions tell of a matching file when it comes; because of the',
      'others the question is asked again, after two minutes at first and after an hour in the end. Files are known',
      'by their hash: a file of several nodes is shown once, also when it comes later at another.',
    ].join('\n'),
    [
      'With --get a file that is in DIR already, by its name and hash, is not fetched again; where another file has',
      'its name, or part of another one its NAME.part, it becomes NAME (2). What could not be fetched is tried again',
      'when it is found again. Ctrl-C ends it; when --for is over, what is being fetched is finished.',
    ].join('\n'),
    [
      'With --json a file that was found is an object as of `shoal find --json`. One that was fetched is',
      '{"fetched": PATH, "bytes": N, "sha-256": BASE64}, one that was not is {"failed": NAME, "error": TEXT}.',
    ].join('\n'),
    [
      'Ends with 0 when something was found and, with --get, all of it was fetched; 1 when not; 2 when the command',
      'line or the configuration is wrong; 130 after Ctrl-C.',
    ].join('\n'),
    askerNote,
  ],
};

async function run(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  const criteria = criteriaOf(args);
  const to = jidOf(args, 'to');
  const folder = args.get('into') ?? '.';
  const time = args.get('for');
  const forMs = time === undefined ? undefined : parseDuration(time, 'for', MAX_FOR_MS);
  if (args.has('into') && !args.has('get')) throw new UsageError('--into needs --get');
  if (args.has('get') && !(await isFolder(folder)))
    throw new UsageError(`--into: there is no folder '${folder}'`);
  const { config, warnings } = await askerConfigOf(args, io);
  const request: WantRequest = { criteria, ...audienceOf(config, to), max: MAX_FILES };
  for (const warning of warnings) io.err.write(`shoal: ${warning}\n`);
  const asker = await components.createAsker({ clock: components.clock, log: createLog('silent') }, config, {
    stateFolder: join(stateHome(io.env), 'shoal'), // who sent wrong bytes
  });
  const over = new AbortController();
  const view = new WantView(io, args.has('json') ? 'json' : 'lines');
  const fetches = args.has('get')
    ? new WantFetches(
        { asker, clock: components.clock, view, signal: io.signal },
        { folder, audience: request, onFault: () => over.abort() },
      )
    : undefined;
  const timer = forMs === undefined ? undefined : components.clock.after(forMs, () => over.abort());
  let found = 0;
  try {
    await asker.start();
    found = await collect(asker, request, view, fetches, AbortSignal.any([io.signal, over.signal]));
    await fetches?.done();
  } finally {
    timer?.cancel();
    await fetches?.done();
    await asker.stop();
  }
  const failed = fetches?.failed ?? 0;
  view.summarise(found, fetches && { fetched: fetches.fetched, failed });
  return found > 0 && failed === 0 ? ExitCode.done : ExitCode.failed;
}

/** How many files were found. */
async function collect(
  asker: Asker,
  request: WantRequest,
  view: WantView,
  fetches: WantFetches | undefined,
  signal: AbortSignal,
): Promise<number> {
  const seen = new Set<string>();
  try {
    for await (const event of asker.want(request, signal)) {
      if (event.type !== 'file') {
        view.take(event);
        continue;
      }
      const key = keyOf(event.file);
      const isNew = !seen.has(key);
      if (isNew && seen.size >= MAX_SEEN) {
        view.overflow(MAX_SEEN);
        continue;
      }
      seen.add(key);
      const rows = new FoundRows();
      rows.add(event.file);
      for (const row of rows.rows) {
        if (isNew) view.found(row);
        fetches?.add(key, row);
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof AbortedError) || !signal.aborted) throw thrown;
  }
  return seen.size;
}

export const wantCommand: Command = { spec, run };
