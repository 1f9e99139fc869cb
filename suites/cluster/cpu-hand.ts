// Slows a replica's processor: by a quota of a control group where groups can be made, otherwise by
// stopping and continuing the process many times a second. How much of a processor it really got is read
// from /proc.

import type { Evidence, NodeName, ResolvedFault } from "../../nemesis/faults.js";
import { type CgroupPlace, figure, read } from "../../nemesis/host/cgroup.js";
import { type DutyCycle, dutyCycle, startRhythm } from "../../nemesis/host/rhythm.js";
import { confine, setFree } from "./confinement.js";
import { nowMs } from "./deadline.js";
import type { Launch, NodeHand, NodeHost } from "./node-hand.js";

/** The kernel gives a share of a processor in periods; a share of one is at least 1 ms. */
const PERIOD_US_MIN = 20_000;
const QUOTA_US_MIN = 1_000;
/** Ticks of /proc/<pid>/stat, which are a hundredth of a second on every Linux. */
const TICK_MS = 10;
/** The process may get this much more than its share, for a stop takes effect a moment late. */
const SHARE_TOLERANCE = 2;
const SHARE_ALLOWANCE = 0.02;

/** Holds a process to a share of the time; says how often it was held when it lets go. */
type Brake = {
  mechanism: string;
  take(host: NodeHost, pid: number, share: number): Promise<{ letGo(): Promise<number> }>;
};

/** What happened to one node since the fault began. */
type Tally = { heldMs: number; cpuMs: number; stops: number };
type Grip = { letGo(): Promise<number>; pid: number; sinceMs: number; cpuMsBefore: number };
type Node = { faults: Map<string, { factor: number; tally: Tally }>; grip: Grip | undefined };

export function cpuHand(place: CgroupPlace | undefined): NodeHand {
  return new CpuHand(place === undefined ? dutyCycleBrake() : cgroupBrake(place));
}

/** Guards: one grip on a process at a time, of all the faults that slow it. */
class CpuHand implements NodeHand {
  readonly kinds = new Set(["slow-cpu"] as const);
  readonly #brake: Brake;
  readonly #nodes = new Map<NodeName, Node>();

  constructor(brake: Brake) {
    this.#brake = brake;
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  launch(): Launch {
    return { argvPrefix: [], variables: {} };
  }

  async apply({ id, intent }: ResolvedFault, hosts: readonly NodeHost[]): Promise<void> {
    if (intent.kind !== "slow-cpu") throw new Error(`${intent.kind} slows no processor`);
    for (const host of hosts) {
      const node = this.#nodes.get(host.node) ?? { faults: new Map(), grip: undefined };
      this.#nodes.set(host.node, node);
      await this.letGo(host);
      const tally = { heldMs: 0, cpuMs: 0, stops: 0 };
      node.faults.set(id, { factor: intent.factor, tally });
      await this.takeHold(host);
    }
  }

  async heal({ id, intent }: ResolvedFault, hosts: readonly NodeHost[]): Promise<Evidence> {
    const measured: Record<string, number | string> = {};
    const words: string[] = [];
    let landed = hosts.length > 0;
    for (const host of hosts) {
      await this.letGo(host);
      const node = this.#nodes.get(host.node);
      const own = node?.faults.get(id);
      node?.faults.delete(id);
      await this.takeHold(host);
      if (own === undefined) continue;
      const { heldMs, cpuMs, stops } = own.tally;
      const share = heldMs === 0 ? 0 : cpuMs / heldMs;
      const bit = stops > 0 && share <= SHARE_TOLERANCE / own.factor + SHARE_ALLOWANCE;
      landed &&= bit;
      measured[`${host.node}.shareAskedPercent`] = 100 / own.factor;
      measured[`${host.node}.sharePercent`] = Number((100 * share).toFixed(2));
      measured[`${host.node}.stops`] = stops;
      measured[`${host.node}.heldMs`] = Math.round(heldMs);
      words.push(`${host.node} had ${(100 * share).toFixed(1)} % of a processor, ${stops} stops`);
    }
    const factor = intent.kind === "slow-cpu" ? intent.factor : 1;
    const asked = `asked for ${(100 / factor).toFixed(1)} %`;
    const summary = `${words.join(", ")} (${asked})`;
    return { faultId: id, landed, summary, mechanism: this.#brake.mechanism, measured };
  }

  /** Also ends the bookkeeping of this stretch. */
  async letGo(host: NodeHost): Promise<void> {
    const node = this.#nodes.get(host.node);
    const grip = node?.grip;
    if (node === undefined || grip === undefined) return;
    node.grip = undefined;
    const cpuMs = (await cpuMsOf(host, grip.pid)) ?? grip.cpuMsBefore;
    const heldMs = nowMs() - grip.sinceMs;
    const stops = await grip.letGo();
    for (const { tally } of node.faults.values()) {
      tally.heldMs += heldMs;
      tally.cpuMs += cpuMs - grip.cpuMsBefore;
      tally.stops += stops;
    }
  }

  async takeHold(host: NodeHost): Promise<void> {
    const node = this.#nodes.get(host.node);
    const { pid } = host;
    if (node === undefined || node.faults.size === 0 || pid === undefined) return;
    await this.letGo(host);
    let factor = 1;
    for (const fault of node.faults.values()) factor *= fault.factor;
    const { letGo } = await this.#brake.take(host, pid, 1 / factor);
    const cpuMsBefore = (await cpuMsOf(host, pid)) ?? 0;
    node.grip = { letGo, pid, sinceMs: nowMs(), cpuMsBefore };
  }

  async close(): Promise<void> {
    for (const { grip } of this.#nodes.values()) await grip?.letGo();
  }
}

/** Processor time of all threads so far; undefined where the process is gone. */
async function cpuMsOf({ shell }: NodeHost, pid: number): Promise<number | undefined> {
  const { stdout, exitCode } = await shell.run(["cat", `/proc/${pid}/stat`]);
  if (exitCode !== 0) return undefined;
  const fields = stdout.slice(stdout.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function cgroupBrake(place: CgroupPlace): Brake {
  const { version } = place;
  return {
    mechanism: `CPU quota of a cgroup v${version}`,
    async take(host, pid, share) {
      const { shell, node } = host;
      const periodUs = Math.ceil(Math.max(PERIOD_US_MIN, QUOTA_US_MIN / share));
      const quotaUs = Math.max(QUOTA_US_MIN, Math.round(periodUs * share));
      const settings =
        version === 1
          ? ([
              ["cpu.cfs_period_us", String(periodUs)],
              ["cpu.cfs_quota_us", String(quotaUs)],
            ] as const)
          : ([["cpu.max", `${quotaUs} ${periodUs}`]] as const);
      const group = await confine(host, place, `${pid}-cpu-${node}`, pid, settings);
      return {
        async letGo() {
          const throttled = figure(await read(shell, group, "cpu.stat"), "nr_throttled");
          await setFree(shell, group);
          return throttled;
        },
      };
    },
  };
}

function dutyCycleBrake(): Brake {
  return {
    mechanism: "SIGSTOP and SIGCONT in turns",
    async take({ shell, node, runtimeFolder, execPath }, pid, share) {
      const file = `${runtimeFolder}/${node}.duty`;
      const settings: DutyCycle = { pid, share };
      const rhythm = await startRhythm(shell, { execPath, file, settings }, dutyCycle);
      return {
        async letGo() {
          const { cycles = 0 } = await rhythm.end();
          return cycles;
        },
      };
    },
  };
}
