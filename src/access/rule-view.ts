/**
 * The files as one asker sees them, by the rules that this asker falls under. What a folder decides for all files in
 * it is found once a folder, so that most files need no look at their names.
 */
import { type GlobState, PathGlob } from '../catalogue/path-glob.js';
import { baseName, parentOf } from '../catalogue/share-path.js';
import type { Permission } from '../config/access-options.js';
import type { FileRule, FolderVerdict, RuledFile, View, ViewRules } from './access-policy.js';

/** Whether files in one folder may be seen: all, none, or as their names and types have it. */
export type InFolder = 'all' | 'none' | ((file: NamedFile) => boolean);

/** What is found out only where it is needed. */
export interface NamedFile {
  readonly name: () => string;
  readonly mediaType: () => string;
}

interface CompiledRule {
  readonly globs: readonly PathGlob[];
  /** In lower case, with `*` for any subtype. */
  readonly types: ReadonlySet<string>;
  readonly may: Permission;
}

/** What is left of one rule in a folder. */
interface RuleHere {
  readonly rule: CompiledRule;
  /** One of the globs fits the folder: the rule decides for all that is in it. */
  readonly isForAll: boolean;
  /** Of those globs that may still fit. */
  readonly states: readonly (readonly [glob: PathGlob, state: GlobState])[];
}

/** Up to the first rule that is for all. */
type RulesHere = readonly RuleHere[];

/** Folders whose rules are kept at hand: those on the way to where one is, and what lies near. */
const MAX_FOLDERS = 1024;

export class RuleView implements View {
  readonly #top: RulesHere;
  readonly #folders = new Map<string, RulesHere>();
  readonly rules: ViewRules;

  constructor(rules: ViewRules) {
    this.rules = rules;
    const compiled = (JSON.parse(rules.text) as FileRule[]).map(compile);
    this.#top = untilDecided(
      compiled.map((rule) => {
        const states = rule.globs.map((glob) => [glob, glob.start] as const);
        return { rule, isForAll: states.some(isFitting), states };
      }),
    );
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
    return decided(this.#in(parentOf(key)), { name: () => baseName(key), mediaType: () => mediaType });
  }

  verdict(folder: string): FolderVerdict {
    const here = this.#in(folder);
    const last = here.at(-1);
    const seen = new Set(here.map(({ rule }) => rule.may !== 'nothing'));
    if (last?.isForAll !== true) seen.add(false);
    if (seen.size > 1) return 'some';
    return seen.has(true) ? 'all' : 'none';
  }

  /** `folder` is share and folders. Names are asked for where they are needed. */
  inFolder(folder: string): InFolder {
    const direct = this.#in(folder).filter(
      ({ rule, isForAll, states }) =>
        isForAll || rule.types.size > 0 || states.some(([glob, state]) => glob.mayFitNext(state)),
    );
    const seen = new Set(direct.map(({ rule }) => rule.may !== 'nothing'));
    if (direct.at(-1)?.isForAll !== true) seen.add(false);
    if (seen.size === 1) return seen.has(true) ? 'all' : 'none';
    return (file) => decided(direct, file) !== 'nothing';
  }

  #in(folder: string): RulesHere {
    if (folder === '') return this.#top;
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const above = this.#in(parentOf(folder));
    const part = baseName(folder).normalize('NFC');
    const here = untilDecided(above.flatMap((each) => entered(each, part)));
    if (this.#folders.size >= MAX_FOLDERS) this.#folders.clear();
    this.#folders.set(folder, here);
    return here;
  }
}

function compile({ what, may }: FileRule): CompiledRule {
  return {
    globs: what.flatMap((set) => (set.type === 'path' ? new PathGlob(set.glob) : [])),
    types: new Set(what.flatMap((set) => (set.type === 'media-type' ? set.mediaType : []))),
    may,
  };
}

function isFitting([glob, state]: RuleHere['states'][number]): boolean {
  return glob.fits(state);
}

function entered(above: RuleHere, part: string): RuleHere | [] {
  if (above.isForAll) return above;
  const { rule } = above;
  const states = above.states
    .map(([glob, state]) => [glob, glob.next(state, part)] as const)
    .filter(([, state]) => state !== 0);
  if (states.length === 0 && rule.types.size === 0) return [];
  return { rule, isForAll: states.some(isFitting), states };
}

function untilDecided(rules: RulesHere): RulesHere {
  const at = rules.findIndex(({ isForAll }) => isForAll);
  return at < 0 ? rules : rules.slice(0, at + 1);
}

function decided(here: RulesHere, file: NamedFile): Permission {
  let name: string | undefined;
  let types: readonly string[] | undefined;
  for (const { rule, isForAll, states } of here) {
    if (isForAll) return rule.may;
    for (const [glob, state] of states) {
      name ??= file.name().normalize('NFC');
      if (glob.fits(glob.next(state, name))) return rule.may;
    }
    if (rule.types.size === 0) continue;
    types ??= typesOf(file.mediaType());
    if (types.some((type) => rule.types.has(type))) return rule.may;
  }
  return 'nothing';
}

/** As rules may name it: as it is without parameters, and with any subtype. */
function typesOf(mediaType: string): readonly string[] {
  const bare = mediaType.replace(/;.*$/s, '').trim().toLowerCase();
  return [bare, `${bare.replace(/\/.*$/s, '')}/*`];
}
