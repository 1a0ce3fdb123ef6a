/** Looks for a file: asks everybody it was told to ask, once or as often as it takes. */
import { sleep } from '../clock.js';
import { AbortedError } from '../errors.js';
import type { AskedChannel, Asker, FindRequest } from '../node/asker.js';
import { formatDuration } from '../quantities.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import type { Jid } from '../stanza/jid.js';
import type { StanzaError } from '../stanza/stanza-error.js';
import type { Hash } from '../stanza/xep0300-hashes.js';
import type { Components } from './command.js';
import { type FoundRow, FoundRows } from './found-rows.js';
import type { Io } from './terminal.js';

/** Channels are asked together, nodes one by one. */
export interface Audience {
  readonly channels: readonly AskedChannel[];
  readonly nodes: readonly Jid[];
}

export interface LookForComponents extends Pick<Components, 'clock'> {
  readonly asker: Asker;
  readonly io: Pick<Io, 'err' | 'signal'>;
}

export interface LookForInit {
  readonly audience: Audience;
  readonly criteria: FileCriteria;
  /** Whether a file is the one that is looked for, and not just alike. */
  readonly matches: (file: SeenFile) => boolean;
  readonly max: number;
  /** How long in all; longer than a question lives, it is asked again and again. */
  readonly waitMs: number;
}

interface SeenFile {
  readonly name: string;
  readonly path?: string;
  readonly hashes?: readonly Hash[];
}

export interface LookedFor {
  readonly rows: readonly FoundRow[];
  /** Nodes that do not know our questions at all: they may have the file nevertheless. */
  readonly cannotSearch: readonly Jid[];
}

/** Answers come within a second or two; nodes on slow lines get some more. */
export const ONE_QUESTION_MS = 5000;
// After the first node that has the file, others may still turn up.
const MORE_SOURCES_MS = 700;
const FIRST_PAUSE_MS = 10_000;
/** A channel has many nodes, and none of them shall be asked without end for what it does not have. */
const MAX_PAUSE_MS = 10 * 60_000;

/** Throws what `Asker.find` throws when the time was enough for one question only. */
export async function lookFor(components: LookForComponents, init: LookForInit): Promise<LookedFor> {
  const { clock, io } = components;
  const untilMs = clock.monotonic() + init.waitMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
    const leftMs = untilMs - clock.monotonic();
    const isLast = leftMs <= ONE_QUESTION_MS + FIRST_PAUSE_MS;
    const found = await ask(components, init, isLast ? leftMs : ONE_QUESTION_MS, isLast);
    if (isLast || found.cannotSearch.length > 0 || found.rows.some((row) => isMeant(row, init))) return found;
    const nextMs = Math.min(pauseMs, untilMs - clock.monotonic() - ONE_QUESTION_MS);
    io.err.write(
      `nobody answered that has it; asking again in ${formatDuration(nextMs)}, for ${formatDuration(leftMs)} more\n`,
    );
    await sleep(clock, nextMs, io.signal);
  }
}

function isMeant(row: FoundRow, { matches }: LookForInit): boolean {
  return matches(row) || row.sources.some((source) => matches({ ...row, ...source }));
}

async function ask(
  { asker, clock, io }: LookForComponents,
  { audience, criteria, matches, max }: LookForInit,
  waitMs: number,
  mayFail: boolean,
): Promise<LookedFor> {
  const rows = new FoundRows();
  const cannotSearch = new Set<Jid>();
  const enough = new AbortController();
  const signal = AbortSignal.any([io.signal, enough.signal]);
  let timer: { cancel(): void } | undefined;
  const gather = async (request: FindRequest) => {
    for await (const event of asker.find(request, signal)) {
      if (event.type === 'refused' && request.to !== undefined && isUnknownThere(event.error)) {
        cannotSearch.add(request.to);
      }
      if (event.type !== 'file' || rows.size >= max) continue;
      rows.add(event.file);
      if (matches(event.file)) timer ??= clock.after(MORE_SOURCES_MS, () => enough.abort());
    }
  };
  const { channels, nodes } = audience;
  const question = { criteria, max, waitMs };
  const asked = [
    ...(channels.length > 0 ? [gather({ ...question, channels })] : []),
    ...nodes.map((to) => gather({ ...question, to, channels: [] })),
  ];
  try {
    const outcomes = await Promise.allSettled(asked);
    if (io.signal.aborted) throw new AbortedError('interrupted while looking for it');
    const failure = outcomes.find((each) => each.status === 'rejected' && !isEnough(each.reason, enough));
    // One who can be asked is enough, and what is asked again may go better then.
    const all = outcomes.every((each) => each.status === 'rejected');
    if (mayFail && all && failure?.status === 'rejected') throw failure.reason;
  } finally {
    timer?.cancel();
  }
  return { rows: rows.rows, cannotSearch: [...cannotSearch] };
}

function isEnough(reason: unknown, enough: AbortController): boolean {
  return reason instanceof AbortedError && enough.signal.aborted;
}

function isUnknownThere(error: StanzaError): boolean {
  return error.condition === 'service-unavailable' || error.condition === 'feature-not-implemented';
}
