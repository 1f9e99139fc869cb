// A run that never took place, for tests of what is made from a run: seeded load of some processes, a
// partition and a kill, replicas' samples and ledgers. Large enough to strain a report.

import type { HistoryOp, OpType } from "../../checker/history.js";
import type { FaultSpan, LedgerDump, RunRecord } from "../../checker/run-record.js";
import type { Valid, Verdict } from "../../checker/verdict.js";
import { RUN_META_VERSION, type RunMeta } from "../run-meta.js";

export type SyntheticOptions = {
  operations: number;
  processes: number;
  valid: Valid;
  /** Stands where a run's texts stand: account names, errors, explanations. */
  text: string;
};

const SECOND = 1e9;
const END = 40 * SECOND;
const LOAD_END = 30 * SECOND;
const REPLICAS = ["r0", "r1", "r2", "r3"];

const FAULTS: readonly FaultSpan[] = [
  {
    id: "f0",
    label: "partition isolate primary → r0",
    start: 5 * SECOND,
    stop: 12 * SECOND,
    landed: true,
    evidence: "dropped 812 datagrams on 6 links",
  },
  {
    id: "f1",
    label: "kill one → r2",
    start: 9 * SECOND,
    stop: 15 * SECOND,
    landed: true,
    evidence: "pid 4711 gone (SIGKILL)",
  },
  { id: "f2", label: "pause one → r3", start: 20 * SECOND, landed: false, evidence: "state S" },
];

export function syntheticRun(options: SyntheticOptions): {
  meta: RunMeta;
  record: RunRecord;
  verdict: Verdict;
} {
  const record: RunRecord = {
    history: historyOf(options),
    faults: FAULTS,
    ledgers: ledgersOf(options),
    correctReplicas: REPLICAS,
    healedAt: 31 * SECOND,
    recoveryBoundNs: 8 * SECOND,
    quiescence: { reached: true, detail: "seq 900 on all" },
    expectedFaults: ["partition", "kill"],
  };
  return { meta: metaOf(record), record, verdict: verdictOf(options) };
}

/** Park–Miller: enough for a picture, and the same on every machine. */
function createDraw(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function historyOf({ operations, processes, text }: SyntheticOptions): HistoryOp[] {
  const draw = createDraw(7);
  const events: Omit<HistoryOp, "index">[] = [];
  const freeAt = Array.from({ length: processes }, () => draw() * 0.1 * SECOND);
  const names = Array.from({ length: processes }, (_, thread) => thread);
  const pace = (LOAD_END * processes) / operations;
  for (let count = 0; count < operations; count++) {
    const thread = count % processes;
    const start = Math.round(freeAt[thread] ?? 0);
    const cut = start > 5 * SECOND && start < 6.5 * SECOND;
    const latency = Math.round((2 + 10 * draw() ** 4) * 1e6 + (cut ? 1.2 * SECOND : 0));
    const fate = draw();
    const type: OpType = fate < 0.02 && cut ? "info" : fate < 0.05 ? "fail" : "ok";
    const process = names[thread] ?? thread;
    const value = { from: "a1", to: text, amount: 1 + Math.floor(draw() * 100) };
    events.push({ time: start, type: "invoke", process, f: "move", value });
    const last = count >= operations - 1;
    if (!last) {
      events.push({
        time: start + latency,
        type,
        process,
        f: "move",
        value: { ...value, fromBalance: 4, toBalance: 6 },
        ...(type === "ok" ? { seq: count } : { error: type === "fail" ? text : "timeout" }),
        node: "c0",
      });
    }
    if (type === "info") names[thread] = process + processes;
    freeAt[thread] = start + latency + Math.max(pace - latency, 0) * (0.5 + draw());
  }
  events.sort((a, b) => a.time - b.time);
  return events.map((event, index) => ({ index, ...event }));
}

function ledgersOf({ valid, text }: SyntheticOptions): LedgerDump[] {
  return REPLICAS.map((node, replica) => {
    const wrong = valid === false && replica === 2;
    return {
      node,
      seq: 900,
      digest: (wrong ? "bad1" : "0c2f").repeat(16),
      chain: (wrong ? "bad2" : "77aa").repeat(16),
      accounts: [
        { id: "a1", name: text, address: "1 Castle Street", balance: wrong ? 90 : 100 },
        { id: "a2", name: "Grace", address: "", balance: 1_000_000 },
      ],
      entries: [0, 1, 2, 3, 4].map((index) => ({
        index,
        seq: 10 + index,
        client: 256 * 65_536,
        timestamp: index,
        kind: "move",
        debit: "a1",
        credit: "a2",
        amount: wrong && index === 3 ? 17 : 7,
      })),
      sessions: [{ client: 256 * 65_536, timestamp: 4, seq: 14, resultDigest: "00" }],
    };
  });
}

function metaOf(record: RunRecord): RunMeta {
  const times = Array.from({ length: 160 }, (_, index) => index * 0.25 * SECOND);
  return {
    version: RUN_META_VERSION,
    suite: "primary-partition",
    seed: 42,
    commit: "0123456789abcdef0123456789abcdef01234567",
    environment: "local",
    environmentDescription: "processes on 127.0.0.1 behind a UDP relay, as asked",
    startedAt: "2026-01-02T03:04:05.000Z",
    replicas: 4,
    f: 1,
    options: { concurrency: 10, rate: 0, nemesis: ["partition", "kill"] },
    claims: {
      linearizable: "Every balance is one that some order of the operations explains.",
      durable: "No acknowledged operation is lost or done twice.",
      asked: "A claim that no check answered.",
    },
    reproduce: "ordeal run primary-partition --seed 42 --env local",
    phases: { loadEnd: LOAD_END, healed: 31 * SECOND, quiescent: 33 * SECOND, end: END },
    recoveryBoundNs: 8 * SECOND,
    quiescence: { reached: true, detail: "seq 900 on all" },
    expectedFaults: record.expectedFaults,
    correctReplicas: record.correctReplicas,
    samples: times.flatMap((time) =>
      REPLICAS.filter((node) => node !== "r2" || time < 9 * SECOND || time > 15 * SECOND).map(
        (node) => ({
          time,
          node,
          view: time > 6 * SECOND ? 1 : 0,
          seq: Math.round(Math.min(time, LOAD_END) / SECOND) * 30,
          rssBytes: 80e6 + time / 1e4,
        }),
      ),
    ),
  };
}

function verdictOf({ valid, text }: SyntheticOptions): Verdict {
  return {
    "valid?": valid,
    checks: {
      durable: {
        valid: true,
        summary: "900 acknowledged operations stand once.",
        figures: { acknowledged: 12_345 },
      },
      linearizable:
        valid === true
          ? { valid, summary: "An order was found for every account." }
          : {
              valid,
              summary: `Not explained: ${text}`,
              explanation: [`read 5 of ${text}`, "no order of 3 moves gives 5"],
              ...(valid === "unknown" ? { crashed: "out of budget" } : {}),
            },
    },
  };
}
