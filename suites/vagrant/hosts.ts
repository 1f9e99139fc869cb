// The hosts that Vagrant keeps for us: brought up from vagrant/Vagrantfile, named in an inventory that
// `--env vagrant` reads, destroyed again. They outlive runs, as a cluster of machines does.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { localShell, must } from "../../nemesis/host/shell.js";
import { dockerVersion } from "../cluster/docker-client.js";
import { type Host, parseInventory } from "../cluster/inventory.js";
import { UsageError } from "../usage-error.js";
import { hostImage } from "./host-image.js";

/** The folder with the Vagrantfile. */
const FOLDER = fileURLToPath(new URL("../../../vagrant", import.meta.url));
/** What we remember lies beside what Vagrant does. Source: Vagrant's page "Environmental Variables" */
const state = () => join(process.env["VAGRANT_DOTFILE_PATH"] ?? join(FOLDER, ".vagrant"), "ordeal");
const keyFile = () => join(state(), "key");
const planFile = () => join(state(), "plan.json");
/** The inventory of the hosts that are up. */
export const vagrantInventory = () => join(state(), "inventory.json");

const NETWORK = "10.218.0";
/** The number of the first host in it, as in the Vagrantfile. */
const FIRST = 11;
/** Boxes are fetched, machines boot and are provisioned. */
const UP_MS_MAX = 1_800_000;

export type VagrantPlan = { provider: string; replicas: number; clients: number };

/** Brings them up, or those that are missing; resolves to the hosts. Throws UsageError. */
export async function vagrantUp(
  plan: VagrantPlan,
  onLine: (line: string) => void,
): Promise<readonly Host[]> {
  await vagrant(["--version"], {}, () => undefined);
  mkdirSync(state(), { recursive: true, mode: 0o700 });
  const variables = await variablesOf(plan);
  writeFileSync(planFile(), `${JSON.stringify({ plan, variables })}\n`);
  await vagrant(["up", "--provider", plan.provider], variables, onLine);
  const config = await vagrant(["ssh-config"], variables, () => undefined);
  const listen = (name: string) => listenOf(name, plan);
  const hosts = parseInventory(config, "vagrant ssh-config", listen).map((host) => ({
    ...host,
    sudo: host.user !== "root",
  }));
  writeFileSync(vagrantInventory(), `${JSON.stringify({ hosts }, null, 2)}\n`);
  return hosts;
}

/** What Vagrant says of each: `name state` lines. */
export async function vagrantStatus(): Promise<readonly string[]> {
  const said = await vagrant(["status", "--machine-readable"], remembered(), () => undefined);
  return said.split("\n").flatMap((line) => {
    const [, name = "", key, state] = line.split(",");
    return key === "state" ? [`${name} ${state}`] : [];
  });
}

export async function vagrantDestroy(onLine: (line: string) => void): Promise<void> {
  await vagrant(["destroy", "-f"], remembered(), onLine);
  rmSync(state(), { recursive: true, force: true });
}

type Variables = Readonly<Record<string, string>>;

async function variablesOf({ provider, replicas, clients }: VagrantPlan): Promise<Variables> {
  const sizes = {
    ORDEAL_REPLICAS: String(replicas),
    ORDEAL_CLIENTS: String(clients),
    ORDEAL_NETWORK: NETWORK,
  };
  if (provider !== "docker") return sizes;
  await dockerVersion();
  if (!existsSync(keyFile())) {
    await must(localShell(), ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keyFile()]);
  }
  const image = await hostImage(readFileSync(`${keyFile()}.pub`, "utf8"));
  return { ...sizes, ORDEAL_IMAGE: image, ORDEAL_KEY: keyFile() };
}

/** Of the last `up`; the Vagrantfile must say the same again. */
function remembered(): Variables {
  if (!existsSync(planFile())) {
    throw new UsageError("vagrant", "no hosts were brought up here: ordeal vagrant up");
  }
  const { variables }: { variables: Variables } = JSON.parse(readFileSync(planFile(), "utf8"));
  return variables;
}

function listenOf(name: string, { replicas }: VagrantPlan): string {
  const index = Number(name.slice(1)) + (name.startsWith("c") ? replicas : 0);
  return `${NETWORK}.${FIRST + index}`;
}

/** Resolves to its stdout; throws UsageError with its last words. */
async function vagrant(
  argv: readonly string[],
  variables: Variables,
  onLine: (line: string) => void,
): Promise<string> {
  const running = execa("vagrant", argv, {
    cwd: resolve(FOLDER),
    env: { ...variables, VAGRANT_CHECKPOINT_DISABLE: "1", VAGRANT_NO_COLOR: "1" },
    reject: false,
    stdin: "ignore",
    timeout: UP_MS_MAX,
    all: true,
  });
  for await (const line of running.iterable({ from: "all" })) onLine(line);
  const { exitCode, stdout, stderr, code } = await running;
  if (exitCode === 0) return stdout;
  if (code === "ENOENT") {
    throw new UsageError("vagrant", "no vagrant here: apt-get install vagrant");
  }
  const words = `${stdout}\n${stderr}`.trim().split("\n").slice(-3).join(" ");
  throw new UsageError("vagrant", `vagrant ${argv[0]}: ${words}`);
}
