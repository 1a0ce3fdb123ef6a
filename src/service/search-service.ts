/** The door of the search windows that clients have (XEP-0055). */
import type { Disco } from '../entity/disco.js';
import type { Entity, IqHandler, Unsubscribe } from '../entity/entity.js';
import type { Answer } from '../query/answer.js';
import type { DataForm } from '../stanza/xep0004-data-forms.js';
import {
  SEARCH_FORM_TYPE,
  SearchElement,
  searchFormCodec,
  searchRequestCodec,
  searchResultCodec,
} from '../stanza/xep0055-search.js';
import type { Startable } from '../startable.js';
import type { DirectQuestions } from './direct-questions.js';
import { fileTable } from './file-row.js';
import { SEARCH_INSTRUCTIONS, searchForm, searchOf } from './search-form.js';

export interface SearchServiceComponents {
  readonly entity: Entity;
  readonly disco: Disco;
  readonly questions: DirectQuestions;
}

export class SearchService implements Startable {
  readonly #components: SearchServiceComponents;
  readonly #registrations: Unsubscribe[] = [];

  constructor(components: SearchServiceComponents) {
    this.#components = components;
  }

  async start(): Promise<void> {
    const { entity, disco } = this.#components;
    const { name, ns } = SearchElement;
    this.#registrations.push(
      entity.handleIq('get', name, ns, this.#form),
      entity.handleIq('set', name, ns, this.#search),
      disco.addFeature(ns),
    );
  }

  async stop(): Promise<void> {
    for (const unregister of this.#registrations.splice(0)) unregister();
  }

  readonly #form: IqHandler = () =>
    searchFormCodec.toXml({ instructions: SEARCH_INSTRUCTIONS, form: searchForm(SEARCH_FORM_TYPE) });

  readonly #search: IqHandler = ({ from, payload }, signal) => {
    const { questions } = this.#components;
    return questions.counted(async () => {
      const { form, page } = searchRequestCodec.fromXml(payload);
      const answer = await questions.ask(from, { ...searchOf(form), page }, signal);
      return searchResultCodec.toXml({ form: resultForm(answer), page: answer.page });
    });
  };
}

function resultForm(answer: Answer): DataForm {
  return {
    type: 'result',
    formType: SEARCH_FORM_TYPE,
    title: countText(answer),
    fields: [],
    table: fileTable(answer.files),
  };
}

/** `12 files`, `1 file; 2 more are being read`, `files 1 to 50 of 1234`. */
export function countText({ files, total, pending, page }: Answer): string {
  const from = (page.index ?? 0) + 1;
  const isAll = files.length + pending === total;
  const count = total === 1 ? '1 file' : `${total} files`;
  const shown = isAll ? count : `files ${from} to ${from - 1 + files.length + pending} of ${total}`;
  return pending === 0 ? shown : `${shown}; ${pending} of them are still being read`;
}
