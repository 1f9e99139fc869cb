// Hands that end processes otherwise than by SIGKILL: by SIGTERM, at a named point of what the replica
// does, or for want of memory.

import type { FaultKind, ResolvedFault } from "../../nemesis/faults.js";
import { type CgroupPlace, figure, read } from "../../nemesis/host/cgroup.js";
import { CRASH_POINTS_VARIABLE } from "../../node/runtime/crash-points.js";
import { confine, setFree } from "./confinement.js";
import { stringField } from "./json-lines.js";
import type { Deed, DownHand, EndOfProcess, Launch, NodeHost } from "./node-hand.js";

const NOTHING: Launch = { argvPrefix: [], variables: {} };
/** A replica makes everything durable before it ends; its disk may be slow. */
const TERMINATE_MS_MAX = 10_000;
/** Points of compaction come once in a checkpoint interval, others many times a second. */
const POINT_MS_MAX = 10_000;
const ANSWER_MS_MAX = 5_000;
/** Under load a process asks for memory all the time. */
const MEMORY_MS_MAX = 8_000;
/** What it may still take: little enough to be gone at once. */
const MEMORY_LEFT_BYTES = 1024 * 1024;

/** SIGTERM; what lands is a clean end. */
export function terminateHand(): DownHand {
  return hand("terminate", "SIGTERM", async (_fault, _host, end) => {
    const how = await end({ signal: "SIGTERM", deadlineMs: TERMINATE_MS_MAX });
    return { landed: how === "exit 0", measured: {} };
  });
}

/** The replica is told on its control socket where to end itself. */
export function killAtHand(): DownHand {
  const variables = { [CRASH_POINTS_VARIABLE]: "1" };
  return {
    ...hand("kill-at", "SIGKILL by the replica itself", killAt),
    launch: () => ({ argvPrefix: [], variables }),
  };
}

/** `place`: where control groups with a memory limit can be made. */
export function memoryHand(place: CgroupPlace | undefined): DownHand {
  return place === undefined
    ? hand("memory", "RLIMIT_DATA", (_fault, host, end) => starve(host, end))
    : hand("memory", `memory limit of a cgroup v${place.version}`, (fault, host, end) =>
        runOutOfMemory(place, fault, host, end),
      );
}

type BringDown = NonNullable<DownHand["bringDown"]>;

function hand(kind: FaultKind, mechanism: string, bringDown: BringDown): DownHand {
  return {
    kinds: new Set([kind]),
    mechanism,
    prepare: async () => undefined,
    launch: () => NOTHING,
    bringDown,
    close: async () => undefined,
  };
}

async function killAt(fault: ResolvedFault, host: NodeHost, end: EndOfProcess): Promise<Deed> {
  const { intent } = fault;
  if (intent.kind !== "kill-at") throw new Error(`${intent.kind} names no point`);
  const { point, count } = intent;
  // No answer: it was not asked, or has come to the point before it could answer.
  const answer = await host.ask({ op: "crash-at", point, count }, ANSWER_MS_MAX);
  const refused = answer === undefined ? undefined : stringField(answer, "error");
  const how = await end({ deadlineMs: refused === undefined ? POINT_MS_MAX : 0 });
  const measured = { point, ...(refused !== undefined && { refused }) };
  return { landed: refused === undefined && how === "SIGKILL", measured };
}

/** In a group of its own it may take as much again as the limit, and then the kernel ends it. */
async function runOutOfMemory(
  place: CgroupPlace,
  { id }: ResolvedFault,
  host: NodeHost,
  end: EndOfProcess,
): Promise<Deed> {
  const { shell, node, pid } = host;
  if (pid === undefined) return { landed: false, measured: {} };
  const file = place.version === 1 ? "memory.limit_in_bytes" : "memory.max";
  const limit = [file, String(MEMORY_LEFT_BYTES)] as const;
  const group = await confine(host, place, `${pid}-${id}-${node}`, pid, [limit]);
  const how = await end({ deadlineMs: MEMORY_MS_MAX });
  const events = place.version === 1 ? "memory.oom_control" : "memory.events";
  const oomKills = figure(await read(shell, group, events), "oom_kill");
  await setFree(shell, group);
  return { landed: how === "SIGKILL" && oomKills > 0, measured: { oomKills } };
}

/** Without rights: the data that it has is all that it may have. It aborts where it wants more. */
async function starve({ shell, pid }: NodeHost, end: EndOfProcess): Promise<Deed> {
  if (pid === undefined) return { landed: false, measured: {} };
  const { stdout } = await shell.run(["sh", "-c", STARVE, "sh", String(pid)]);
  const how = await end({ deadlineMs: MEMORY_MS_MAX });
  // An abort of V8 or of libc, and not the SIGKILL at the deadline.
  const landed = how !== undefined && how !== "SIGKILL" && how !== "exit 0";
  return { landed, measured: { dataBytesMax: Number(stdout.trim()) } };
}

const STARVE = `
bytes=$(( $(sed -n 's/^VmData:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$1/status) * 1024 ))
prlimit --pid "$1" --data=$bytes: && echo $bytes
`;
