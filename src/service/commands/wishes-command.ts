/** *Wishes*: the questions of whoever asks that the node keeps and answers again as files come, and an end to them. */

import type { FileCriteria } from '../../stanza/file-criteria.js';
import { criteriaToForm } from '../../stanza/file-criteria-form.js';
import { type BareJid, bareOf, type Jid } from '../../stanza/jid.js';
import { formatDateTime } from '../../stanza/xep0082-date-time.js';
import { type Command, info, lastStage, type Stage, type Submit, tickedOf, tickField } from './command.js';

export interface KeptWish {
  readonly id: string;
  readonly asker: Jid;
  readonly channel?: { readonly service: BareJid; readonly nodeId: string } | undefined;
  readonly criteria: FileCriteria;
  /** Milliseconds since 1970. */
  readonly untilMs: number;
}

export interface KeptWishes {
  /** Of all addresses of an account, the oldest first. */
  of(account: BareJid): readonly KeptWish[];
  /** False when it is not kept any more. */
  forget(wish: KeptWish): boolean;
}

const FORGET = 'forget';
const MAX_LABEL_CHARS = 200; // a list of a hundred values is nothing to read

export class WishesCommand implements Command {
  readonly nodeId = 'wishes';
  readonly name = 'Wishes';
  readonly #wishes: KeptWishes;

  constructor(components: { readonly wishes: KeptWishes }) {
    this.#wishes = components.wishes;
  }

  isFor(): boolean {
    return true;
  }

  begin(asker: Jid): Stage {
    const wishes = this.#wishes.of(bareOf(asker));
    if (wishes.length === 0) return lastStage([info('None of your questions is kept here.')]);
    const submit: Submit = (form) => {
      const ticked = tickedOf(form, FORGET, wishes, labelOf);
      if (ticked.length === 0) return info('Tick what is to be forgotten, or close the window.');
      for (const wish of ticked) this.#wishes.forget(wish);
      return lastStage(ticked.map((wish) => info(`Forgotten: ${labelOf(wish)}`)));
    };
    return {
      form: {
        type: 'form',
        title: 'Wishes',
        instructions:
          'Questions of yours that are answered again as files come. Tick what is to be forgotten.',
        fields: [tickField({ name: FORGET, label: 'Questions' }, wishes, labelOf)],
      },
      notes: [],
      submit,
      button: 'complete',
    };
  }
}

/** `text juliet, ext pdf or epub; until 2026-11-25 12:00 (books)`. */
function labelOf({ criteria, untilMs, channel, id }: KeptWish): string {
  const asked = criteriaToForm(criteria).fields.map(({ var: name, values, regex }) =>
    [name, [...values, ...(regex === undefined ? [] : [`/${regex}/`])].join(' or ')].join(' '),
  );
  const text = asked.join(', ').slice(0, MAX_LABEL_CHARS);
  const until = formatDateTime(untilMs).slice(0, 16).replace('T', ' ');
  return `${text}; until ${until} (${channel?.nodeId ?? id})`;
}
