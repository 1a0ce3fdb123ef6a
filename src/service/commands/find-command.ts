/** *Find a file*: a form to fill in, what was found to tick, and the node offers what was ticked. */
import type { Answer } from '../../query/answer.js';
import type { Jid } from '../../stanza/jid.js';
import type { CommandNote } from '../../stanza/xep0050-commands.js';
import type { PageRequest } from '../../stanza/xep0059-rsm.js';
import type { DirectQuestions } from '../direct-questions.js';
import type { FileOffers } from '../file-offers.js';
import { type Search, searchForm, searchOf } from '../search-form.js';
import { countText } from '../search-service.js';
import { type Command, info, type Stage, type Submit } from './command.js';
import { filesField, filesTicked, offerAll } from './offer-stage.js';

export interface FindCommandComponents {
  readonly questions: DirectQuestions;
  readonly offers: FileOffers;
}

/** As many as people look through in one window. */
const PAGE_FILES = 25;

export class FindCommand implements Command {
  readonly nodeId = 'find';
  readonly name = 'Find a file';
  readonly #components: FindCommandComponents;

  constructor(components: FindCommandComponents) {
    this.#components = components;
  }

  isFor(): boolean {
    return true;
  }

  begin(asker: Jid): Stage {
    const submit: Submit = (form, signal) => this.#found(asker, searchOf(form), {}, signal);
    return { form: searchForm(undefined), notes: [], submit };
  }

  async #found(
    asker: Jid,
    search: Search,
    page: PageRequest,
    signal: AbortSignal,
  ): Promise<Stage | CommandNote> {
    const { questions } = this.#components;
    const answer = await questions.counted(() =>
      questions.ask(asker, { ...search, page: { max: PAGE_FILES, ...page } }, signal),
    );
    if (answer.total === 0) return info('Nothing was found.');
    return this.#page(asker, search, answer);
  }

  #page(asker: Jid, search: Search, answer: Answer): Stage {
    const { files, more, page } = answer;
    const submit: Submit = async (form, signal) => {
      const ticked = filesTicked(form, files);
      if (ticked.length > 0) return await offerAll(this.#components.offers, asker, ticked, signal);
      if (!more || page.last === undefined) return info('Tick the files that you want.');
      return await this.#found(asker, search, { after: page.last }, signal);
    };
    return {
      form: {
        type: 'form',
        title: 'Files found',
        instructions: `${countText(answer)}. ${more ? 'Tick what you want, or nothing to see more.' : 'Tick what you want.'}`,
        fields: [filesField(files)],
      },
      notes: [],
      submit,
    };
  }
}
