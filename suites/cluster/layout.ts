// Where things lie in a run's folder. What the checkers and the report read is named here, once.

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { NodeName } from "../../nemesis/faults.js";

export type NodeFiles = {
  /**
   * The node's own folder; a replica's data (protocol.log, ledger.sqlite) lies directly in it, or comes
   * there after the run.
   */
  folder: string;
  /** The cluster as this node reaches it. */
  clusterFile: string;
  keyFile: string;
  /** A replica's structured log, JSON lines; it goes on over restarts. */
  log: string;
  stderr: string;
  /** What a replica heard others sign: node/runtime/journal.ts. */
  journal: string;
  /** One JSON line for each end of a process of this node. */
  exits: string;
};

/** Files of "r0" in `replicas/r0`, of "c0" in `clients/c0`. */
export function nodeFiles(directory: string, node: NodeName): NodeFiles {
  const folder = join(directory, isReplicaName(node) ? "replicas" : "clients", node);
  return {
    folder,
    clusterFile: join(folder, "cluster.json"),
    keyFile: join(folder, "key.json"),
    log: join(folder, "log.jsonl"),
    stderr: join(folder, "stderr.txt"),
    journal: join(folder, "statements.jsonl"),
    exits: join(folder, "exits.jsonl"),
  };
}

/** The folder of the compiled files of which this is one. */
export const OWN_BUILD = resolve(fileURLToPath(new URL("../../", import.meta.url)));

/** Main files of a build: another build's are run to test the tests. */
export function mainFiles(build: string): { replica: string; client: string } {
  return {
    replica: join(build, "node", "runtime", "main.js"),
    client: join(build, "node", "runtime", "client-main.js"),
  };
}

export function isReplicaName(node: NodeName): boolean {
  return node.startsWith("r");
}

export function replicaNames(count: number): readonly NodeName[] {
  return Array.from({ length: count }, (_, index) => `r${index}`);
}

export function clientNames(count: number): readonly NodeName[] {
  return Array.from({ length: count }, (_, index) => `c${index}`);
}
