import { discoInfoCodec, discoItemsCodec } from '../../src/stanza/xep0030-disco.js';
import { softwareVersionCodec } from '../../src/stanza/xep0092-version.js';
import { pingCodec } from '../../src/stanza/xep0199-ping.js';
import { describeFixtures } from '../support/codec-fixtures.js';

describe('codecs of disco, version and ping', () => {
  describeFixtures('xep0030', discoInfoCodec, 'info');
  describeFixtures('xep0030', discoItemsCodec, 'items');
  describeFixtures('xep0092', softwareVersionCodec);
  describeFixtures('xep0199', pingCodec);
});
