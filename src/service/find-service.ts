/** The doors for one asker who asks us directly: `<find/>` by iq, and the 2011 form. */
import type { QueryBudget } from '../access/query-budget.js';
import type { Entity, IncomingIq, IqHandler, Unsubscribe } from '../entity/entity.js';
import { ParseError } from '../errors.js';
import type { Answer, Answering } from '../query/answer.js';
import { FileDiscoveryElement, type Find, findCodec, foundCodec } from '../stanza/file-discovery.js';
import { fileAnswer2011ToXml, fileQuery2011FromXml, isFileQuery2011 } from '../stanza/file-query-2011.js';
import { bareOf } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import type { Element } from '../stanza/xml.js';
import type { Startable } from '../startable.js';

export interface FindServiceInit {
  /** How long an answer waits for hashes that are not known yet. */
  readonly hashWaitMs: number;
}

export interface FindServiceComponents {
  readonly entity: Entity;
  readonly answerer: Answering;
  readonly budget: QueryBudget;
}

export class FindService implements Startable {
  readonly #components: FindServiceComponents;
  readonly #init: FindServiceInit;
  #registration: Unsubscribe | undefined;
  #answered = 0;
  #refused = 0;

  constructor(components: FindServiceComponents, init: FindServiceInit) {
    this.#components = components;
    this.#init = init;
  }

  async start(): Promise<void> {
    const { name, ns } = FileDiscoveryElement.find;
    this.#registration = this.#components.entity.handleIq('get', name, ns, this.#find);
  }

  async stop(): Promise<void> {
    this.#registration?.();
  }

  readonly #find: IqHandler = (iq, signal) =>
    this.#counted(async () => {
      const find = findCodec.fromXml(iq.payload);
      const answer = await this.#answer(iq, find, signal);
      return foundCodec.toXml({ ...answer, ...(find.id !== undefined && { id: find.id }) });
    });

  async #counted(answer: () => Promise<Element>): Promise<Element> {
    try {
      const element = await answer();
      this.#answered += 1;
      return element;
    } catch (error) {
      this.#refused += 1;
      throw error;
    }
  }

  /** For disco: answers a disco#info query that is a file query; undefined for any other. */
  async answer2011(iq: IncomingIq, signal: AbortSignal): Promise<Element | undefined> {
    if (!isFileQuery2011(iq.payload)) return undefined;
    return await this.#counted(() => this.#answer2011(iq, signal));
  }

  /** Queries answered and refused so far. */
  counts(): { readonly answered: number; readonly refused: number } {
    return { answered: this.#answered, refused: this.#refused };
  }

  async #answer2011(iq: IncomingIq, signal: AbortSignal): Promise<Element> {
    const query = fileQuery2011FromXml(iq.payload);
    const answer = await this.#answer(iq, query, signal);
    return fileAnswer2011ToXml({ ...answer, ...(query.nodeId !== undefined && { nodeId: query.nodeId }) });
  }

  async #answer(iq: IncomingIq, find: Find, signal: AbortSignal): Promise<Answer> {
    const { answerer, budget } = this.#components;
    const { hashWaitMs } = this.#init;
    answerer.check(find.criteria);
    const asker = bareOf(iq.from);
    budget.charge(asker);
    const admission = budget.enter(asker);
    try {
      return await answerer.answer({ ...find, asker: iq.from, hashWaitMs }, signal);
    } catch (error) {
      throw isUnknownCursor(error) ? new StanzaError('item-not-found', error.message) : error;
    } finally {
      admission.leave();
    }
  }
}

/** XEP-0059 §2.4: who is asked for the page at an item that it does not know answers `item-not-found`. */
function isUnknownCursor(error: unknown): error is ParseError {
  return error instanceof ParseError && (error.field === 'after' || error.field === 'before');
}
