// The keys and the cluster file of a run. Where nodes reach one another by different addresses (the
// relay), each gets a cluster file of its own; all else in it is the same.

import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import type { NodeName } from "../../nemesis/faults.js";
import { CLIENT_PRINCIPAL_MIN, type PrincipalId } from "../../node/core/messages.js";
import { generateKeys, type PublicKeys, type SecretKeys } from "../../node/runtime/keys.js";
import { clientNames, isReplicaName, nodeFiles, replicaNames } from "./layout.js";

export const CLUSTER_FILE_VERSION = 1;

/**
 * Bytes of the largest datagram. With IP and UDP headers it fits an Ethernet frame, so that no
 * datagram is fragmented: rules that match ports see all of it, and a loss loses one datagram.
 */
export const DATAGRAM_BYTES_MAX = 1_400;

export type Address = { host: string; port: number };
export type ClusterKeys = {
  cluster: string;
  nodes: readonly { name: NodeName; public: PublicKeys; secret: SecretKeys }[];
};

/** Replica i is principal i, client process j is 256 + j. Throws on any other name. */
export function principalOfName(node: NodeName): PrincipalId {
  const match = /^([rc])(\d+)$/.exec(node);
  if (match === null) throw new Error(`no node can be called ${node}`);
  return Number(match[2]) + (match[1] === "c" ? CLIENT_PRINCIPAL_MIN : 0);
}

/** Fresh keys and a fresh cluster id. */
export function makeKeys(replicas: number, clientProcesses: number): ClusterKeys {
  const names = [...replicaNames(replicas), ...clientNames(clientProcesses)];
  return {
    cluster: randomBytes(8).toString("hex"),
    nodes: names.map((name) => ({ name, ...generateKeys(principalOfName(name)) })),
  };
}

/** The cluster file's content, with the replicas at these addresses. */
export function clusterFile(
  keys: ClusterKeys,
  protocol: Readonly<Record<string, number>>,
  datagramBytesMax: number,
  addressOf: (replica: NodeName) => Address,
): object {
  const named = (name: NodeName, publicKeys: PublicKeys) => ({
    id: principalOfName(name),
    name,
    ...publicKeys,
  });
  return {
    version: CLUSTER_FILE_VERSION,
    cluster: keys.cluster,
    protocol,
    datagramBytesMax,
    replicas: keys.nodes
      .filter(({ name }) => isReplicaName(name))
      .map((node) => ({ ...named(node.name, node.public), ...addressOf(node.name) })),
    clients: keys.nodes
      .filter(({ name }) => !isReplicaName(name))
      .map((node) => named(node.name, node.public)),
  };
}

/** Writes each node's key file and cluster file into its folder. */
export function writeNodeFiles(
  directory: string,
  keys: ClusterKeys,
  fileFor: (node: NodeName) => object,
): void {
  for (const { name, secret } of keys.nodes) {
    const files = nodeFiles(directory, name);
    mkdirSync(files.folder, { recursive: true });
    writeFileSync(files.keyFile, `${JSON.stringify(secret, null, 2)}\n`, { mode: 0o600 });
    writeFileSync(files.clusterFile, `${JSON.stringify(fileFor(name), null, 2)}\n`);
  }
}
