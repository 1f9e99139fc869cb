// The keys and the cluster file of a run. Where nodes reach one another by different addresses (the
// relay), each gets a cluster file of its own; all else in it is the same.

import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import type { NodeName } from "../../nemesis/faults.js";
import { CLIENT_PRINCIPAL_MIN, type PrincipalId } from "../../node/core/messages.js";
import { type ClusterFile, createCluster } from "../../node/runtime/cluster-file.js";
import type { SecretKeys } from "../../node/runtime/keys.js";
import { clientNames, nodeFiles, replicaNames } from "./layout.js";

/**
 * A datagram that fits an Ethernet frame with its IP and UDP headers is never fragmented: rules that
 * match ports see all of it, and a loss loses one datagram.
 */
export const DATAGRAM_BYTES_MAX_ETHERNET = 1_400;

export type Address = { host: string; port: number };
export type Cluster = { file: ClusterFile; secrets: ReadonlyMap<NodeName, SecretKeys> };

/** Replica i is principal i, client process j is 256 + j. Throws on any other name. */
export function principalOfName(node: NodeName): PrincipalId {
  const match = /^([rc])(\d+)$/.exec(node);
  if (match === null) throw new Error(`no node can be called ${node}`);
  return Number(match[2]) + (match[1] === "c" ? CLIENT_PRINCIPAL_MIN : 0);
}

/** A cluster with fresh keys and a fresh id; `addressOf` says what each replica binds. */
export function makeCluster(plan: {
  replicas: number;
  clientProcesses: number;
  protocol: Readonly<Record<string, number>>;
  datagramBytesMax: number;
  addressOf: (replica: NodeName) => Address;
}): Cluster {
  return createCluster({
    cluster: randomBytes(8).toString("hex"),
    protocol: plan.protocol,
    datagramBytesMax: plan.datagramBytesMax,
    replicas: replicaNames(plan.replicas).map((name) => ({ name, ...plan.addressOf(name) })),
    clients: clientNames(plan.clientProcesses).map((name) => ({ name })),
  });
}

/** Writes each node's key file, and its cluster file with the replicas where that node sees them. */
export function writeNodeFiles(
  directory: string,
  { file, secrets }: Cluster,
  addressOf: (node: NodeName, replica: NodeName) => Address,
): void {
  for (const [node, secret] of secrets) {
    const files = nodeFiles(directory, node);
    const replicas = file.replicas.map((entry) => ({ ...entry, ...addressOf(node, entry.name) }));
    mkdirSync(files.folder, { recursive: true });
    writeFileSync(files.keyFile, jsonText(secret), { mode: 0o600 });
    writeFileSync(files.clusterFile, jsonText({ ...file, replicas }));
  }
}

export function jsonText(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
