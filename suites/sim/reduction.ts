// What shrinking left of a scenario, as one word on the command line: "faults=f1+f4,operations=12".
// Everything that is not named is as the seed drew it.

import type { FaultIntent, NodeName } from "../../nemesis/faults.js";
import { UsageError } from "../usage-error.js";
import { CALM, type Weather } from "./network.js";
import type { Scenario, TimedFault } from "./scenario.js";

const NUMBERS = [
  "replicas",
  "operations",
  "loadMs",
  "sessions",
  "accounts",
  "clientProcesses",
  "thinkMs",
  "datagramBytesMax",
] as const;
type NumberKey = (typeof NUMBERS)[number];

const WEATHER = ["loss", "duplicate", "reorder", "corrupt", "replay", "latency"] as const;
export type WeatherPart = (typeof WEATHER)[number];

type Span = { startMs: number; stopMs: number };

export type Reduction = Partial<Record<NumberKey, number>> & {
  /** All faults begin so much sooner, ms; none before the load. */
  earlierMs?: number;
  /** Ids of the faults that stay. */
  faults?: readonly string[];
  rest?: readonly string[];
  /** Faults that last shorter than drawn: from and to, ms, before they are made earlier. */
  times?: Readonly<Record<string, Span>>;
  /** Names of the misfortunes that stay. */
  misfortunes?: readonly string[];
  /** What stays of the weather. */
  weather?: readonly WeatherPart[];
  /** The protocol's numbers are the defaults. */
  protocol?: "default";
};

export function reduced(scenario: Scenario, reduction: Reduction): Scenario {
  const { faults, rest, weather, protocol, replicas, earlierMs = 0, times, ...others } = reduction;
  const left = {
    ...scenario,
    faults: scenario.faults.filter(({ id }) => faults?.includes(id) ?? true),
    rest: scenario.rest.filter(({ id }) => rest?.includes(id) ?? true),
  };
  const smaller = replicas === undefined ? left : withReplicas(left, replicas);
  return {
    ...smaller,
    ...others,
    ...(protocol === undefined ? {} : { protocol: {} }),
    ...(weather === undefined ? {} : { weather: weatherOf(scenario.weather, weather) }),
    faults: smaller.faults
      .filter(({ intent }) => hasClients(intent, others.clientProcesses))
      .map((fault) => sooner({ ...fault, ...times?.[fault.id] }, earlierMs)),
  };
}

/** Whether the client processes that the fault names, if any, are still there. */
function hasClients({ target }: FaultIntent, clientProcesses = Number.POSITIVE_INFINITY): boolean {
  if (target.kind !== "nodes") return true;
  return target.nodes.every(
    (node) => node.startsWith("r") || Number(node.slice(1)) < clientProcesses,
  );
}

function sooner(fault: TimedFault, byMs: number): TimedFault {
  const startMs = Math.max(0, fault.startMs - byMs);
  return { ...fault, startMs, stopMs: fault.stopMs - fault.startMs + startMs };
}

/** The same with fewer replicas: what named those that are gone is gone. */
function withReplicas(scenario: Scenario, replicas: number): Scenario {
  const names = Array.from({ length: replicas }, (_, id) => `r${id}`);
  const f = Math.floor((replicas - 1) / 3);
  const candidates = scenario.faulty.filter((node) => names.includes(node));
  const wrong = candidates.filter((node) => goesWrong(scenario, node));
  const faulty = [...new Set([...wrong, ...candidates])].slice(0, f);
  const fits = <T extends { intent: FaultIntent }>(fault: T): T[] => {
    const { target } = fault.intent;
    if (target.kind !== "nodes") return [fault];
    const wanted = fault.intent.kind === "lie" || fault.intent.kind === "disk-damage";
    const nodes = target.nodes.filter(
      (node) => (wanted ? faulty : names).includes(node) || (!wanted && node.startsWith("c")),
    );
    return nodes.length === 0
      ? []
      : [{ ...fault, intent: { ...fault.intent, target: { ...target, nodes } } }];
  };
  const outside = new Set([...faulty, ...names.filter((node) => !scenario.core.includes(node))]);
  const spare = [...outside].slice(0, f);
  const core = names.filter((node) => !spare.includes(node)).slice(-(replicas - f));
  return {
    ...scenario,
    replicas,
    faulty,
    core,
    faults: scenario.faults.flatMap(fits),
    rest: scenario.rest.flatMap(fits).filter(({ intent: { target } }) => {
      return target.kind !== "nodes" || target.nodes.every((node) => !core.includes(node));
    }),
  };
}

/** Whether it lies, or its disk is damaged, in what is left: such a one stays rather than others that may. */
function goesWrong({ faults, rest }: Scenario, node: NodeName): boolean {
  return [...faults, ...rest].some(
    ({ intent: { kind, target } }) =>
      (kind === "lie" || kind === "disk-damage") &&
      target.kind === "nodes" &&
      target.nodes.includes(node),
  );
}

/** What is bad about the weather. */
export function weatherParts({ weather }: Scenario): WeatherPart[] {
  return WEATHER.filter((part) =>
    part === "latency"
      ? weather.latencyUsMin !== CALM.latencyUsMin || weather.latencyUsMean !== CALM.latencyUsMean
      : weather[`${part}Percent`] > 0,
  );
}

function weatherOf(weather: Weather, parts: readonly WeatherPart[]): Weather {
  const kept = (part: Exclude<WeatherPart, "latency">) =>
    parts.includes(part) ? weather[`${part}Percent`] : 0;
  const latency = parts.includes("latency") ? weather : CALM;
  return {
    latencyUsMin: latency.latencyUsMin,
    latencyUsMean: latency.latencyUsMean,
    lossPercent: kept("loss"),
    duplicatePercent: kept("duplicate"),
    reorderPercent: kept("reorder"),
    corruptPercent: kept("corrupt"),
    replayPercent: kept("replay"),
  };
}

/** Empty where nothing is reduced. */
export function reductionText(reduction: Reduction): string {
  return Object.entries(reduction)
    .map(([key, value]) => `${key}=${valueText(value)}`)
    .join(",");
}

function isList(value: object): value is readonly string[] {
  return Array.isArray(value);
}

function valueText(value: Reduction[keyof Reduction]): string {
  if (typeof value !== "object") return String(value);
  if (isList(value)) return value.join("+");
  return Object.entries(value)
    .map(([id, { startMs, stopMs }]) => `${id}@${startMs}-${stopMs}`)
    .join("+");
}

const SPAN = /^(f\d{1,6})@(\d{1,9})-(\d{1,9})$/;

function spanOf(text: string): [string, Span] {
  const [, id = "", startMs, stopMs] = SPAN.exec(text) ?? [];
  return [id, { startMs: Number(startMs), stopMs: Number(stopMs) }];
}

/** Throws UsageError. */
export function parseReduction(text: string): Reduction {
  const reduction: Reduction = {};
  for (const part of text.split(",").filter((each) => each !== "")) {
    const [key = "", value = ""] = part.split("=", 2);
    const list = value === "" ? [] : value.split("+");
    const number = NUMBERS.find((known) => known === key);
    if (key === "earlierMs" && /^\d{1,9}$/.test(value)) reduction.earlierMs = Number(value);
    else if (number !== undefined && /^\d{1,9}$/.test(value)) reduction[number] = Number(value);
    else if (key === "faults" || key === "rest" || key === "misfortunes") reduction[key] = list;
    else if (key === "times" && list.every((each) => SPAN.test(each))) {
      reduction.times = Object.fromEntries(list.map(spanOf));
    } else if (key === "protocol" && value === "default") reduction.protocol = "default";
    else if (key === "weather" && list.every((each) => WEATHER.some((one) => one === each))) {
      reduction.weather = WEATHER.filter((one) => list.includes(one));
    } else throw new UsageError("bad-option", `--only does not know "${part}"`);
  }
  return reduction;
}
