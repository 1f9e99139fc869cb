// The ops of a history, collected one by one with the lines that they stood on.

import type { HistoryOp } from "../history.js";
import { HistoryError } from "../history-error.js";
import { type EventOrder, type Operation, pairOperations } from "../operations.js";
import { type Origin, toOp } from "./op.js";

/** The formats that histories come in; each may be gzipped. */
export type HistoryFormat = "json-lines" | "json" | "edn" | "log";

export type ParsedHistory = {
  ops: HistoryOp[];
  /** By op: the line that it stood on, from 1. */
  lines: readonly number[];
  /** The ops of clients in pairs; the ranks of their windows follow `order`. */
  operations: Operation[];
  order: EventOrder;
  format: HistoryFormat;
  /** What was wrong with a torn last line, which was left out. */
  torn?: string;
};

/** A format's reader: text goes in by pieces, in order. Both throw HistoryError. */
export type HistoryReader = {
  write(piece: string): void;
  finish(): ParsedHistory;
};

/** Guards: each op has its line, so that every message names the right one. */
export class HistoryBuilder {
  readonly name: string;
  readonly #origin: Origin;
  readonly #ops: HistoryOp[] = [];
  readonly #lines: number[] = [];
  /** What ops are called, each once: a text of its own for every op is slow to compare. */
  readonly #names = new Map<string, string>();

  constructor(name: string, origin: Origin) {
    this.name = name;
    this.#origin = origin;
  }

  get count(): number {
    return this.#ops.length;
  }

  /** Takes an op whose position is the count so far. */
  addOp(op: HistoryOp, line: number): void {
    this.#ops.push(op);
    this.#lines.push(line);
  }

  /** Takes what stood on a line. Throws HistoryError. */
  add(form: unknown, line: number): void {
    const op = toOp(form, this.#ops.length, this.#origin);
    if (typeof op === "string") {
      throw new HistoryError("history-bad-op", `${this.name}:${line}: ${op}`);
    }
    const name = this.#names.get(op.f);
    if (name === undefined) this.#names.set(op.f, op.f);
    else op.f = name;
    this.addOp(op, line);
  }

  /** The ops and their pairs. Throws HistoryError. */
  finish(): Pick<ParsedHistory, "ops" | "lines" | "operations" | "order"> {
    if (this.#ops.length === 0) throw this.empty("no op in it");
    const order = this.#origin === "ordeal" ? "time" : "position";
    const where = (index: number) => `${this.name}:${this.#lines[index] ?? 0}: `;
    const operations = pairOperations(this.#ops, where, order);
    return { ops: this.#ops, lines: this.#lines, operations, order };
  }

  empty(message: string): HistoryError {
    return new HistoryError("history-empty", `${this.name}: ${message}`);
  }
}
