// The modelled disk of one node: where its state lies.

import { join } from "node:path";
import { type DiskPrograms, DiskTool } from "../../nemesis/host/disk-tool.js";
import type { NodeHost } from "./node-hand.js";

/** Its state outlives processes, and goes with the runtime folder. */
export function diskUnder(host: NodeHost, programs: DiskPrograms): DiskTool {
  const { folder, runtimeFolder, shell, node } = host;
  return new DiskTool(shell, programs, { folder, state: join(runtimeFolder, `disk-${node}`) });
}
