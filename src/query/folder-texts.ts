/** The folders of files in the form in which paths are compared; each is made when it is first needed, and kept. */
import type { FileColumns } from '../catalogue/file-columns.js';
import { toBytes } from '../catalogue/share-path.js';
import { caseless } from '../index/folding.js';
import { foldCase } from './ere-case.js';
import type { TextForm } from './text-forms.js';

export class FolderTexts {
  /** By folder; with what each was made of, as its number may be another folder's by now. */
  readonly #made: (Made | undefined)[] = [];

  constructor(
    private readonly columns: FileColumns,
    private readonly form: TextForm,
  ) {}

  /** Share and folders, with the slash after them: no text goes across it when it is folded or normalised. */
  text(folder: number): string {
    const source = this.columns.folderText(folder);
    const known = this.#made[folder];
    if (known !== undefined && known.source === source) return known.text;
    const text = formed(`${source}/`, this.form);
    while (this.#made.length < folder) this.#made.push(undefined);
    this.#made[folder] = { source, text };
    return text;
  }

  bytes(folder: number): Uint8Array {
    return toBytes(this.text(folder));
  }
}

interface Made {
  readonly source: string;
  readonly text: string;
}

function formed(text: string, form: TextForm): string {
  switch (form) {
    case 'plain':
      return text.normalize('NFC');
    case 'folded':
      return foldCase(text.normalize('NFC'));
    case 'caseless':
      return caseless(text);
  }
}
