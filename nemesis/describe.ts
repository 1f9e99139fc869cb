// Faults in words, for progress lines, bands of the report and the explanation of a verdict.

import type { FaultIntent, NodeName, ResolvedFault, Target } from "./faults.js";
import { everyNth } from "./link-loss.js";
import { describeMatch } from "./messages.js";

/** "partition isolate primary", "loss 20 % all", "delay 50±10 ms one": what was asked. */
export function describeIntent(intent: FaultIntent): string {
  return [...wordsOf(intent), ...directionOf(intent), describeTarget(intent.target)]
    .filter((word) => word !== "")
    .join(" ");
}

/** The intent and what it meant: "partition isolate primary → r0". */
export function describeFault(fault: ResolvedFault): string {
  const meant = meaningOf(fault);
  const asked = describeIntent(fault.intent);
  return meant === "" || asked.endsWith(` ${meant}`) ? asked : `${asked} → ${meant}`;
}

export function describeTarget(target: Target): string {
  switch (target.kind) {
    case "none":
      return "";
    case "nodes":
      return target.nodes.join(",");
    case "replica":
      return `number ${target.index}`;
    case "one":
    case "primary":
    case "next-primary":
    case "backup":
    case "laggard":
    case "f":
    case "beyond-f":
    case "minority":
    case "minority-third":
    case "majority":
    case "all":
    case "clients":
      return target.kind;
    default:
      return target satisfies never;
  }
}

function wordsOf(intent: FaultIntent): string[] {
  switch (intent.kind) {
    case "partition":
      return ["partition", intent.shape];
    case "loss":
      return ["loss", `${Number(intent.percent.toFixed(1))} %`, ...patternOf(intent)];
    case "duplicate":
    case "corrupt":
    case "replay":
      return [intent.kind, `${intent.percent} %`];
    case "reorder":
      return ["reorder", `${intent.percent} % by ${intent.gapMs} ms`];
    case "delay":
      return ["delay", `${intent.delayMs}±${intent.jitterMs} ms`, intent.distribution ?? ""];
    case "message":
      return ["message", ...wordsOfMessage(intent)];
    case "kill":
    case "terminate":
    case "pause":
    case "freeze":
    case "memory":
    case "clog":
    case "power-cut":
      return [intent.kind];
    case "kill-at":
      return ["kill-at", `${intent.point}, time ${intent.count}`];
    case "files":
      return ["files", `at most ${intent.openMax}`];
    case "bandwidth":
      return ["bandwidth", `${intent.bytesPerSecond} bytes/s`];
    case "crash":
      return ["crash", `(${intent.how}) at effect ${intent.boundary}`];
    case "slow-cpu":
      return ["slow-cpu", `by ${intent.factor}`];
    case "clock":
      return ["clock", `×${intent.rate} and ${intent.jumpMs} ms ahead`];
    case "strobe":
      return ["strobe", `${intent.jumpMs} ms every ${intent.periodMs} ms`];
    case "disk":
      return ["disk", intent.flaw];
    case "disk-damage":
      return ["disk-damage", intent.damage];
    case "lie":
      return ["lie", intent.lie, `${intent.percent} %`];
    default:
      return intent satisfies never;
  }
}

/** "between r1 and": only what is said of the links, where it is not the usual. */
function directionOf(intent: FaultIntent): string[] {
  // What is said of messages ends with their direction.
  if (intent.kind === "message" || !("direction" in intent || "peers" in intent)) return [];
  const { direction = "in", peers } = intent;
  const others = peers === undefined ? [] : [describeTarget(peers)];
  switch (direction) {
    case "in":
      return peers === undefined ? [] : ["from", ...others, "to"];
    case "out":
      return peers === undefined ? ["from"] : ["to", ...others, "from"];
    case "both":
      return peers === undefined ? ["to and from"] : ["between", ...others, "and"];
    default:
      return direction satisfies never;
  }
}

function patternOf({ percent, pattern }: Extract<FaultIntent, { kind: "loss" }>): string[] {
  if (pattern === undefined) return [];
  if (pattern.kind === "every") return [`(1 in ${everyNth(percent)})`];
  return [`in bursts of ${pattern.lengthMean}`];
}

function wordsOfMessage({
  effect,
  match,
  direction = "in",
}: Extract<FaultIntent, { kind: "message" }>): string[] {
  const what = typeof effect === "string" ? effect : `delay by ${effect.delayMs} ms`;
  const way = { in: "to", out: "from", both: "to and from" }[direction];
  return [what, describeMatch(match), way];
}

function meaningOf({ intent, nodes, links }: ResolvedFault): string {
  if (intent.kind !== "partition") return nodes.join(",");
  switch (intent.shape) {
    case "halves":
    case "majority":
    case "primary-partial":
      return `${nodes.join(",")} | ${others(nodes, links).join(",")}`;
    case "majorities-ring":
      return ringOrder(nodes, links).join("–");
    case "stochastic-ring":
      return cutPairs(links).join(",");
    default:
      return nodes.join(",");
  }
}

/** "r0|r2": the pairs that do not hear each other, each once. */
function cutPairs(links: ResolvedFault["links"]): string[] {
  const pairs = links.map(({ from, to }) => [from, to].sort(byNumber).join("|"));
  return [...new Set(pairs)].sort();
}

function byNumber(a: NodeName, b: NodeName): number {
  return Number(a.slice(1)) - Number(b.slice(1));
}

function others(nodes: readonly NodeName[], links: ResolvedFault["links"]): NodeName[] {
  const rest = new Set(links.map((link) => link.to).filter((node) => !nodes.includes(node)));
  return [...rest].sort(byNumber);
}

/** Walks a ring along links that are still whole, nearest by name first; for small rings only. */
function ringOrder(nodes: readonly NodeName[], links: ResolvedFault["links"]): NodeName[] {
  const cut = new Set(links.map((link) => `${link.from}>${link.to}`));
  const walked: NodeName[] = [];
  let here = nodes[0];
  while (here !== undefined) {
    const from: NodeName = here;
    walked.push(from);
    here = nodes.find((node) => !walked.includes(node) && !cut.has(`${from}>${node}`));
  }
  return walked;
}
