// Where a replica's state lies while its power may be cut for real: on a file system of its own, in the
// runtime folder, with which it ends. What is left of it is brought to the run's folder.

import { cpSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { NodeName } from "../../nemesis/faults.js";
import { isReplicaName, nodeFiles } from "./layout.js";

export type OwnDisk = {
  /** Stands for the replica's folder. */
  folder: string;
  /** The file that is mounted there. */
  image: string;
};

export function ownDisk(runtimeFolder: string, replica: NodeName): OwnDisk {
  const folder = join(runtimeFolder, `data-${replica}`);
  return { folder, image: `${folder}.ext4` };
}

/** Hidden files are ours, and those of the library under the replica. */
export function collectOwnDisks(
  nodes: readonly NodeName[],
  { runtimeFolder, directory }: Record<"runtimeFolder" | "directory", string>,
): void {
  for (const replica of nodes.filter(isReplicaName)) {
    const { folder } = ownDisk(runtimeFolder, replica);
    if (!existsSync(folder)) continue;
    const there = nodeFiles(directory, replica).folder;
    for (const name of readdirSync(folder).filter((each) => !each.startsWith("."))) {
      cpSync(join(folder, name), join(there, name), { recursive: true });
    }
  }
}
