// The modelled disk of one node: where its state lies.

import { join } from "node:path";
import { DiskTool } from "../../nemesis/host/disk-tool.js";
import { programsIn } from "./disk-programs.js";
import type { NodeHost } from "./node-hand.js";

/** Its state outlives processes, and goes with the runtime folder. */
export function diskUnder(host: NodeHost): DiskTool {
  const { folder, runtimeFolder, shell, node, ownBuild } = host;
  return new DiskTool(shell, programsIn(ownBuild), {
    folder,
    state: join(runtimeFolder, `disk-${node}`),
  });
}
