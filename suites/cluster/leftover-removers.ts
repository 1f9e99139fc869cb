// How each kind of leftover is found on this machine, and how it is removed. Nothing is searched for by
// guess: only what a run registered, and the processes that carry its mark. All may be gone already.

import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { handleOf, kill, observe, type ProcessHandle } from "../../nemesis/host/process.js";
import { must, type Shell, ShellError } from "../../nemesis/host/shell.js";
import { systemCodeOf } from "../../node/runtime/ordeal-error.js";
import type { Leftover, LeftoverKind } from "./leftover.js";
import { findCgroup, removeCgroup } from "./leftover-cgroup.js";
import { MARK_VARIABLE } from "./registry.js";

/** The run that left it. */
export type Owner = {
  runId: string;
  /** Its kernel still runs: pids, devices and mounts mean what they meant. */
  sameBoot: boolean;
};

export type Remover = {
  /** What of it is there now, a few words each; changes nothing. Throws where nobody can tell. */
  find(): Promise<readonly string[]>;
  /** Removes what `find` finds; throws where it cannot. */
  remove(): Promise<void>;
};

/**
 * Kinds in the order of their removal: what needs a daemon before the daemon, groups that may be frozen
 * before the processes in them, processes before the folders that they write to, mounts before what they
 * hide.
 */
export const REMOVAL_ORDER: readonly LeftoverKind[] = [
  "docker",
  "ssh-master",
  "cgroup",
  "process",
  "processes",
  "mount",
  "loop-device",
  "network-device",
  "network-namespace",
  "file",
  "folder",
];

export function removerOf(leftover: Leftover, owner: Owner, shell: Shell): Remover {
  const command = async (...argv: string[]) => void (await must(shell, argv));
  switch (leftover.kind) {
    case "docker":
      return dockerRemover(leftover.label, leftover.host, shell);
    case "ssh-master":
      return sshRemover(leftover.socket, shell);
    case "process":
      return processRemover(() => (owner.sameBoot ? [leftover] : []));
    case "processes":
      return processRemover(() => (owner.sameBoot ? processesMarked(owner.runId) : []));
    case "cgroup":
      return {
        find: async () => (owner.sameBoot ? findCgroup(leftover.path) : []),
        remove: () => removeCgroup(leftover.path),
      };
    case "mount":
      return mountRemover(leftover.path, shell);
    case "loop-device": {
      const devices = () => loopDevicesOf(leftover.file);
      return {
        find: async () => devices().map((device) => `loop device ${device} of ${leftover.file}`),
        remove: async () => {
          for (const device of devices()) await command("losetup", "-d", `/dev/${device}`);
        },
      };
    }
    case "network-device":
      return {
        find: async () => present(`/sys/class/net/${leftover.name}`, "network device"),
        remove: () => command("ip", "link", "del", leftover.name),
      };
    case "network-namespace":
      return {
        find: async () => present(`/run/netns/${leftover.name}`, "network namespace"),
        remove: () => command("ip", "netns", "del", leftover.name),
      };
    case "file":
      return {
        find: async () => present(leftover.path, "file"),
        remove: async () => rmSync(leftover.path, { force: true }),
      };
    case "folder":
      return folderRemover(leftover.path);
    default:
      return leftover satisfies never;
  }
}

/** Processes that the run started, and theirs; never ourselves. Only those that this user may look at. */
export function processesMarked(runId: string): readonly ProcessHandle[] {
  const mark = `${MARK_VARIABLE}=${runId}`;
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    const handle = handleOf(Number(entry));
    const marked = readProc(`/proc/${entry}/environ`).split("\0").includes(mark);
    return handle !== undefined && marked ? [handle] : [];
  });
}

/** Who is to be ended is asked again and again: one that is being ended may have started another. */
function processRemover(find: () => readonly ProcessHandle[]): Remover {
  const running = () => find().filter((handle) => observe(handle) !== "gone");
  return {
    find: async () => running().map(({ pid }) => `process ${pid} (${commandOf(pid)})`),
    async remove() {
      const rounds = 10;
      for (let round = 0; round < rounds && running().length > 0; round++) {
        await Promise.all(running().map((handle) => kill(handle)));
      }
      const [left] = running();
      if (left !== undefined) throw new Error(`process ${left.pid} is still there after SIGKILL`);
    },
  };
}

function mountRemover(path: string, shell: Shell): Remover {
  return {
    find: async () => mountsUnder(path).map((mount) => `mount ${mount}`),
    async remove() {
      // The newest lies on top.
      for (const mount of mountsUnder(path).toReversed()) {
        const { exitCode } = await shell.run(["umount", mount]);
        // Busy: whoever uses it keeps it, out of everybody's sight.
        if (exitCode !== 0) await must(shell, ["umount", "--lazy", mount]);
      }
    },
  };
}

function folderRemover(path: string): Remover {
  return {
    find: async () => present(path, "folder"),
    async remove() {
      const [mount] = mountsUnder(path);
      // What is mounted there may be anybody's.
      if (mount !== undefined) throw new Error(`${mount} is mounted there: unmount it first`);
      if (!/^\.?ordeal/.test(basename(path)))
        throw new Error("its name does not begin with ordeal");
      rmSync(path, { recursive: true, force: true });
    },
  };
}

function sshRemover(socket: string, shell: Shell): Remover {
  return {
    find: async () => present(socket, "ssh connection"),
    async remove() {
      // The host's name plays no part: the socket says which connection. A dead one needs no farewell.
      await shell.run(["ssh", "-O", "exit", "-o", `ControlPath=${socket}`, "ordeal"]);
      rmSync(socket, { force: true });
    },
  };
}

const DOCKER_KINDS = [
  { what: "container", list: ["ps", "-aq"], remove: ["rm", "-f", "-v"] },
  { what: "network", list: ["network", "ls", "-q"], remove: ["network", "rm"] },
  { what: "volume", list: ["volume", "ls", "-q"], remove: ["volume", "rm", "-f"] },
] as const;
const DOCKER_MS_MAX = 60_000;

/** `host`: a daemon that the run started itself; where it does not answer, it and all of its are gone. */
function dockerRemover(label: string, host: string | undefined, shell: Shell): Remover {
  const client = ["docker", ...(host === undefined ? [] : ["-H", host])];
  const docker = async (...argv: readonly string[]) =>
    (await must(shell, [...client, ...argv], { deadlineMs: DOCKER_MS_MAX })).stdout;
  const idsOf = async (list: readonly string[]) =>
    (await docker(...list, "--filter", `label=${label}`)).split("\n").filter((id) => id !== "");
  return {
    async find() {
      try {
        const found = DOCKER_KINDS.map(async ({ what, list }) =>
          (await idsOf(list)).map((id) => `docker ${what} ${id}`),
        );
        return (await Promise.all(found)).flat();
      } catch (error) {
        const isOwn = host !== undefined;
        if (error instanceof ShellError && (isOwn || error.code === "not-started")) return [];
        throw error;
      }
    },
    async remove() {
      for (const { list, remove } of DOCKER_KINDS) {
        const ids = await idsOf(list);
        if (ids.length > 0) await docker(...remove, ...ids);
      }
    },
  };
}

function present(path: string, what: string): readonly string[] {
  return existsSync(path) ? [`${what} ${path}`] : [];
}

/** At the path or below, in the order in which they were mounted. */
function mountsUnder(path: string): readonly string[] {
  return readProc("/proc/self/mounts")
    .split("\n")
    .map((line) => (line.split(" ")[1] ?? "").replaceAll(/\\(\d{3})/g, octalCharacter))
    .filter((mount) => mount === path || mount.startsWith(`${path}/`));
}

function octalCharacter(_: string, digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 8));
}

function loopDevicesOf(file: string): readonly string[] {
  if (!existsSync("/sys/block")) return [];
  return readdirSync("/sys/block").filter((device) => {
    const backing = readProc(join("/sys/block", device, "loop/backing_file")).trim();
    return backing === file || backing === `${file} (deleted)`;
  });
}

function commandOf(pid: number): string {
  return readProc(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim().slice(0, 60) || "unnamed";
}

/** Empty where it is gone, or not ours to read. */
function readProc(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (UNREADABLE.has(systemCodeOf(error) ?? "")) return "";
    throw error;
  }
}

const UNREADABLE = new Set(["ENOENT", "ESRCH", "EACCES", "EPERM"]);
