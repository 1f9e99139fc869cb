// The conformance suite on hosts reached by ssh; sshd in namespaces stands in for them. Longer than what
// `npm test` may take, so it is run by itself.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../usage-error.js";
import { chooseEnvironment } from "../choose.js";
import { waitUntil } from "../deadline.js";
import type { EnvironmentOptions } from "../environment.js";
import { readInventory } from "../inventory.js";
import { enterSandbox, insideSandbox } from "../sandbox.js";
import { createSsh, openHosts } from "../ssh.js";
import { runConformance } from "./conformance.js";
import { environmentOptions } from "./conformance-bench.js";
import { labFailure, openSshLab, type SshLab } from "./ssh-lab.js";

const HOSTS = ["n0", "n1", "n2", "n3", "k0", "k1"];
const DEADLINE_MS = 60_000;

if (insideSandbox() === undefined) {
  await outside();
} else {
  const lab = await openSshLab(4, 2);
  await killRunners(lab);
  const hosts = await openHosts(readInventory(lab.inventory));
  runConformance({
    name: "ssh",
    create: (options) => createSsh(options, hosts, { name: "ssh", reason: "a test" }),
    leftovers: async () => {
      await hosts.close();
      const left = await leftOnHosts(lab);
      await lab.close();
      return left;
    },
  });
}

/**
 * Runs of their own, killed while they have faults on every host: they leave nothing there but the build,
 * which is shipped once. Also shows that leftOn sees what is there.
 */
async function killRunners(lab: SshLab): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "ordeal-test-"));
  for (let round = 0; round < 2; round++) {
    const runner = join(directory, `runner${round}.mjs`);
    writeFileSync(runner, runnerSource(lab, environmentOptions(join(directory, `run${round}`))));
    const child = spawn(process.execPath, [runner], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    const there = await leftOnHosts(lab);
    for (const host of HOSTS) {
      for (const sign of ["-j DROP", "qdisc htb 1: root", "agent-main", "cache/ordeal/runs"]) {
        const found = there.some((line) => line.startsWith(`${host}: `) && line.includes(sign));
        assert.ok(found, `${host} shows ${sign} while the run is on`);
      }
    }
    child.kill("SIGKILL");
    const gone = async () => (await leftOnHosts(lab)).length === 0;
    assert.ok(await waitUntil(gone, DEADLINE_MS), (await leftOnHosts(lab)).join("\n"));
    const builds = await lab.enter("n0", ["sh", "-c", "ls -d /root/.cache/ordeal/builds/*"]);
    assert.equal(builds.trim().split("\n").length, 1);
  }
  rmSync(directory, { recursive: true });
  console.log("killed runners left nothing on their hosts");
}

function runnerSource(lab: SshLab, options: EnvironmentOptions): string {
  const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  return `
    import { createSsh, openHosts } from ${url("../ssh.js")};
    import { readInventory } from ${url("../inventory.js")};
    const hosts = await openHosts(readInventory(${JSON.stringify(lab.inventory)}));
    const environment = createSsh(${JSON.stringify(options)}, hosts, { name: "ssh", reason: "a test" });
    await environment.start();
    const nodes = [...environment.replicas, ...environment.clients];
    const links = nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => ({ from, to })));
    const target = { kind: "none" };
    const delay = { delayMs: 5, jitterMs: 0 };
    await environment.apply({ id: "f1", intent: { kind: "delay", ...delay, target }, nodes: [],
      links: links.map((link) => ({ ...link, delay })) });
    await environment.apply({ id: "f2", intent: { kind: "loss", percent: 1, target }, nodes: [],
      links: links.map((link) => ({ ...link, lossPercent: 1 })) });
    console.log("up");
    setInterval(() => {}, 1000);`;
}

async function leftOnHosts(lab: SshLab): Promise<readonly string[]> {
  return (await Promise.all(HOSTS.map((host) => leftOn(lab, host)))).flat();
}

/** Rules, traffic control, processes, folders and routes on a host that are not its own. */
async function leftOn(lab: SshLab, host: string): Promise<readonly string[]> {
  const script = `
    iptables-legacy-save | grep ORDEAL; iptables-nft-save | grep ORDEAL
    tc qdisc show dev eth0 | grep -v noqueue
    ip route show 169.254.77.77; ip neigh show nud permanent | grep 169.254
    ps -eo args | grep -E 'agent-main|node/runtime' | grep -v grep
    ls -d /tmp/ordeal-[0-9a-f]* /root/.cache/ordeal/runs/* 2>/dev/null | grep -v '^/tmp/ordeal-0$'
    ls /tmp/ordeal-0 2>/dev/null
    exit 0`;
  const said = await lab.enter(host, ["sh", "-c", script]);
  return said.split("\n").flatMap((line) => (line === "" ? [] : [`${host}: ${line}`]));
}

/** Runs this file again where there can be a lab. */
async function outside(): Promise<void> {
  const failure = labFailure();
  const choice = await chooseEnvironment({ requested: "netns" }).catch((error: unknown) => {
    if (error instanceof UsageError) return { name: "none", line: error.message } as const;
    throw error;
  });
  if (failure !== undefined || choice.name !== "netns") {
    console.log(`skipped: conformance of ssh: ${failure ?? choice.line}`);
    return;
  }
  process.exitCode = await enterSandbox([fileURLToPath(import.meta.url)], choice.sandbox);
}
