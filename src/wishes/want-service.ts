/** The door for one asker who wants us to keep a question: `<want/>` and `<unwant/>` by iq. */
import type { QueryBudget } from '../access/query-budget.js';
import type { Clock } from '../clock.js';
import type { Entity, Unsubscribe } from '../entity/entity.js';
import { ParseError } from '../errors.js';
import type { Answering } from '../query/answer.js';
import { bareOf } from '../stanza/jid.js';
import { StandingElement, unwantCodec, wantCodec, wantGrantedCodec } from '../stanza/standing-question.js';
import { StanzaError } from '../stanza/stanza-error.js';
import type { Startable } from '../startable.js';
import type { KeptQuestions } from './kept-questions.js';

export interface WantServiceComponents {
  readonly entity: Entity;
  readonly clock: Clock;
  readonly answerer: Answering;
  readonly budget: QueryBudget;
  readonly questions: KeptQuestions;
}

export class WantService implements Startable {
  readonly #components: WantServiceComponents;
  readonly #registrations: Unsubscribe[] = [];

  constructor(components: WantServiceComponents) {
    this.#components = components;
  }

  async start(): Promise<void> {
    const { entity, clock, answerer, budget, questions } = this.#components;
    const { want, unwant } = StandingElement;
    this.#registrations.push(
      entity.handleIq('set', want.name, want.ns, ({ from, payload }) => {
        const asked = wantCodec.fromXml(payload);
        if (asked.untilMs <= clock.now()) {
          throw new ParseError("'until' is a time that is over", { field: 'until' });
        }
        answerer.check(asked.criteria);
        budget.charge(bareOf(from));
        return wantGrantedCodec.toXml({ id: asked.id, untilMs: questions.keep({ ...asked, asker: from }) });
      }),
      entity.handleIq('set', unwant.name, unwant.ns, ({ from, payload }) => {
        const known = questions.forget({ asker: from, id: unwantCodec.fromXml(payload) });
        if (!known) throw new StanzaError('item-not-found', 'there is no such question of yours');
        return undefined;
      }),
    );
  }

  async stop(): Promise<void> {
    for (const unregister of this.#registrations.splice(0)) unregister();
  }
}
