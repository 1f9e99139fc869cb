// Runs a command beside hosts that can be reached by ssh: `{inventory}` in it stands for their inventory.
//
//   ssh-lab-main [--hosts 4+2] ./ordeal run smoke --env ssh --inventory {inventory}

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../usage-error.js";
import { chooseEnvironment } from "../choose.js";
import { REGISTRY_VARIABLE } from "../registry.js";
import { enterSandbox, insideSandbox, SANDBOX_VARIABLE } from "../sandbox.js";
import { labFailure, openSshLab } from "./ssh-lab.js";

const EXIT_USAGE = 254;
const EXIT_CRASH = 255;

const words = process.argv.slice(2);
const [, replicas = "4", clients = "2"] =
  words[0] === "--hosts" ? (/^(\d+)\+(\d+)$/.exec(words[1] ?? "") ?? []) : [];
const command = words[0] === "--hosts" ? words.slice(2) : words;

if (insideSandbox() === undefined) {
  process.exitCode = await outside();
} else {
  const lab = await openSshLab(Number(replicas), Number(clients));
  process.exitCode = await run(command.map((word) => word.replace("{inventory}", lab.inventory)));
  await lab.close();
}

async function outside(): Promise<number> {
  const failure = labFailure();
  if (failure !== undefined) {
    console.error(`ssh lab: ${failure}`);
    return EXIT_USAGE;
  }
  try {
    const choice = await chooseEnvironment({ requested: "netns" });
    if (choice.name !== "netns") throw new UsageError("environment", choice.line);
    return await enterSandbox([fileURLToPath(import.meta.url), ...words], choice.sandbox);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`ssh lab: ${error.message}`);
    return EXIT_USAGE;
  }
}

/** Resolves to its exit code. It is told nothing of the sandbox: its hosts are somewhere else. */
function run([file = "true", ...args]: readonly string[]): Promise<number> {
  const { [SANDBOX_VARIABLE]: _, [REGISTRY_VARIABLE]: __, ...env } = process.env;
  const child = spawn(file, args, { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => child.kill(signal));
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? EXIT_CRASH));
  });
}
