import { fileCriteriaCodec } from '../../src/stanza/file-criteria-form.js';
import { confirmCodec, findCodec, foundCodec } from '../../src/stanza/file-discovery.js';
import { unwantCodec, wantCodec, wantGrantedCodec } from '../../src/stanza/standing-question.js';
import { queuePlaceCodec } from '../../src/stanza/transfer-queue.js';
import { pageRequestCodec, pageResultCodec } from '../../src/stanza/xep0059-rsm.js';
import { pubsubRequestCodec } from '../../src/stanza/xep0060-pubsub.js';
import { hashCodec } from '../../src/stanza/xep0300-hashes.js';
import { orderCodec } from '../../src/stanza/xep0413-order-by.js';
import { describeFixtures } from '../support/codec-fixtures.js';

describe('codecs', () => {
  describeFixtures('file-discovery', findCodec, 'find');
  describeFixtures('file-discovery', foundCodec, 'found');
  describeFixtures('file-discovery', confirmCodec, 'confirm');
  describeFixtures('file-discovery', queuePlaceCodec, 'queue');
  describeFixtures('file-discovery', wantCodec, 'want');
  describeFixtures('file-discovery', wantGrantedCodec, 'granted');
  describeFixtures('file-discovery', unwantCodec, 'unwant');
  describeFixtures('file-criteria', fileCriteriaCodec);
  describeFixtures('xep0059', pageRequestCodec, 'request');
  describeFixtures('xep0059', pageResultCodec, 'result');
  describeFixtures('xep0060', pubsubRequestCodec, 'request');
  describeFixtures('xep0300', hashCodec);
  describeFixtures('xep0413', orderCodec);
});
