// Consistency models of transactions as a lattice: which model contains which, what each proscribes,
// and so which of them a history with some anomalies can still satisfy.
// Sources: Adya, "Weak Consistency"; Bailis et al., "Highly Available Transactions"; Cerone et al., "A
// Framework for Transactional Consistency Models"; Daudjee & Salem, "Lazy Database Replication with
// Snapshot Isolation"; as Elle relates them (elle.consistency-model).

import { type AnomalyClass, type AnomalyName, impliedAnomalies } from "./anomalies.js";

/** By the name that users know; Adya's is an alias (MODEL_ALIASES). */
type Model = { implies: readonly string[]; proscribes: readonly AnomalyClass[] };

const MODELS: ReadonlyMap<string, Model> = new Map(
  Object.entries({
    "read-uncommitted": model([], ["G0", "duplicate-elements", "cyclic-versions", "garbage-read"]),
    "read-committed": model(["read-uncommitted"], ["G1"]),
    "cursor-stability": model(["read-committed"], ["lost-update"]),
    "monotonic-view": model(["read-committed"], ["G1"]),
    "monotonic-atomic-view": model(["read-committed"], []),
    "monotonic-snapshot-read": model(["read-committed"], ["G1"]),
    "consistent-view": model(["cursor-stability", "monotonic-view"], ["G-single"]),
    "forward-consistent-view": model(["consistent-view"], []),
    "update-serializable": model(["forward-consistent-view"], []),
    "read-atomic": model(["monotonic-atomic-view"], ["internal", "G1a", "future-read"]),
    rola: model(["read-atomic"], ["lost-update"]),
    "causal-cerone": model(["read-atomic"], []),
    "parallel-snapshot-isolation": model(["causal-cerone", "rola"], []),
    prefix: model(["causal-cerone"], []),
    "repeatable-read": model(
      ["cursor-stability", "monotonic-atomic-view"],
      ["G2-item", "lost-update"],
    ),
    "snapshot-isolation": model(
      [
        "forward-consistent-view",
        "monotonic-atomic-view",
        "monotonic-snapshot-read",
        "parallel-snapshot-isolation",
        "prefix",
      ],
      ["internal", "G-nonadjacent"],
    ),
    serializable: model(
      ["repeatable-read", "snapshot-isolation", "update-serializable"],
      ["internal", "G2-item", "write-skew"],
    ),
    "strong-session-read-uncommitted": model(["read-uncommitted"], ["G0-process"]),
    "strong-session-read-committed": model(
      ["read-committed", "strong-session-read-uncommitted"],
      ["G1c-process"],
    ),
    "strong-session-snapshot-isolation": model(
      ["snapshot-isolation", "strong-session-read-committed"],
      ["G1-process", "G-nonadjacent-process"],
    ),
    "strong-session-serializable": model(
      ["serializable", "strong-session-snapshot-isolation"],
      ["G1-process", "G2-item-process"],
    ),
    "strong-read-uncommitted": model(["strong-session-read-uncommitted"], ["G0-realtime"]),
    "strong-read-committed": model(
      ["strong-session-read-committed", "strong-read-uncommitted"],
      ["G1c-realtime"],
    ),
    "strong-snapshot-isolation": model(
      ["strong-session-snapshot-isolation", "strong-read-committed"],
      ["G1-realtime", "G-nonadjacent-realtime"],
    ),
    "strong-serializable": model(
      ["strong-session-serializable", "strong-snapshot-isolation"],
      ["G1-realtime", "G2-item-realtime"],
    ),
  }),
);

const MODEL_ALIASES: ReadonlyMap<string, string> = new Map([
  ["strict-serializable", "strong-serializable"],
  ["conflict-serializable", "serializable"],
  ["PL-SS", "strong-serializable"],
  ["PL-3", "serializable"],
  ["PL-3U", "update-serializable"],
  ["PL-SI", "snapshot-isolation"],
  ["PL-FCV", "forward-consistent-view"],
  ["PL-2+", "consistent-view"],
  ["PL-2.99", "repeatable-read"],
  ["PL-CS", "cursor-stability"],
  ["PL-2L", "monotonic-view"],
  ["PL-MSR", "monotonic-snapshot-read"],
  ["PL-2", "read-committed"],
  ["PL-1", "read-uncommitted"],
  ["ROLA", "rola"],
]);

export const STRONGEST_MODEL = "strong-serializable";

/** Where a history stands in the lattice. Names in order of the alphabet. */
export type ModelBoundary = {
  /** The weakest models that the anomalies rule out. */
  not: readonly string[];
  /** Stronger models, ruled out with them. */
  alsoNot: readonly string[];
  /** The strongest models that no anomaly rules out. */
  survive: readonly string[];
};

/** Every name that `modelNamed` knows. */
export function modelNames(): readonly string[] {
  return [...MODELS.keys(), ...MODEL_ALIASES.keys()].sort(byText);
}

/** The model's own name; undefined where there is no such model. */
export function modelNamed(name: string): string | undefined {
  const own = MODEL_ALIASES.get(name) ?? name;
  return MODELS.has(own) ? own : undefined;
}

/** All that a history of this model must not show. Throws where there is no such model. */
export function proscribed(name: string): ReadonlySet<AnomalyClass> {
  const own = modelNamed(name);
  if (own === undefined) {
    throw new Error(`no consistency model "${name}"; known are ${modelNames().join(", ")}`);
  }
  return new Set([...below(own)].flatMap((each) => MODELS.get(each)?.proscribes ?? []));
}

/** Whether the model rules out an anomaly, by itself or by what it contains. */
export function violates(anomaly: AnomalyName, model: string): boolean {
  const bad = proscribed(model);
  return [...impliedAnomalies([anomaly])].some((name) => bad.has(name));
}

export function modelBoundary(anomalies: readonly AnomalyName[]): ModelBoundary {
  const found = impliedAnomalies(anomalies);
  const broken = new Set<string>();
  for (const name of MODELS.keys()) {
    const bad = proscribed(name);
    if ([...found].some((anomaly) => bad.has(anomaly))) broken.add(name);
  }
  const whole = [...MODELS.keys()].filter((name) => !broken.has(name));
  const weaker = (name: string) => [...below(name)].filter((other) => other !== name);
  const weakest = [...broken].filter((name) => !weaker(name).some((other) => broken.has(other)));
  const covered = new Set(whole.flatMap(weaker));
  return {
    not: weakest.sort(byText),
    alsoNot: [...broken].filter((name) => !weakest.includes(name)).sort(byText),
    survive: whole.filter((name) => !covered.has(name)).sort(byText),
  };
}

/** The model and all that it contains. */
function below(name: string): ReadonlySet<string> {
  const found = new Set([name]);
  for (const each of found) for (const weaker of MODELS.get(each)?.implies ?? []) found.add(weaker);
  return found;
}

function model(implies: readonly string[], proscribes: readonly AnomalyClass[]): Model {
  return { implies, proscribes };
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
