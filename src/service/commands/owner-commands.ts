/** What the owner of a node may do from a client: *Status*, *Rescan*, *Channels*, *Reload configuration*. Others don't see that there are such. */
import { type BareJid, bareOf, type Jid } from '../../stanza/jid.js';
import { StanzaError } from '../../stanza/stanza-error.js';
import { type Command, info, lastStage, problem, type Stage } from './command.js';

/** A line of a status: what, and how much or in which state. */
export interface StatusLine {
  readonly name: string;
  readonly label: string;
  readonly value: string;
}

export interface ChannelLine {
  readonly service: string;
  readonly node: string;
  readonly state: string;
}

export interface OwnerCommandsComponents {
  readonly status: () => readonly StatusLine[];
  readonly channels: () => readonly ChannelLine[];
  /** Has everything looked through again; returns at once. */
  readonly rescan: () => void;
  /** What reads the configuration anew, where something does. */
  readonly reload: () => Reload | undefined;
}

/** All of the configuration is taken over, or nothing. */
export type Reload = () => Promise<
  | { readonly type: 'reloaded'; readonly changed: readonly string[]; readonly warnings: readonly string[] }
  | { readonly type: 'refused'; readonly why: readonly string[] }
>;

export function ownerCommands(
  { status, channels, rescan, reload }: OwnerCommandsComponents,
  owners: readonly BareJid[],
): Command[] {
  const isFor = (asker: Jid) => owners.includes(bareOf(asker));
  return [
    { nodeId: 'status', name: 'Status', isFor, begin: () => statusStage(status()) },
    {
      nodeId: 'rescan',
      name: 'Rescan',
      isFor,
      begin: () => {
        rescan();
        return lastStage([info('All shares are looked through again now. Status tells when that is done.')]);
      },
    },
    { nodeId: 'channels', name: 'Channels', isFor, begin: () => channelsStage(channels()) },
    {
      nodeId: 'reload',
      name: 'Reload configuration',
      isFor: (asker) => isFor(asker) && reload() !== undefined,
      begin: () => reloadStage(reload()),
    },
  ];
}

function statusStage(lines: readonly StatusLine[]): Stage {
  return lastStage([], {
    type: 'result',
    title: 'Status',
    fields: lines.map(({ name, label, value }) => ({
      var: name,
      type: 'text-single',
      label,
      values: [value],
    })),
  });
}

async function reloadStage(reload: Reload | undefined): Promise<Stage> {
  const outcome = await reload?.();
  if (outcome === undefined) throw new StanzaError('item-not-found', 'there is no such command');
  if (outcome.type === 'refused') {
    return lastStage([problem('Nothing was changed.'), ...outcome.why.map(problem)]);
  }
  const { changed, warnings } = outcome;
  const text = changed.length === 0 ? 'Nothing has changed.' : `Changed: ${changed.join(', ')}.`;
  return lastStage([info(text), ...warnings.map((warning) => ({ type: 'warn', text: warning }) as const)]);
}

function channelsStage(lines: readonly ChannelLine[]): Stage {
  if (lines.length === 0) return lastStage([info('There are no channels in the configuration.')]);
  const columns = [
    { var: 'service', label: 'Service' },
    { var: 'node', label: 'Channel' },
    { var: 'state', label: 'State' },
  ] as const;
  return lastStage([], {
    type: 'result',
    title: 'Channels',
    fields: [],
    table: {
      columns: columns.map((column) => ({ ...column, type: 'text-single', values: [] })),
      rows: lines.map((line) => columns.map((column) => ({ var: column.var, values: [line[column.var]] }))),
    },
  });
}
