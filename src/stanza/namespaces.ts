/** Every namespace on our wire, by its specification. */
export const NS = {
  streams: 'http://etherx.jabber.org/streams', // RFC 6120 §4.8
  streamErrors: 'urn:ietf:params:xml:ns:xmpp-streams', // RFC 6120 §4.9
  tls: 'urn:ietf:params:xml:ns:xmpp-tls', // RFC 6120 §5
  bind: 'urn:ietf:params:xml:ns:xmpp-bind', // RFC 6120 §7
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl', // RFC 6120 §6
  stanzas: 'urn:ietf:params:xml:ns:xmpp-stanzas', // RFC 6120 §8.3
  roster: 'jabber:iq:roster', // RFC 6121 §2
  dataForms: 'jabber:x:data', // XEP-0004
  discoInfo: 'http://jabber.org/protocol/disco#info', // XEP-0030
  discoItems: 'http://jabber.org/protocol/disco#items',
  ibb: 'http://jabber.org/protocol/ibb', // XEP-0047
  commands: 'http://jabber.org/protocol/commands', // XEP-0050
  vcard: 'vcard-temp', // XEP-0054
  search: 'jabber:iq:search', // XEP-0055
  rsm: 'http://jabber.org/protocol/rsm', // XEP-0059
  pubsub: 'http://jabber.org/protocol/pubsub', // XEP-0060
  pubsubEvent: 'http://jabber.org/protocol/pubsub#event',
  pubsubErrors: 'http://jabber.org/protocol/pubsub#errors',
  pubsubOwner: 'http://jabber.org/protocol/pubsub#owner',
  bytestreams: 'http://jabber.org/protocol/bytestreams', // XEP-0065
  outOfBand: 'jabber:x:oob', // XEP-0066
  chatStates: 'http://jabber.org/protocol/chatstates', // XEP-0085
  version: 'jabber:iq:version', // XEP-0092
  urlData: 'http://jabber.org/protocol/url-data', // XEP-0103
  caps: 'http://jabber.org/protocol/caps', // XEP-0115
  validate: 'http://jabber.org/protocol/xdata-validate', // XEP-0122
  files: 'http://jabber.org/protocol/files', // XEP-0135
  treeTransfer: 'http://jabber.org/profile/si/profile/tree-transfer', // XEP-0105, for XEP-0135
  jingle: 'urn:xmpp:jingle:1', // XEP-0166
  jingleErrors: 'urn:xmpp:jingle:errors:1',
  receipts: 'urn:xmpp:receipts', // XEP-0184
  streamManagement: 'urn:xmpp:sm:3', // XEP-0198
  ping: 'urn:xmpp:ping', // XEP-0199
  time: 'urn:xmpp:time', // XEP-0202
  delay: 'urn:xmpp:delay', // XEP-0203
  fileTransfer5: 'urn:xmpp:jingle:apps:file-transfer:5', // XEP-0234
  fileTransfer4: 'urn:xmpp:jingle:apps:file-transfer:4', // XEP-0234 0.17
  fileTransferErrors: 'urn:xmpp:jingle:apps:file-transfer:errors:0',
  s5b: 'urn:xmpp:jingle:transports:s5b:1', // XEP-0260
  jingleIbb: 'urn:xmpp:jingle:transports:ibb:1', // XEP-0261
  hashes2: 'urn:xmpp:hashes:2', // XEP-0300
  hashes1: 'urn:xmpp:hashes:1', // XEP-0300 0.3, for file-transfer:4
  fis: 'urn:xmpp:fis:0', // XEP-0329
  hints: 'urn:xmpp:hints', // XEP-0334
  jinglepub: 'urn:xmpp:jinglepub:1', // XEP-0358
  explicitEncryption: 'urn:xmpp:eme:0', // XEP-0380
  sasl2: 'urn:xmpp:sasl:2', // XEP-0388
  orderBy: 'urn:xmpp:order-by:1', // XEP-0413
  fileMetadata: 'urn:xmpp:file:metadata:0', // XEP-0446
  fileSharing: 'urn:xmpp:sfs:0', // XEP-0447
  pubsubFileSharing: 'urn:xmpp:pubsub-file-sharing:0', // XEP-0498
  find: 'urn:xmpp:tmp:file-discovery:0', // docs/protocol.md
  findStatistics: 'urn:xmpp:tmp:file-discovery:0#statistics', // the same, in XEP-0128
  findKept: 'urn:xmpp:tmp:file-discovery:0#kept', // the same, a feature: questions are kept
  shoal: 'urn:xmpp:tmp:shoal', // this program, in XEP-0115
} as const;
