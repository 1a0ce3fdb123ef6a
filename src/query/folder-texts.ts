/** The folders of files in the form in which paths are compared; each is made when it is first needed. */
import type { FileColumns } from '../catalogue/file-columns.js';
import { toBytes } from '../catalogue/share-path.js';
import { caseless } from '../index/folding.js';
import { foldCase } from './ere-case.js';
import type { TextForm } from './text-forms.js';

export class FolderTexts {
  readonly #texts: (string | undefined)[] = [];

  constructor(
    private readonly columns: FileColumns,
    private readonly form: TextForm,
  ) {}

  /** Share and folders, with the slash after them: no text goes across it when it is folded or normalised. */
  text(folder: number): string {
    const known = this.#texts[folder];
    if (known !== undefined) return known;
    const text = formed(`${this.columns.folderText(folder)}/`, this.form);
    while (this.#texts.length < folder) this.#texts.push(undefined);
    this.#texts[folder] = text;
    return text;
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
