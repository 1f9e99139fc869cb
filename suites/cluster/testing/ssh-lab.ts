// Remote hosts for tests: an sshd in a network namespace for each, with processes, a /tmp and a home of
// its own, so that nothing of the runner's machine can be mistaken for the host's. Inside the sandbox
// only (sandbox.ts), as root; all of it ends with the sandbox.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import {
  buildTopology,
  enterPrefix,
  setUpTopology,
  tearDownTopology,
} from "../../../nemesis/host/netns.js";
import { localShell, must } from "../../../nemesis/host/shell.js";
import { sleep, waitUntil } from "../deadline.js";

const FOLDER = "/run/ordeal-lab";
const SSHD = "/usr/sbin/sshd";
const UP_MS_MAX = 60_000;

export type SshLab = {
  /** An inventory of the hosts: n0, n1, … for replicas, k0, k1, … for clients. */
  inventory: string;
  /** Runs a command on a host, not by ssh. */
  enter: (host: string, argv: readonly string[]) => Promise<string>;
  close: () => Promise<void>;
};

/** Why there can be no lab here; undefined where there can. */
export function labFailure(): string | undefined {
  if (process.getuid?.() !== 0) return "not root";
  return existsSync(SSHD) ? undefined : "no sshd: apt-get install openssh-server";
}

export async function openSshLab(replicas: number, clients: number): Promise<SshLab> {
  const names = [
    ...Array.from({ length: replicas }, (_, index) => `n${index}`),
    ...Array.from({ length: clients }, (_, index) => `k${index}`),
  ];
  const shell = localShell();
  mkdirSync(FOLDER, { recursive: true });
  mkdirSync("/run/sshd", { recursive: true });
  const topology = buildTopology(names);
  await (await setUpTopology(topology)).close();
  for (const key of ["host_key", "user_key"]) {
    await must(shell, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(FOLDER, key)]);
  }
  const lines: string[] = [];
  const hosts = new Map<string, ChildProcess>();
  for (const [name, address] of topology.addresses) {
    hosts.set(name, startHost(name, address));
    const role = name.startsWith("k") ? "client" : "replica";
    lines.push(`${name} address=${address} user=root identity=user_key role=${role}`);
  }
  const inventory = join(FOLDER, "inventory");
  writeFileSync(inventory, `${lines.join("\n")}\n`);
  for (const address of topology.addresses.values()) {
    if (await waitUntil(() => answers(address), UP_MS_MAX)) continue;
    throw new Error(`ssh lab: no sshd answers at ${address}`);
  }
  return {
    inventory,
    enter: async (host, argv) => {
      const init = hosts.get(host)?.pid;
      const inside = ["nsenter", "-a", "-t", await childOf(init ?? 0), ...argv];
      return (await must(shell, inside, { deadlineMs: UP_MS_MAX })).stdout;
    },
    close: async () => {
      for (const host of hosts.values()) host.kill("SIGKILL");
      await sleep(0);
      await tearDownTopology(shell, topology);
    },
  };
}

function startHost(name: string, address: string): ChildProcess {
  const config = join(FOLDER, `${name}.conf`);
  writeFileSync(
    config,
    [
      `ListenAddress ${address}`,
      `HostKey ${join(FOLDER, "host_key")}`,
      `AuthorizedKeysFile ${join(FOLDER, "user_key.pub")}`,
      ...["PidFile none", "StrictModes no", "UsePAM no", "PermitRootLogin yes", ""],
    ].join("\n"),
  );
  const inside = `for folder in /tmp /root /dev/shm; do mount -t tmpfs tmpfs $folder || exit; done
    exec ${SSHD} -D -e -f ${config}`;
  const unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const [file = "", ...args] = [...enterPrefix(name), ...unshare, "sh", "-c", inside];
  return spawn(file, args, { stdio: ["ignore", "ignore", "ignore"] });
}

/** The first process inside, as seen from here. */
async function childOf(pid: number): Promise<string> {
  const { stdout } = await must(localShell(), ["cat", `/proc/${pid}/task/${pid}/children`]);
  return stdout.trim().split(" ")[0] ?? "";
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(22, address);
    socket.once("data", () => resolve(socket.destroy() !== undefined));
    socket.once("error", () => resolve(false));
  });
}
