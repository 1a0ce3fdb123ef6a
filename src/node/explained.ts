/** What a node tells its owner of how it would answer a question: plain data, for the status socket. */
import type { Clock } from '../clock.js';
import { LimitError, messageOf, ParseError, ShoalError } from '../errors.js';
import { parseCriteria } from '../query/criteria.js';
import type { Explanation } from '../query/explanation.js';
import type { QueryEngine } from '../query/query-engine.js';
import type { FileCriteria } from '../stanza/file-criteria.js';

export type Explained =
  | { readonly type: 'explained'; readonly explanation: Explanation; readonly ms: number }
  /** A bound was reached, which is named; or it is no question. */
  | { readonly type: 'refused'; readonly bound?: string; readonly message: string; readonly ms: number };

export interface ExplainComponents {
  readonly engine: QueryEngine;
  readonly clock: Clock;
}

export interface ExplainInit {
  /** Entries of the page that is taken. */
  readonly max: number;
  readonly deadlineMs: number;
}

/** Asks the engine as a peer's question would. Rejects with AbortedError, and when the engine fails. */
export async function explain(
  { engine, clock }: ExplainComponents,
  { max, deadlineMs }: ExplainInit,
  asked: FileCriteria,
  signal: AbortSignal,
): Promise<Explained> {
  const beganMs = clock.monotonic();
  try {
    const request = { criteria: parseCriteria(asked), page: { max }, deadlineMs };
    const { explanation } = await engine.explain(request, signal);
    return { type: 'explained', explanation, ms: clock.monotonic() - beganMs };
  } catch (thrown) {
    const refused = { type: 'refused', message: messageOf(thrown), ms: clock.monotonic() - beganMs } as const;
    if (thrown instanceof LimitError) return { ...refused, bound: thrown.bound };
    if (thrown instanceof ParseError) return refused;
    // The owner's own program asked, but of what shape is not known for sure.
    if (thrown instanceof ShoalError) throw thrown;
    return { ...refused, message: `not understood: ${refused.message}` };
  }
}
