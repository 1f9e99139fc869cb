// Flaws of disks under processes that go on: slow, full, failing. The evidence is what the library under
// the process counted while the flaw was there.

import type {
  DiskFlaw,
  Evidence,
  FaultKind,
  NodeName,
  ResolvedFault,
} from "../../nemesis/faults.js";
import type { DiskCounters, DiskSettings } from "../../nemesis/host/disk-tool.js";
import { diskUnder } from "./disk-under.js";
import type { Launch, NodeHand, NodeHost } from "./node-hand.js";

/** A slow disk waits so long before every access, µs: a tired spindle behind a full queue. */
const SLOW_WRITE_US = 1_000;
const SLOW_SYNC_US = 20_000;

/** The counter that a flaw moves, and what that means. */
const BITES: Readonly<Record<DiskFlaw, readonly [keyof DiskCounters, string]>> = {
  slow: ["slowed", "accesses waited"],
  full: ["refusedForSpace", "writes found no space"],
  "write-error": ["writesFailed", "writes failed"],
  "read-error": ["readsFailed", "reads failed"],
  "sync-error": ["syncsFailed", "syncs failed"],
};

type Active = { fault: ResolvedFault; flaw: DiskFlaw; before: Map<NodeName, DiskCounters> };

export class DiskHand implements NodeHand {
  readonly kinds: ReadonlySet<FaultKind> = new Set<FaultKind>(["disk"]);
  readonly #active = new Map<string, Active>();

  /** Whoever meets an error of its disk ends, and is started again on a sound one. */
  mayEnd({ intent }: ResolvedFault): boolean {
    return intent.kind === "disk" && intent.flaw !== "slow";
  }

  prepare(host: NodeHost): Promise<void> {
    return diskUnder(host).prepare();
  }

  launch(host: NodeHost): Launch {
    return { argvPrefix: [], variables: diskUnder(host).variables };
  }

  async apply(fault: ResolvedFault, hosts: readonly NodeHost[]): Promise<void> {
    if (fault.intent.kind !== "disk") throw new RangeError(`${fault.intent.kind} is no flaw`);
    const before = new Map<NodeName, DiskCounters>();
    for (const host of hosts) {
      const counters = await diskUnder(host).counters();
      if (counters.lives === 0) throw new Error(`${host.node} runs without the library`);
      before.set(host.node, counters);
    }
    this.#active.set(fault.id, { fault, flaw: fault.intent.flaw, before });
    await this.#adjust(hosts);
  }

  async heal(fault: ResolvedFault, hosts: readonly NodeHost[]): Promise<Evidence> {
    const active = this.#active.get(fault.id);
    if (active === undefined) throw new Error(`fault ${fault.id} is not active`);
    this.#active.delete(fault.id);
    await this.#adjust(hosts);
    const [counter, words] = BITES[active.flaw];
    const measured: Record<string, number> = {};
    const said: string[] = [];
    let landed = hosts.length > 0;
    for (const host of hosts) {
      const { node } = host;
      const after = await diskUnder(host).counters();
      const count = after[counter] - (active.before.get(node)?.[counter] ?? 0);
      measured[`${node}.${counter}`] = count;
      measured[`${node}.unseen`] = after.unseen;
      landed &&= count > 0 && after.unseen === 0;
      said.push(`${node}: ${count} ${words}`);
    }
    const summary = said.join("; ") || "named no node";
    return { faultId: fault.id, landed, summary, mechanism: "LD_PRELOAD", measured };
  }

  async close(): Promise<void> {
    this.#active.clear();
  }

  /** Sets what all active flaws of a disk together ask for. */
  async #adjust(hosts: readonly NodeHost[]): Promise<void> {
    for (const host of hosts) {
      const flaws = [...this.#active.values()].flatMap(({ fault, flaw }) =>
        fault.nodes.includes(host.node) ? [flaw] : [],
      );
      await diskUnder(host).set(settingsOf(flaws));
    }
  }
}

function settingsOf(flaws: readonly DiskFlaw[]): DiskSettings {
  const failing = new Set<"write" | "read" | "sync">();
  if (flaws.includes("write-error")) failing.add("write");
  if (flaws.includes("read-error")) failing.add("read");
  if (flaws.includes("sync-error")) failing.add("sync");
  const isSlow = flaws.includes("slow");
  return {
    failing,
    full: flaws.includes("full"),
    writeDelayUs: isSlow ? SLOW_WRITE_US : 0,
    syncDelayUs: isSlow ? SLOW_SYNC_US : 0,
  };
}
