// Anomalies as they are found: every one is counted, the first few of a name are told in full.

import type { AnomalyName } from "./anomalies.js";

export const EXAMPLES_MAX = 8;

export type Anomaly = {
  name: AnomalyName;
  count: number;
  /** Lines of text for each of the first EXAMPLES_MAX. */
  examples: readonly (readonly string[])[];
};

export class Findings {
  readonly #found = new Map<AnomalyName, { count: number; examples: (readonly string[])[] }>();

  /** `tell` is asked only while there is room for its lines. */
  add(name: AnomalyName, tell: () => readonly string[]): void {
    const known = this.#found.get(name) ?? { count: 0, examples: [] };
    this.#found.set(name, known);
    known.count += 1;
    if (known.examples.length < EXAMPLES_MAX) known.examples.push(tell());
  }

  list(): Anomaly[] {
    return [...this.#found].map(([name, { count, examples }]) => ({ name, count, examples }));
  }
}
