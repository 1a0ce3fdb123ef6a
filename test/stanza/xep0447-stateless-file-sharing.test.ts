import { fileMetadataCodec } from '../../src/stanza/xep0446-file-metadata.js';
import { fileSharingCodec } from '../../src/stanza/xep0447-stateless-file-sharing.js';
import { describeFixtures } from '../support/codec-fixtures.js';

describe('files that are shared', () => {
  describeFixtures('xep0446', fileMetadataCodec);
  describeFixtures('xep0447', fileSharingCodec);
});
