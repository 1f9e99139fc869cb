import { createSim } from "./sim.js";
import { runConformance } from "./testing/conformance.js";

runConformance({
  name: "sim",
  create: createSim,
  leftovers: async () => [],
  killMechanism: "simulated",
});
