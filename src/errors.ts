/**
 * The root of every error this program raises on purpose.
 *
 * Code branches on `code`, never on `message`; what a peer may see of an error is decided
 * in `stanza/stanza-error.ts` and `jingle/reason.ts`, not here.
 */
export abstract class ShoalError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Thrown at the edge when XML, a form, a pattern or a configured value is not what its specification allows. */
export class ParseError extends ShoalError {
  readonly code = 'parse';
  /** The field or attribute at fault, in the words of the wire (`size-min`, `name`). */
  readonly field: string | undefined;
  /** Where in the value the fault is, in UTF-16 units from 0; undefined when the whole value is at fault. */
  readonly position: number | undefined;

  constructor(message: string, where: { field?: string; position?: number; cause?: unknown } = {}) {
    super(message, { cause: where.cause });
    this.field = where.field;
    this.position = where.position;
  }
}

/** Thrown when work is given up because its time is over. */
export class TimeoutError extends ShoalError {
  readonly code = 'timeout';
}

/** Thrown when a configured bound on what a peer may make us spend is reached; `bound` names it. */
export class LimitError extends ShoalError {
  readonly code = 'limit';
  constructor(
    readonly bound: string,
    message: string,
    /** When it is worth trying again, where that is known. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

/** Thrown by work whose owner withdrew it. */
export class AbortedError extends ShoalError {
  readonly code = 'aborted';
}

/** The message of anything that was thrown, for a log line. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
