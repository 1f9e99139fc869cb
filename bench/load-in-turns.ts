// The same closed loop of sessions on several targets, a slice of time of each in turns: whatever slows a
// shared machine for a while slows them all alike. Those whose turn it is not are idle.

import { readFileSync } from "node:fs";

const SLICE_MS = 1_000;
/** Of /proc/<pid>/stat on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** One operation to its end, the `turn`-th of its session. */
export type Operate = (session: number, turn: number) => Promise<void>;

export type Target = {
  operate: Operate;
  /** Of the replicas. */
  pids: readonly number[];
  /** Grows by one a batch. */
  executedSeq: () => Promise<number>;
};

export type Measured = {
  /** Of each operation, ascending. */
  latenciesMs: readonly number[];
  seconds: number;
  batches: number;
  /** Processor time of each replica, and of this process. */
  replicaCpuS: readonly number[];
  clientCpuS: number;
};

/** So many seconds of each target, after as many of the same load: Node compiles what runs often. */
export async function loadInTurns(
  targets: readonly Target[],
  { sessions, seconds }: { sessions: number; seconds: number },
): Promise<Measured[]> {
  const slices: Measured[][] = targets.map(() => []);
  for (const { operate } of targets) await load(operate, sessions, untilAfter(seconds * 1_000));
  for (let leftMs = seconds * 1_000; leftMs > 0; leftMs -= SLICE_MS) {
    for (const [index, target] of targets.entries()) {
      slices[index]?.push(await slice(target, sessions, Math.min(SLICE_MS, leftMs)));
    }
  }
  return slices.map(sumOf);
}

/** Sessions in a closed loop until `more` says no; gives each operation's latency in ms. */
export async function load(
  operate: Operate,
  sessions: number,
  more: () => boolean,
): Promise<number[]> {
  const latencies: number[] = [];
  const session = async (index: number) => {
    for (let turn = index; more(); turn++) {
      const started = performance.now();
      await operate(index, turn);
      latencies.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: sessions }, (_, index) => session(index)));
  return latencies;
}

function untilAfter(ms: number): () => boolean {
  const end = performance.now() + ms;
  return () => performance.now() < end;
}

async function slice(target: Target, sessions: number, ms: number): Promise<Measured> {
  const { operate, pids, executedSeq } = target;
  const seqBefore = await executedSeq();
  const cpuBefore = pids.map(cpuSeconds);
  const ownBefore = process.cpuUsage();
  const started = performance.now();
  const latenciesMs = await load(operate, sessions, untilAfter(ms));
  const seconds = (performance.now() - started) / 1_000;
  const own = process.cpuUsage(ownBefore);
  return {
    latenciesMs,
    seconds,
    batches: (await executedSeq()) - seqBefore,
    replicaCpuS: pids.map((pid, index) => cpuSeconds(pid) - (cpuBefore[index] ?? 0)),
    clientCpuS: (own.user + own.system) / 1e6,
  };
}

function sumOf(slices: readonly Measured[]): Measured {
  const sum = (of: (one: Measured) => number) => slices.reduce((total, one) => total + of(one), 0);
  return {
    latenciesMs: slices.flatMap((one) => one.latenciesMs).sort((left, right) => left - right),
    seconds: sum((one) => one.seconds),
    batches: sum((one) => one.batches),
    replicaCpuS: (slices[0]?.replicaCpuS ?? []).map((_, index) =>
      sum((one) => one.replicaCpuS[index] ?? 0),
    ),
    clientCpuS: sum((one) => one.clientCpuS),
  };
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
