// From the fault records of a run to what the checker needs: when each fault lasted, whether it landed,
// and whether the cluster had to serve meanwhile.

import type { FaultSpan } from "../checker/run-record.js";
import { budgetOf, spendsF } from "../nemesis/budget.js";
import { describeFault } from "../nemesis/describe.js";
import type { ClusterView, FaultRecord, NodeName, ResolvedFault } from "../nemesis/faults.js";
import { composeLinks } from "../nemesis/links.js";
import { PROTOCOL_DEFAULTS } from "../node/core/config.js";

/**
 * A fault that lasts as long as so many view timers, with a quorum left, must see operations completed:
 * the timer has run out by then and the next primary works. Shorter ones may pass without any.
 */
const SERVING_TIMEOUTS_MIN = 2;

/**
 * Where losses leave less of what a link is sent, a view change may take longer than a fault: of the 24
 * fragments of a full window's view-change the last one comes through in the fourth round or later, and
 * what asks for a round is lost as well.
 */
const THROUGH_SHARE_MIN = 0.7;

/** Where f replicas are away, every vote of the others is needed: what is left is lost more dearly. */
const THROUGH_SHARE_MIN_WITHOUT_F = 0.95;

/** A view-change of a full window is some 30 kB: narrower links take too much of a view timer for it. */
const BYTES_PER_SECOND_MIN = 100_000;

/** A time without a quorum. While it lasts, view timers and clients' retransmissions double. ns. */
type Outage = { from: number; to: number };

/**
 * One span for each start, in order. A start without its stop was cut short by the run's end. `protocol`:
 * the numbers that the cluster ran with, where they differ from the defaults.
 */
export function faultSpans(
  records: readonly FaultRecord[],
  cluster: ClusterView,
  protocol: Readonly<Record<string, number>> = {},
): FaultSpan[] {
  const { viewTimeoutMs } = { ...PROTOCOL_DEFAULTS, ...protocol };
  const servingNsMin = SERVING_TIMEOUTS_MIN * viewTimeoutMs * 1_000_000;
  const stops = new Map(
    records.flatMap((record) => (record.type === "stop" ? [[record.faultId, record]] : [])),
  );
  const { breaking, outages } = quorumLost(records, cluster);
  return records.flatMap((record) => {
    if (record.type !== "start") return [];
    const { fault, time } = record;
    const stop = stops.get(fault.id);
    const lasted = stop === undefined ? 0 : stop.time - settledAt(time, outages);
    const span: FaultSpan = {
      id: fault.id,
      label: describeFault(fault),
      nodes: fault.nodes,
      start: time,
      ...(stop === undefined ? {} : { stop: stop.time }),
      landed: stop?.evidence.landed ?? false,
      evidence: stop?.evidence.summary ?? "the run ended before it was healed",
      serving: lasted >= servingNsMin && !breaking.has(fault.id),
      ...(spendsF(fault.intent) ? { spendsF: true } : {}),
    };
    return [span];
  });
}

/** Ids of the faults during which, alone or with others, no quorum was left, and when that was. */
function quorumLost(
  records: readonly FaultRecord[],
  cluster: ClusterView,
): { breaking: Set<string>; outages: Outage[] } {
  const active = new Map<string, ResolvedFault>();
  const breaking = new Set<string>();
  const outages: Outage[] = [];
  const spent = new Set<NodeName>();
  let from: number | undefined;
  for (const record of [...records].sort((a, b) => a.time - b.time)) {
    if (record.type === "stop") active.delete(record.faultId);
    else {
      active.set(record.fault.id, record.fault);
      if (spendsF(record.fault.intent)) for (const node of record.fault.nodes) spent.add(node);
    }
    const faults = [...active.values()];
    const { connected, livenessBreaking } = budgetOf(faults, cluster, [...spent]);
    const throughMin =
      connected.length > cluster.replicas.length - cluster.f
        ? THROUGH_SHARE_MIN
        : THROUGH_SHARE_MIN_WITHOUT_F;
    if (livenessBreaking || leavesLittle(faults, throughMin)) {
      from ??= record.time;
      for (const id of active.keys()) breaking.add(id);
    } else if (from !== undefined) {
      outages.push({ from, to: record.time });
      from = undefined;
    }
  }
  return { breaking, outages };
}

/**
 * When the waits that earlier outages doubled have run out, or `time` where that is later: the last
 * doubled wait is at most as long as the outage itself.
 */
function settledAt(time: number, outages: readonly Outage[]): number {
  const ended = outages.filter(({ to }) => to <= time);
  return Math.max(time, ...ended.map(({ from, to }) => to + (to - from)));
}

/** Whether some link carries too few bytes, or losses that add up leave less of its datagrams. */
function leavesLittle(active: readonly ResolvedFault[], throughMin: number): boolean {
  return composeLinks(active).some((link) => {
    const { lossPercent = 0, burstLoss, lossEvery, corruptPercent = 0, bytesPerSecond } = link;
    if (bytesPerSecond !== undefined && bytesPerSecond < BYTES_PER_SECOND_MIN) return true;
    const shares = [lossPercent, burstLoss?.percent ?? 0, corruptPercent].map((p) => p / 100);
    if (lossEvery !== undefined) shares.push(1 / lossEvery);
    return shares.reduce((through, lost) => through * (1 - lost), 1) < throughMin;
  });
}
