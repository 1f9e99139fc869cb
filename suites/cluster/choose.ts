// Which environment a run gets, and why: said in one line before anything else.

import { existsSync } from "node:fs";
import { release } from "node:os";
import type { FaultKind } from "../../nemesis/faults.js";
import { type Probe, probe } from "../../nemesis/host/probe.js";
import { localShell, must, ShellError } from "../../nemesis/host/shell.js";
import { UsageError } from "../usage-error.js";
import { vagrantInventory } from "../vagrant/hosts.js";
import { capabilitiesOf } from "./capabilities.js";
import { createDocker, type DockerFound, probeDocker } from "./docker.js";
import type { Environment, EnvironmentOptions } from "./environment.js";
import { ENVIRONMENT_NAMES, type EnvironmentName } from "./environment-name.js";
import { type HostFindings, probeHands } from "./host-hands.js";
import { readInventory } from "./inventory.js";
import { createLocal, localCapabilities } from "./local.js";
import { createNetns } from "./netns.js";
import { insideSandbox, type Sandbox } from "./sandbox.js";
import { createSim, SIM_CAPABILITIES } from "./sim.js";
import { createSsh, openHosts, type SshHosts } from "./ssh.js";
import { insideUml } from "./uml.js";
import type { UmlParts } from "./uml-init.js";
import { findUml } from "./uml-parts.js";

/**
 * The environment to use. For "netns" outside the sandbox, pass `sandbox` to `enterSandbox`, which
 * runs the program again; inside, the choice has been made and comes out the same.
 */
export type Choice = {
  name: EnvironmentName;
  /** One line for people: which environment, and why. */
  line: string;
  capabilities: ReadonlySet<FaultKind>;
  /** Gives up what was opened to choose, for example connections; after the last run. */
  close?: () => Promise<void>;
} & (
  | { name: "local"; reason: string; found: HostFindings }
  | { name: "netns"; sandbox: Sandbox; found: HostFindings }
  | { name: "sim" }
  | { name: "docker"; found: DockerFound }
  | { name: "ssh" | "vagrant"; hosts: SshHosts }
  | { name: "uml"; parts: UmlParts }
  /** Inside, where alone can be known what this kernel can do. */
  | { name: "uml"; sandbox: Sandbox; found: HostFindings }
);

export type EnvironmentWish = {
  /** Absent: the best that can run here. */
  requested?: string;
  /** Kinds of faults that it must honour. */
  needed?: readonly FaultKind[];
  /** The file that names the hosts of `ssh`. */
  inventory?: string;
};

/**
 * netns where it works and honours all of `needed`, else local. Throws UsageError where `requested`
 * is no environment, or cannot be had, or cannot do what is needed.
 */
export async function chooseEnvironment({
  requested,
  needed = [],
  inventory,
}: EnvironmentWish): Promise<Choice> {
  const inside = insideSandbox();
  if (inside !== undefined) return netnsChoice(inside, await probeHands(localShell(), needed));
  if (insideUml()) return umlChoiceInside(needed);
  if (inventory !== undefined && requested !== "ssh") {
    throw new UsageError("environment", "--inventory goes with --env ssh: pass both");
  }
  if (requested !== undefined && !ENVIRONMENT_NAMES.some((name) => name === requested)) {
    throw new UsageError(
      "environment",
      `no environment "${requested}": want ${ENVIRONMENT_NAMES.join(" or ")}`,
    );
  }
  if (requested === "sim") return simChoice();
  if (requested === "docker") return dockerChoice(needed);
  if (requested === "ssh") return hostsChoice("ssh", inventory, needed);
  if (requested === "vagrant") return hostsChoice("vagrant", vagrantInventory(), needed);
  if (requested === "uml") return umlChoiceOutside();
  const ofHost = await probeHands(localShell(), needed);
  if (requested === "local") return localChoice("as asked", ofHost);

  const found = await probe(localShell(), { isRoot: process.getuid?.() === 0 });
  const tied = await setprivFailure();
  const { sandbox, why } =
    tied === undefined
      ? sandboxFrom(found, requested === "netns" ? "as asked" : "it works here")
      : { sandbox: undefined, why: `namespaces cannot be tied to this process: ${tied}` };
  const choice = sandbox === undefined ? undefined : netnsChoice(sandbox, ofHost);
  const missing = needed.filter((kind) => choice?.capabilities.has(kind) === false);
  if (choice !== undefined && missing.length === 0) return choice;

  const reason =
    choice === undefined ? why : `netns cannot do ${missing.join(", ")} here${remedies(found)}`;
  if (requested === "netns") throw new UsageError("environment", `--env netns: ${reason}`);
  return localChoice(reason, ofHost);
}

/** The environment itself, not started. For netns, call inside the sandbox only. */
export function createEnvironment(choice: Choice, options: EnvironmentOptions): Environment {
  switch (choice.name) {
    case "local":
      return createLocal(options, choice.reason, { found: choice.found });
    case "netns":
      return createNetns(options, choice.sandbox, { found: choice.found });
    case "uml":
      if (!("sandbox" in choice)) throw new Error("uml: boot it first");
      return createNetns(options, choice.sandbox, { found: choice.found });
    case "sim":
      return createSim(options);
    case "docker":
      return createDocker(options, choice.found, "as asked");
    case "ssh":
    case "vagrant":
      return createSsh(options, choice.hosts, { name: choice.name, reason: "as asked" });
    default:
      return choice satisfies never;
  }
}

function simChoice(): Choice {
  return {
    name: "sim",
    line: "environment sim: replicas in one thread, in virtual time (as asked)",
    capabilities: SIM_CAPABILITIES,
  };
}

async function umlChoiceOutside(): Promise<Choice> {
  const parts = await findUml();
  if (!("kernel" in parts)) {
    const remedy = parts.remedy === undefined ? "" : `; to enable: ${parts.remedy}`;
    throw new UsageError("environment", `--env uml: ${parts.reason}${remedy}`);
  }
  const line = `environment uml: booting ${parts.kernel}`;
  // What works in there is found out in there.
  return { name: "uml", line, capabilities: new Set(), parts };
}

/** What was asked for is checked in here: outside nobody could know what this kernel can do. */
async function umlChoiceInside(needed: readonly FaultKind[]): Promise<Choice> {
  const found = await probe(localShell(), { isRoot: true });
  const { sandbox, why } = sandboxFrom(found, "as asked");
  if (sandbox === undefined) throw new UsageError("environment", `--env uml: ${why}`);
  const ofHost = await probeHands(localShell(), needed);
  const delay = sandbox.mechanism ?? "nothing";
  return {
    name: "uml",
    line: `environment uml: network namespaces in User-Mode Linux ${release()}, iptables-${sandbox.backend}, delay by ${delay} (as asked)`,
    capabilities: capabilitiesOf(sandbox, ofHost),
    sandbox: { ...sandbox, kernel: "uml" },
    found: ofHost,
  };
}

async function dockerChoice(needed: readonly FaultKind[]): Promise<Choice> {
  const found = await probeDocker(needed);
  const { capabilities } = found;
  return {
    name: "docker",
    line: `environment docker: ${found.line} (as asked)`,
    capabilities,
    found,
  };
}

async function hostsChoice(
  name: "ssh" | "vagrant",
  inventory: string | undefined,
  needed: readonly FaultKind[],
): Promise<Choice> {
  if (inventory === undefined) {
    throw new UsageError("environment", "--env ssh wants hosts: pass --inventory <file>");
  }
  if (name === "vagrant" && !existsSync(inventory)) {
    throw new UsageError("environment", "--env vagrant: no hosts are up: run ordeal vagrant up");
  }
  const hosts = await openHosts(readInventory(inventory), needed);
  return {
    name,
    line: `environment ${name}: ${hosts.line} (as asked)`,
    capabilities: hosts.capabilities,
    close: () => hosts.close(),
    hosts,
  };
}

function localChoice(reason: string, found: HostFindings): Choice {
  return {
    name: "local",
    line: `environment local: processes behind a UDP relay (${reason})`,
    capabilities: localCapabilities(found),
    reason,
    found,
  };
}

function netnsChoice(sandbox: Sandbox, found: HostFindings): Choice {
  const { mode, backend, mechanism, reason } = sandbox;
  const delay = mechanism === undefined ? "no delay" : `delay by ${mechanism}`;
  return {
    name: "netns",
    line: `environment netns: network namespaces (${mode}), iptables-${backend}, ${delay} (${reason})`,
    capabilities: capabilitiesOf(sandbox, found),
    sandbox,
    found,
  };
}

/** What a runner inside must know; undefined where namespaces cannot be used, and why. */
export function sandboxFrom(found: Probe, reason: string): { sandbox?: Sandbox; why: string } {
  const { mode, findings: _, unshare: __, reason: ___, ...means } = found;
  const { backend } = means;
  if (mode === undefined || backend === undefined) {
    return { why: `${found.reason}${remedies(found)}` };
  }
  return { sandbox: { ...means, mode, backend, reason }, why: reason };
}

/** Why setpriv cannot have the sandbox end with us; without that a killed run would leave it. */
async function setprivFailure(): Promise<string | undefined> {
  try {
    await must(localShell(), ["setpriv", "--pdeathsig", "KILL", "true"]);
    return undefined;
  } catch (error) {
    if (error instanceof ShellError) return error.message;
    throw error;
  }
}

function remedies({ findings }: Probe): string {
  const known = findings.flatMap(({ works, remedy }) =>
    works || remedy === undefined ? [] : [remedy],
  );
  const first = known[0];
  return first === undefined ? "" : `; to enable: ${first}`;
}
