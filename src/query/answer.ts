/**
 * Answers a query, whichever door it came through: searches, waits for the hashes that are
 * missing, and gives as many files as fit into a bound of bytes.
 */
import { type AccessPolicy, byRulesOfNow } from '../access/access-policy.js';
import type { FileCriteria, Order } from '../stanza/file-criteria.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import { bareOf, type Jid } from '../stanza/jid.js';
import type { PageRequest, PageResult } from '../stanza/xep0059-rsm.js';
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';
import { parseCriteria } from './criteria.js';
import { type Described, FileDescriber, type FileDescriberComponents, wireBytes } from './file-describer.js';
import type { QueryEngine, SearchRequest } from './query-engine.js';

export interface AnswererInit {
  /** Largest number of files in one answer, whatever the asker says. */
  readonly maxFiles: number;
  /** Files in an answer when the asker names no number. */
  readonly defaultFiles: number;
  /** Largest sum of the files' descriptions as they stand on the wire. */
  readonly maxAnswerBytes: number;
  /** How long one search may run. */
  readonly deadlineMs: number;
}

export interface Question {
  readonly criteria: FileCriteria;
  readonly page: PageRequest;
  readonly order?: Order;
  /** How long the asker waits for hashes that are not known yet. */
  readonly hashWaitMs: number;
  /** Of these slots alone: of news. */
  readonly among?: Uint32Array;
}

/** A question with who asked it. */
export interface AskedQuestion extends Question {
  readonly asker: Jid;
  /** Where it was asked, if not of us alone. */
  readonly channel?: ChannelAddress;
}

/** What the doors know of answering. {@link Answerer} is one. */
export interface Answering {
  /** Checks the question without running it. Throws {@link ParseError} naming the field. */
  check(criteria: FileCriteria): void;
  /** Throws {@link ParseError}, LimitError, AbortedError and, to be told to the asker, StanzaError. */
  answer(question: AskedQuestion, signal: AbortSignal): Promise<Answer>;
}

export interface Answer {
  readonly files: readonly FileDescription[];
  readonly total: number;
  readonly more: boolean;
  readonly pending: number;
  readonly page: PageResult;
}

export interface AnswererComponents extends FileDescriberComponents {
  readonly engine: QueryEngine;
  readonly access: AccessPolicy;
}

interface Kept {
  readonly cursor: string;
  readonly pending: boolean;
  readonly file?: FileDescription;
}

export class Answerer implements Answering {
  readonly #engine: QueryEngine;
  readonly #access: AccessPolicy;
  readonly #describer: FileDescriber;
  readonly #init: AnswererInit;

  constructor({ engine, access, ...components }: AnswererComponents, init: AnswererInit) {
    this.#engine = engine;
    this.#access = access;
    this.#describer = new FileDescriber(components);
    this.#init = init;
  }

  check(criteria: FileCriteria): void {
    parseCriteria(criteria);
  }

  /** Of the files that the asker may see. Throws {@link ParseError}, LimitError and AbortedError. */
  async answer(question: AskedQuestion, signal: AbortSignal): Promise<Answer> {
    const criteria = parseCriteria(question.criteria);
    const { max, after, before } = question.page;
    const { asker: jid, channel } = question;
    // A look at news for a question that is kept was not asked for just now.
    if (channel && !question.among) this.#access.asked?.(bareOf(jid), channel);
    const asker = { jid, ...(channel && { through: channel }) };
    const asked = Math.min(max ?? this.#init.defaultFiles, this.#init.maxFiles);
    const request: SearchRequest = {
      criteria,
      ...(question.order && { order: question.order }),
      ...(question.among && { among: question.among }),
      page: { max: asked, ...(after !== undefined && { after }), ...(before !== undefined && { before }) },
      deadlineMs: this.#init.deadlineMs,
    };
    const { found, described } = await byRulesOfNow(this.#access, asker, async ({ rules }) => {
      const found = await this.#engine.search({ ...request, ...(rules && { view: rules }) }, signal);
      const entries = found.entries.map(({ entry }) => entry);
      const described = await this.#describer.describe(entries, question.hashWaitMs, signal, asker);
      return { found, described };
    });
    const backwards = before !== undefined;
    const kept = this.#fitting(found.entries, described, backwards);
    const first = kept.at(0);
    const last = kept.at(-1);
    const index = found.offset + (backwards ? found.entries.length - kept.length : 0);
    return {
      files: kept.flatMap((each) => each.file ?? []),
      total: found.total,
      more: backwards ? index > 0 : index + kept.length < found.total,
      pending: kept.filter((each) => each.pending).length,
      page: {
        ...(first && last && { first: first.cursor, index, last: last.cursor }),
        count: found.total,
      },
    };
  }

  /** As many files as fit, from the end of the page that the asker reads on from. */
  #fitting(
    found: readonly { readonly cursor: string }[],
    described: readonly Described[],
    backwards: boolean,
  ): Kept[] {
    const kept: Kept[] = [];
    let bytes = 0;
    const order = backwards ? [...found.keys()].reverse() : [...found.keys()];
    for (const at of order) {
      const each = described[at];
      const file = typeof each === 'object' ? each : undefined;
      bytes += file === undefined ? 0 : wireBytes(file);
      if (bytes > this.#init.maxAnswerBytes && kept.length > 0) break;
      kept.push({ cursor: found[at]?.cursor ?? '', pending: each === 'pending', ...(file && { file }) });
    }
    return backwards ? kept.reverse() : kept;
  }
}
