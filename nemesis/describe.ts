// Faults in words, for progress lines, bands of the report and the explanation of a verdict.

import type { FaultIntent, NodeName, ResolvedFault, Target } from "./faults.js";
import { everyNth } from "./link-loss.js";

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
    case "one":
    case "primary":
    case "backup":
    case "f":
    case "minority":
    case "majority":
    case "all":
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
    case "kill":
    case "pause":
    case "clog":
    case "power-cut":
      return [intent.kind];
    case "bandwidth":
      return ["bandwidth", `${intent.bytesPerSecond} bytes/s`];
    case "crash":
      return ["crash", `(${intent.how}) at effect ${intent.boundary}`];
    case "slow-cpu":
      return ["slow-cpu", `by ${intent.factor}`];
    case "clock":
      return ["clock", `×${intent.rate} and ${intent.jumpMs} ms ahead`];
    case "disk":
      return ["disk", intent.flaw];
    case "disk-damage":
      return ["disk", intent.damage];
    case "lie":
      return ["lie", intent.lie, `${intent.percent} %`];
    default:
      return intent satisfies never;
  }
}

/** "between r1 and": only what is said of the links, where it is not the usual. */
function directionOf(intent: FaultIntent): string[] {
  if (!("direction" in intent || "peers" in intent)) return [];
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

function meaningOf({ intent, nodes, links }: ResolvedFault): string {
  if (intent.kind !== "partition") return nodes.join(",");
  if (intent.shape === "halves") return `${nodes.join(",")} | ${others(nodes, links).join(",")}`;
  if (intent.shape === "majorities-ring") return ringOrder(nodes, links).join("–");
  return nodes.join(",");
}

function others(nodes: readonly NodeName[], links: ResolvedFault["links"]): NodeName[] {
  const rest = new Set(links.map((link) => link.to).filter((node) => !nodes.includes(node)));
  return [...rest].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
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
