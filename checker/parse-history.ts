// JSON lines to ops, strictly: whatever is not an op stops the reading with one line that says where.
// A run that was killed may leave half a line at the end; that line alone is forgiven, and reported.

import type { HistoryOp, OpType } from "./history.js";
import { HistoryError } from "./history-error.js";
import { pairOperations } from "./operations.js";

/** A line longer than this is no op of ours. */
export const LINE_CHARACTERS_MAX = 1 << 20;

export type ParsedHistory = {
  ops: HistoryOp[];
  /** What was wrong with a torn last line; absent where the text ends with a whole line. */
  torn?: string;
};

/** Throws HistoryError. `name` stands before the line's number in every message. */
export function parseHistory(text: string, name = "history"): ParsedHistory {
  const parser = new HistoryParser(name);
  let start = 0;
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
    parser.line(text.slice(start, end));
    start = end + 1;
  }
  return parser.finish(text.slice(start));
}

/** Guards: lines go in once and in order, so that every message names the right one. */
export class HistoryParser {
  readonly #name: string;
  readonly #ops: HistoryOp[] = [];
  readonly #lines: number[] = [];
  #line = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** Takes one whole line, without its newline. Throws HistoryError. */
  line(text: string): void {
    this.#line += 1;
    if (text.trim() === "") return;
    const value = parseLine(text);
    if (value === undefined) {
      throw this.#error("history-malformed", `not a line of JSON: ${excerpt(text)}`);
    }
    const op = toOp(value, this.#ops.length);
    if (typeof op === "string") throw this.#error("history-bad-op", op);
    this.#ops.push(op);
    this.#lines.push(this.#line);
  }

  /** Takes what stands behind the last newline ("" where nothing does). Throws HistoryError. */
  finish(rest: string): ParsedHistory {
    let torn: string | undefined;
    if (rest.trim() !== "" && parseLine(rest) === undefined) {
      const where = `${this.#name}:${this.#line + 1}`;
      torn = `${where}: the last line is torn and was left out: ${excerpt(rest)}`;
      if (this.#ops.length === 0) {
        throw new HistoryError(
          "history-malformed",
          `${this.#name}:${this.#line + 1}: not a line of JSON: ${excerpt(rest)}`,
        );
      }
    } else {
      this.line(rest);
    }
    if (this.#ops.length === 0) {
      throw new HistoryError("history-empty", `${this.#name}: no op in it`);
    }
    pairOperations(this.#ops, (index) => `${this.#name}:${this.#lines[index] ?? 0}: `);
    return torn === undefined ? { ops: this.#ops } : { ops: this.#ops, torn };
  }

  #error(code: "history-malformed" | "history-bad-op", message: string): HistoryError {
    return new HistoryError(code, `${this.#name}:${this.#line}: ${message}`);
  }
}

/** Undefined where the text is not JSON; JSON's own message says less than an excerpt. */
function parseLine(text: string): { json: unknown } | undefined {
  if (text.length > LINE_CHARACTERS_MAX) return undefined;
  try {
    return { json: JSON.parse(text) };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function excerpt(text: string): string {
  const printable = text.slice(0, 48).replace(/[^\x20-\x7e]/g, "?");
  return text.length > 48 ? `"${printable}…" (${text.length} characters)` : `"${printable}"`;
}

/** The op, or what is wrong with it. */
function toOp({ json }: { json: unknown }, position: number): HistoryOp | string {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return `an op is an object, not ${excerpt(JSON.stringify(json))}`;
  }
  const fields = new Map<string, unknown>(Object.entries(json));
  const index = fields.get("index") ?? position;
  const time = fields.get("time");
  const type = fields.get("type");
  const process = fields.get("process");
  const f = fields.get("f");
  if (index !== position) return `index ${String(index)} where ${position} comes next`;
  if (!isCount(time)) return "time must be a number of nanoseconds, 0 or more";
  if (!isOpType(type)) return "type must be invoke, ok, fail or info";
  if (process !== "nemesis" && !isCount(process)) return 'process must be a number or "nemesis"';
  if (typeof f !== "string" || f === "") return "f must name a function";
  const op: HistoryOp = { index: position, time, type, process, f, value: fields.get("value") };
  return withOptional(op, fields);
}

function withOptional(op: HistoryOp, fields: ReadonlyMap<string, unknown>): HistoryOp | string {
  for (const key of ["error", "node"] as const) {
    const text = fields.get(key);
    if (text === undefined || text === null) continue;
    if (typeof text !== "string") return `${key} must be text`;
    op[key] = text;
  }
  for (const key of ["seq", "client", "timestamp"] as const) {
    const number = fields.get(key);
    if (number === undefined || number === null) continue;
    if (!isCount(number)) return `${key} must be a number, 0 or more`;
    op[key] = number;
  }
  return op;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isOpType(value: unknown): value is OpType {
  return value === "invoke" || value === "ok" || value === "fail" || value === "info";
}
