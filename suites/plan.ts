// From a suite and the user's options to the plan of one run, and the line that repeats it.

import { resolve } from "node:path";
import type { FaultKind } from "../nemesis/faults.js";
import { ALL_PACKAGES } from "../nemesis/packages.js";
import { kindsOf } from "../nemesis/schedule.js";
import type { Suite, TableRow } from "./catalogue.js";
import type { LoadOptions } from "./interpreter.js";
import { drawnNemesis, faultyBeyondF, neededKinds } from "./nemesis-choice.js";
import { MACHINE_ALLOWANCE_MS, recoveryBoundNs } from "./recovery-bound.js";
import type { RunPlan } from "./run.js";
import { faultsTolerated, RATE, type RunOptions, sizesOf } from "./run-options.js";
import { suiteScript } from "./script.js";
import { slowedProtocol, slownessOf } from "./slowness.js";
import { tableScript } from "./table.js";

/** What every plan of one invocation has in common. */
export type PlanBasis = {
  options: RunOptions;
  seed: number;
  /** The chosen environment's name. */
  environment: string;
  commit: string;
  /** The build that is run: ours, or the one to be tested. */
  build: string;
  /** What the environment can do: "all" is drawn from it. */
  capabilities: ReadonlySet<FaultKind>;
};

/** After this an operation's fate is not known, ms; Jepsen's usual patience. */
export const OPERATION_TIMEOUT_MS = 5_000;
export const QUIESCENCE_DEADLINE_MS = 10_000;
const CLIENT_PROCESSES_MAX = 2;

type Asked = Pick<RunOptions, "nemesis" | "killAt">;

/** The packages of a run: those asked for, else the suite's own; and beside them a point to die at. */
function nemesisOf(suite: Suite, { nemesis, killAt }: Asked): readonly string[] {
  const names = nemesis ?? suite.nemesis;
  return killAt === undefined ? names : [...new Set([...names, `kill-at-${killAt}`])];
}

/** The kinds of faults that these packages ask for. */
export function faultsOf(suite: Suite, options: Asked): readonly FaultKind[] {
  const own = options.nemesis === undefined ? suite.requiredFaults : [];
  const given = options.nemesis === undefined && options.killAt === undefined;
  return given ? own : [...new Set([...own, ...neededKinds(nemesisOf(suite, options))])];
}

export function suitePlan(suite: Suite, basis: PlanBasis): RunPlan {
  const { options, seed, capabilities } = basis;
  const slowness = slownessOf(basis.environment);
  const asked = nemesisOf(suite, options);
  const nemesis = drawnNemesis(asked, capabilities, seed);
  const isGiven = options.nemesis !== undefined || options.killAt !== undefined;
  const isOwn = !isGiven && !asked.includes(ALL_PACKAGES);
  const timeLimitS = options.timeLimitS ?? suite.timeLimitS * slowness;
  const nemesisIntervalS = options.nemesisIntervalS ?? suite.intervalS * slowness;
  const load = loadOptions(suite, basis, 0.02);
  const faults = { timeLimitS, nemesis, nemesisIntervalS };
  const { replicas, beyondF } = options;
  const faultyMax = faultyBeyondF(faults, { seed, replicas, allowed: beyondF === true });
  const protocol = protocolFor(suite.protocol, kindsOf(nemesis));
  // What was drawn is what is repeated, wherever that is.
  const repeated = isOwn ? basis : { ...basis, options: { ...options, nemesis } };
  return {
    ...commonPlan({ ...suite, protocol }, repeated),
    requiredFaults: isOwn ? suite.requiredFaults : kindsOf(nemesis),
    loadLimitMs: timeLimitS * 1_000,
    script: suiteScript({ ...load, ...faults }),
    options: { ...recordedOptions(suite, basis), ...faults },
    ...(faultyMax === undefined ? {} : { expectedUnsafe: { faultyMax } }),
  };
}

/** A fault that chooses among messages means one, and not those that share its datagram. */
function protocolFor(protocol: Suite["protocol"], kinds: readonly FaultKind[]): Suite["protocol"] {
  return kinds.includes("message") ? { datagramMessagesMax: 1, ...protocol } : protocol;
}

/** A run of a table's row: as fast as the cluster takes it, nothing refused. */
export function tablePlan(suite: Suite, row: TableRow, basis: PlanBasis): RunPlan {
  const load = { ...loadOptions(suite, basis, 0), rate: 0 };
  return {
    ...commonPlan(suite, basis),
    requiredFaults: row.crashes > 0 ? suite.requiredFaults : [],
    loadLimitMs: (basis.options.timeLimitS ?? suite.timeLimitS) * 1_000,
    script: tableScript(row, load),
    options: {
      ...recordedOptions(suite, basis),
      rate: 0,
      iterations: row.iterations,
      crashes: row.crashes,
    },
  };
}

function loadOptions(suite: Suite, basis: PlanBasis, refusedShare: number): LoadOptions {
  const sizes = sizesOf(basis.options, suite.concurrency);
  const timeoutMs = OPERATION_TIMEOUT_MS * slownessOf(basis.environment);
  return { ...sizes, rate: rateOf(basis), refusedShare, readShare: 0.5, timeoutMs };
}

/** What was asked for is asked of slow nodes too. */
function rateOf({ options, environment }: PlanBasis): number {
  return options.rate === RATE ? RATE / slownessOf(environment) : options.rate;
}

/** The command that repeats a run of this suite, with every option that was given. */
export function reproduceLine(suite: string, { options, seed, environment }: PlanBasis): string {
  const words = ["./ordeal", "run", suite, "--seed", String(seed), "--env", environment];
  const add = (option: string, value: string | number | undefined) => {
    if (value !== undefined) words.push(option, String(value));
  };
  add("--inventory", options.inventory);
  if (options.replicas !== 4) add("--replicas", options.replicas);
  add("--time-limit", options.timeLimitS);
  add("--concurrency", options.concurrency);
  if (options.rate !== RATE) add("--rate", options.rate);
  add("--accounts", options.accounts);
  add("--nemesis", options.nemesis?.length === 0 ? "none" : options.nemesis?.join(","));
  add("--kill-at", options.killAt);
  add("--nemesis-interval", options.nemesisIntervalS);
  add("--replica-build", options.replicaBuild);
  if (options.beyondF === true) words.push("--beyond-f");
  return words.join(" ");
}

function commonPlan(suite: Suite, basis: PlanBasis) {
  const { options, seed, commit, build, environment } = basis;
  const slowness = slownessOf(environment);
  const protocol = slowedProtocol(suite.protocol, slowness);
  return {
    suite: suite.name,
    seed,
    replicas: options.replicas,
    clientProcesses: Math.min(
      CLIENT_PROCESSES_MAX,
      sizesOf(options, suite.concurrency).concurrency,
    ),
    protocol,
    build,
    recoveryBoundNs: (disturbedMs: number) =>
      recoveryBoundNs(protocol, faultsTolerated(options.replicas), disturbedMs) +
      (slowness - 1) * MACHINE_ALLOWANCE_MS * 1_000_000,
    quiescenceDeadlineMs: QUIESCENCE_DEADLINE_MS * slowness,
    claims: suite.claims,
    commit,
    reproduce: reproduceLine(suite.name, basis),
  };
}

function recordedOptions(suite: Suite, basis: PlanBasis) {
  const { options } = basis;
  const { replicaBuild, inventory } = options;
  const rate = rateOf(basis);
  const given = {
    ...(replicaBuild !== undefined && { replicaBuild }),
    ...(inventory !== undefined && { inventory: resolve(inventory) }),
  };
  return { ...sizesOf(options, suite.concurrency), rate, ...given };
}
