/** What happens in a fetch as JSON, one object a line (docs/fetch.md, "As JSON"). */
import { messageOf } from '../errors.js';
import { formatHash } from '../stanza/xep0300-hashes.js';
import type { SourceProgress } from '../transfer/fetch/download-events.js';
import type { Span } from '../transfer/fetch/range-set.js';
import type { JobEvent } from './fetch-job.js';
import { jsonLine } from './json-line.js';

/** The object's `event` is the type of the event; `target` says which file. */
export function eventToJson(event: JobEvent, target: string): string {
  const { type, ...facts } = event;
  return jsonLine({ event: type, target, ...plain(facts) });
}

export function failureToJson(
  error: unknown,
  facts: { readonly target?: string; readonly wish?: string },
): string {
  return jsonLine({ event: 'failed', ...facts, error: messageOf(error) });
}

/** Hashes as text, errors as their message, spans as pairs. */
function plain(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => {
      if (value instanceof Error) return [name, messageOf(value)];
      if (isHash(value)) return [name, formatHash(value)];
      if (name === 'there' || name === 'underWay') {
        return [name, (value as readonly Span[]).map(({ start, end }) => [start, end])];
      }
      if (name === 'sources')
        return [name, (value as readonly SourceProgress[]).map((each) => plain({ ...each }))];
      return [name, typeof value === 'number' ? Math.round(value) : value];
    }),
  );
}

function isHash(value: unknown): value is Parameters<typeof formatHash>[0] {
  return typeof value === 'object' && value !== null && 'algo' in value && 'value' in value;
}
