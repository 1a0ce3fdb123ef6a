/** What hooks return, checked: anything may come. What is not understood throws, and is a fault of the extension. */
import { parseCriteria } from '../query/criteria.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import { StanzaErrorCondition } from '../stanza/stanza-error.js';
import { ReasonCondition } from '../stanza/xep0166-jingle.js';
import type { Said } from './running-extension.js';

/** A veto with what the peer is told. */
export interface SpokenVeto<C> {
  readonly type: 'veto';
  readonly condition: C;
  readonly text: string | undefined;
}

export interface Narrowed {
  readonly type: 'narrow';
  readonly criteria: FileCriteria;
}

export interface ChosenFiles {
  readonly type: 'files';
  /** In their order. */
  readonly files: readonly { readonly path: string; readonly desc: string | undefined }[];
}

export type QueryVerdict = SpokenVeto<StanzaErrorCondition> | Narrowed;
export type AnswerVerdict = SpokenVeto<StanzaErrorCondition> | ChosenFiles;
export type TransferVerdict = SpokenVeto<ReasonCondition>;

type Mapping = Readonly<Record<string, unknown>>;

export function readStanzaVerdict(returned: unknown): Said<never> {
  const verdict = mappingOf(returned, ['veto']);
  if (verdict?.veto === undefined || verdict.veto === false) return undefined;
  if (verdict.veto === true) return 'vetoed';
  throw new TypeError("'veto' of a stanza must be true");
}

/** Criteria that can't be searched with throw `ParseError` or `LimitError`. */
export function readQueryVerdict(returned: unknown): Said<QueryVerdict> {
  const verdict = mappingOf(returned, ['veto', 'text', 'narrow']);
  if (verdict?.narrow === undefined) return readVeto(verdict, isStanzaCondition);
  if (verdict.veto !== undefined) throw new TypeError("'veto' and 'narrow' exclude each other");
  const criteria = structuredClone(mappingOf(verdict.narrow, undefined)) as FileCriteria;
  parseCriteria(criteria);
  return { type: 'narrow', criteria };
}

export function readAnswerVerdict(returned: unknown): Said<AnswerVerdict> {
  const verdict = mappingOf(returned, ['veto', 'text', 'files']);
  if (verdict?.files === undefined) return readVeto(verdict, isStanzaCondition);
  if (verdict.veto !== undefined) throw new TypeError("'veto' and 'files' exclude each other");
  if (!Array.isArray(verdict.files)) throw new TypeError("'files' must be a list");
  return { type: 'files', files: verdict.files.map(readFile) };
}

export function readTransferVerdict(returned: unknown): Said<TransferVerdict> {
  return readVeto(mappingOf(returned, ['veto', 'text']), isReason);
}

function readVeto<C extends string>(
  verdict: Mapping | undefined,
  isCondition: (text: string) => text is C,
): Said<SpokenVeto<C>> {
  const veto = verdict?.veto;
  if (veto === undefined || veto === false) return undefined;
  if (veto === true) return 'vetoed';
  if (typeof veto !== 'string' || !isCondition(veto)) {
    throw new TypeError(`'veto' is '${String(veto)}', which is neither true nor a condition`);
  }
  const text = verdict?.text;
  if (text !== undefined && typeof text !== 'string') throw new TypeError("'text' must be text");
  return { type: 'veto', condition: veto, text };
}

function readFile(value: unknown): ChosenFiles['files'][number] {
  const file = mappingOf(value, undefined);
  const path = file?.path;
  const desc = file?.desc;
  if (typeof path !== 'string') throw new TypeError('a file of the answer has no path');
  if (desc !== undefined && typeof desc !== 'string') throw new TypeError("'desc' must be text");
  return { path, desc };
}

/** An object with no other keys than `known`, where they are said; undefined where nothing was returned. */
function mappingOf(value: unknown, known: readonly string[] | undefined): Mapping | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw new TypeError('it returned no object');
  for (const key of Object.keys(value)) {
    if (known && !known.includes(key)) throw new TypeError(`it returned '${key}', which means nothing here`);
  }
  return value as Mapping;
}

function isStanzaCondition(text: string): text is StanzaErrorCondition {
  return Object.hasOwn(StanzaErrorCondition, text);
}

function isReason(text: string): text is ReasonCondition {
  return text !== 'success' && ReasonCondition.some((each) => each === text);
}
