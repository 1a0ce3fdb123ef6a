/** What goes out of a node: the server of files with its bounds, what watches it, and the transports that carry it. */
import type { AccessPolicy } from '../access/access-policy.js';
import type { Clock } from '../clock.js';
import type { NodeConfig } from '../config/options.js';
import type { Entity } from '../entity/entity.js';
import type { WatchedFiles } from '../extensions/transfer-watch.js';
import type { Log } from '../log.js';
import type { Library } from '../scan/library.js';
import { type BareJid, domainOf } from '../stanza/jid.js';
import { BandwidthGovernor } from '../transfer/send/bandwidth-governor.js';
import { FileServer } from '../transfer/send/file-server.js';
import type { Connector } from '../transport/tcp-connector.js';
import { serverHostOf } from './node-entity.js';
import type { NodeExtensions } from './node-extensions.js';
import type { GuardedSessions, NodeGuard } from './node-guard.js';
import { SentFiles } from './sent-files.js';
import { TransferStack } from './transfer-stack.js';

export interface NodeUploadsComponents {
  readonly entity: Entity;
  readonly clock: Clock;
  readonly log: Log;
  readonly access: AccessPolicy;
  readonly library: Library;
  readonly guard: NodeGuard;
  readonly extensions?: NodeExtensions;
  /** How candidates of peers are reached. Default: by TCP. */
  readonly connector?: Connector;
}

export interface NodeUploads {
  readonly sent: SentFiles;
  /** The same or, where there are extensions, with them in front of it. */
  readonly files: SentFiles | WatchedFiles;
  readonly transfers: TransferStack;
  /** What of its bounds can be other while it runs; holds at once. */
  setLimits(config: NodeConfig): void;
  /** Also what goes out without a session, over HTTP. */
  readonly sessions: GuardedSessions;
}

export function uploadsOf(components: NodeUploadsComponents, config: NodeConfig): NodeUploads {
  const { entity, clock, log, access, library, guard, extensions, connector } = components;
  const { limits, bandwidth } = config;
  const governor = new BandwidthGovernor({ clock }, bandwidth);
  const server = new FileServer(
    {
      ...{ access, clock, log },
      catalogue: library.catalogue,
      files: { open: (entry) => library.openFile(entry) },
      budget: guard.fileRequests,
      refusals: guard.doorkeeper,
      linkRefusals: guard.refusals,
      governor,
    },
    {
      ...uploadLimitsOf(config),
      refusesEarly: extensions === undefined, // one may keep back what is here
    },
  );
  const sent = new SentFiles({ files: server, clock });
  const files = extensions?.files(sent) ?? sent;
  const transfers = new TransferStack(
    { entity, clock, log, ...(connector && { connector }) },
    {
      serverHost: serverHostOf(config.xmpp),
      ...transferOptions(config.transfers),
      ...sessionLimitsOf(config),
      idleMs: limits.sessionIdleMs,
      maxCandidates: limits.candidates,
      candidateTimeoutMs: limits.candidateTimeoutMs,
      maxHandshakes: limits.socksConnections,
      failedConnects: {
        failuresPerAddressPerMinute: limits.failedConnectsPerAddressPerMinute,
        failuresPerPeerPerMinute: limits.failedConnectsPerPeerPerMinute,
        failuresPerMinute: limits.failedConnectsPerMinute,
      },
      ibbBlockBytes: limits.ibbBlockBytes,
      ibbWindow: limits.ibbWindow,
      onFileRequest: files.handle,
    },
  );
  const { jingle } = transfers;
  const sessions: GuardedSessions = {
    isInSession: (peer) => jingle.isInSession(peer),
    dismiss: (isMeant) => {
      jingle.dismiss(isMeant);
      server.dismiss(isMeant);
    },
  };
  return {
    ...{ sent, files, transfers, sessions },
    setLimits: (now) => {
      server.setLimits(uploadLimitsOf(now));
      governor.setPlan(now.bandwidth);
      transfers.jingle.setLimits(sessionLimitsOf(now));
    },
  };
}

function uploadLimitsOf({ limits, transfers: { friends } }: NodeConfig) {
  return {
    maxUploads: limits.uploads,
    maxUploadsPerPeer: limits.uploadsPerPeer,
    isFriend: (peer: BareJid) => friends.some((each) => each === peer || each === domainOf(peer)),
    leastBytesPerSecond: limits.leastUploadBytesPerSecond,
  };
}

function sessionLimitsOf({ limits }: NodeConfig) {
  return {
    maxSessions: limits.sessions,
    maxSessionsPerPeer: limits.sessionsPerPeer,
    maxSessionsPerDomain: limits.sessionsPerDomain,
  };
}

/** Where peers reach us, and where we go at their word. */
function transferOptions(transfers: NodeConfig['transfers']) {
  const { listenHost, lastListenPort, externalPort, gateway } = transfers;
  return {
    listenPort: transfers.listenPort,
    ...(lastListenPort !== undefined && { lastListenPort }),
    ...(listenHost !== undefined && { listenHost }),
    externalHosts: transfers.externalHosts,
    ...(externalPort !== undefined && { externalPort }),
    ...(transfers.mapPort && { mapPort: { ...(gateway !== undefined && { gateway }) } }),
    proxies: transfers.proxies,
    findProxies: transfers.findProxies || transfers.proxies.length > 0 ? 'at-once' : 'never',
    connectToPrivate: transfers.connectToPrivate,
    trustedPeers: transfers.trustedPeers,
  } as const;
}
