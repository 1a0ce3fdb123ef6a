/**
 * Tests of names, descriptions, extensions and whole paths over all files at once: they run over the pieces
 * in which texts are packed, and cost no call, no string and no copy a file.
 */
import { Buffer } from 'node:buffer';
import { type FileColumns, FileFlag } from '../catalogue/file-columns.js';
import { fromBytes } from '../catalogue/share-path.js';
import type { TextPieces } from '../columns/text-pieces.js';
import type { Pace, Work } from '../index/text-index.js';
import { Candidates } from './candidates.js';
import { keepByNumber } from './column-filters.js';
import type { Criteria, FieldTest } from './criteria.js';
import { type Budget, compileEre, type EreMatcher } from './ere-matcher.js';
import { findMatches, type ScanBudget } from './ere-scan.js';
import { searchedDesc } from './file-row.js';
import type { FileView } from './file-view.js';
import { FolderTexts } from './folder-texts.js';
import { NameEnds } from './name-ends.js';
import { PathMatcher } from './path-matcher.js';
import { containsTest, MAX_STATES_EACH } from './residual-filter.js';
import { SearchedSlot } from './searched-slot.js';
import { type FormedValues, type TextForm, TextForms } from './text-forms.js';

export type ScannedField = 'name' | 'path' | 'desc';

/** Says when a turn is over to a loop that can't ask a generator. */
class Turn implements ScanBudget {
  isDue = false;

  constructor(readonly pace: Pace & Budget) {}

  check(): void {
    this.pace.check();
    if (this.pace.due()) this.isDue = true;
  }
}

/** One value of the criteria. */
interface Scan {
  readonly matcher: EreMatcher;
  readonly form: TextForm;
  /** What the matcher finds is to be tested once more, each by itself. */
  readonly test?: ReturnType<typeof containsTest>;
}

/** What is made of the texts of these columns, for as long as they live. */
interface Forms {
  readonly names: TextForms;
  readonly descs: TextForms;
  readonly folders: Readonly<Record<TextForm, FolderTexts>>;
}
const formsOf = new WeakMap<FileColumns, Forms>();

/** Files between two looks at the time, where each is read and decoded. */
const ROWS_A_LOOK = 64;

export class TextScan {
  readonly #view: FileView;
  readonly #pace: Pace & Budget;
  readonly #turn: Turn;
  readonly #forms: Forms;

  constructor(view: FileView, pace: Pace & Budget) {
    this.#view = view;
    this.#pace = pace;
    this.#turn = new Turn(pace);
    this.#forms = formsOf.get(view.columns) ?? makeForms(view.columns);
    formsOf.set(view.columns, this.#forms);
  }

  /** Keeps the candidates of which the field passes one of the tests. */
  *keep(field: ScannedField, criteria: Criteria, candidates: Candidates): Work<void> {
    const matches = Candidates.none(this.#view.shown);
    for (const asked of criteria[field]) {
      const scan = scanFor(asked, criteria.caseSensitive, field);
      const found = scan.test ? Candidates.none(this.#view.shown) : matches;
      if (field === 'path') yield* this.#scanPaths(scan, candidates, found);
      else yield* this.#scanTexts(field, scan, candidates, found);
      if (!scan.test) continue;
      const { test } = scan;
      const { columns } = this.#view;
      const again = (slot: number) => test(new SearchedSlot(columns, slot), this.#pace);
      yield* found.keep(again, this.#pace, ROWS_A_LOOK);
      matches.addAll(found);
    }
    candidates.keepIn(matches);
  }

  *#scanTexts(field: 'name' | 'desc', scan: Scan, candidates: Candidates, found: Candidates): Work<void> {
    const { columns, shown } = this.#view;
    const [pieces, forms]: [TextPieces, TextForms] =
      field === 'name' ? [columns.names, this.#forms.names] : [columns.descs, this.#forms.descs];
    const { matcher, form } = scan;
    for (const piece of pieces.all) {
      if (piece === undefined) continue;
      for (const values of forms.of(piece, form, shown)) {
        const { starts, count, numbers, apart } = values;
        const take = (at: number) => {
          if (starts[at] === starts[at + 1] || apart?.[at] === 1) return; // no description at all, or in another part
          const slot = (piece.slots[numbers === undefined ? at : (numbers[at] as number)] as number) - 1;
          if (slot >= 0 && candidates.has(slot)) found.add(slot);
        };
        for (let next = 0; next < count; ) {
          next = findMatches(matcher, values, { from: next, to: count }, this.#turn, take);
          if (this.#turn.isDue) yield* this.#rest();
        }
      }
      if (this.#pace.due()) yield* this.#rest();
    }
  }

  *#scanPaths(scan: Scan, candidates: Candidates, found: Candidates): Work<void> {
    const { columns, shown } = this.#view;
    const { matcher, form } = scan;
    const folders = this.#forms.folders[form];
    const among = yield* this.#withLiteral(matcher, folders, form, candidates);
    const paths = new PathMatcher(matcher, folders);
    for (const piece of columns.names.all) {
      if (piece === undefined) continue;
      for (const values of this.#forms.names.of(piece, form, shown)) {
        for (let next = 0; next < values.count; ) {
          next = this.#matchPaths(paths, values, piece.slots, next, among, found);
          if (this.#turn.isDue) yield* this.#rest();
        }
      }
      if (this.#pace.due()) yield* this.#rest();
    }
  }

  /** Returns the first value that it has not looked at. */
  #matchPaths(
    paths: PathMatcher,
    { utf8, starts, count, numbers, apart }: FormedValues,
    slots: Uint32Array,
    first: number,
    among: Candidates,
    found: Candidates,
  ): number {
    const { folder } = this.#view.columns;
    let at = first;
    for (; at < count && !this.#turn.isDue; at++) {
      if (apart?.[at] === 1) continue;
      const slot = (slots[numbers === undefined ? at : (numbers[at] as number)] as number) - 1;
      if (slot < 0 || !among.has(slot)) continue;
      const [from, to] = [starts[at] as number, starts[at + 1] as number];
      if (paths.matches(folder.get(slot), utf8, from, to, this.#turn)) found.add(slot);
    }
    return at;
  }

  /**
   * The candidates that have in their name or in the folders above it a text that every path that matches
   * has; all of them where none is known. No slash is in it, so that it does not lie across the two.
   */
  *#withLiteral(
    matcher: EreMatcher,
    folders: FolderTexts,
    form: TextForm,
    candidates: Candidates,
  ): Work<Candidates> {
    const literal = longest(
      matcher.requiredLiterals.flatMap((each) => Buffer.from(each).toString('utf8').split('/')),
    );
    if (literal.length < SHORTEST_LITERAL) return candidates;
    const having = candidates.copy();
    const inFolder = (folder: number) => folders.text(folder).includes(literal);
    yield* keepByNumber(having, this.#view.columns.folder, inFolder, this.#pace);
    yield* this.#scanTexts('name', { matcher: literalMatcher(literal), form }, candidates, having);
    return having;
  }

  *#rest(): Work<void> {
    this.#turn.isDue = false;
    yield;
  }

  /** Keeps the candidates with one of the extensions. */
  *keepExtensions(criteria: Criteria, candidates: Candidates): Work<void> {
    const { columns, shown } = this.#view;
    const ends = new NameEnds(criteria.ext);
    const matches = Candidates.none(shown);
    for (const piece of columns.names.all) {
      if (piece === undefined) continue;
      const { bytes, starts, slots } = piece;
      const count = piece.count[0] as number;
      for (let value = 0; value < count; value++) {
        const slot = (slots[value] as number) - 1;
        if (slot < 0 || !candidates.has(slot)) continue;
        let passes = ends.test(bytes, starts[value] as number, starts[value + 1] as number);
        if (passes === undefined) passes = ends.testName(columns.nameOf(slot));
        if (passes) matches.add(slot);
      }
      if (this.#pace.due()) yield;
    }
    candidates.keepIn(matches);
  }
}

/** Shorter ones are in most paths. */
const SHORTEST_LITERAL = 3;

function makeForms(columns: FileColumns): Forms {
  return {
    names: new TextForms((slot, bytes, from, to) =>
      (columns.flags.get(slot) & FileFlag.odd) === 0
        ? undefined
        : fromBytes(bytes.slice(from, to)).normalize('NFC'),
    ),
    descs: new TextForms((_slot, bytes, from, to) => {
      const text = searchedDesc(fromBytes(bytes.slice(from, to)));
      const inNfc = text.normalize('NFC');
      const isWhole = inNfc === text && text.isWellFormed() && Buffer.byteLength(text) === to - from;
      return isWhole ? undefined : inNfc;
    }),
    folders: {
      plain: new FolderTexts(columns, 'plain'),
      folded: new FolderTexts(columns, 'folded'),
      caseless: new FolderTexts(columns, 'caseless'),
    },
  };
}

function scanFor(asked: FieldTest, caseSensitive: boolean, field: ScannedField): Scan {
  if (asked.type === 'regex') {
    const matcher = compileEre(asked.tree, { caseSensitive, maxStates: MAX_STATES_EACH });
    return { matcher, form: caseSensitive ? 'plain' : 'folded' };
  }
  const { value } = asked;
  const form = caseSensitive ? 'plain' : 'caseless';
  // In what an asker was shown, U+FFFD stands for something else; and bytes of no character are no literal.
  const certain = value.split(/[\uFFFD\p{Cs}]/u);
  if (certain.length === 1) return { matcher: literalMatcher(value), form };
  return {
    matcher: literalMatcher(longest(certain)),
    form,
    test: containsTest(value, caseSensitive, field),
  };
}

/** Finds the text as it is. */
function literalMatcher(text: string): EreMatcher {
  const parts = [...text].map(
    (character) => ({ kind: 'character', codePoint: character.codePointAt(0) ?? 0 }) as const,
  );
  const root = { kind: 'sequence', parts } as const;
  return compileEre({ pattern: text, root }, { caseSensitive: true, maxStates: MAX_STATES_EACH });
}

function longest(texts: readonly string[]): string {
  return texts.reduce((best, text) => (text.length > best.length ? text : best), '');
}
