// Exact search for an order in which a model could have performed the operations of one part.
// The order is built one operation at a time. Only what was invoked before the earliest return still
// open (the deadline) can come next; the deadline's operation is tried first. What never has an effect
// is placed as soon as it is legal: that closes no way. Of operations that are alike, the one that
// returns first goes first: to exchange them changes nothing. What may never have happened is tried
// last. Configurations (the set of what is placed, and the state) are not entered twice.
// Source: Wing & Gong, JPDC '93; Lowe, CCPE '17 (just-in-time linearization, the cache)

import { columnsIn, int } from "../columns.js";
import { Automaton, ILLEGAL } from "./automaton.js";
import { FingerprintSet, mix } from "./fingerprints.js";
import { NO_RETURN, type Problem } from "./problem.js";

export type SearchLimits = {
  /** Steps tried. */
  steps: number;
  /** Bytes of configurations and states. */
  bytes: number;
  /** Asked now and then: whether to give up because time is over. */
  isTimeOver?: (() => boolean) | undefined;
};

export type Cause = "steps" | "time" | "memory";

/** Orders hold positions in the problem's columns, and stand until the search is run again. */
export type SearchResult =
  | { found: true; order: Int32Array; steps: number }
  /** No order exists: none has room for `blocked` in time. */
  | { found: false; blocked: number; steps: number }
  | { found: "unknown"; cause: Cause; steps: number };

const LOW_SALT = 0x1b873593;
const HIGH_SALT = 0x4cf5ad43;
/** Steps between two looks at the clock and at memory. */
const LOOK_STEPS = 1 << 12;

const DEADLINE_FIRST = 0;
const OTHERS = 1;
const OPTIONALS = 2;
/** The deadline's operation is placed as if it had not happened, where it may be. */
const SKIP = 3;
/** Placed without a choice: there is nothing else to try. */
const FREE = 4;

const NOWHERE = { deadline: -1, depth: -1 };

/** How far a search came: operations that returned, then operations placed. */
type Reach = { deadline: number; depth: number };

/** Guards: lists, fingerprint and state always describe the operations on the stack. */
export class ExactSearch {
  readonly #problem: Problem;
  readonly #automaton: Automaton;
  readonly #count: number;
  /** Unplaced operations in order of call, in two rings: those that must be placed, and the rest. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** What is like this operation and goes before it; -1 where nothing is. */
  readonly #twin: Int32Array;
  /** What an operation adds to the fingerprint. */
  readonly #lowOf: Int32Array;
  readonly #highOf: Int32Array;
  /** What must be placed, by ret. */
  readonly #returns: Int32Array;
  /** What may lead to any state, by call; undefined where the model cannot look ahead. */
  readonly #resets: Int32Array | undefined;
  readonly #placed: Int32Array;
  // The stack: what was placed, and how things stood before it.
  readonly #stackOp: Int32Array;
  readonly #stackState: Int32Array;
  readonly #stackDeadline: Int32Array;
  readonly #stackCursor: Int32Array;
  readonly #stackPhase: Int32Array;
  #depth = 0;
  #state = 0;
  /** Of the operations placed. */
  #low = 0;
  #high = 0;
  /** How many of the returns are placed, up to the first that is not. */
  #deadline = 0;
  #phase = FREE;
  #cursor = 0;
  #steps = 0;
  #lookAt = 0;
  readonly #seen = new FingerprintSet();
  #furthest: Reach = { deadline: 0, depth: 0 };
  /** The last of the returns that was found to be out of reach. */
  #foreseen = -1;

  constructor(problem: Problem) {
    const count = problem.kind.length;
    this.#problem = problem;
    this.#automaton = new Automaton(problem.model, problem.calls, problem.readOnly);
    this.#count = count;
    const column = columnsIn(new ArrayBuffer(4 * (11 * count + problem.calls.length + 4)));
    this.#next = column(count + 2);
    this.#previous = column(count + 2);
    this.#twin = column(count);
    this.#lowOf = column(count);
    this.#highOf = column(count);
    this.#placed = column(count);
    this.#stackOp = column(count);
    this.#stackState = column(count);
    this.#stackDeadline = column(count);
    this.#stackCursor = column(count);
    this.#stackPhase = column(count);
    this.#returns = problem.returns;
    this.#resets = resetsOf(problem);
    for (let op = 0; op < count; op += 1) {
      this.#lowOf[op] = mix(op, LOW_SALT);
      this.#highOf[op] = mix(op, HIGH_SALT);
    }
    this.#findTwins(column(problem.calls.length));
  }

  /** May be called again, with larger limits; what was learnt of the model is kept. */
  run(limits: SearchLimits): SearchResult {
    const ended = this.#search(limits);
    const steps = this.#steps;
    if (ended === "found") return { found: true, order: this.#order(), steps };
    if (ended !== "refuted") return { found: "unknown", cause: ended, steps };
    const blocked = int(this.#returns, Math.max(this.#furthest.deadline, this.#foreseen));
    return { found: false, blocked, steps };
  }

  /**
   * After a refutation with these limits: an order that goes as far as any. The search goes the same
   * way again, up to where it went furthest: cheaper than to note every improvement.
   */
  longest(limits: SearchLimits): Int32Array {
    this.#search(limits, { ...this.#furthest });
    return this.#order();
  }

  #order(): Int32Array {
    return this.#stackOp.subarray(0, this.#depth);
  }

  /** Ends also where it first comes as far as `wanted`. */
  #search(limits: SearchLimits, wanted?: Reach): "found" | "refuted" | Cause {
    this.#reset();
    for (;;) {
      if (this.#deadline >= this.#returns.length) return "found";
      if (this.#steps >= this.#lookAt) {
        const cause = this.#exhausted(limits);
        if (cause !== undefined) return cause;
      }
      if (this.#phase === FREE) {
        this.#placeFree();
        this.#noteReach();
        const { deadline, depth } = wanted ?? NOWHERE;
        if (deadline === this.#deadline && depth === this.#depth) return "refuted";
      } else if (!this.#placeChosen() && !this.#retreat()) {
        return "refuted";
      }
    }
  }

  #exhausted({ steps, bytes, isTimeOver }: SearchLimits): Cause | undefined {
    if (this.#steps >= steps) return "steps";
    if (this.#seen.bytes + this.#automaton.bytes > bytes) return "memory";
    if (isTimeOver?.() === true) return "time";
    this.#lookAt = Math.min(this.#steps + LOOK_STEPS, steps);
    return undefined;
  }

  /** A new configuration: all that never has an effect and is legal is placed. */
  #placeFree(): void {
    const { kind, call, readOnly } = this.#problem;
    const end = this.#count;
    let limit = this.#limit();
    for (let op = this.#next[end] ?? end; op !== end && int(call, op) < limit; ) {
      const after = this.#next[op] ?? end;
      const like = int(kind, op);
      this.#steps += 1;
      if (readOnly[like] === 1 && this.#automaton.next(this.#state, like) !== ILLEGAL) {
        this.#push(op, FREE);
        this.#toggle(op);
        if (op === this.#returns[this.#deadline]) limit = this.#advance();
      }
      op = after;
    }
    this.#phase = DEADLINE_FIRST;
  }

  /** Places the next operation that leads to a new configuration; false where none is left. */
  #placeChosen(): boolean {
    const { kind, call, readOnly } = this.#problem;
    const last = int(this.#returns, this.#deadline);
    const limit = this.#limit();
    for (;;) {
      const op = this.#candidate(last, limit);
      if (op < 0) return false;
      const like = int(kind, op);
      if (readOnly[like] === 1) continue; // Were it legal, it would be placed.
      const twin = this.#twin[op] ?? -1;
      const isSkipped = this.#phase === SKIP;
      if (!isSkipped && twin >= 0 && this.#placed[twin] === 0 && int(call, twin) < limit) continue;
      this.#steps += 1;
      const after = isSkipped ? this.#state : this.#automaton.next(this.#state, like);
      if (after === ILLEGAL || (this.#phase === OPTIONALS && after === this.#state)) continue;
      if (this.#resets !== undefined && this.#isHopeless(after, op)) continue;
      const low = this.#low ^ int(this.#lowOf, op);
      const high = this.#high ^ int(this.#highOf, op);
      if (!this.#seen.add(low ^ mix(after, HIGH_SALT), high ^ mix(after, LOW_SALT))) continue;
      this.#low = low;
      this.#high = high;
      this.#push(op, this.#phase);
      this.#state = after;
      if (op === last) this.#advance();
      this.#phase = FREE;
      return true;
    }
  }

  /** Whether the read that returns next can no longer be answered, once `op` has led to a state. */
  #isHopeless(state: number, op: number): boolean {
    const { kind, call, ret, readOnly } = this.#problem;
    const returns = this.#returns;
    let at = this.#deadline;
    for (; at < returns.length; at += 1) {
      const next = int(returns, at);
      if (readOnly[int(kind, next)] === 1 && this.#placed[next] === 0) break;
    }
    const read = returns[at];
    if (read === undefined) return false;
    for (const reset of this.#resets ?? []) {
      if (int(call, reset) >= int(ret, read)) break;
      if (this.#placed[reset] === 0 && reset !== op) return false;
    }
    if (this.#automaton.canReach(state, int(kind, read))) return false;
    this.#foreseen = Math.max(this.#foreseen, at);
    return true;
  }

  /** The next to try at this choice, or -1. */
  #candidate(last: number, limit: number): number {
    if (this.#phase === DEADLINE_FIRST) {
      this.#phase = OTHERS;
      this.#cursor = int(this.#next, this.#count);
      return last;
    }
    for (;;) {
      if (this.#phase === SKIP) return -1;
      const op = this.#cursor;
      if (op >= this.#count || int(this.#problem.call, op) >= limit) {
        if (this.#phase === OPTIONALS) {
          this.#phase = SKIP;
          if (this.#problem.skippable?.[last] === 1) return last;
          return -1;
        }
        this.#phase = OPTIONALS;
        this.#cursor = int(this.#next, this.#count + 1);
        continue;
      }
      this.#cursor = int(this.#next, op);
      if (op !== last) return op;
    }
  }

  /** Takes operations off the stack, down to the last choice; false where there is none. */
  #retreat(): boolean {
    for (;;) {
      if (this.#depth === 0) return false;
      this.#depth -= 1;
      const depth = this.#depth;
      const op = int(this.#stackOp, depth);
      this.#toggle(op);
      this.#placed[op] = 0;
      this.#next[int(this.#previous, op)] = op;
      this.#previous[int(this.#next, op)] = op;
      if (this.#stackPhase[depth] === FREE) continue;
      this.#phase = this.#stackPhase[depth] ?? FREE;
      this.#state = int(this.#stackState, depth);
      this.#deadline = int(this.#stackDeadline, depth);
      this.#cursor = int(this.#stackCursor, depth);
      return true;
    }
  }

  #push(op: number, phase: number): void {
    const depth = this.#depth;
    this.#stackOp[depth] = op;
    this.#stackState[depth] = this.#state;
    this.#stackDeadline[depth] = this.#deadline;
    this.#stackPhase[depth] = phase;
    this.#stackCursor[depth] = this.#cursor;
    this.#depth = depth + 1;
    this.#placed[op] = 1;
    const before = int(this.#previous, op);
    const after = int(this.#next, op);
    this.#next[before] = after;
    this.#previous[after] = before;
  }

  /** Moves the fingerprint between the configurations without and with `op`. */
  #toggle(op: number): void {
    this.#low ^= int(this.#lowOf, op);
    this.#high ^= int(this.#highOf, op);
  }

  /** What is called from this rank on cannot come next. */
  #limit(): number {
    return int(this.#problem.ret, int(this.#returns, this.#deadline));
  }

  /** Moves the deadline past what is placed. Returns the new limit, 0 where nothing is left. */
  #advance(): number {
    const returns = this.#returns;
    while (this.#deadline < returns.length && this.#placed[int(returns, this.#deadline)] === 1) {
      this.#deadline += 1;
    }
    return this.#deadline < returns.length ? this.#limit() : 0;
  }

  #noteReach(): void {
    const { deadline, depth } = this.#furthest;
    if (this.#deadline < deadline || (this.#deadline === deadline && this.#depth <= depth)) return;
    this.#furthest.deadline = this.#deadline;
    this.#furthest.depth = this.#depth;
  }

  #reset(): void {
    this.#link();
    this.#depth = 0;
    this.#state = 0;
    this.#low = 0;
    this.#high = 0;
    this.#deadline = 0;
    this.#phase = FREE;
    this.#steps = 0;
    this.#lookAt = 0;
    this.#seen.clear();
  }

  /** Puts every operation into its ring. */
  #link(): void {
    const required = this.#count;
    const optional = this.#count + 1;
    this.#placed.fill(0);
    let lastRequired = required;
    let lastOptional = optional;
    for (let op = 0; op < this.#count; op += 1) {
      const isOptional = this.#problem.ret[op] === NO_RETURN;
      const before = isOptional ? lastOptional : lastRequired;
      this.#next[before] = op;
      this.#previous[op] = before;
      if (isOptional) lastOptional = op;
      else lastRequired = op;
    }
    this.#next[lastRequired] = required;
    this.#previous[required] = lastRequired;
    this.#next[lastOptional] = optional;
    this.#previous[optional] = lastOptional;
  }

  /** `latest`, zeros, is by kind: the latest such operation, plus 1. */
  #findTwins(latest: Int32Array): void {
    const { kind, ret } = this.#problem;
    const visit = (op: number) => {
      const like = int(kind, op);
      this.#twin[op] = int(latest, like) - 1;
      // What may be skipped need not go before what may not.
      if (this.#problem.skippable?.[op] !== 1) latest[like] = op + 1;
    };
    const returns = this.#returns;
    for (let at = 0; at < returns.length; at += 1) visit(int(returns, at));
    for (let op = 0; op < this.#count; op += 1) if (ret[op] === NO_RETURN) visit(op);
  }
}

function resetsOf({ model, calls, kind }: Problem): Int32Array | undefined {
  const { lookahead } = model;
  if (lookahead === undefined) return undefined;
  const resetting = calls.map((call) => lookahead.resets(call));
  return Int32Array.from(kind.keys()).filter((op) => resetting[int(kind, op)] === true);
}
