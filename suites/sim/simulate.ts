// One simulation from its scenario to its verdict, through the phases of every run: accounts; load and
// faults; heal a core and demand progress; rest; final reads; judge. The same scenario and the same
// code give the same trace.

import { checkRun } from "../../checker/check.js";
import type { LedgerDump, RunRecord } from "../../checker/run-record.js";
import { type CheckResult, mergeValid, type Verdict } from "../../checker/verdict.js";
import type { FaultRecord } from "../../nemesis/faults.js";
import { createRandom } from "../../nemesis/random.js";
import type { ProtocolConfig } from "../../node/core/config.js";
import { PROTOCOL_DEFAULTS } from "../../node/core/config.js";
import { quorumOf } from "../../node/core/quorum.js";
import { HistoryRecorder } from "../history-recorder.js";
import { recoveryBoundNs } from "../recovery-bound.js";
import type { CoverageCounts } from "./coverage.js";
import { keyrings } from "./keyrings.js";
import { Load } from "./load.js";
import { nameOf, principalOf } from "./names.js";
import { Nemesis } from "./nemesis.js";
import type { NodeBuild } from "./node-build.js";
import { lastCureMs, type Scenario } from "./scenario.js";
import { Violation } from "./violation.js";
import { describeWait } from "./wait-story.js";
import { World } from "./world.js";

export type SimStats = {
  simulatedMs: number;
  /** Operations that clients invoked. */
  operations: number;
  events: number;
  datagrams: number;
  /** The highest view that a correct replica entered. */
  viewMax: number;
  executedSeq: number;
};

export type SimResult = {
  scenario: Scenario;
  verdict: Verdict;
  /** Names of the checks that said false, in order. */
  failed: readonly string[];
  /** 16 hexadecimal characters: the same for the same scenario and code. */
  trace: string;
  stats: SimStats;
  coverage: CoverageCounts;
  /** What chance and liars did, one by one: misfortunes.ts. */
  misfortunes: readonly string[];
  record: RunRecord;
  /** What was seen to be wrong while it ran, by check. */
  seen: Readonly<Record<string, CheckResult>>;
  faults: readonly FaultRecord[];
};

/** Looks at a simulation while it runs. */
export type Onlooker = (world: World) => void;

/** Opening accounts without faults takes no longer, ms. */
const OPENING_MS_MAX = 120_000;
const REST_MS_MAX = 20_000;
const REST_POLL_MS = 50;
/** A session waits this much longer than the bound, so that what it waited for in vain is late. */
const PATIENCE_MS = 500;
const SEARCH = { steps: 400_000, configurations: 200_000 };

/** Never throws on what the simulated code does: that is the verdict. */
export function simulate(build: NodeBuild, scenario: Scenario, onlooker?: Onlooker): SimResult {
  const config = configOf(scenario);
  const random = createRandom(scenario.seed);
  const world = new World(build, {
    config,
    clientProcesses: scenario.clientProcesses,
    datagramBytesMax: scenario.datagramBytesMax,
    weather: scenario.weather,
    keyringOf: keyrings(build, scenario, config.cluster),
    random: random.fork("world"),
    misfortunes: scenario.misfortunes,
  });
  onlooker?.(world);
  const run = new Simulation(build, world, scenario, config);
  return run.perform();
}

function configOf({ seed, protocol, replicas }: Scenario): ProtocolConfig {
  const cluster = createRandom(seed)
    .fork("cluster")
    .int(2 ** 32)
    .toString(16)
    .padStart(16, "0");
  return configWith(protocol, cluster, replicas);
}

function configWith(
  protocol: Scenario["protocol"],
  cluster: string,
  n: ProtocolConfig["n"],
): ProtocolConfig {
  return { cluster, n, ...PROTOCOL_DEFAULTS, ...protocol };
}

class Simulation {
  /**
   * Outlives all simulations. When the last object of a hidden class is collected, so is the class, and all
   * code that was compiled for it is compiled again.
   */
  static readonly anyConfig = configWith({}, "0".repeat(16), 4);
  readonly #build: NodeBuild;
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #config: ProtocolConfig;
  readonly #recorder: HistoryRecorder;
  readonly #load: Load;
  readonly #nemesis: Nemesis;
  #healedAt: number | undefined;
  #boundNs = 0;
  #hang: CheckResult | undefined;
  #quiescence: RunRecord["quiescence"];
  #reached: Pick<SimStats, "viewMax" | "executedSeq"> | undefined;

  constructor(build: NodeBuild, world: World, scenario: Scenario, config: ProtocolConfig) {
    this.#build = build;
    this.#world = world;
    this.#scenario = scenario;
    this.#config = config;
    const clock = { now: () => world.queue.nowUs * 1_000, at: (text: string) => Number(text) };
    this.#recorder = new HistoryRecorder(NO_JOURNAL, clock);
    this.#load = new Load(world, scenario, this.#recorder);
    this.#nemesis = new Nemesis(world, scenario, this.#recorder);
  }

  perform(): SimResult {
    const violation = this.#phases();
    const record = this.#record(violation === undefined);
    const seen = this.#hang === undefined ? (violation ?? {}) : { liveness: this.#hang };
    const checks = { ...seen, ...this.#judge(record) };
    const verdict: Verdict = {
      "valid?": mergeValid(Object.values(checks).map(({ valid }) => valid)),
      checks,
    };
    const failed = Object.entries(checks).flatMap(([name, { valid }]) =>
      valid === false ? [name] : [],
    );
    for (const op of record.history) this.#world.trace.number(op.time);
    return {
      scenario: this.#scenario,
      verdict,
      failed,
      trace: this.#world.trace.digest,
      stats: this.#stats(),
      coverage: this.#world.watch.coverage.counts,
      misfortunes: this.#world.misfortunes.met,
      record,
      seen,
      faults: this.#nemesis.records,
    };
  }

  /** The violation that ended it early, as a check. */
  #phases(): Record<string, CheckResult> | undefined {
    try {
      this.#world.start();
      this.#load.openAccounts();
      this.#waitForLoad(OPENING_MS_MAX, "opening the accounts");
      if (this.#hang === undefined) this.#disturb();
      if (this.#hang === undefined) this.#recover();
      if (this.#hang === undefined) this.#shutDown();
      return undefined;
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      const at = `${(this.#world.queue.nowUs / 1_000).toFixed(3)} ms`;
      return { [error.check]: { valid: false, summary: `${error.message} (at ${at})` } };
    }
  }

  #disturb(): void {
    const { queue } = this.#world;
    const startUs = queue.nowUs;
    this.#load.work();
    this.#nemesis.plan();
    this.#world.runUntil(() => false, startUs + lastCureMs(this.#scenario) * 1_000);
    const idle = () => this.#load.idle;
    this.#world.runUntil(idle, startUs + this.#scenario.loadMs * 1_000);
    const disturbedMs = (queue.nowUs - startUs) / 1_000;
    this.#nemesis.healCore();
    this.#healedAt = queue.nowUs * 1_000;
    const f = (this.#scenario.replicas - 1) / 3;
    const delayMs = slowMs(this.#scenario);
    const { batchRequestsMax, batchesOutstandingMax } = this.#config;
    const rounds = Math.ceil(this.#scenario.sessions / (batchRequestsMax * batchesOutstandingMax));
    const numbers = numbersOf(this.#config);
    this.#boundNs = recoveryBoundNs(numbers, f, disturbedMs, delayMs, rounds);
  }

  #recover(): void {
    const boundMs = this.#boundNs / 1e6 + PATIENCE_MS;
    this.#load.stop();
    if (!this.#waitForLoad(boundMs + this.#scenario.timeoutMs, "what was asked before")) return;
    this.#load.demandProgress(boundMs);
    if (!this.#waitForLoad(boundMs, "a fresh write on every session")) return;
    const readsEach = Math.ceil(this.#scenario.accounts / this.#scenario.sessions);
    this.#load.finalReads(boundMs);
    if (!this.#waitForLoad(readsEach * boundMs, "the final reads")) return;
    this.#rest();
  }

  /** In good order, as the ledgers of real processes are collected. */
  #shutDown(): void {
    this.#reached = this.#furthest();
    for (const node of this.#scenario.core) this.#world.replicas[principalOf(node)]?.terminate();
  }

  /** False where somebody still waits: a hang, which is told. */
  #waitForLoad(limitMs: number, what: string): boolean {
    const { queue } = this.#world;
    const done = this.#world.runUntil(() => this.#load.idle, queue.nowUs + limitMs * 1_000 + 1_000);
    if (done) return true;
    this.#hang = {
      valid: false,
      summary: `${what}: no answer within ${Math.round(limitMs)} ms`,
      explanation: describeWait(this.#world, this.#load.waiting),
    };
    return false;
  }

  #rest(): void {
    const { queue } = this.#world;
    const untilUs = queue.nowUs + REST_MS_MAX * 1_000;
    let nextLookUs = 0;
    let settled = "";
    const atRest = () => {
      if (queue.nowUs < nextLookUs) return false;
      nextLookUs = queue.nowUs + REST_POLL_MS * 1_000;
      const state = this.#coreState();
      const same = state !== undefined && state === settled;
      settled = state ?? "";
      return same;
    };
    const reached = this.#world.runUntil(
      () => atRest() && this.#leftBehind() === undefined,
      untilUs,
    );
    const behind = this.#leftBehind();
    if (behind !== undefined) throw new Violation("views", behind);
    const detail = reached ? settled : describeWait(this.#world, []).join("; ");
    this.#quiescence = { reached, detail };
  }

  /** Who of the core is not in the view in which a quorum of it works: it could not help that quorum. */
  #leftBehind(): string | undefined {
    const running = this.#world.replicas.flatMap(({ replica }) => replica ?? []);
    const working = running.filter(({ viewActive }) => viewActive).map(({ view }) => view);
    const views = [...new Set(working)].filter((view) => {
      return working.filter((one) => one === view).length >= quorumOf(this.#scenario.replicas);
    });
    const late = running.find(
      ({ id, view }) =>
        this.#scenario.core.includes(nameOf(id)) && views.some((common) => view < common),
    );
    return late === undefined
      ? undefined
      : `r${late.id} is in view ${late.view}, and a quorum works in view ${views.join()}`;
  }

  /** The one state of the core, undefined while there are several. */
  #coreState(): string | undefined {
    const states = new Set(
      this.#scenario.core.map((name) => {
        const machine = this.#world.replicas[principalOf(name)]?.machine;
        return machine === undefined
          ? name
          : `seq ${machine.seq}, digest ${machine.currentDigest()}`;
      }),
    );
    const [state] = states;
    return states.size === 1 ? state : undefined;
  }

  #record(completed: boolean): RunRecord {
    const ended = completed && this.#quiescence !== undefined;
    return {
      history: this.#recorder.ordered(),
      faults: [],
      ledgers: ended ? this.#ledgers() : [],
      correctReplicas: ended ? this.#scenario.core : [],
      ...(this.#healedAt === undefined || !completed
        ? {}
        : { healedAt: this.#healedAt, recoveryBoundNs: this.#boundNs }),
      ...(this.#quiescence === undefined ? {} : { quiescence: this.#quiescence }),
      expectedFaults: [],
    };
  }

  #ledgers(): LedgerDump[] {
    return this.#scenario.core.flatMap((node) => {
      const replica = this.#world.replicas[principalOf(node)];
      if (replica === undefined) return [];
      const stored = replica.store.load();
      return [
        { node, ...this.#build.exportRows(stored, replica.store.entries(0, stored.entryCount)) },
      ];
    });
  }

  #judge(record: RunRecord): Record<string, CheckResult> {
    if (this.#quiescence === undefined) return {};
    const { checks } = checkRun(record, { search: SEARCH });
    // A swarm's seeds may do little each; together they do not.
    const { evidence: _evidence, statistics: _statistics, ...judged } = checks;
    return judged;
  }

  #furthest(): Pick<SimStats, "viewMax" | "executedSeq"> {
    const alive = this.#world.replicas.flatMap(({ replica }) => replica ?? []);
    return {
      viewMax: Math.max(0, ...alive.map(({ view }) => view)),
      executedSeq: Math.max(0, ...alive.map(({ executedSeq }) => executedSeq)),
    };
  }

  #stats(): SimStats {
    const { queue, network } = this.#world;
    return {
      simulatedMs: queue.nowUs / 1_000,
      operations: this.#recorder.counts.invoke,
      events: queue.ran,
      datagrams: network.delivered,
      ...(this.#reached ?? this.#furthest()),
    };
  }
}

/** The simulation keeps its history in memory. */
const NO_JOURNAL = { path: "", append: () => undefined, close: () => undefined };

/** What nearly every message of the scenario takes less than. */
function slowMs({ weather: { latencyUsMin, latencyUsMean } }: Scenario): number {
  return (latencyUsMin + 5 * latencyUsMean) / 1_000;
}

function numbersOf(config: ProtocolConfig): Record<string, number> {
  return Object.fromEntries(
    Object.entries(config).filter(
      (entry): entry is [string, number] => typeof entry[1] === "number",
    ),
  );
}
