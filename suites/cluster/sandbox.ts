// A sandbox of namespaces (network, mounts, processes) in which the runner runs itself again. All
// that it makes there, bridges, rules, mounts, processes, ends with it, however it ends: the kernel
// cleans up. Works for root, and for anybody where unprivileged user namespaces are allowed.
// Source: unshare(1), setpriv(1), pid_namespaces(7), signal(7).

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import type { IptablesBackend } from "../../nemesis/host/iptables.js";
import { type LinkMeans, type NamespaceMode, UNSHARE } from "../../nemesis/host/probe.js";
import { systemCodeOf } from "../../node/runtime/ordeal-error.js";
import { field, parseObject, stringField } from "./json-lines.js";
import { REGISTRY_VARIABLE, register, registryFile } from "./registry.js";

/** What the inner runner must know: what works in here, and why it is in here. */
export type Sandbox = LinkMeans & {
  mode: NamespaceMode;
  backend: IptablesBackend;
  /** Absent: the machine's own. */
  kernel?: "uml";
  /** Why this environment was chosen; one line. */
  reason: string;
};

/** Signals to the runner that are for the program inside. */
export const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGWINCH"] as const;
export const SANDBOX_VARIABLE = "ORDEAL_SANDBOX";

/** The sandbox this process runs in; undefined outside. Throws where the variable is not ours. */
export function insideSandbox(): Sandbox | undefined {
  const text = process.env[SANDBOX_VARIABLE];
  if (text === undefined) return undefined;
  const object = parseObject(text) ?? {};
  const mode = field(object, "mode");
  const backend = field(object, "backend");
  const mechanism = field(object, "mechanism");
  if ((mode !== "root" && mode !== "rootless") || (backend !== "legacy" && backend !== "nft")) {
    throw new Error(`${SANDBOX_VARIABLE} is set by ordeal itself; unset it`);
  }
  return {
    mode,
    backend,
    canDuplicate: field(object, "canDuplicate") === true,
    canMatchMessages: field(object, "canMatchMessages") === true,
    canCorrupt: field(object, "canCorrupt") === true,
    canShape: field(object, "canShape") === true,
    mechanism: mechanism === "netem" || mechanism === "htb" ? mechanism : undefined,
    reason: stringField(object, "reason") ?? "",
  };
}

/**
 * Runs this program with these arguments (a script first) inside the sandbox, on our own stdin,
 * stdout and stderr; resolves to its exit code, 128 + n where signal n ended it. A signal sent to
 * us reaches it once. When we are killed, all inside ends.
 */
export async function enterSandbox(argv: readonly string[], sandbox: Sandbox): Promise<number> {
  // All inside ends with us; should the kernel leave any of it, its mark tells whose it is.
  const processes = register({ kind: "processes" });
  try {
    return await runInSandbox(argv, sandbox);
  } finally {
    processes.release();
  }
}

function runInSandbox(argv: readonly string[], sandbox: Sandbox): Promise<number> {
  const [file, ...args] = sandboxCommand(sandbox.mode, [process.execPath, ...argv]);
  const child = spawn(file, args, {
    stdio: "inherit",
    // Outside the terminal's foreground group: a Ctrl-C comes through us, and so only once.
    detached: true,
    env: {
      ...process.env,
      PATH: pathWithSbin(),
      [SANDBOX_VARIABLE]: JSON.stringify(sandbox),
      // What is made in there and outlives it is registered with us.
      [REGISTRY_VARIABLE]: registryFile(),
    },
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

/**
 * Put before our pid and a command: setpriv has the kernel end it with us (unless we were gone before:
 * then the shell has another parent).
 */
export const WITH_US: readonly [string, ...string[]] = [
  "setpriv",
  "--pdeathsig",
  "KILL",
  "sh",
  "-c",
  '[ $PPID = "$0" ] && exec "$@"',
];

/**
 * When `unshare` is ended it ends its child, the first of its process namespace: so everything ends.
 * /run is our own: network namespaces are named there.
 */
function sandboxCommand(
  mode: NamespaceMode,
  command: readonly string[],
): readonly [string, ...string[]] {
  const inside = ["sh", "-c", 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"', "sh"];
  return [...WITH_US, String(process.pid), ...UNSHARE[mode], ...inside, ...command];
}

/** Tools live in sbin, which an unprivileged user's PATH may lack. */
export function pathWithSbin(): string {
  return `${process.env["PATH"] ?? "/usr/bin:/bin"}:/usr/sbin:/sbin`;
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
