// How fast the simulator is, in processor time, so that a busy machine tells the same. Nothing depends
// on it.
//   node dist/bench/simulator.js [--seconds 10]
// "operations": four replicas, many sessions, mixed faults, modelled keys: client operations for each
// second of processor time; wanted 3,000. "time": the same cluster under a light load: simulated time
// over processor time; wanted 200. "swarm": seeds for each second, of the first 64; wanted 1.7 (1,000 seeds
// in five minutes on two cores). "memory": what is held more after 300 small seeds, after collection.

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { loadNodeBuild } from "../suites/sim/load-build.js";
import type { NodeBuild } from "../suites/sim/node-build.js";
import { type Reduction, reduced } from "../suites/sim/reduction.js";
import type { Scenario } from "../suites/sim/scenario.js";
import { type SimResult, simulate } from "../suites/sim/simulate.js";
import { drawScenario } from "../suites/sim/swarm.js";
import { benchOptions } from "./options.js";

const BUILD = resolve(fileURLToPath(new URL("../", import.meta.url)));

const options = benchOptions("simulator [--seconds 10]", { values: ["seconds"] });
const budgetS = options.positive("seconds", 10) / 2;

/** So many in a row hold one with real signatures, which takes several times as long. */
const SWARM_SEEDS = 64;
const SMALL_SEEDS = 300;
const SMALL: Reduction = { replicas: 4, operations: 10, loadMs: 300, faults: [], rest: [] };

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Faults of several kinds, one after the other and side by side. */
function mixed(
  load: Pick<Scenario, "sessions" | "accounts" | "operations" | "thinkMs">,
  lastMs: number,
): Scenario {
  const all = { kind: "all" } as const;
  const primary = { kind: "primary" } as const;
  const at = (share: number) => Math.floor(share * lastMs);
  return {
    ...drawScenario(1),
    replicas: 4,
    protocol: {},
    clientProcesses: 2,
    ...load,
    loadMs: lastMs,
    timeoutMs: 5_000,
    datagramBytesMax: 8_192,
    weather: {
      latencyUsMin: 200,
      latencyUsMean: 100,
      lossPercent: 0.5,
      duplicatePercent: 1,
      reorderPercent: 1,
      corruptPercent: 0.1,
      replayPercent: 0.1,
    },
    signatures: "modelled",
    faults: [
      {
        id: "f0",
        intent: { kind: "loss", percent: 5, target: all },
        startMs: at(0.1),
        stopMs: at(0.4),
      },
      {
        id: "f1",
        intent: { kind: "kill", target: { kind: "backup" } },
        startMs: at(0.3),
        stopMs: at(0.5),
      },
      { id: "f2", intent: { kind: "pause", target: primary }, startMs: at(0.6), stopMs: at(0.7) },
      {
        id: "f3",
        intent: { kind: "power-cut", target: primary },
        startMs: at(0.8),
        stopMs: at(0.9),
      },
    ],
    faulty: [],
    core: ["r0", "r1", "r2"],
    rest: [],
  };
}

/** Of objects and of buffers, once everything that can be was collected; the least of three moments. */
function heldMb(): number {
  const moments = [1, 2, 3].map((turn) => {
    rates(build, small, turn); // What the engine still holds of a run may be another moment's gone.
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return (heapUsed + arrayBuffers) / 1e6;
  });
  return Math.min(...moments);
}

/**
 * Runs so many turns, or as many as the budget has time for, after one run to warm up; what each second of
 * it brought.
 */
function rates(build: NodeBuild, scenarioOf: (turn: number) => Scenario, turns?: number) {
  let runs = 0;
  let operations = 0;
  let simulatedS = 0;
  const measure = (turn: number): SimResult => {
    const result = simulate(build, scenarioOf(turn));
    if (result.failed.length > 0)
      throw new Error(`turn ${turn} failed ${result.failed.join(", ")}`);
    return result;
  };
  measure(0);
  const started = process.cpuUsage();
  const usedS = () => {
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1e6;
  };
  const isOver = (turn: number) => (turns === undefined ? usedS() >= budgetS : turn > turns);
  for (let turn = 1; !isOver(turn); turn++) {
    const { stats } = measure(turn);
    runs += 1;
    operations += stats.operations;
    simulatedS += stats.simulatedMs / 1_000;
  }
  const seconds = usedS();
  return { runs, perSecond: operations / seconds, timesFaster: simulatedS / seconds, seconds };
}

const build = await loadNodeBuild(BUILD);
const busy = mixed({ sessions: 256, accounts: 64, operations: 12_000, thinkMs: 1 }, 1_500);
const light = mixed({ sessions: 4, accounts: 4, operations: 120, thinkMs: 2_000 }, 60_000);
const operations = rates(build, (turn) => ({ ...busy, seed: turn }));
const time = rates(build, (turn) => ({ ...light, seed: turn }));

const swarm = rates(build, (turn) => drawScenario(turn), SWARM_SEEDS);
const small = (seed: number) => reduced(drawScenario(seed), SMALL);
rates(build, small, SMALL_SEEDS / 3); // What the engine learns on the way is no leak.
const beforeMb = heldMb();
rates(build, small, SMALL_SEEDS);
const growthMb = heldMb() - beforeMb;

const rows = [
  ["operations", `${operations.perSecond.toFixed(0)} client operations/s`, "3000"],
  ["time", `${time.timesFaster.toFixed(0)} times faster than simulated time`, "200"],
  ["swarm", `${(swarm.runs / swarm.seconds).toFixed(2)} seeds/s`, "1.7"],
  ["memory", `${growthMb.toFixed(1)} MB more after ${SMALL_SEEDS} small seeds`, "1"],
];
console.log("what        measured, for each second of processor time     wanted");
for (const [what = "", measured = "", wanted = ""] of rows) {
  console.log(`${what.padEnd(12)}${measured.padEnd(52)}${wanted}`);
}
