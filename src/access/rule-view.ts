/**
 * The files as one asker sees them, by the rules that this asker falls under. What a folder decides for all files in
 * it is found once a folder, so that most files need no look at their names.
 */
import { baseName, parentOf } from '../catalogue/share-path.js';
import type { Permission } from '../config/access-options.js';
import type { FileRule, FolderVerdict, RuledFile, View, ViewRules } from './access-policy.js';
import { FolderRules } from './folder-rules.js';

/** Folders whose rules are kept at hand: those on the way to where one is, and what lies near. */
const MAX_FOLDERS = 1024;

export class RuleView implements View {
  readonly #top: FolderRules;
  readonly #folders = new Map<string, FolderRules>();
  readonly rules: ViewRules;

  constructor(rules: ViewRules) {
    this.rules = rules;
    this.#top = FolderRules.top(JSON.parse(rules.text) as FileRule[]);
  }

  get key(): string {
    return this.rules.key;
  }

  maySee(file: RuledFile): boolean {
    return this.permission(file) !== 'nothing';
  }

  mayTake(file: RuledFile): boolean {
    return this.permission(file) === 'take';
  }

  permission({ share, path, mediaType }: RuledFile): Permission {
    const key = `${share}/${path}`;
    return this.inFolder(parentOf(key)).permission({
      name: () => baseName(key),
      mediaType: () => mediaType,
    });
  }

  verdict(folder: string): FolderVerdict {
    return this.inFolder(folder).verdict;
  }

  /** `folder` is share and folders; '' above them. */
  inFolder(folder: string): FolderRules {
    if (folder === '') return this.#top;
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const here = this.inFolder(parentOf(folder)).enter(baseName(folder).normalize('NFC'));
    if (this.#folders.size >= MAX_FOLDERS) this.#folders.clear();
    this.#folders.set(folder, here);
    return here;
  }
}
