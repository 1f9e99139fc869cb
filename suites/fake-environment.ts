// An environment without processes, for tests of the runner: a bank in memory behind the interface,
// correct or broken in one known way, so that the path from runner to verdict can be shown to fail. Its
// time is virtual, so that no busy machine decides what a run holds.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Evidence, FaultKind, NodeName, ResolvedFault } from "../nemesis/faults.js";
import type { ClientAnswer } from "../node/runtime/client-call.js";
import type { Environment, EnvironmentOptions, NodeStatus } from "./cluster/environment.js";
import {
  breakOnce,
  createBank,
  digestOf,
  dumpOf,
  execute,
  FAULTY_AT,
  type Flaw,
  staleAnswer,
  unanswered,
} from "./fake-bank.js";
import { ledgerText } from "./ledger-file.js";
import { clientIdOf } from "./session.js";
import { EventQueue } from "./sim/event-queue.js";
import { VirtualTime } from "./sim/virtual-time.js";

/** A stuck call ends after this at the latest, lest tests wait for nothing. */
const STUCK_MS_MAX = 1_000;

export function createFakeEnvironment(
  options: EnvironmentOptions,
  flaw: Flaw = "none",
  capabilities: readonly FaultKind[] = ["partition", "kill", "pause", "loss", "duplicate"],
): Environment {
  const replicas = Array.from({ length: options.replicas }, (_, index) => `r${index}`);
  const clients = Array.from({ length: options.clientProcesses }, (_, index) => `c${index}`);
  const time = new VirtualTime(new EventQueue(), (error) => {
    throw error;
  });
  const bank = createBank();
  const active = new Map<string, ResolvedFault>();
  const timestamps = new Map<number, number>();
  let calls = 0;
  let healed = false;

  const down = (node: NodeName): boolean =>
    [...active.values()].some(
      ({ intent, nodes }) => intent.kind === "kill" && nodes.includes(node),
    );
  const quorum = () => replicas.filter((node) => !down(node)).length * 3 > 2 * replicas.length;

  return {
    name: "fake",
    description: "fake: a bank in memory",
    replicas,
    clients,
    time,
    capabilities: new Set(capabilities),
    start: async () => {
      for (const node of replicas) {
        mkdirSync(join(options.directory, "replicas", node), { recursive: true });
      }
    },
    apply: async (fault) => {
      active.set(fault.id, fault);
    },
    heal: async (faultId): Promise<Evidence> => {
      const fault = active.get(faultId);
      active.delete(faultId);
      healed = true;
      const landed = fault !== undefined;
      return { faultId, landed, summary: "faked", mechanism: "fake", measured: { nodes: 1 } };
    },
    call: async (node, call): Promise<ClientAnswer> => {
      const startedNs = String(time.monotonicNs());
      const client = clientIdOf({ node, index: call.session }, clients);
      const timestamp = (timestamps.get(client) ?? 0) + 1;
      timestamps.set(client, timestamp);
      calls += 1;
      const number = calls;
      await time.sleep(1);
      const stuck = flaw === "stuck" && healed;
      if (stuck) await time.sleep(Math.min(call.timeoutMs, STUCK_MS_MAX));
      const answer = stuck || !quorum() ? unanswered() : execute(bank, call, client, timestamp);
      if (number === FAULTY_AT && answer.type === "ok") breakOnce(bank, flaw);
      const stale = staleAnswer(bank, call, answer, flaw, number);
      await time.sleep(1);
      const endedNs = String(time.monotonicNs());
      return { id: call.id, client, timestamp, startedNs, endedNs, ...(stale ?? answer) };
    },
    observe: async (): Promise<readonly NodeStatus[]> => {
      const exited = flaw === "exit" && calls > FAULTY_AT ? replicas[1] : undefined;
      const digest = digestOf(bank);
      return replicas.map((node, replica) =>
        down(node) || node === exited
          ? { node, alive: false }
          : { node, alive: true, status: statusAt(replica, bank.seq, digest) },
      );
    },
    unexpectedExits: () => {
      if (flaw !== "exit" || calls <= FAULTY_AT) return [];
      const at = "2026-01-01T00:00:00.000Z";
      return [{ node: "r1", pid: 2, how: "exit 1", expected: false, at, stderr: "out of ink" }];
    },
    stop: async () => {
      for (const [index, node] of replicas.entries()) {
        const dump = dumpOf(bank, node, flaw === "divergent-ledger" && index === 1);
        writeFileSync(join(options.directory, "replicas", node, "ledger.jsonl"), ledgerText(dump));
      }
    },
  };
}

function statusAt(replica: number, executedSeq: number, digest: string) {
  const marks = { stableSeq: 0, stableDigest: "", lowWatermark: 0, highWatermark: 128 };
  const status = { replica, view: 0, viewActive: true, executedSeq, digest };
  return { ...status, ...marks, transferring: false, rssBytes: 0 };
}
