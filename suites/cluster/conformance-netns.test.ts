import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import { localShell } from "../../nemesis/host/shell.js";
import { UsageError } from "../usage-error.js";
import { chooseEnvironment } from "./choose.js";
import { probeHands } from "./host-hands.js";
import { createNetns } from "./netns.js";
import { enterSandbox, insideSandbox } from "./sandbox.js";
import { runConformance } from "./testing/conformance.js";
import { namesAndDevices } from "./testing/leftovers.js";

const inside = insideSandbox();
if (inside !== undefined) {
  const found = await probeHands(localShell(), []);
  runConformance({
    name: `netns (${inside.mode})`,
    create: (options) => createNetns(options, inside, { found }),
    // hands.test.ts shows more of the others, in less time.
    ...(process.env["ORDEAL_CONFORMANCE"] === "all" ? {} : { onlyDisks: true }),
    leftovers: namesAndDevices,
  });
} else {
  await outside();
}

/** Runs this file again where the environment works; the cases and their totals are printed there. */
async function outside(): Promise<void> {
  const choice = await chooseEnvironment({ requested: "netns" }).catch((error: unknown) => {
    if (!(error instanceof UsageError)) throw error;
    console.log(`skipped: conformance of netns: ${error.message}`);
    const test = suite("conformance of netns");
    test.skip("conformance of netns", () => undefined);
    test.run();
    return undefined;
  });
  if (choice?.name === "netns") {
    process.exitCode = await enterSandbox([fileURLToPath(import.meta.url)], choice.sandbox);
  }
}
