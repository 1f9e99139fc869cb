// What the plots draw: latency quantiles and throughput by time bucket, and the replicas' samples.

import type { RunMeta } from "../run-meta.js";
import { type Operation, OUTCOMES, type Outcome } from "./operations.js";

const NS_PER_SECOND = 1e9;
const BUCKETS_WANTED = 120;
const BUCKET_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600];

/** A value for each x, null where there is none. */
export type Line = (number | null)[];

export type Buckets = {
  bucketSeconds: number;
  /** Middle of each bucket, seconds since the start. */
  x: number[];
  /** Of acknowledged operations, by time of completion, ms. */
  latencyMs: { p50: Line; p95: Line; p99: Line };
  /** Operations a second, by time of completion; an open one counts when it was invoked. */
  throughput: Record<Outcome, Line>;
};

export type ReplicaLines = {
  names: string[];
  x: number[];
  /** By replica, in the order of `names`. */
  view: Line[];
  seq: Line[];
  memoryMB: Line[];
};

/** Buckets of a round width, about 120 of them, over the whole run. */
export function bucketsOf(operations: readonly Operation[], endNs: number): Buckets {
  const endSeconds = Math.max(endNs / NS_PER_SECOND, 0.05);
  const bucketSeconds =
    BUCKET_SECONDS.find((width) => endSeconds / width <= BUCKETS_WANTED) ?? endSeconds;
  const count = Math.ceil(endSeconds / bucketSeconds);
  const empty = Array.from({ length: count }, () => null);
  const buckets: Buckets = {
    bucketSeconds,
    x: empty.map((_, index) => (index + 0.5) * bucketSeconds),
    latencyMs: { p50: [...empty], p95: [...empty], p99: [...empty] },
    throughput: { ok: [...empty], fail: [...empty], info: [...empty], open: [...empty] },
  };

  const latencies: number[][] = empty.map(() => []);
  const counts = { ok: zeros(count), fail: zeros(count), info: zeros(count), open: zeros(count) };
  for (const { outcome, start, stop } of operations) {
    const at = (stop ?? start) / NS_PER_SECOND / bucketSeconds;
    const bucket = Math.min(Math.max(Math.floor(at), 0), count - 1);
    counts[outcome][bucket] = (counts[outcome][bucket] ?? 0) + 1;
    if (outcome === "ok" && stop !== undefined) latencies[bucket]?.push((stop - start) / 1e6);
  }
  for (const outcome of OUTCOMES) {
    buckets.throughput[outcome] = counts[outcome].map((n) => n / bucketSeconds);
  }
  for (const [bucket, values] of latencies.entries()) {
    if (values.length === 0) continue;
    values.sort((a, b) => a - b);
    buckets.latencyMs.p50[bucket] = quantile(values, 0.5);
    buckets.latencyMs.p95[bucket] = quantile(values, 0.95);
    buckets.latencyMs.p99[bucket] = quantile(values, 0.99);
  }
  return buckets;
}

/** The smallest value that at least the share `q` of the values does not exceed (nearest rank). */
export function quantile(sorted: readonly number[], q: number): number {
  const value = sorted[Math.max(Math.ceil(q * sorted.length) - 1, 0)];
  if (value === undefined) throw new RangeError("no quantile of no values");
  return value;
}

/** The samples as one line a replica; a replica that was not sampled at a time has a gap there. */
export function replicaLinesOf(samples: RunMeta["samples"]): ReplicaLines {
  const names = [...new Set(samples.map((sample) => sample.node))].sort((a, b) => (a < b ? -1 : 1));
  const times = [...new Set(samples.map((sample) => sample.time))].sort((a, b) => a - b);
  const columnOf = new Map(times.map((time, index) => [time, index]));
  const lines = (): Line[] => names.map(() => times.map(() => null));
  const [view, seq, memoryMB] = [lines(), lines(), lines()];
  for (const sample of samples) {
    const row = names.indexOf(sample.node);
    const column = columnOf.get(sample.time) ?? 0;
    put(view, row, column, sample.view);
    put(seq, row, column, sample.seq);
    put(memoryMB, row, column, sample.rssBytes / 1e6);
  }
  return { names, x: times.map((time) => time / NS_PER_SECOND), view, seq, memoryMB };
}

function put(lines: Line[], row: number, column: number, value: number): void {
  const line = lines[row];
  if (line !== undefined) line[column] = value;
}

function zeros(count: number): number[] {
  return Array.from({ length: count }, () => 0);
}
