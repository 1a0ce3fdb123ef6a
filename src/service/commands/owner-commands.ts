/**
 * What the owner of a node may do from a client: *Status*, *Rescan*, *Channels*, *Bans and limits*, *Add* and *Remove a share*,
 * *Reload configuration*. Others don't see that there are such.
 */
import { bareOf, type Jid } from '../../stanza/jid.js';
import { StanzaError } from '../../stanza/stanza-error.js';
import { BansCommand, type BansCommandComponents } from './bans-command.js';
import { type Command, info, lastStage, type Stage, tableStage } from './command.js';
import { type ReloadResult, reloadStage } from './reload-stage.js';
import { type ShareCommandsComponents, type ShareEditor, shareCommands } from './share-commands.js';

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

/** What there is to be done with the configuration of a running node. */
export interface OwnersConfiguration {
  /** Reads it anew; all of it takes effect, or nothing. */
  reload(): Promise<ReloadResult>;
  /** Where its file may be written. */
  readonly editor?: ShareEditor;
}

export interface OwnerCommandsComponents
  extends BansCommandComponents,
    Pick<ShareCommandsComponents, 'shares' | 'places'> {
  readonly status: () => readonly StatusLine[];
  readonly channels: () => readonly ChannelLine[];
  /** Has everything looked through again; returns at once. */
  readonly rescan: () => void;
  /** Where there is one. */
  readonly configuration: () => OwnersConfiguration | undefined;
}

export function ownerCommands(components: OwnerCommandsComponents): Command[] {
  const { status, channels, rescan, configuration, shares, places, owners } = components;
  const isFor = (asker: Jid) => owners().includes(bareOf(asker));
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
    new BansCommand(components),
    ...shareCommands({ isFor, shares, places, editor: () => configuration()?.editor }),
    {
      nodeId: 'reload',
      name: 'Reload configuration',
      isFor: (asker) => isFor(asker) && configuration() !== undefined,
      begin: async () => {
        const outcome = await configuration()?.reload();
        if (outcome === undefined) throw new StanzaError('item-not-found', 'there is no such command');
        return reloadStage(outcome);
      },
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

function channelsStage(lines: readonly ChannelLine[]): Stage {
  if (lines.length === 0) return lastStage([info('There are no channels in the configuration.')]);
  return tableStage('Channels', { service: 'Service', node: 'Channel', state: 'State' }, lines);
}
