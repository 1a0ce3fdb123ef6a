/** *Add a share* and *Remove a share*: what they change is the configuration of the node, which then holds. */
import { bareOf, type Jid } from '../../stanza/jid.js';
import type { CommandNote } from '../../stanza/xep0050-commands.js';
import { type Command, chosenOf, info, lastStage, problem, type Stage, valuesOf } from './command.js';
import type { ReloadResult } from './reload-stage.js';
import { changedNotes } from './reload-stage.js';

/** Writes shares into the configuration, and has it take effect; whatever keeps it from that leaves all as it was. */
export interface ShareEditor {
  /** `by`: for the log. */
  addShare(share: { readonly name: string; readonly path: string }, by: string): Promise<ReloadResult>;
  removeShare(name: string, by: string): Promise<ReloadResult>;
}

export interface ShareCommandsComponents {
  readonly isFor: (asker: Jid) => boolean;
  /** Names of those in force. */
  readonly shares: () => readonly string[];
  /** Folders in which others may be chosen. */
  readonly places: () => readonly string[];
  /** Where there is a configuration that can be written. */
  readonly editor: () => ShareEditor | undefined;
}

export function shareCommands({ isFor, shares, places, editor }: ShareCommandsComponents): Command[] {
  return [
    {
      nodeId: 'add-share',
      name: 'Add a share',
      isFor: (asker) => isFor(asker) && editor() !== undefined && places().length > 0,
      begin: (asker) => addStage(asker, editor(), places()),
    },
    {
      nodeId: 'remove-share',
      name: 'Remove a share',
      isFor: (asker) => isFor(asker) && editor() !== undefined,
      begin: (asker) => removeStage(asker, editor(), shares()),
    },
  ];
}

function addStage(asker: Jid, editor: ShareEditor | undefined, places: readonly string[]): Stage {
  return {
    form: {
      type: 'form',
      title: 'Add a share',
      instructions: `A folder of the machine that the node runs on, somewhere in ${places.join(', ')}.`,
      fields: [
        {
          ...{ var: 'path', type: 'text-single', label: 'Folder', values: [], required: true },
          desc: `Its whole path, such as ${places[0]}/music.`,
        },
        {
          ...{ var: 'name', type: 'text-single', label: 'Name', values: [] },
          desc: "First part of the path of every file in it. Without it: the folder's own name.",
        },
      ],
    },
    notes: [],
    submit: async (form) => {
      const [path] = valuesOf(form, 'path');
      if (path === undefined) return problem('Folder: write its whole path.');
      const own = path.split('/').findLast((part) => part !== '') ?? path;
      const [name = own] = valuesOf(form, 'name');
      const outcome = await editor?.addShare({ name, path }, bareOf(asker));
      return told(
        outcome,
        `${name} is shared now; what is in it can be found when it has been looked through.`,
      );
    },
    button: 'complete',
  };
}

function removeStage(asker: Jid, editor: ShareEditor | undefined, shares: readonly string[]): Stage {
  if (shares.length === 0) return lastStage([info('Nothing is shared.')]);
  const options = shares.map((name) => ({ label: name, value: name }));
  return {
    form: {
      type: 'form',
      title: 'Remove a share',
      instructions: 'It is no longer offered. Its files stay where they are.',
      fields: [{ var: 'name', type: 'list-single', label: 'Share', values: [], options, required: true }],
    },
    notes: [],
    submit: async (form) => {
      const name = chosenOf(form, 'name', options);
      if (name === undefined) return info('Choose a share, or close the window.');
      return told(await editor?.removeShare(name, bareOf(asker)), `${name} is no longer shared.`);
    },
    button: 'complete',
  };
}

/** What was refused can be written better. */
function told(outcome: ReloadResult | undefined, done: string): Stage | CommandNote {
  if (outcome === undefined) return problem('There is no configuration that can be written.');
  if (outcome.type === 'refused') return problem(`Nothing was changed: ${outcome.why.join('; ')}`);
  return lastStage([info(done), ...changedNotes(outcome)]);
}
