/** `shoal find`: asks, and shows who has what. */
import type { Clock } from '../clock.js';
import { AbortedError } from '../errors.js';
import { createLog } from '../log.js';
import type { Asker, FindEvent, FindRequest } from '../node/asker.js';
import type { Jid } from '../stanza/jid.js';
import type { Arguments, CommandSpec } from './arguments.js';
import { wholeNumber } from './arguments.js';
import {
  askerConfigOf,
  askerFlags,
  askerNote,
  audienceOf,
  jidOf,
  QUIET_S,
  waitFlag,
  waitOf,
} from './asker-arguments.js';
import { type Command, type Components, ExitCode } from './command.js';
import { criteriaFlags, criteriaOf } from './criteria-arguments.js';
import { FindView } from './find-view.js';
import type { Io } from './terminal.js';

const DEFAULT_MAX = 100;
const MAX_MAX = 10_000;

const spec: CommandSpec = {
  name: 'find',
  summary: 'Asks channels, or one node, for files, and shows the answers as they arrive.',
  words: '[TEXT]',
  maxWords: 100,
  flags: [
    ...criteriaFlags,
    { name: 'max', value: 'N', help: `Stop at N files. Default: ${DEFAULT_MAX}.` },
    waitFlag,
    { name: 'json', help: 'Print one JSON object a line.' },
    { name: 'long', short: 'l', help: 'Show the hash too, which `shoal get` takes.' },
    { name: 'to', value: 'JID', help: 'Ask this node alone, and no channel.' },
    ...askerFlags,
  ],
  notes: [
    [
      'TEXT is words: all of them must be there, in name, path, description or type. word* is a beginning,',
      '"two words" a phrase, name:word looks at the name alone, -word leaves out; in quotes, as in',
      "'romeo -audio'. Different options narrow the search; the same one twice widens it.",
    ].join('\n'),
    [
      'A file that several nodes have, known by its hash, is one row with all its sources. On a terminal rows',
      'appear at once and change as sources are added. Elsewhere, and with --json, each file is printed once,',
      'with all its sources, when the wait is over; control characters in names are printed as \\x1b.',
    ].join('\n'),
    'Ends with 0 when something was found, 1 when nothing was, 2 when the command line or the configuration is wrong.',
    askerNote,
  ],
};

async function run(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  const criteria = criteriaOf(args);
  const max = wholeNumber(args.get('max') ?? String(DEFAULT_MAX), 'max', 1, MAX_MAX);
  const waitMs = waitOf(args);
  const to = jidOf(args, 'to');
  const { config, warnings } = await askerConfigOf(args, io);
  const request: FindRequest = { criteria, ...audienceOf(config, to), max, waitMs };
  for (const warning of warnings) io.err.write(`shoal: ${warning}\n`);
  const asker = await components.createAsker({ clock: components.clock, log: createLog('silent') }, config);
  const view = new FindView(
    { clock: components.clock, io },
    {
      form: args.has('json') ? 'json' : 'table',
      withHash: args.has('long'),
    },
  );
  try {
    await asker.start();
    const hasTime = args.has('wait') || to !== undefined;
    const quiet = hasTime ? undefined : new Quiet(components.clock, QUIET_S * 1000);
    await collect(asker, request, view, { interrupted: io.signal, quiet });
  } finally {
    view.finish();
    await asker.stop();
  }
  view.summarise(max);
  return view.rows.size > 0 ? ExitCode.done : ExitCode.failed;
}

async function collect(
  asker: Asker,
  request: FindRequest,
  view: FindView,
  { interrupted, quiet }: { readonly interrupted: AbortSignal; readonly quiet: Quiet | undefined },
): Promise<void> {
  const signal = quiet === undefined ? interrupted : AbortSignal.any([interrupted, quiet.signal]);
  try {
    for await (const event of asker.find(request, signal)) {
      quiet?.heard(event);
      view.take(event);
      if (view.rows.size >= request.max) return;
    }
  } catch (thrown) {
    // What was found until then is shown.
    if (!(thrown instanceof AbortedError) || !signal.aborted) throw thrown;
  } finally {
    quiet?.cancel();
  }
}

/** Aborts its signal when nothing has been heard for a while; not before somebody has answered, nor in the middle of an answer. */
class Quiet {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #over = new AbortController();
  #timer: { cancel(): void } | undefined;
  /** Nodes of which there is more to come. */
  readonly #telling = new Set<Jid>();

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  heard(event: FindEvent): void {
    if (event.type === 'refused') return;
    if (event.type === 'file') this.#telling.add(event.file.source.jid);
    else this.#telling.delete(event.jid);
    this.#timer?.cancel();
    this.#timer = this.#telling.size > 0 ? undefined : this.#clock.after(this.#ms, () => this.#over.abort());
  }

  cancel(): void {
    this.#timer?.cancel();
  }
}

export const findCommand: Command = { spec, run };
