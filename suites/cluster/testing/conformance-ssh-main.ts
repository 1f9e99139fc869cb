// The conformance suite on hosts reached by ssh; sshd in namespaces stands in for them. Longer than what
// `npm test` may take, so it is run by itself.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { waitUntil } from "../deadline.js";
import type { EnvironmentOptions } from "../environment.js";
import { readInventory } from "../inventory.js";
import { createSsh, openHosts } from "../ssh.js";
import { runConformance } from "./conformance.js";
import { environmentOptions } from "./conformance-bench.js";
import { inLab } from "./conformance-lab.js";
import { leftOn } from "./leftovers.js";
import { labFailure, openSshLab, type SshLab } from "./ssh-lab.js";

const HOSTS = ["n0", "n1", "n2", "n3", "k0", "k1"];
const DEADLINE_MS = 60_000;
/** Of a run with faults of links. */
const SIGNS = ["-j DROP", "qdisc htb 1: root", "agent-main", "cache/ordeal/runs"];

await inLab({ name: "ssh", main: fileURLToPath(import.meta.url), failure: labFailure() }, conform);

async function conform(): Promise<void> {
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
    const [said] = await once(child.stdout, "data");
    const onReplicas = String(said).includes("clock") ? ["bendClock", "faketime_shm"] : [];
    const there = await leftOnHosts(lab);
    for (const host of HOSTS) {
      for (const sign of [...SIGNS, ...(host.startsWith("n") ? onReplicas : [])]) {
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
    const bend = { kind: "clock", rate: 1, jumpMs: 60_000, target };
    const canBend = hosts.capabilities.has("clock");
    if (canBend) {
      await environment.apply({ id: "f3", intent: bend, nodes: environment.replicas, links: [] });
    }
    console.log(canBend ? "up, with clocks bent" : "up");
    setInterval(() => {}, 1000);`;
}

async function leftOnHosts({ enter }: SshLab): Promise<readonly string[]> {
  const left = HOSTS.map((host) => leftOn(host, "eth0", (argv) => enter(host, argv)));
  return (await Promise.all(left)).flat();
}
