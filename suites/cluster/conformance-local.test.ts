import { localShell } from "../../nemesis/host/shell.js";
import { probeHands } from "./host-hands.js";
import { createLocal } from "./local.js";
import { runConformance } from "./testing/conformance.js";

const found = await probeHands(localShell(), ["disk"]);
runConformance({
  name: "local",
  create: (options) => createLocal(options, "a test", { found }),
  // hands.test.ts shows more of the others, in less time.
  onlyDisks: true,
  // Its sockets end with its relay, which names no folder: local.test.ts looks for that.
  leftovers: async () => [],
});
