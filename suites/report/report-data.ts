// What the page's scripts get: columns of numbers, small enough for tens of thousands of operations.

import type { FaultSpan, RunRecord } from "../../checker/run-record.js";
import type { RunMeta } from "../run-meta.js";
import { lanesOf, type Operation, OUTCOMES, type Outcome, operationsOf } from "./operations.js";
import { type Buckets, bucketsOf, type ReplicaLines, replicaLinesOf } from "./series.js";

const TEXT_LENGTH_MAX = 160;

export type FaultBand = {
  label: string;
  evidence: string;
  landed: boolean;
  /** Seconds since the start; a fault that was never healed lasts to the end. */
  start: number;
  stop: number;
  /** Row in the fault strip: bands of one row do not overlap. */
  row: number;
};

export type ReportData = {
  /** Seconds since the start. */
  end: number;
  marks: { label: string; time: number }[];
  faults: FaultBand[];
  laneCount: number;
  names: string[];
  outcomes: readonly Outcome[];
  /** One entry an operation; times in seconds; `stop` null where it never completed. */
  operations: {
    lane: number[];
    process: number[];
    /** Index in `names`. */
    f: number[];
    /** Index in `outcomes`. */
    outcome: number[];
    start: number[];
    stop: (number | null)[];
    text: string[];
  };
  buckets: Buckets;
  replicas: ReplicaLines;
};

export function reportDataOf(meta: RunMeta, record: RunRecord): ReportData {
  const operations = operationsOf(record.history);
  const endNs = runEnd(meta, record);
  const names = [...new Set(operations.map((operation) => operation.f))];
  const lanes = lanesOf(operations);
  const { loadEnd, healed, quiescent } = meta.phases;
  return {
    end: seconds(endNs),
    marks: [
      { label: "load ends", time: seconds(loadEnd) },
      { label: "healed", time: seconds(healed) },
      {
        label: meta.quiescence.reached ? "quiescent" : "gave up waiting",
        time: seconds(quiescent),
      },
    ].filter(({ time }) => time > 0), // a phase that was never reached stands at 0
    faults: faultBands(record.faults, endNs),
    laneCount: Math.max(0, ...lanes.values()) + 1,
    names,
    outcomes: OUTCOMES,
    operations: {
      lane: operations.map(({ process }) => lanes.get(process) ?? 0),
      process: operations.map(({ process }) => process),
      f: operations.map(({ f }) => names.indexOf(f)),
      outcome: operations.map(({ outcome }) => OUTCOMES.indexOf(outcome)),
      start: operations.map(({ start }) => seconds(start)),
      stop: operations.map(({ stop }) => (stop === undefined ? null : seconds(stop))),
      text: operations.map(detailsOf),
    },
    buckets: bucketsOf(operations, endNs),
    replicas: replicaLinesOf(meta.samples),
  };
}

/** The last moment of the run that anything says something about, ns. */
function runEnd(meta: RunMeta, record: RunRecord): number {
  let end = Math.max(meta.phases.end, meta.phases.quiescent, meta.phases.healed);
  for (const { time } of record.history) end = Math.max(end, time);
  for (const { start, stop } of record.faults) end = Math.max(end, stop ?? start);
  return end;
}

/** Spans in rows such that no two of a row overlap, first come, topmost row. */
export function faultBands(faults: readonly FaultSpan[], endNs: number): FaultBand[] {
  const freeFrom: number[] = [];
  return [...faults]
    .sort((a, b) => a.start - b.start)
    .map(({ label, evidence, landed, start, stop }) => {
      const free = freeFrom.findIndex((time) => time <= start);
      const row = free === -1 ? freeFrom.length : free;
      freeFrom[row] = stop ?? endNs;
      return {
        label,
        evidence,
        landed,
        start: seconds(start),
        stop: seconds(stop ?? endNs),
        row,
      };
    });
}

function detailsOf(operation: Operation): string {
  const { value, error, node, seq } = operation;
  const parts = [valueText(value)];
  if (error !== undefined) parts.push(error);
  if (seq !== undefined) parts.push(`seq ${seq}`);
  if (node !== undefined) parts.push(`by ${node}`);
  return parts.filter((part) => part !== "").join(" · ");
}

/** A value as people read it: `account a, amount 5`. */
export function valueText(value: unknown): string {
  if (value === undefined || value === null) return "";
  const text =
    typeof value === "object" && !Array.isArray(value)
      ? Object.entries(value)
          .map(
            ([key, field]) => `${key} ${typeof field === "string" ? field : JSON.stringify(field)}`,
          )
          .join(", ")
      : JSON.stringify(value);
  return text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX)}…` : text;
}

/** To the microsecond: enough to tell operations apart, and short in JSON. */
function seconds(ns: number): number {
  return Math.round(ns / 1e3) / 1e6;
}
