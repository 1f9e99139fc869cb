// Loads the compiled node/ of a build, ours or a mutant's, for the simulator.

import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { NodeBuild } from "./node-build.js";

/** `folder` holds node/ as compiled. Rejects where a module is missing or does not load. */
export async function loadNodeBuild(folder: string): Promise<NodeBuild> {
  const load = (path: string) =>
    import(pathToFileURL(join(resolve(folder), "node", path)).href) as Promise<Partial<NodeBuild>>;
  const modules = await Promise.all(
    [
      "core/datagram.js",
      "core/digest.js",
      "core/replica.js",
      "core/wire.js",
      "ledger/export-rows.js",
      "ledger/machine.js",
      "ledger/memory-store.js",
      "runtime/client-sessions.js",
      "runtime/counters.js",
      "runtime/keyring.js",
      "runtime/keys.js",
      "runtime/replica-assembly.js",
    ].map(load),
  );
  // The codec of a build: what the compiler checked of these files when it compiled them.
  return Object.assign({}, ...modules) as NodeBuild;
}
