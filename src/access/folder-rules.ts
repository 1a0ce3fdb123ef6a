/**
 * The rules as they stand in one folder: those that may still be about something in it, and how far their patterns have
 * come. Most folders stand as the one above, and are the same object; what is worked out of it is worked out once.
 */
import { type GlobState, type PartTest, PathGlob } from '../catalogue/path-glob.js';
import type { Permission } from '../config/access-options.js';
import type { FileRule, FolderVerdict } from './access-policy.js';

/** A file of the folder. What takes time is found out only where it is needed. */
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

/** What is left of one rule. */
interface RuleHere {
  readonly rule: CompiledRule;
  /** One of the globs fits the folder: the rule decides for all that is in it. */
  readonly isForAll: boolean;
  /** Of those globs that may still fit. */
  readonly states: readonly GlobHere[];
}

interface GlobHere {
  readonly glob: PathGlob;
  readonly state: GlobState;
}

/** What decides about files of one type. */
interface Decisions {
  /** The first with a test that the name passes decides. */
  readonly byName: readonly { readonly tests: readonly PartTest[]; readonly may: Permission }[];
  readonly otherwise: Permission;
}

/** Those that our files have are some hundreds. */
const MAX_TYPES = 1024;

export class FolderRules {
  /** Up to the first that is for all. */
  readonly #rules: readonly RuleHere[];
  readonly #hasTypes: boolean;
  readonly #byType = new Map<string, Decisions>();
  #verdict: FolderVerdict | undefined;
  #ofFiles: FolderVerdict | undefined;

  private constructor(rules: readonly RuleHere[]) {
    const last = rules.findIndex(({ isForAll }) => isForAll);
    this.#rules = last < 0 ? rules : rules.slice(0, last + 1);
    this.#hasTypes = this.#rules.some(({ rule, isForAll }) => !isForAll && rule.types.size > 0);
  }

  /** Above the shares. */
  static top(rules: readonly FileRule[]): FolderRules {
    return new FolderRules(
      rules.map(compile).map((rule) =>
        here(
          rule,
          rule.globs.map((glob) => ({ glob, state: glob.start })),
        ),
      ),
    );
  }

  /** In a folder of this one, by its name in NFC. */
  enter(part: string): FolderRules {
    let hasChanged = false;
    const rules = this.#rules.flatMap((above) => {
      const below = entered(above, part);
      hasChanged ||= below !== above;
      return below;
    });
    return hasChanged ? new FolderRules(rules) : this;
  }

  /** Which files below may be seen, at any depth. */
  get verdict(): FolderVerdict {
    this.#verdict ??= verdictOf(this.#rules);
    return this.#verdict;
  }

  /** Which of the files that lie directly in it may be seen. */
  get ofFiles(): FolderVerdict {
    this.#ofFiles ??= verdictOf(this.#rules.filter(mayBeAboutFiles));
    return this.#ofFiles;
  }

  permission(file: NamedFile): Permission {
    const { byName, otherwise } = this.#decisions(this.#hasTypes ? file.mediaType() : '');
    if (byName.length === 0) return otherwise;
    const name = file.name().normalize('NFC');
    for (const { tests, may } of byName) for (const test of tests) if (test(name)) return may;
    return otherwise;
  }

  #decisions(mediaType: string): Decisions {
    const known = this.#byType.get(mediaType);
    if (known !== undefined) return known;
    const made = decisionsOf(this.#rules, typesOf(mediaType));
    if (this.#byType.size >= MAX_TYPES) this.#byType.clear();
    this.#byType.set(mediaType, made);
    return made;
  }
}

function compile({ what, may }: FileRule): CompiledRule {
  return {
    globs: what.flatMap((set) => (set.type === 'path' ? new PathGlob(set.glob) : [])),
    types: new Set(what.flatMap((set) => (set.type === 'media-type' ? set.mediaType : []))),
    may,
  };
}

function here(rule: CompiledRule, states: readonly GlobHere[]): RuleHere {
  return { rule, isForAll: states.some(({ glob, state }) => glob.fits(state)), states };
}

/** The same object where nothing changes; nothing where the rule is about nothing below. */
function entered(above: RuleHere, part: string): RuleHere | [] {
  if (above.isForAll) return above;
  const { rule, states } = above;
  const next = states.map(({ glob, state }) => glob.next(state, part));
  if (next.every((state, at) => state === states[at]?.state)) return above;
  const left = states.flatMap(({ glob }, at) => {
    const state = next[at] ?? 0;
    return state === 0 ? [] : { glob, state };
  });
  return left.length === 0 && rule.types.size === 0 ? [] : here(rule, left);
}

function mayBeAboutFiles({ rule, isForAll, states }: RuleHere): boolean {
  return (
    isForAll || rule.types.size > 0 || states.some(({ glob, state }) => glob.nameTests(state).length > 0)
  );
}

function verdictOf(rules: readonly RuleHere[]): FolderVerdict {
  const isSeen = rules.map(({ rule }) => rule.may !== 'nothing');
  if (rules.at(-1)?.isForAll !== true) isSeen.push(false);
  if (isSeen.every((each) => each)) return 'all';
  return isSeen.some((each) => each) ? 'some' : 'none';
}

function decisionsOf(rules: readonly RuleHere[], types: readonly string[]): Decisions {
  const byName: { tests: PartTest[]; may: Permission }[] = [];
  for (const { rule, isForAll, states } of rules) {
    const { may } = rule;
    if (isForAll || types.some((type) => rule.types.has(type))) return shortened(byName, may);
    const tests = states.flatMap(({ glob, state }) => glob.nameTests(state));
    const before = byName.at(-1);
    if (before?.may === may) before.tests.push(...tests);
    else if (tests.length > 0) byName.push({ tests, may });
  }
  return shortened(byName, 'nothing');
}

/** Names that change nothing need not be looked at. */
function shortened(byName: Decisions['byName'], otherwise: Permission): Decisions {
  const last = byName.findLastIndex(({ may }) => may !== otherwise);
  return { byName: byName.slice(0, last + 1), otherwise };
}

/** As rules may name it: as it is without parameters, and with any subtype. */
function typesOf(mediaType: string): readonly string[] {
  const bare = mediaType.replace(/;.*$/s, '').trim().toLowerCase();
  return [bare, `${bare.replace(/\/.*$/s, '')}/*`];
}
