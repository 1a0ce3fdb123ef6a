/**
 * Answers queries as extensions let it: they may keep a query from being searched, narrow it, keep its answer back, take
 * files out of that, and describe them in their own words.
 */
import type { Answer, Answering, AskedQuestion } from '../query/answer.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import { StanzaError, type StanzaErrorCondition } from '../stanza/stanza-error.js';
import { type FileDescription, fileCodec } from '../stanza/xep0234-file-transfer.js';
import type { Query } from './api.js';
import type { Extensions } from './extension-host.js';
import { narrowed } from './narrowed-criteria.js';
import { ourFile } from './our-file.js';
import { type ChosenFiles, readAnswerVerdict, readQueryVerdict, type SpokenVeto } from './verdicts.js';

export interface WatchedAnswererComponents {
  readonly answerer: Answering;
  readonly extensions: Extensions;
}

/** An answer of nothing: on a channel it is not even sent. */
const NOTHING: Answer = { files: [], total: 0, more: false, pending: 0, page: { count: 0 } };
/** What an answer may grow by in descriptions: it has at most 48 kB before, and a stanza 64. */
const MAX_ADDED_BYTES = 12_000;

export class WatchedAnswerer implements Answering {
  readonly #answerer: Answering;
  readonly #extensions: Extensions;

  constructor({ answerer, extensions }: WatchedAnswererComponents) {
    this.#answerer = answerer;
    this.#extensions = extensions;
  }

  check(criteria: FileCriteria): void {
    this.#answerer.check(criteria);
  }

  async answer(question: AskedQuestion, signal: AbortSignal): Promise<Answer> {
    let { criteria } = question;
    for (const each of this.#extensions.having('onQuery')) {
      const said = await each.decide('onQuery', viewOf(question, criteria), readQueryVerdict, signal);
      if (said === undefined) continue;
      if (said === 'vetoed') return NOTHING;
      if (said.type === 'veto') return refused(question, said);
      const both = narrowed(criteria, said.criteria);
      if (both === undefined) return NOTHING;
      criteria = both;
    }
    let answer = await this.#answerer.answer({ ...question, criteria }, signal);
    for (const each of this.#extensions.having('onAnswer')) {
      const files = answer.files.map((file) => ourFile(file));
      const view = { ...viewOf(question, criteria), files, total: answer.total };
      const said = await each.decide('onAnswer', view, readAnswerVerdict, signal);
      if (said === undefined) continue;
      if (said === 'vetoed') return NOTHING;
      if (said.type === 'veto') return refused(question, said);
      answer = chosen(answer, said);
    }
    return answer;
  }
}

function viewOf({ asker, channel }: AskedQuestion, criteria: FileCriteria): Query {
  return {
    from: asker,
    channel: channel && { service: channel.service, nodeId: channel.nodeId },
    criteria: structuredClone(criteria),
  };
}

function refused({ channel }: AskedQuestion, { condition, text }: SpokenVeto<StanzaErrorCondition>): Answer {
  if (channel === undefined) throw new StanzaError(condition, text);
  return NOTHING;
}

/** Only what was in the answer before is in it afterwards. Pages begin and end where they did. */
function chosen(answer: Answer, { files }: ChosenFiles): Answer {
  const left = new Map(answer.files.map((file) => [file.path ?? '', file]));
  let room = MAX_ADDED_BYTES;
  const kept = files.flatMap(({ path, desc }) => {
    const file = left.get(path);
    if (!file) return [];
    left.delete(path);
    if (desc === file.desc) return [file];
    const { desc: _, ...bare } = file;
    const described = desc === undefined ? bare : { ...bare, desc };
    const added = Math.max(0, wireBytes(described) - wireBytes(file));
    if (added > room) return [file];
    room -= added;
    return [described];
  });
  const total = answer.total - (answer.files.length - kept.length);
  return { ...answer, files: kept, total, page: { ...answer.page, count: total } };
}

function wireBytes(file: FileDescription): number {
  return Buffer.byteLength(fileCodec().toXml(file).toString());
}
