// A seed of the swarm in the run store, so that it is judged again, reported and listed like any other
// run. A seed that passes need not have done much; what the whole swarm did is the evidence.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Verdict } from "../checker/verdict.js";
import { replaceFile } from "./append-file.js";
import { figuresOf } from "./figures.js";
import { judgeRun, readRun } from "./judge.js";
import { ledgerText } from "./ledger-file.js";
import { keepMinimalHistory } from "./minimal-history.js";
import { renderReport } from "./report/render.js";
import type { RunOutcome } from "./run.js";
import type { RunMeta } from "./run-meta.js";
import type { SimResult } from "./sim/simulate.js";
import { createRunDirectory, linkLatest, verdictText, writeMeta } from "./store.js";

const SWARM = "swarm";

const CLAIMS: RunMeta["claims"] = {
  linearizable: "Every operation takes effect at one instant between its call and its answer.",
  agreement: "All replicas of the healed core end with the same ledger.",
  durability: "Every acknowledged operation stands in the final ledgers, exactly once.",
  progress: "After the core is healed, every session is served within the computed bound.",
};

/** Where it comes from: what run.json says beside the scenario. */
export type SwarmOrigin = {
  commit: string;
  reproduce: string;
  /** ISO 8601, wall clock. */
  startedAt: string;
  /** The reduction and the build, where they are not the whole seed and our own. */
  options: { only: string; replicaBuild?: string };
};

/** Writes the run below `store` and judges what was written. */
export function saveSwarmRun(store: string, result: SimResult, origin: SwarmOrigin): RunOutcome {
  const { scenario, record, faults } = result;
  const { seed } = scenario;
  const directory = createRunDirectory(store, { suite: SWARM, startedAt: origin.startedAt, seed });
  const lines = (values: readonly unknown[]) =>
    values.map((value) => `${JSON.stringify(value)}\n`).join("");
  writeFileSync(join(directory, "history.jsonl"), lines(record.history));
  writeFileSync(join(directory, "faults.jsonl"), lines(faults));
  for (const dump of record.ledgers) {
    const folder = join(directory, "replicas", dump.node);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "ledger.jsonl"), ledgerText(dump));
  }
  const meta = metaOf(result, origin);
  writeMeta(directory, meta);
  linkLatest(store, directory);
  const saved = readRun(directory);
  const verdict: Verdict = judgeRun(saved);
  replaceFile(join(directory, "verdict.json"), verdictText(verdict));
  keepMinimalHistory(directory, verdict);
  writeFileSync(join(directory, "report.html"), renderReport({ ...saved, verdict }));
  return { directory, meta, verdict, figures: figuresOf(saved) };
}

function metaOf(
  { scenario, record, seen, stats }: SimResult,
  { commit, reproduce, startedAt, options }: SwarmOrigin,
): RunMeta {
  const { seed, replicas, sessions, accounts, operations, loadMs, thinkMs } = scenario;
  const end = stats.simulatedMs * 1e6;
  const protocol = Object.entries(scenario.protocol).flatMap(([name, value]) =>
    typeof value === "number" ? [[name, value] as const] : [],
  );
  return {
    version: 1,
    suite: SWARM,
    seed,
    commit,
    environment: "sim",
    environmentDescription: `sim: one thread, virtual time, ${scenario.signatures} signatures`,
    startedAt,
    replicas,
    f: (replicas - 1) / 3,
    options: { concurrency: sessions, accounts, operations, loadMs, thinkMs, ...options },
    protocol: Object.fromEntries(protocol),
    claims: CLAIMS,
    reproduce,
    phases: {
      loadEnd: record.healedAt ?? end,
      healed: record.healedAt ?? 0,
      quiescent: end,
      end,
    },
    recoveryBoundNs: record.recoveryBoundNs ?? 0,
    quiescence: record.quiescence ?? { reached: false, detail: "the simulation ended before" },
    expectedFaults: [],
    correctReplicas: record.correctReplicas,
    samples: [],
    seen,
  };
}
