// A client process's socket, keys and clock, with its sessions behind them.

import { randomBytes } from "node:crypto";
import { isIPv6 } from "node:net";
import { createLinks } from "../core/datagram.js";
import { CLIENT_PRINCIPAL_MIN, type PrincipalId } from "../core/messages.js";
import { type ClientAnswer, type ClientCall, monotonicNs } from "./client-call.js";
import { ClientSessions } from "./client-sessions.js";
import { type ClusterFile, checkKeys, principalsOf, protocolConfigOf } from "./cluster-file.js";
import { Counters } from "./counters.js";
import { createKeyring } from "./keyring.js";
import type { SecretKeys } from "./keys.js";
import { OrdealError } from "./ordeal-error.js";
import { systemClock } from "./timers.js";
import { type Address, openTransport } from "./transport.js";

export type ClientOptions = {
  cluster: ClusterFile;
  key: SecretKeys;
  /** Default: any port on all addresses. */
  listen?: Address;
  /**
   * Timestamps start above this. Default: the wall clock in µs, which is above all that an earlier
   * process used, as long as the clock was not set back and no session made a million requests a
   * second.
   */
  timestamp?: number;
};

export interface Client {
  readonly principal: PrincipalId;
  /** Never rejects: what goes wrong is in the answer. */
  call(call: ClientCall): Promise<ClientAnswer>;
  /** Ends what is outstanding as info and closes the socket. */
  close(): Promise<void>;
}

/** Throws OrdealError for keys that are no client's of this cluster, or where the socket fails. */
export async function openClient(options: ClientOptions): Promise<Client> {
  const { cluster, key } = options;
  checkKeys(cluster, key);
  if (key.principal < CLIENT_PRINCIPAL_MIN) {
    throw new OrdealError("key-file", `key file: principal ${key.principal} is a replica`);
  }
  const principals = principalsOf(cluster);
  const keyring = createKeyring({ cluster: cluster.cluster, secret: key, principals });
  const transport = await openTransport({
    links: createLinks({
      cluster: cluster.cluster,
      keyring,
      datagramBytesMax: cluster.datagramBytesMax,
      datagramMessagesMax: protocolConfigOf(cluster).datagramMessagesMax,
      epoch: randomBytes(4).readUInt32BE(),
    }),
    listen: options.listen ?? { host: anyAddressLike(cluster), port: 0 },
    replicas: new Map(cluster.replicas.map((replica) => [replica.id, replica])),
    counters: new Counters(),
  });
  const sessions = new ClientSessions({
    cluster: cluster.cluster,
    n: cluster.replicas.length,
    keyring,
    transport,
    clock: systemClock,
    monotonicNs,
    timestamp: options.timestamp ?? Date.now() * 1_000,
  });
  let closed: Promise<void> | undefined;
  return {
    principal: sessions.principal,
    call: (call) => new Promise((answer) => sessions.call(call, answer)),
    close() {
      sessions.close();
      closed ??= transport.close();
      return closed;
    },
  };
}

function anyAddressLike(cluster: ClusterFile): string {
  return isIPv6(cluster.replicas[0]?.host ?? "") ? "::" : "0.0.0.0";
}
