// A sandbox of namespaces (network, mounts, processes) in which the runner runs itself again. All
// that it makes there, bridges, rules, mounts, processes, ends with it, however it ends: the kernel
// cleans up. Works for root, and for anybody where unprivileged user namespaces are allowed.
// Source: unshare(1), setpriv(1), pid_namespaces(7), signal(7).

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { execa } from "execa";
import { systemCodeOf } from "../../node/runtime/ordeal-error.js";

/** "root": as we are; "user": as root of a user namespace, which is ourselves outside. */
export type SandboxWay = "root" | "user";

const WAY_VARIABLE = "ORDEAL_SANDBOX";
const REASON_VARIABLE = "ORDEAL_SANDBOX_REASON";
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGWINCH"] as const;

/** How this process is sandboxed; undefined outside. */
export function insideSandbox(): { way: SandboxWay; reason: string } | undefined {
  const way = process.env[WAY_VARIABLE];
  if (way !== "root" && way !== "user") return undefined;
  return { way, reason: process.env[REASON_VARIABLE] ?? "" };
}

/** What to try, most direct first. */
export function sandboxWays(): readonly SandboxWay[] {
  return process.getuid?.() === 0 ? ["root", "user"] : ["user"];
}

/**
 * Runs this program with these arguments (a script first) inside the sandbox, on our own stdin,
 * stdout and stderr; resolves to its exit code, 128 + n where signal n ended it. A signal sent to
 * us reaches it once. When we are killed, all inside ends.
 */
export function enterSandbox(
  argv: readonly string[],
  way: SandboxWay,
  reason: string,
): Promise<number> {
  const [file, ...args] = sandboxCommand(way, [process.execPath, ...argv]);
  const child = spawn(file ?? "setpriv", args, {
    stdio: "inherit",
    // Outside the terminal's foreground group: a Ctrl-C comes through us, and so only once.
    detached: true,
    env: { ...process.env, [WAY_VARIABLE]: way, [REASON_VARIABLE]: reason },
  });
  const listeners = FORWARDED.map((signal) => ({ signal, listener: () => forward(child, signal) }));
  for (const { signal, listener } of listeners) process.on(signal, listener);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      for (const { signal: name, listener } of listeners) process.off(name, listener);
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** Runs a script of this build inside and returns what it printed, or how it failed. */
export async function runInSandbox(
  way: SandboxWay,
  argv: readonly string[],
  deadlineMs: number,
): Promise<{ stdout: string } | { failure: string }> {
  const [file, ...args] = sandboxCommand(way, [process.execPath, ...argv]);
  const result = await execa(file ?? "setpriv", args, {
    stdin: "ignore",
    reject: false,
    timeout: deadlineMs,
    env: { [WAY_VARIABLE]: way },
  });
  if (!result.failed) return { stdout: result.stdout };
  const words = result.stderr.trim().split("\n")[0];
  return { failure: words || result.shortMessage || "failed without a word" };
}

/**
 * setpriv has the kernel end `unshare` with us, and `unshare` ends its child, which is the first of
 * its process namespace: so everything ends. /run is our own: network namespaces are named there.
 */
function sandboxCommand(way: SandboxWay, command: readonly string[]): readonly string[] {
  return [
    ...["setpriv", "--pdeathsig", "KILL"],
    ...["unshare", ...(way === "user" ? ["--user", "--map-root-user"] : [])],
    ...["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"],
    ...["sh", "-c", 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"', "sh"],
    ...command,
  ];
}

function forward(child: ChildProcess, signal: (typeof FORWARDED)[number]): void {
  if (child.pid === undefined) return;
  const inner = onlyChildOf(child.pid);
  if (inner !== undefined && catches(inner, signal)) {
    process.kill(inner, signal);
    return;
  }
  // The first process of a namespace is deaf to what it does not catch: act in its place.
  if (signal !== "SIGWINCH") child.kill("SIGKILL");
}

function onlyChildOf(pid: number): number | undefined {
  const children = readProc(`/proc/${pid}/task/${pid}/children`)?.trim();
  return children ? Number(children.split(" ")[0]) : undefined;
}

function catches(pid: number, signal: NodeJS.Signals): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readProc(`/proc/${pid}/status`) ?? "")?.[1] ?? "0";
  return ((BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}

/** Undefined where the process is gone. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT" || systemCodeOf(error) === "ESRCH") return undefined;
    throw error;
  }
}
