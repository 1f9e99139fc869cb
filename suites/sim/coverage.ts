// What a simulation has met: message kinds, and which of them while which fault was active; effects; and
// the rare points that a run should reach "sometimes". A swarm that never meets one is blind to the
// bugs behind it.

import type { FaultKind } from "../../nemesis/faults.js";
import type { CoreEvent } from "../../node/core/step.js";

/** Counts by group and name; plain data, to be sent between threads and added up. */
export type CoverageCounts = Readonly<Record<string, Readonly<Record<string, number>>>>;

const NO_FAULT = "none";

export class Coverage {
  readonly #groups = new Map<string, Map<string, number>>();
  #active: readonly string[] = [NO_FAULT];

  /** The kinds of fault that are active from now on. */
  underFaults(kinds: readonly FaultKind[]): void {
    this.#active = kinds.length === 0 ? [NO_FAULT] : [...new Set(kinds)];
  }

  message(kind: string): void {
    for (const fault of this.#active) this.#add(fault, kind);
  }

  event(event: CoreEvent): void {
    switch (event.kind) {
      case "ignored":
        this.#add(IGNORED, event.reason);
        break;
      case "view-change-started":
        this.sometimes(`${event.kind} (${event.reason})`);
        break;
      case "executed":
        break;
      default:
        this.sometimes(event.kind);
    }
  }

  /** A point that a swarm should reach now and then. */
  sometimes(what: string): void {
    this.#add(SOMETIMES, what);
  }

  get counts(): CoverageCounts {
    return Object.fromEntries(
      [...this.#groups].map(([group, names]) => [group, Object.fromEntries(names)]),
    );
  }

  #add(group: string, name: string): void {
    let names = this.#groups.get(group);
    if (names === undefined) {
      names = new Map();
      this.#groups.set(group, names);
    }
    names.set(name, (names.get(name) ?? 0) + 1);
  }
}

const SOMETIMES = "sometimes";
const IGNORED = "ignored";

/** The sum of both. */
export function addCoverage(a: CoverageCounts, b: CoverageCounts): CoverageCounts {
  const sum: Record<string, Record<string, number>> = {};
  for (const counts of [a, b]) {
    for (const [group, names] of Object.entries(counts)) {
      const total = sum[group] ?? {};
      sum[group] = total;
      for (const [name, count] of Object.entries(names)) total[name] = (total[name] ?? 0) + count;
    }
  }
  return sum;
}

/** "13 message kinds, 180 of them × faults, 24 points": what a line has room for. */
export function coverageLine(counts: CoverageCounts): string {
  const messages = new Set<string>();
  let pairs = 0;
  for (const [group, names] of Object.entries(counts)) {
    if (group === SOMETIMES || group === IGNORED) continue;
    for (const name of Object.keys(names)) messages.add(name);
    if (group !== NO_FAULT) pairs += Object.keys(names).length;
  }
  const points = Object.keys(counts[SOMETIMES] ?? {}).length;
  const reasons = Object.keys(counts[IGNORED] ?? {}).length;
  return (
    `${messages.size} message kinds, ${pairs} of message × fault, ` +
    `${points} points, ${reasons} refusals`
  );
}
