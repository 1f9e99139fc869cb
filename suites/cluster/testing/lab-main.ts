// Runs a command beside hosts that can be reached by ssh (`{inventory}` in it stands for their inventory),
// or beside a docker daemon. All of it ends with the command.
//
//   lab-main ssh [--hosts 4+2] ./ordeal run smoke --env ssh --inventory {inventory}
//   lab-main docker ./ordeal run smoke --env docker

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../usage-error.js";
import { chooseEnvironment } from "../choose.js";
import { REGISTRY_VARIABLE } from "../registry.js";
import { enterSandbox, insideSandbox, SANDBOX_VARIABLE } from "../sandbox.js";
import { dockerLabFailure, openDockerLab } from "./docker-lab.js";
import { labFailure, openSshLab } from "./ssh-lab.js";

const EXIT_USAGE = 254;
const EXIT_CRASH = 255;

const [kind = "", ...words] = process.argv.slice(2);

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`lab: ${error.message}`);
  process.exitCode = EXIT_USAGE;
}

async function main(): Promise<number> {
  if (kind !== "ssh" && kind !== "docker") {
    throw new UsageError("lab", `want ssh or docker and a command, found "${kind}"`);
  }
  const failure = kind === "ssh" ? labFailure() : dockerLabFailure();
  if (failure !== undefined) throw new UsageError("lab", failure);
  if (insideSandbox() !== undefined) return kind === "ssh" ? besideHosts() : besideDocker();
  const choice = await chooseEnvironment({ requested: "netns" });
  if (choice.name !== "netns") throw new UsageError("lab", choice.line);
  return enterSandbox([fileURLToPath(import.meta.url), kind, ...words], choice.sandbox);
}

async function besideHosts(): Promise<number> {
  const sized = words[0] === "--hosts";
  const [, replicas = "4", clients = "2"] = /^(\d+)\+(\d+)$/.exec(words[1] ?? "") ?? [];
  const lab = await openSshLab(sized ? Number(replicas) : 4, sized ? Number(clients) : 2);
  const command = sized ? words.slice(2) : words;
  const code = await run(command.map((word) => word.replace("{inventory}", lab.inventory)));
  await lab.close();
  return code;
}

async function besideDocker(): Promise<number> {
  const close = await openDockerLab();
  const code = await run(words);
  await close();
  return code;
}

/** Resolves to its exit code. It is told nothing of the sandbox: its nodes are somewhere else. */
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
