/**
 * XEP-0050: Ad-Hoc Commands
 * https://xmpp.org/extensions/xep-0050.html, version 1.3.0 (2020-06-09)
 *
 * `<command/>` with a form or notes as its payload; other payloads are not looked at.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { StanzaError, type StanzaErrorCondition } from './stanza-error.js';
import { type DataForm, dataFormCodec } from './xep0004-data-forms.js';
import type { DiscoIdentity } from './xep0030-disco.js';
import { attribute, child, children, type Element, is, requiredAttribute, xml } from './xml.js';

export const CommandElement = { name: 'command', ns: NS.commands } as const;
/** The node whose items are the commands (§2.2), and the feature. */
export const COMMANDS = NS.commands;

/** §2.2: of that node. */
export const commandListIdentity: DiscoIdentity = {
  category: 'automation',
  type: 'command-list',
  name: 'Commands',
};

export function commandIdentity(name: string): DiscoIdentity {
  return { category: 'automation', type: 'command-node', name };
}

/** §2.2: of a command. */
export const COMMAND_FEATURES = [NS.commands, NS.dataForms] as const;

export const CommandAction = ['execute', 'prev', 'next', 'complete', 'cancel'] as const;
export type CommandAction = (typeof CommandAction)[number];

/** What an answer lets the requester do next, beside `cancel` and `execute`. */
export const OfferedAction = ['prev', 'next', 'complete'] as const;
export type OfferedAction = (typeof OfferedAction)[number];

export const CommandStatus = ['executing', 'completed', 'canceled'] as const;
export type CommandStatus = (typeof CommandStatus)[number];

export const NoteType = ['info', 'warn', 'error'] as const;
export type NoteType = (typeof NoteType)[number];

export interface CommandNote {
  readonly type: NoteType;
  readonly text: string;
}

export interface CommandRequest {
  readonly nodeId: string;
  readonly sessionId?: string;
  readonly action: CommandAction;
  readonly form?: DataForm;
}

export interface CommandAnswer {
  readonly nodeId: string;
  readonly sessionId: string;
  readonly status: CommandStatus;
  /** `execute` is what `execute` does; it is among `offered`. */
  readonly actions?: { readonly execute: OfferedAction; readonly offered: readonly OfferedAction[] };
  readonly form?: DataForm;
  readonly notes: readonly CommandNote[];
}

const MAX_SESSION_ID_CHARS = 256; // longer is not one that we gave

export const commandRequestCodec: Codec<CommandRequest> = {
  fromXml(element) {
    expectCommand(element);
    const text = attribute(element, 'action') ?? 'execute'; // §4.1: the default
    const action = CommandAction.find((each) => each === text);
    if (action === undefined) throw commandError('malformed-action');
    const sessionId = attribute(element, 'sessionid');
    if (sessionId !== undefined && sessionId.length > MAX_SESSION_ID_CHARS)
      throw commandError('bad-sessionid');
    const form = child(element, 'x', NS.dataForms);
    return {
      nodeId: requiredAttribute(element, 'node'),
      ...(sessionId !== undefined && sessionId !== '' && { sessionId }),
      action,
      ...(form && { form: dataFormCodec.fromXml(form) }),
    };
  },
  toXml: ({ nodeId, sessionId, action, form }) =>
    xml(
      'command',
      { xmlns: NS.commands, node: nodeId, sessionid: sessionId, action },
      form && dataFormCodec.toXml(form),
    ),
};

export const commandAnswerCodec: Codec<CommandAnswer> = {
  fromXml(element) {
    expectCommand(element);
    const status = CommandStatus.find((each) => each === attribute(element, 'status'));
    if (status === undefined)
      throw new ParseError(`'status' is one of ${CommandStatus.join(', ')}`, { field: 'status' });
    const form = child(element, 'x', NS.dataForms);
    const actions = actionsOf(element);
    return {
      nodeId: requiredAttribute(element, 'node'),
      sessionId: requiredAttribute(element, 'sessionid'),
      status,
      ...(actions && { actions }),
      ...(form && { form: dataFormCodec.fromXml(form) }),
      notes: children(element, 'note', NS.commands).map((note) => ({
        type: NoteType.find((each) => each === attribute(note, 'type')) ?? 'info', // §4.3: the default
        text: note.getText(),
      })),
    };
  },
  toXml: ({ nodeId, sessionId, status, actions, form, notes }) =>
    xml(
      'command',
      { xmlns: NS.commands, node: nodeId, sessionid: sessionId, status },
      actions &&
        xml(
          'actions',
          { execute: actions.execute },
          actions.offered.map((each) => xml(each)),
        ),
      form && dataFormCodec.toXml(form),
      notes.map(({ type, text }) => xml('note', { type }, text)),
    ),
};

function actionsOf(element: Element): CommandAnswer['actions'] {
  const actions = child(element, 'actions', NS.commands);
  if (actions === undefined) return undefined;
  const offered = OfferedAction.filter((each) => child(actions, each, NS.commands));
  const text = attribute(actions, 'execute') ?? 'next'; // §3.4: the default
  const execute = offered.find((each) => each === text);
  // §3.4: such a form is invalid.
  if (execute === undefined)
    throw new ParseError(`'execute' is an action that is not offered`, { field: 'execute' });
  return { execute, offered };
}

function expectCommand(element: Element): void {
  if (!is(element, 'command', NS.commands)) throw new ParseError('not a <command/>', { field: 'command' });
}

/** The conditions of §4.4, with those of RFC 6120 that they go with. */
const CONDITIONS = {
  'malformed-action': 'bad-request',
  'bad-action': 'bad-request',
  'bad-payload': 'bad-request',
  'bad-sessionid': 'bad-request',
  'session-expired': 'not-allowed',
} as const satisfies Record<string, StanzaErrorCondition>;
export type CommandErrorCondition = keyof typeof CONDITIONS;

export function commandError(condition: CommandErrorCondition, text?: string): StanzaError {
  return new StanzaError(CONDITIONS[condition], text, { detail: xml(condition, { xmlns: NS.commands }) });
}
