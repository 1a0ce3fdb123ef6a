/** Looks for a file: asks everybody it was told to ask, once or as often as it takes. */
import { sleep } from '../clock.js';
import { AbortedError } from '../errors.js';
import type { AskedChannel, Asker, FindRequest, FoundFile } from '../node/asker.js';
import { formatDuration } from '../quantities.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import type { Jid } from '../stanza/jid.js';
import type { StanzaError } from '../stanza/stanza-error.js';
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
  readonly matches: (file: FoundFile) => boolean;
  /** Asked for each that matches: whether others have only a moment left. Without it, the first is enough. */
  readonly isEnough?: (file: FoundFile) => boolean;
  /** What each node is asked for, and rows that match in all. */
  readonly max: number;
  /** Rows that one node can begin: it may tell as many sizes as it likes. */
  readonly maxOfNode: number;
  /** How long in all; longer than a question lives, it is asked again and again. */
  readonly waitMs: number;
}

export interface LookedFor {
  /** Those that match. */
  readonly rows: readonly FoundRow[];
  /** Some of what came beside them. */
  readonly others: readonly FoundRow[];
  /** Nodes that do not know our questions at all: they may have the file nevertheless. */
  readonly cannotSearch: readonly Jid[];
}

/** Answers come within a second or two; nodes on slow lines get some more. */
export const ONE_QUESTION_MS = 5000;
// After the first node that has the file, others may still turn up.
const MORE_SOURCES_MS = 700;
/** Of what does not match, to be shown when nothing does. */
const MAX_OTHERS = 20;
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
    if (isLast || found.cannotSearch.length > 0 || found.rows.length > 0) return found;
    const nextMs = Math.min(pauseMs, untilMs - clock.monotonic() - ONE_QUESTION_MS);
    io.err.write(
      `nobody answered that has it; asking again in ${formatDuration(nextMs)}, for ${formatDuration(leftMs)} more\n`,
    );
    await sleep(clock, nextMs, io.signal);
  }
}

async function ask(
  { asker, clock, io }: LookForComponents,
  { audience, criteria, matches, isEnough = () => true, max, maxOfNode }: LookForInit,
  waitMs: number,
  mayFail: boolean,
): Promise<LookedFor> {
  const rows = new FoundRows();
  const others = new FoundRows();
  /** By node, the rows that it began. */
  const begun = new Map<Jid, number>();
  const cannotSearch = new Set<Jid>();
  const enough = new AbortController();
  const signal = AbortSignal.any([io.signal, enough.signal]);
  let timer: { cancel(): void } | undefined;
  // Nodes may answer whatever they like: what was not asked for ends nothing, and takes nobody's room.
  const take = (file: FoundFile) => {
    if (!matches(file)) {
      if (others.size < MAX_OTHERS) others.add(file);
      return;
    }
    if (!rows.has(file)) {
      const { jid } = file.source;
      const ofNode = begun.get(jid) ?? 0;
      if (rows.size >= max || ofNode >= maxOfNode) return;
      begun.set(jid, ofNode + 1);
    }
    rows.add(file);
    if (isEnough(file)) timer ??= clock.after(MORE_SOURCES_MS, () => enough.abort());
  };
  const gather = async (request: FindRequest) => {
    for await (const event of asker.find(request, signal)) {
      if (event.type === 'refused' && request.to !== undefined && isUnknownThere(event.error)) {
        cannotSearch.add(request.to);
      }
      if (event.type === 'file') take(event.file);
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
    const failure = outcomes.find((each) => each.status === 'rejected' && !wasEnough(each.reason, enough));
    // One who can be asked is enough, and what is asked again may go better then.
    const all = outcomes.every((each) => each.status === 'rejected');
    if (mayFail && all && failure?.status === 'rejected') throw failure.reason;
  } finally {
    timer?.cancel();
  }
  return { rows: rows.rows, others: others.rows, cannotSearch: [...cannotSearch] };
}

function wasEnough(reason: unknown, enough: AbortController): boolean {
  return reason instanceof AbortedError && enough.signal.aborted;
}

function isUnknownThere(error: StanzaError): boolean {
  return error.condition === 'service-unavailable' || error.condition === 'feature-not-implemented';
}
