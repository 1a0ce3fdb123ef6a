/**
 * Names of the files of the catalogue on disk.
 *
 *     lock-*        made by the process that has it open (`fs/process-claim.ts`)
 *     snapshot-N    the table as it was, about when log N was begun
 *     log-N         what became of it since; a log is begun at each start and for each snapshot
 *     roots         which folder each share was
 *     *.new         being written
 */

export const LOCK = 'lock';
export const ROOTS = 'roots';
export const DRAFT = '.new';

export function snapshotName(number: number): string {
  return `snapshot-${number}`;
}

export function logName(number: number): string {
  return `log-${number}`;
}

export interface NumberedFiles {
  readonly snapshots: readonly number[];
  readonly logs: readonly number[];
}

/** Which there are, ascending. */
export function numberedFiles(names: readonly string[]): NumberedFiles {
  const numbersOf = (kind: string) =>
    names
      .flatMap((name) => {
        const number = new RegExp(`^${kind}-(\\d{1,15})$`).exec(name)?.[1];
        return number === undefined ? [] : [Number(number)];
      })
      .sort((one, other) => one - other);
  return { snapshots: numbersOf('snapshot'), logs: numbersOf('log') };
}
