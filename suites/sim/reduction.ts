// What shrinking left of a scenario, as one word on the command line: "faults=f1+f4,operations=12".
// Everything that is not named is as the seed drew it.

import { UsageError } from "../usage-error.js";
import { CALM, type Weather } from "./network.js";
import type { Scenario } from "./scenario.js";

const NUMBERS = [
  "operations",
  "sessions",
  "accounts",
  "clientProcesses",
  "thinkMs",
  "datagramBytesMax",
] as const;
type NumberKey = (typeof NUMBERS)[number];

const WEATHER = ["loss", "duplicate", "reorder", "corrupt", "replay", "latency"] as const;
export type WeatherPart = (typeof WEATHER)[number];

export type Reduction = Partial<Record<NumberKey, number>> & {
  /** Ids of the faults that stay. */
  faults?: readonly string[];
  rest?: readonly string[];
  /** What stays of the weather. */
  weather?: readonly WeatherPart[];
  /** The protocol's numbers are the defaults. */
  protocol?: "default";
};

export function reduced(scenario: Scenario, reduction: Reduction): Scenario {
  const { faults, rest, weather, protocol, ...numbers } = reduction;
  return {
    ...scenario,
    ...numbers,
    ...(protocol === undefined ? {} : { protocol: {} }),
    ...(weather === undefined ? {} : { weather: weatherOf(scenario.weather, weather) }),
    ...(faults === undefined
      ? {}
      : { faults: scenario.faults.filter(({ id }) => faults.includes(id)) }),
    ...(rest === undefined ? {} : { rest: scenario.rest.filter(({ id }) => rest.includes(id)) }),
  };
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
    .map(([key, value]) => `${key}=${Array.isArray(value) ? value.join("+") : value}`)
    .join(",");
}

/** Throws UsageError. */
export function parseReduction(text: string): Reduction {
  const reduction: Reduction = {};
  for (const part of text.split(",").filter((each) => each !== "")) {
    const [key = "", value = ""] = part.split("=", 2);
    const list = value === "" ? [] : value.split("+");
    const number = NUMBERS.find((known) => known === key);
    if (number !== undefined && /^\d{1,9}$/.test(value)) reduction[number] = Number(value);
    else if (key === "faults" || key === "rest") reduction[key] = list;
    else if (key === "protocol" && value === "default") reduction.protocol = "default";
    else if (key === "weather" && list.every((each) => WEATHER.some((one) => one === each))) {
      reduction.weather = WEATHER.filter((one) => list.includes(one));
    } else throw new UsageError("bad-option", `--only does not know "${part}"`);
  }
  return reduction;
}
