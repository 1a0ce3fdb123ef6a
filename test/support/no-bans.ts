/** For nodes that nobody asks for a ban. */
import assert from 'node:assert/strict';
import type { BanKeeper } from '../../src/access/bans.js';

const nobody = () => assert.fail('nobody asks for bans');

export const noBans: BanKeeper = { bans: nobody, ban: nobody, unban: nobody };
