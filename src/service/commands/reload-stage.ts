/** What became of a configuration that was to take effect, told to the owner. */
import type { CommandNote } from '../../stanza/xep0050-commands.js';
import { info, lastStage, problem, type Stage } from './command.js';

/** All of it holds, or nothing has changed. */
export type ReloadResult =
  | { readonly type: 'reloaded'; readonly changed: readonly string[]; readonly warnings: readonly string[] }
  | { readonly type: 'refused'; readonly why: readonly string[] };

export function reloadStage(outcome: ReloadResult): Stage {
  return lastStage(
    outcome.type === 'refused'
      ? [problem('Nothing was changed.'), ...outcome.why.map(problem)]
      : changedNotes(outcome),
  );
}

export function changedNotes({
  changed,
  warnings,
}: Extract<ReloadResult, { type: 'reloaded' }>): readonly CommandNote[] {
  const text = changed.length === 0 ? 'Nothing has changed.' : `Changed: ${changed.join(', ')}.`;
  return [info(text), ...warnings.map((warning) => ({ type: 'warn', text: warning }) as const)];
}
