// What a run makes outside its own folder of the store, as plain data: enough to find it and to remove it
// when nobody is left who made it. How each kind is found and removed: leftover-removers.ts.

import { isAbsolute, normalize } from "node:path";
import { field, numberField, parseObject, stringField } from "./json-lines.js";

export type Leftover =
  /** Every process that was started by the run, or by one that was (it carries the run's mark). */
  | { kind: "processes" }
  /** A process that does not carry the mark, for example because it clears its environment. */
  | { kind: "process"; pid: number; startTicks: number }
  /** With all that is in it. Its own name begins with "ordeal". */
  | { kind: "folder"; path: string }
  /** A single file, or a socket. */
  | { kind: "file"; path: string }
  /** A control group, those below it, and the processes in them. */
  | { kind: "cgroup"; path: string }
  /** Whatever is mounted there or below. */
  | { kind: "mount"; path: string }
  /** The loop devices that this file backs. */
  | { kind: "loop-device"; file: string }
  /** A network namespace that has a name. */
  | { kind: "network-namespace"; name: string }
  /** A network device of the machine; a bridge, one end of a veth pair. */
  | { kind: "network-device"; name: string }
  /** Containers, then networks and volumes, with this label ("ordeal.run=…"). */
  | { kind: "docker"; label: string; host?: string }
  /** An ssh master connection, by its control socket. */
  | { kind: "ssh-master"; socket: string };

export type LeftoverKind = Leftover["kind"];

/** A few words for people. */
export function describeLeftover(leftover: Leftover): string {
  switch (leftover.kind) {
    case "processes":
      return "processes of the run";
    case "process":
      return `process ${leftover.pid}`;
    case "folder":
    case "file":
    case "cgroup":
    case "mount":
      return `${leftover.kind} ${leftover.path}`;
    case "loop-device":
      return `loop device of ${leftover.file}`;
    case "network-namespace":
    case "network-device":
      return `${leftover.kind.replace("-", " ")} ${leftover.name}`;
    case "docker":
      return `containers, networks and volumes labelled ${leftover.label}`;
    case "ssh-master":
      return `ssh connection ${leftover.socket}`;
    default:
      return leftover satisfies never;
  }
}

/** Undefined where the text is none of ours: a torn line, a kind of a newer version, a strange path. */
export function parseLeftover(text: string): Leftover | undefined {
  const object = parseObject(text) ?? {};
  const textOf = (name: string) => stringField(object, name) ?? "";
  const kind = field(object, "kind");
  switch (kind) {
    case "processes":
      return { kind };
    case "process": {
      const pid = numberField(object, "pid");
      const startTicks = numberField(object, "startTicks");
      return pid === undefined || startTicks === undefined ? undefined : { kind, pid, startTicks };
    }
    case "folder":
    case "file":
    case "cgroup":
    case "mount":
      return isPlainPath(textOf("path")) ? { kind, path: textOf("path") } : undefined;
    case "loop-device":
      return isPlainPath(textOf("file")) ? { kind, file: textOf("file") } : undefined;
    case "network-namespace":
    case "network-device":
      return isName(textOf("name")) ? { kind, name: textOf("name") } : undefined;
    case "docker": {
      const host = stringField(object, "host");
      const label = textOf("label");
      if (!label.startsWith("ordeal.")) return undefined;
      return { kind, label, ...(host !== undefined && { host }) };
    }
    case "ssh-master":
      return isPlainPath(textOf("socket")) ? { kind, socket: textOf("socket") } : undefined;
    default:
      return undefined;
  }
}

/** Absolute, without dots on the way, and not so short that it names a part of the system. */
function isPlainPath(path: string): boolean {
  return isAbsolute(path) && normalize(path) === path && path.split("/").length > 2;
}

function isName(name: string): boolean {
  return /^[\w.-]{1,60}$/.test(name);
}
