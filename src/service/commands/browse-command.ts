/** *Browse*: from folder to folder, back by the back button, and the node offers the files that are ticked. */
import type { Jid } from '../../stanza/jid.js';
import type { FormField } from '../../stanza/xep0004-data-forms.js';
import type { PageRequest } from '../../stanza/xep0059-rsm.js';
import type { FileOffers } from '../file-offers.js';
import { notThere, type SeenFolder, type SharedFolders } from '../shared-folders.js';
import { type Command, info, lastStage, type Stage, type Submit, valuesOf } from './command.js';
import { filesField, filesTicked, offerAll } from './offer-stage.js';

export interface BrowseCommandComponents {
  readonly folders: SharedFolders;
  readonly offers: FileOffers;
}

/** As many as people look through in one window. */
const PAGE_ENTRIES = 50;

export class BrowseCommand implements Command {
  readonly nodeId = 'browse';
  readonly name = 'Browse';
  readonly #components: BrowseCommandComponents;

  constructor(components: BrowseCommandComponents) {
    this.#components = components;
  }

  isFor(): boolean {
    return true;
  }

  async begin(asker: Jid, signal: AbortSignal): Promise<Stage> {
    return await this.#folder(asker, '', {}, signal);
  }

  async #folder(asker: Jid, path: string, page: PageRequest, signal: AbortSignal): Promise<Stage> {
    const { folders, offers } = this.#components;
    const seen = await folders.look(asker, path, { max: PAGE_ENTRIES, ...page }, signal);
    if (seen.type === 'file') throw notThere(); // a folder gave way to a file of its name
    if (seen.total === 0) return lastStage([info('Nothing is shared with you.')]);
    const inner = seen.entries.flatMap((entry) => (entry.type === 'folder' ? entry : []));
    const files = seen.entries.flatMap((entry) => (entry.type === 'file' ? entry.file : []));
    const { index = 0, last } = seen.page;
    const hasMore = index + seen.entries.length < seen.total;
    const submit: Submit = async (form, until) => {
      const ticked = filesTicked(form, files);
      if (ticked.length > 0) return await offerAll(offers, asker, ticked, until);
      const [into] = valuesOf(form, 'folder');
      const chosen = inner.find((folder) => folder.path === into);
      if (chosen !== undefined) return await this.#folder(asker, chosen.path, {}, until);
      if (hasMore && last !== undefined) return await this.#folder(asker, path, { after: last }, until);
      return info('Choose a folder, or tick files.');
    };
    const shown =
      seen.entries.length === seen.total ? '' : ` ${index + 1} to ${index + seen.entries.length} of`;
    return {
      form: {
        type: 'form',
        title: path === '' ? 'Shares' : path,
        instructions:
          `Entries:${shown} ${seen.total}. Choose a folder to go into it, or tick the files that you want` +
          (hasMore ? ', or neither to see more.' : '.'),
        fields: [
          ...(inner.length > 0 ? [folderField(inner)] : []),
          ...(files.length > 0 ? [filesField(files)] : []),
        ],
      },
      notes: [],
      submit,
    };
  }
}

function folderField(folders: readonly SeenFolder[]): FormField {
  return {
    var: 'folder',
    type: 'list-single',
    label: 'Folders',
    values: [],
    options: folders.map(({ name, path }) => ({ label: name, value: path })),
  };
}
