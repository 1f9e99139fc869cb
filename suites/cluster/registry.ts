// What this run has made outside its folder, on disk before it is made: should the runner be killed, the
// next start (sweep.ts) knows what to remove. One file a runner, named by who the runner is, so that
// anybody can tell whether it still lives; one line a registration, another when it is gone.

import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { handleOf } from "../../nemesis/host/process.js";
import { systemCodeOf } from "../../node/runtime/ordeal-error.js";
import { UsageError } from "../usage-error.js";
import { parseObject, stringField } from "./json-lines.js";
import { type Leftover, parseLeftover } from "./leftover.js";

/** Names the file of the run; set inside a sandbox only, whose processes register with it. */
export const REGISTRY_VARIABLE = "ORDEAL_REGISTRY";
/** The run's mark: in the environment of every process that a run starts. */
export const MARK_VARIABLE = "ORDEAL_RUN";

/** A runner, known beyond the reuse of its pid, by other runners of the machine. */
export type RunnerIdentity = {
  pid: number;
  startTicks: number;
  /** The inode of its pid namespace: elsewhere its pid means nothing. */
  pidNamespace: string;
  /** Of the kernel that it runs on. */
  bootId: string;
};

export type Registration = {
  /** What was registered has been removed. A second call changes nothing. */
  release(): void;
};

/** A line of the file that has not been released. */
export type Registered = { id: string; leftover: Leftover };

/**
 * Call before making it; on stable storage on return. From the first call on, processes that we start
 * carry the run's mark. Throws UsageError where the registry cannot be trusted or written.
 */
export function register(leftover: Leftover): Registration {
  const file = currentRun().file;
  const id = randomBytes(6).toString("hex");
  append(file, { id, leftover });
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      append(file, { released: id });
      // Inside a sandbox the file is the outer runner's, who looks after it.
      if (process.env[REGISTRY_VARIABLE] === undefined && readRegistered(file).length === 0) {
        rmSync(file, { force: true });
      }
    },
  };
}

/** What tells this run apart from all others: the name of its file, and its processes' mark. */
export function runId(): string {
  return currentRun().id;
}

/** The label that everything made by docker for this run must carry. */
export function dockerLabel(): string {
  return `ordeal.run=${runId()}`;
}

/** The file in which this run registers; it exists while anything is registered. */
export function registryFile(): string {
  return currentRun().file;
}

/** Where the runners of this user have their files. Throws UsageError where others may write to it. */
export function registryFolder(): string {
  const uid = process.getuid?.() ?? 0;
  // Not below /run: a sandbox has a /run of its own, and could not reach it there.
  const parent = /^\/run(\/|$)/.test(tmpdir()) ? "/tmp" : tmpdir();
  const folder = join(parent, `ordeal-${uid}`);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (systemCodeOf(error) !== "EEXIST") {
      throw new UsageError(
        "registry",
        `${folder} cannot be made (${systemCodeOf(error)}): set TMPDIR`,
      );
    }
  }
  if (isOurs(folder)) return folder;
  throw new UsageError(
    "registry",
    `${folder} should be a folder that only uid ${uid} may write to, and is not: remove it or set TMPDIR`,
  );
}

/** What the file says is still there, in the order of registration. A torn last line is no line. */
export function readRegistered(file: string): readonly Registered[] {
  const open = new Map<string, Leftover>();
  for (const line of readIfThere(file).split("\n").slice(0, -1)) {
    const object = parseObject(line) ?? {};
    const released = stringField(object, "released");
    const id = stringField(object, "id");
    const leftover = parseLeftover(JSON.stringify(object["leftover"] ?? {}));
    if (released !== undefined) open.delete(released);
    else if (id !== undefined && leftover !== undefined) open.set(id, leftover);
  }
  return [...open].map(([id, leftover]) => ({ id, leftover }));
}

export function ownIdentity(): RunnerIdentity {
  return {
    pid: process.pid,
    startTicks: handleOf(process.pid)?.startTicks ?? 0,
    pidNamespace: pidNamespace(),
    bootId: bootId(),
  };
}

const SUFFIX = ".jsonl";

/** Undefined where a file of this name is none of ours. */
export function identityOf(fileName: string): RunnerIdentity | undefined {
  const match = /^(\d+)-(\d+)-(\d+)-([\w-]+)\.jsonl$/.exec(fileName);
  if (match === null) return undefined;
  const [, pid, startTicks, namespace = "", boot = ""] = match;
  return {
    pid: Number(pid),
    startTicks: Number(startTicks),
    pidNamespace: namespace,
    bootId: boot,
  };
}

/** The run whose file this is. */
export function runIdOf(file: string): string {
  return file.slice(file.lastIndexOf("/") + 1).replace(SUFFIX, "");
}

let current: { id: string; file: string } | undefined;

function currentRun(): { id: string; file: string } {
  current ??= openRun();
  return current;
}

function openRun(): { id: string; file: string } {
  const inherited = process.env[REGISTRY_VARIABLE];
  if (inherited !== undefined) return { id: runIdOf(inherited), file: inherited };
  const { pid, startTicks, pidNamespace, bootId } = ownIdentity();
  const id = `${pid}-${startTicks}-${pidNamespace}-${bootId}`;
  process.env[MARK_VARIABLE] = id;
  return { id, file: join(registryFolder(), `${id}${SUFFIX}`) };
}

/** One write, so that no line is mixed with another; a torn one can only be the last. */
function append(file: string, value: object): void {
  try {
    const descriptor = openSync(file, "a", 0o600);
    try {
      writeSync(descriptor, `${JSON.stringify(value)}\n`);
      fdatasyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === undefined) throw error;
    throw new UsageError(
      "registry",
      `${file} cannot be written (${code}): free space or set TMPDIR`,
    );
  }
}

/** A real folder of this user to which nobody else may write. */
function isOurs(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const stat = lstatSync(folder);
  return (
    stat.isDirectory() && stat.uid === (process.getuid?.() ?? stat.uid) && (stat.mode & 0o022) === 0
  );
}

function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid").replaceAll(/\D/g, "");
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return "0"; // No Linux: there is but one.
    throw error;
  }
}

function bootId(): string {
  return readIfThere("/proc/sys/kernel/random/boot_id").trim() || "unknown";
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return "";
    throw error;
  }
}
