// A model's states and steps as numbers: each step is taken once, then looked up.

import assert from "node:assert/strict";
import { canonical } from "../models/canonical.js";
import type { Call, Model } from "../models/model.js";

export const ILLEGAL = -1;

/** With more kinds of calls than this, steps are kept in a hash table and not in rows. */
const ROW_KINDS_MAX = 256;
/** What a state costs beside its row: its value, its identity, two table entries. */
const STATE_BYTES = 256;

/** Guards: equal states have one number, so that a step has one answer. State 0 is the first. */
export class Automaton {
  readonly #model: Model;
  readonly #calls: readonly Call[];
  readonly #readOnly: readonly number[];
  readonly #states: unknown[] = [];
  readonly #ids = new Map<unknown, number>();
  readonly #width: number;
  /** 0: not taken yet; 1: illegal; otherwise the state after it, plus 2. */
  #rows: Int32Array;
  readonly #table = new Map<number, number>();
  #bytes = 0;

  /** `readOnly` says of each kind of call whether it claims to leave states alone. */
  constructor(model: Model, calls: readonly Call[], readOnly: readonly number[]) {
    this.#model = model;
    this.#calls = calls;
    this.#readOnly = readOnly;
    this.#width = calls.length <= ROW_KINDS_MAX ? calls.length : 0;
    this.#rows = new Int32Array(8 * this.#width);
    this.#idOf(model.init);
  }

  /** About what the states and steps take in memory. */
  get bytes(): number {
    return this.#bytes + 4 * this.#rows.length + 64 * this.#table.size;
  }

  state(id: number): unknown {
    return this.#states[id];
  }

  /** The state after a call of that kind, or ILLEGAL. */
  next(state: number, kind: number): number {
    if (this.#width === 0) return this.#lookUp(state, kind);
    const slot = state * this.#width + kind;
    const known = this.#rows[slot] ?? 0;
    if (known !== 0) return known - 2;
    const after = this.#step(state, kind);
    this.#rows[slot] = after + 2;
    return after;
  }

  /** Whether a read of that kind can still be answered, where nothing resets the state before it. */
  canReach(state: number, kind: number): boolean {
    const call = this.#calls[kind];
    if (call === undefined) return true;
    return this.#model.lookahead?.canReach(this.#states[state], call) ?? true;
  }

  #lookUp(state: number, kind: number): number {
    const key = state * this.#calls.length + kind;
    const known = this.#table.get(key);
    if (known !== undefined) return known;
    const after = this.#step(state, kind);
    this.#table.set(key, after);
    return after;
  }

  #step(state: number, kind: number): number {
    const call = this.#calls[kind];
    assert(call !== undefined, `kind ${kind} has a call`);
    const after = this.#model.step(this.#states[state], call);
    const id = after === undefined ? ILLEGAL : this.#idOf(after);
    if (this.#readOnly[kind] === 1 && id !== ILLEGAL && id !== state) {
      throw new Error(`model ${this.#model.name}: ${call.f} is said to be read-only, but is not`);
    }
    return id;
  }

  #idOf(state: unknown): number {
    const identity = this.#identity(state);
    const known = this.#ids.get(identity);
    if (known !== undefined) return known;
    const id = this.#states.length;
    this.#states.push(state);
    this.#ids.set(identity, id);
    this.#bytes += STATE_BYTES + (typeof identity === "string" ? 2 * identity.length : 0);
    const wanted = (id + 1) * this.#width;
    if (wanted > this.#rows.length) {
      const rows = new Int32Array(2 * wanted);
      rows.set(this.#rows);
      this.#rows = rows;
    }
    return id;
  }

  #identity(state: unknown): unknown {
    if (this.#model.identity !== undefined) return this.#model.identity(state);
    return typeof state === "object" && state !== null ? canonical(state) : state;
  }
}
