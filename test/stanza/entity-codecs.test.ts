import { discoInfoCodec, discoItemsCodec } from '../../src/stanza/xep0030-disco.js';
import { softwareVersionCodec } from '../../src/stanza/xep0092-version.js';
import { capabilitiesCodec } from '../../src/stanza/xep0115-entity-capabilities.js';
import { streamManagementCodec } from '../../src/stanza/xep0198-stream-management.js';
import { pingCodec } from '../../src/stanza/xep0199-ping.js';
import { describeFixtures } from '../support/codec-fixtures.js';

describe('codecs of disco, version, capabilities, stream management and ping', () => {
  describeFixtures('xep0030', discoInfoCodec, 'info');
  describeFixtures('xep0030', discoItemsCodec, 'items');
  describeFixtures('xep0092', softwareVersionCodec);
  describeFixtures('xep0115', capabilitiesCodec);
  describeFixtures('xep0198', streamManagementCodec);
  describeFixtures('xep0199', pingCodec);
});
