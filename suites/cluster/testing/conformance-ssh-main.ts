// The conformance suite on hosts reached by ssh; sshd in namespaces stands in for them. Longer than what
// `npm test` may take, so it is run by itself.

import { fileURLToPath } from "node:url";
import { UsageError } from "../../usage-error.js";
import { chooseEnvironment } from "../choose.js";
import { readInventory } from "../inventory.js";
import { enterSandbox, insideSandbox } from "../sandbox.js";
import { createSsh, openHosts } from "../ssh.js";
import { runConformance } from "./conformance.js";
import { labFailure, openSshLab, type SshLab } from "./ssh-lab.js";

if (insideSandbox() === undefined) {
  await outside();
} else {
  const lab = await openSshLab(4, 2);
  const hosts = await openHosts(readInventory(lab.inventory));
  runConformance({
    name: "ssh",
    create: (options) => createSsh(options, hosts, { name: "ssh", reason: "a test" }),
    leftovers: async () => {
      await hosts.close();
      const left = await Promise.all(
        ["n0", "n1", "n2", "n3", "k0", "k1"].map((host) => leftOn(lab, host)),
      );
      await lab.close();
      return left.flat();
    },
  });
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
