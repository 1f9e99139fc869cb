// A docker daemon for tests, where none runs: inside the sandbox only (sandbox.ts), as root, so that its
// bridges, rules and mounts are nobody's else, and end with the sandbox. It knows no registry.

import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localShell, must } from "../../../nemesis/host/shell.js";
import { UsageError } from "../../usage-error.js";
import { waitUntil } from "../deadline.js";
import { docker } from "../docker-client.js";
import { register } from "../registry.js";

const DAEMON = "/usr/sbin/dockerd";
const UP_MS_MAX = 60_000;
const DOWN_MS_MAX = 20_000;

/** Why there can be no daemon here; undefined where there can. */
export function dockerLabFailure(): string | undefined {
  if (process.getuid?.() !== 0) return "not root";
  return existsSync(DAEMON) ? undefined : "no dockerd: apt-get install docker.io";
}

/** Starts it and sets DOCKER_HOST; resolves to how to stop it, with all that it holds. */
export async function openDockerLab(): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-dockerd-"));
  const registration = register({ kind: "folder", path: folder });
  const socket = "unix:///run/ordeal-docker.sock";
  await must(localShell(), ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
  const log = openSync(join(folder, "log"), "a");
  const daemon = spawn(
    DAEMON,
    [
      ...["--data-root", join(folder, "data"), "--exec-root", "/run/ordeal-docker"],
      ...["--pidfile", "/run/ordeal-docker.pid", "-H", socket, "--bip", "10.216.0.1/24"],
    ],
    { stdio: ["ignore", log, log] },
  );
  closeSync(log);
  const ended = new Promise((resolve) => daemon.once("exit", resolve));
  process.env["DOCKER_HOST"] = socket;
  const answers = () =>
    docker(["version"]).then(
      () => true,
      () => false,
    );
  if (!(await waitUntil(answers, UP_MS_MAX))) {
    daemon.kill("SIGKILL");
    const words = readFileSync(join(folder, "log"), "utf8").trim().split("\n").at(-1);
    throw new UsageError("lab", `dockerd does not answer: ${words}`);
  }
  return async () => {
    daemon.kill("SIGTERM");
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, DOWN_MS_MAX))]);
    // It mounts its folder upon itself.
    await localShell().run(["umount", "--lazy", join(folder, "data")]);
    rmSync(folder, { recursive: true, force: true });
    registration.release();
  };
}
