/** The folders of files in the form in which paths are compared; each is made when it is first needed, and kept. */
import type { FileColumns } from '../catalogue/file-columns.js';
import { toBytes } from '../catalogue/share-path.js';
import { MadeOfTexts } from '../columns/made-of-texts.js';
import { caseless } from '../index/folding.js';
import { foldCase } from './ere-case.js';
import type { TextForm } from './text-forms.js';

export class FolderTexts {
  readonly #made: MadeOfTexts<string>;

  constructor(
    private readonly columns: FileColumns,
    private readonly form: TextForm,
  ) {
    this.#made = new MadeOfTexts({ texts: columns.folders });
  }

  /** Share and folders, with the slash after them: no text goes across it when it is folded or normalised. */
  text(folder: number): string {
    return this.#made.of(this.columns.folderAt.get(folder), () =>
      formed(`${this.columns.folderText(folder)}/`, this.form),
    );
  }

  bytes(folder: number): Uint8Array {
    return toBytes(this.text(folder));
  }
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
