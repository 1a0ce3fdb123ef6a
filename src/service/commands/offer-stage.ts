/** What becomes of files that were ticked: each is offered by Jingle to the address that ticked it. */
import { LimitError } from '../../errors.js';
import { FileNotAvailableError } from '../../jingle/file-session.js';
import { formatBytes } from '../../quantities.js';
import type { Jid } from '../../stanza/jid.js';
import { isFull } from '../../stanza/jid.js';
import { StanzaError } from '../../stanza/stanza-error.js';
import type { DataForm, FormField } from '../../stanza/xep0004-data-forms.js';
import type { CommandNote } from '../../stanza/xep0050-commands.js';
import type { FileDescription } from '../../stanza/xep0234-file-transfer.js';
import type { FileOffers } from '../file-offers.js';
import { info, lastStage, problem, type Stage, tickedOf, tickField } from './command.js';

/** Files offered at once: whoever ticks more is told so. */
export const MAX_TICKED = 20;
const FILES = 'files';

/** A field in which files are ticked. */
export function filesField(files: readonly FileDescription[]): FormField {
  const desc = `Each is offered to you as a file transfer. At most ${MAX_TICKED} at a time.`;
  return tickField({ name: FILES, label: 'Files', desc }, files, labelOf);
}

export function filesTicked(form: DataForm, files: readonly FileDescription[]): FileDescription[] {
  return tickedOf(form, FILES, files, labelOf);
}

/** Offers them, and tells of each what came of it. */
export async function offerAll(
  offers: FileOffers,
  asker: Jid,
  files: readonly FileDescription[],
  signal: AbortSignal,
): Promise<Stage | CommandNote> {
  if (files.length > MAX_TICKED) return problem(`At most ${MAX_TICKED} files at a time, please.`);
  if (!isFull(asker)) return problem('Only a client can be offered a file.');
  const notes: CommandNote[] = [];
  for (const file of files) notes.push(await offerOne(offers, asker, file, signal));
  return lastStage(notes);
}

async function offerOne(
  offers: FileOffers,
  asker: Jid,
  { name = '', path = '' }: FileDescription,
  signal: AbortSignal,
): Promise<CommandNote> {
  try {
    await offers.offer(asker, path, signal);
    return info(`${name} is offered to you now.`);
  } catch (error) {
    if (error instanceof StanzaError || error instanceof FileNotAvailableError) {
      return problem(`${name} is not there any more.`);
    }
    if (!(error instanceof LimitError)) throw error;
    offers.refused(asker, error);
    return problem(`${name}: too much is being sent now. Try again later.`);
  }
}

/** With the folder: no two files have the same. */
function labelOf({ name = '', size, path = '' }: FileDescription): string {
  const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  const bytes = size === undefined ? '' : `, ${formatBytes(size)}`;
  return `${name}${bytes} (${folder})`;
}
