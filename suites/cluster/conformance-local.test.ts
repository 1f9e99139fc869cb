import { createLocal } from "./local.js";
import { runConformance } from "./testing/conformance.js";

runConformance({
  name: "local",
  create: (options) => createLocal(options, "a test"),
  // Its sockets end with its relay, which names no folder: local.test.ts looks for that.
  leftovers: async () => [],
});
