// The conformance suite on a User-Mode Linux. It takes minutes, and so stands beside the other tests:
//   node dist/suites/cluster/testing/conformance-uml-main.js

import { fileURLToPath } from "node:url";
import { slowedProtocol, slownessOf } from "../../slowness.js";
import { UsageError } from "../../usage-error.js";
import { chooseEnvironment } from "../choose.js";
import { createNetns } from "../netns.js";
import { enterUml } from "../uml.js";
import { runConformance } from "./conformance.js";
import { namesAndDevices } from "./leftovers.js";

try {
  const choice = await chooseEnvironment({ requested: "uml" });
  if (choice.name === "uml" && "parts" in choice) {
    process.exitCode = await enterUml([fileURLToPath(import.meta.url)], choice.parts);
  } else if (choice.name === "uml") {
    const { sandbox } = choice;
    runConformance({
      name: "uml",
      create: (options) => {
        const protocol = slowedProtocol(options.protocol, slownessOf("uml"));
        return createNetns({ ...options, protocol }, sandbox);
      },
      leftovers: namesAndDevices,
    });
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.log(`skipped: conformance of uml: ${error.message}`);
}
