// From edges and findings to a verdict: cycles are searched, and the anomalies placed in the lattice.

import type { CheckResult, Valid } from "../verdict.js";
import { isAcyclic } from "./acyclic.js";
import { type AnomalyName, CYCLE_KINDS, CYCLE_ORDERS } from "./anomalies.js";
import { componentsOf } from "./component.js";
import {
  type ModelBoundary,
  modelBoundary,
  modelNamed,
  STRONGEST_MODEL,
  violates,
} from "./consistency-models.js";
import { searchCycles } from "./cycle-search.js";
import type { EdgeList } from "./edges.js";
import type { Anomaly, Findings } from "./findings.js";
import { ordersOf } from "./order-edges.js";
import type { Timetable } from "./transactions.js";
import { cycleLines, type Wording } from "./wording.js";

export type CyclesOptions = {
  /** The consistency model that is claimed; by default the strongest. */
  model?: string;
};

export type CyclesResult = {
  /** False where an anomaly violates the model; unknown where there is a cause to doubt. */
  valid: Valid;
  model: string;
  /** All that were found, whether or not the model proscribes them; the worst first. */
  anomalies: readonly Anomaly[];
  boundary: ModelBoundary;
  /** Why the absence of anomalies proves little, one line each. */
  causes: readonly string[];
  figures: Readonly<Record<string, number>>;
};

const SEVERITY: readonly AnomalyName[] = [
  "duplicate-elements",
  "garbage-read",
  "incompatible-order",
  "cyclic-versions",
  "dirty-update",
  "G1a",
  "G1b",
  "internal",
  "future-read",
  "lost-update",
  ...CYCLE_ORDERS.flatMap((order) => CYCLE_KINDS.map((kind): AnomalyName => `${kind}${order}`)),
];

/** Throws where the model is not known. Cost: linear, but for the witnesses of a kind, which is bounded. */
export function judgeTransactions(
  transactions: Timetable,
  list: EdgeList,
  findings: Findings,
  wording: Wording,
  { model = STRONGEST_MODEL }: CyclesOptions,
  causes: readonly string[],
): CyclesResult {
  const edges = list.build();
  const orders = ordersOf(transactions);
  const found = isAcyclic(transactions, edges, orders)
    ? []
    : componentsOf(transactions, edges, orders);
  const unfinished = new Set<string>();
  for (const component of found) {
    const search = searchCycles(component);
    for (const { name, steps } of search.cycles) {
      findings.add(name, () => cycleLines(name, steps, wording));
    }
    for (const kind of search.unfinished) unfinished.add(kind);
  }
  const anomalies = findings
    .list()
    .sort((a, b) => SEVERITY.indexOf(a.name) - SEVERITY.indexOf(b.name));
  const doubts = [...causes];
  if (edges.from.length === 0) doubts.push("no transaction was seen to depend on another");
  if (list.omitted > 0)
    doubts.push(`${list.omitted} pairs of a read and a write it missed were left out`);
  for (const kind of unfinished) doubts.push(`the search for ${kind} was given up`);
  const broken = anomalies.some(({ name }) => violates(name, model));
  return {
    valid: broken ? false : doubts.length > 0 ? "unknown" : true,
    model: modelNamed(model) ?? model,
    anomalies,
    boundary: modelBoundary(anomalies.map(({ name }) => name)),
    causes: doubts,
    figures: {
      transactions: transactions.count,
      dependencies: edges.from.length,
      components: found.length,
      "largest component": found.at(-1)?.txns.length ?? 0,
    },
  };
}

/** For a report: the verdict in one sentence, the anomalies one after the other. */
export function asCheckResult(result: CyclesResult): CheckResult {
  const { valid, model, anomalies, boundary, causes, figures } = result;
  const counts = anomalies.map(({ name, count }) => `${name} ×${count}`).join(", ");
  const lines = anomalies.flatMap(({ name, count, examples }) => {
    const shown = examples.slice(0, REPORTED_MAX).flat();
    const left = count - Math.min(count, REPORTED_MAX);
    return left > 0 ? [...shown, `… and ${left} more of ${name}`] : shown;
  });
  const models =
    anomalies.length === 0
      ? []
      : [
          `not: ${boundary.not.join(", ")}`,
          `also not: ${boundary.alsoNot.join(", ")}`,
          `may still be: ${boundary.survive.join(", ")}`,
        ];
  const explanation = [...models, ...lines, ...causes];
  return {
    valid,
    summary: summaryOf(result, counts),
    figures: { model, ...figures },
    ...(explanation.length === 0 ? {} : { explanation }),
  };
}

/** Examples of one anomaly in a report; the result has more. */
const REPORTED_MAX = 3;

function summaryOf({ valid, model, figures, causes }: CyclesResult, counts: string): string {
  if (valid === false) return `not ${model}: ${counts}`;
  const searched = `${figures["transactions"]} transactions, ${figures["dependencies"]} dependencies`;
  if (valid === "unknown") return `${causes[0]} (${searched})`;
  const weaker = counts === "" ? "no anomaly" : `only what ${model} allows: ${counts}`;
  return `${weaker} in ${searched}`;
}
