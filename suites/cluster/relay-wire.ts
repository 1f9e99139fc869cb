// The lines between the runner and its relay process: a command a line, an answer a line, in order.

import type { LinkRule, NodeName } from "../../nemesis/faults.js";
import { field, parseObject } from "./json-lines.js";
import type { RelayAddress, RelayNode } from "./relay.js";
import type { LinkTraffic } from "./relay-link.js";

export type RelayCommand =
  | {
      op: "open";
      seed: number;
      nodes: readonly RelayNode[];
      pairs: readonly (readonly [NodeName, NodeName])[];
    }
  | { op: "rules"; rules: readonly LinkRule[] }
  | { op: "counters" };

export type RelayAnswer =
  | { op: "open"; addresses: readonly RelayAddress[] }
  | { op: "rules" }
  | { op: "counters"; links: readonly LinkTraffic[] }
  | { op: "failed"; error: string };

export function encodeLine(value: RelayCommand | RelayAnswer): string {
  return `${JSON.stringify(value)}\n`;
}

/** Both ends are of one build, so only the frame is checked; throws on anything else. */
export function decodeCommand(line: string): RelayCommand {
  return decode(line, ["open", "rules", "counters"]) as RelayCommand;
}

export function decodeAnswer(line: string): RelayAnswer {
  return decode(line, ["open", "rules", "counters", "failed"]) as RelayAnswer;
}

function decode(line: string, ops: readonly string[]): object {
  const object = parseObject(line);
  if (object === undefined || !ops.some((op) => op === field(object, "op"))) {
    throw new Error(`relay: want a line with op ${ops.join(", ")}, found ${line.slice(0, 80)}`);
  }
  return object;
}
