// Takes a running replica's right to open files: its soft RLIMIT_NOFILE is lowered by prlimit(1). What is
// open stays open. A replica that must open one says so and ends; it is started again at the cure.

import type { Evidence, NodeName, ResolvedFault } from "../../nemesis/faults.js";
import { waitUntil } from "./deadline.js";
import type { NodeHand, NodeHost } from "./node-hand.js";

const ENDING_MS_MAX = 2_000;

type Limited = { pid: number; softBefore: string };

export function filesHand(): NodeHand {
  /** By node: what active faults ask for, and which process is limited. */
  const asked = new Map<NodeName, Map<string, number>>();
  const limited = new Map<NodeName, Limited>();

  const takeHold = async ({ node, pid, shell }: NodeHost): Promise<void> => {
    const faults = asked.get(node);
    if (faults === undefined || faults.size === 0 || pid === undefined) return;
    const before = limited.get(node);
    const softBefore = before?.pid === pid ? before.softBefore : await softLimit(shell, pid);
    if (softBefore === undefined) return; // It is gone already.
    limited.set(node, { pid, softBefore });
    await setLimit(shell, pid, String(Math.min(...faults.values())));
  };

  const lift = async (host: NodeHost): Promise<void> => {
    const before = limited.get(host.node);
    limited.delete(host.node);
    if (before === undefined || before.pid !== host.pid) return;
    await setLimit(host.shell, before.pid, before.softBefore);
    await takeHold(host);
  };

  return {
    kinds: new Set(["files"]),
    mayEnd: () => true,
    prepare: async () => undefined,
    launch: () => ({ argvPrefix: [], variables: {} }),
    async apply({ id, intent }, hosts) {
      if (intent.kind !== "files") throw new Error(`${intent.kind} limits no files`);
      for (const host of hosts) {
        const faults = asked.get(host.node) ?? new Map<string, number>();
        asked.set(host.node, faults.set(id, intent.openMax));
        await takeHold(host);
      }
    },
    async heal(fault, hosts): Promise<Evidence> {
      const seen = await Promise.all(
        hosts.map((host) => look(fault, host, limited.get(host.node))),
      );
      for (const host of hosts) {
        asked.get(host.node)?.delete(fault.id);
        await lift(host);
      }
      return {
        faultId: fault.id,
        landed: seen.length > 0 && seen.every(({ landed }) => landed),
        summary: seen.map(({ words }) => words).join(", "),
        mechanism: "RLIMIT_NOFILE",
        measured: Object.assign({}, ...seen.map(({ measured }) => measured)),
      };
    },
    takeHold,
    close: async () => undefined,
  };
}

/** The limit as /proc shows it, and how many descriptors are open: none can be added. */
async function look({ intent }: ResolvedFault, { node, shell, pid }: NodeHost, was?: Limited) {
  const openMax = intent.kind === "files" ? intent.openMax : 0;
  const soft = pid === undefined ? undefined : await softLimit(shell, pid);
  const listed = await shell.run(["ls", `/proc/${pid}/fd`]);
  const open = listed.stdout.split("\n").filter((line) => line !== "").length;
  // A process that ends while it is looked at closes them all, and is known here as running until it is gone.
  const mayEnd = was !== undefined && (was.pid !== pid || soft === undefined || open === 0);
  if (mayEnd && (await waitUntil(() => hasEnded(shell, was.pid), ENDING_MS_MAX))) {
    return {
      landed: true,
      words: `${node} (pid ${was.pid}) ended`,
      measured: { [`${node}.pid`]: was.pid },
    };
  }
  const isSeen = listed.exitCode === 0 && soft !== undefined;
  const landed = isSeen && Number(soft) <= openMax && open >= openMax;
  const words = isSeen
    ? `${node} had ${open} files open and could open ${landed ? "none" : "more"}`
    : `${node} could not be looked at`;
  return { landed, words, measured: { [`${node}.soft`]: soft ?? "gone", [`${node}.open`]: open } };
}

async function hasEnded(shell: NodeHost["shell"], pid: number): Promise<boolean> {
  const { exitCode, stdout } = await shell.run(["cat", `/proc/${pid}/stat`]);
  return exitCode !== 0 || /^[ZX]/.test(stdout.slice(stdout.lastIndexOf(")") + 2));
}

/** Undefined where the process is gone, or cannot be looked at. */
async function softLimit(shell: NodeHost["shell"], pid: number): Promise<string | undefined> {
  const { stdout } = await shell.run(["cat", `/proc/${pid}/limits`]);
  return /^Max open files\s+(\S+)/m.exec(stdout)?.[1];
}

async function setLimit(shell: NodeHost["shell"], pid: number, soft: string): Promise<void> {
  const { exitCode, stderr } = await shell.run(["prlimit", "--pid", `${pid}`, `--nofile=${soft}:`]);
  if (exitCode === 0 || /No such process/.test(stderr)) return;
  throw new Error(`prlimit: ${stderr.trim()}`);
}
