// How often what happened: what a peer may cause is counted, not logged, so that nobody can fill a
// disk by sending rubbish. Names are made here from a fixed set of words, never from a peer's bytes.

export class Counters {
  readonly #totals = new Map<string, number>();
  #fresh = new Map<string, number>();

  add(name: string): void {
    this.#totals.set(name, (this.#totals.get(name) ?? 0) + 1);
    this.#fresh.set(name, (this.#fresh.get(name) ?? 0) + 1);
  }

  /** Everything since the start. */
  totals(): Record<string, number> {
    return Object.fromEntries(this.#totals);
  }

  /** What was counted since this was last asked; undefined for nothing. */
  takeFresh(): Record<string, number> | undefined {
    if (this.#fresh.size === 0) return undefined;
    const fresh = Object.fromEntries(this.#fresh);
    this.#fresh = new Map();
    return fresh;
  }
}
