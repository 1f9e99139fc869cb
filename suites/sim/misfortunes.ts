// Single strokes of bad luck by name: what chance did to one datagram ("r0>r1#57"), one lie that was told
// ("r2!14"). A run can be repeated with only some of them, which is how shrinking finds the messages
// that matter. Chance is drawn all the same, so that the others stay what they were.

export class Misfortunes {
  readonly #kept: ReadonlySet<string> | undefined;
  readonly #met: string[] = [];

  /** `kept`: those that happen; undefined: all. */
  constructor(kept: readonly string[] | undefined) {
    this.#kept = kept === undefined ? undefined : new Set(kept);
  }

  /** What happened so far, in order. */
  get met(): readonly string[] {
    return this.#met;
  }

  /** Whether this one happens; then it is noted. */
  happens(name: string): boolean {
    if (this.#kept !== undefined && !this.#kept.has(name)) return false;
    this.#met.push(name);
    return true;
  }
}
