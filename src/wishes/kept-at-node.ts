/**
 * Asks one node, and has it keep the question for a while (docs/protocol.md, "Standing questions"): its answer,
 * then what comes later.
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { AnswerEvent, ChannelAsker, ChannelQuestion } from '../channel/channel-asker.js';
import { type Clock, sleep } from '../clock.js';
import type { Entity } from '../entity/entity.js';
import { messageOf, ParseError } from '../errors.js';
import type { Log } from '../log.js';
import { FileDiscoveryElement, foundCodec } from '../stanza/file-discovery.js';
import type { Jid } from '../stanza/jid.js';
import { StandingElement, unwantCodec, wantCodec, wantGrantedCodec } from '../stanza/standing-question.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { child, type Element } from '../stanza/xml.js';

export interface KeptAtNodeComponents {
  readonly entity: Entity;
  readonly clock: Clock;
  readonly log: Log;
  readonly asker: Pick<ChannelAsker, 'askNode'>;
}

/** Answers that wait to be read; a node sends some fifty an hour. */
const MAX_WAITING = 1000;

/**
 * Ends when the time is over or `signal` aborts; at once, after its answer, where the node keeps no questions.
 * Throws what `askNode` throws.
 */
export async function* keptAtNode(
  components: KeptAtNodeComponents,
  to: Jid,
  question: ChannelQuestion,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent> {
  const { entity, clock, log, asker } = components;
  const id = randomUUID();
  const events = new Readable({ objectMode: true, highWaterMark: MAX_WAITING, read: () => {} });
  const end = () => events.push(null);
  const over = new AbortController();
  const unregister = entity.handleMessage(
    FileDiscoveryElement.found.name,
    FileDiscoveryElement.found.ns,
    ({ from, stanza }) => {
      const found = from === to ? laterOf(stanza, id) : undefined;
      if (found && !over.signal.aborted && events.readableLength < MAX_WAITING) events.push(found(from));
    },
  );
  signal.addEventListener('abort', end, { once: true });
  let keptForMs = 0;
  try {
    keptForMs = await keep(components, to, id, question, signal);
    yield* asker.askNode(to, question, signal);
    if (keptForMs === 0 || signal.aborted) return;
    void sleep(clock, keptForMs, over.signal).then(end, () => {});
    for await (const event of events) yield event as AnswerEvent;
  } finally {
    over.abort();
    unregister();
    signal.removeEventListener('abort', end);
    if (keptForMs > 0 && entity.online) {
      entity
        .request({ to, type: 'set', payload: unwantCodec.toXml(id) })
        .catch((error: unknown) => log.debug(`the question was not withdrawn: ${messageOf(error)}`));
    }
  }
}

/** For how many milliseconds the node keeps it; 0 when it does not. */
async function keep(
  { entity, clock, log }: KeptAtNodeComponents,
  to: Jid,
  id: string,
  { criteria, waitMs }: ChannelQuestion,
  signal: AbortSignal,
): Promise<number> {
  const payload = wantCodec.toXml({ id, untilMs: clock.now() + waitMs, criteria });
  try {
    const result = await entity.request({ to, type: 'set', payload, signal });
    const granted = child(result, StandingElement.want.name, StandingElement.want.ns);
    if (!granted) return 0;
    return Math.max(0, Math.min(waitMs, wantGrantedCodec.fromXml(granted).untilMs - clock.now()));
  } catch (error) {
    // It keeps none, or no more, and says so; it may answer nevertheless.
    if (!(error instanceof StanzaError) && !(error instanceof ParseError)) throw error;
    log.debug({ to }, `the question is not kept: ${messageOf(error)}`);
    return 0;
  }
}

function laterOf(stanza: Element, id: string): ((from: Jid) => AnswerEvent) | undefined {
  const element = child(stanza, FileDiscoveryElement.found.name, FileDiscoveryElement.found.ns);
  try {
    const found = element && foundCodec.fromXml(element);
    if (found?.id !== id || !found.news) return undefined;
    return (from) => ({ type: 'found', from, found, last: !found.more });
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}
