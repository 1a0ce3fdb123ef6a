/** What a module gives out is anything; here it becomes hooks, or it is said what is wrong with it. */
import { nearest } from '../config/nearest.js';
import { ShoalError } from '../errors.js';
import type { ExtensionHooks } from './api.js';

/** Hooks that decide something; the others only hear of it. */
export const DecidingHook = ['onStanzaIn', 'onStanzaOut', 'onQuery', 'onAnswer', 'onTransferStart'] as const;
export type DecidingHook = (typeof DecidingHook)[number];
export const HearingHook = ['onTransferProgress', 'onTransferEnd', 'onFiles'] as const;
export type HearingHook = (typeof HearingHook)[number];
export type HookName = DecidingHook | HearingHook | 'stop';

const HOOKS: readonly HookName[] = [...DecidingHook, ...HearingHook, 'stop'];
const KEYS: readonly string[] = ['required', ...HOOKS];

/** Thrown when an extension keeps the node from starting. */
export class ExtensionError extends ShoalError {
  readonly code = 'extension';
}

/** Checks what the default export of a module returned. Throws {@link ExtensionError}. */
export function hooksOf(returned: unknown): ExtensionHooks {
  if (typeof returned !== 'object' || returned === null) {
    throw new ExtensionError('its default export must return an object with hooks');
  }
  for (const [key, value] of Object.entries(returned)) {
    if (!KEYS.includes(key)) {
      const meant = nearest(key, KEYS);
      const advice = meant === undefined ? `known are ${KEYS.join(', ')}` : `did you mean '${meant}'?`;
      throw new ExtensionError(`'${key}' is not a hook; ${advice}`);
    }
    const kind = key === 'required' ? 'boolean' : 'function';
    if (value !== undefined && typeof value !== kind) throw new ExtensionError(`'${key}' must be a ${kind}`);
  }
  return returned;
}
