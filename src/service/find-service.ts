/** The doors of our own for one asker who asks us directly: `<find/>` by iq, and the 2011 form. */
import type { Entity, IncomingIq, IqHandler, Unsubscribe } from '../entity/entity.js';
import { FileDiscoveryElement, findCodec, foundCodec } from '../stanza/file-discovery.js';
import { fileAnswer2011ToXml, fileQuery2011FromXml, isFileQuery2011 } from '../stanza/file-query-2011.js';
import type { Element } from '../stanza/xml.js';
import type { Startable } from '../startable.js';
import type { DirectQuestions } from './direct-questions.js';

export interface FindServiceComponents {
  readonly entity: Entity;
  readonly questions: DirectQuestions;
}

export class FindService implements Startable {
  readonly #components: FindServiceComponents;
  #registration: Unsubscribe | undefined;

  constructor(components: FindServiceComponents) {
    this.#components = components;
  }

  async start(): Promise<void> {
    const { name, ns } = FileDiscoveryElement.find;
    this.#registration = this.#components.entity.handleIq('get', name, ns, this.#find);
  }

  async stop(): Promise<void> {
    this.#registration?.();
  }

  readonly #find: IqHandler = ({ from, payload }, signal) => {
    const { questions } = this.#components;
    return questions.counted(async () => {
      const find = findCodec.fromXml(payload);
      const answer = await questions.ask(from, find, signal);
      return foundCodec.toXml({ ...answer, ...(find.id !== undefined && { id: find.id }) });
    });
  };

  /** For disco: answers a disco#info query that is a file query; undefined for any other. */
  async answer2011({ from, payload }: IncomingIq, signal: AbortSignal): Promise<Element | undefined> {
    if (!isFileQuery2011(payload)) return undefined;
    const { questions } = this.#components;
    return await questions.counted(async () => {
      const query = fileQuery2011FromXml(payload);
      const answer = await questions.ask(from, query, signal);
      return fileAnswer2011ToXml({ ...answer, ...(query.nodeId !== undefined && { nodeId: query.nodeId }) });
    });
  }
}
