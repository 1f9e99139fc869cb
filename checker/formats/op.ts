// One event of a history from the fields that a file gives it, whatever the file's format was.

import type { HistoryOp, OpType } from "../history.js";
import { excerpt } from "./excerpt.js";

/**
 * A run of our own numbers its ops from 0 and times each. Elsewhere an index may have gaps and a time
 * may be missing, so that the order of the file is all there is; `:key` stands beside `:value`.
 */
export type Origin = "ordeal" | "elsewhere";

/** The op at this position, or what is wrong with it. */
export function toOp(form: unknown, position: number, origin: Origin): HistoryOp | string {
  if (!isRecord(form)) return `an op is an object, not ${excerpt(textOf(form))}`;
  return origin === "ordeal" ? ourOp(form, position) : anyOp(form, position);
}

type Fields = Readonly<Record<string, unknown>>;

function ourOp(fields: Fields, position: number): HistoryOp | string {
  const index = fields["index"] ?? position;
  const time = fields["time"];
  const type = opTypeOf(fields["type"]);
  const process = fields["process"];
  const f = fields["f"];
  if (index !== position) return `index ${String(index)} where ${position} comes next`;
  if (!isCount(time)) return "time must be a number of nanoseconds, 0 or more";
  if (type === undefined) return TYPE_WANTED;
  if (process !== "nemesis" && !isCount(process)) return 'process must be a number or "nemesis"';
  if (typeof f !== "string" || f === "") return "f must name a function";
  const op: HistoryOp = { index: position, time, type, process, f, value: fields["value"] };
  const error = fields["error"];
  if (error !== undefined && error !== null && typeof error !== "string") {
    return "error must be text";
  }
  return withOptional(op, fields);
}

function anyOp(fields: Fields, position: number): HistoryOp | string {
  const time = fields["time"];
  const type = opTypeOf(nameOf(fields["type"]));
  const f = nameOf(fields["f"] ?? "txn"); // Elle's examples by hand name neither f nor process.
  const process = nameOf(fields["process"] ?? 0);
  if (type === undefined) return TYPE_WANTED;
  if (typeof f !== "string" || f === "") return "f must name a function";
  if (typeof process === "number" && !isCount(process)) return "process must be 0 or more";
  const value = fields["value"];
  const op: HistoryOp = {
    index: position,
    time: isCount(time) ? time : position,
    type,
    process: typeof process === "number" ? process : "nemesis",
    f,
    value: fields["key"] === undefined ? value : [fields["key"], value],
  };
  const error = fields["error"];
  if (error === undefined || error === null) return withOptional(op, fields);
  return withOptional(op, { ...fields, error: textOf(error) });
}

const OP_TYPES: readonly OpType[] = ["invoke", "ok", "fail", "info"];
const TYPE_WANTED = "type must be invoke, ok, fail or info";

function withOptional(op: HistoryOp, fields: Fields): HistoryOp | string {
  const { error, node } = { error: fields["error"], node: fields["node"] };
  if (typeof error === "string") op.error = error;
  if (typeof node === "string") op.node = node;
  else if (node !== undefined && node !== null) return "node must be text";
  for (const key of ["seq", "client", "timestamp"] as const) {
    const number = fields[key];
    if (number === undefined || number === null) continue;
    if (!isCount(number)) return `${key} must be a number, 0 or more`;
    op[key] = number;
  }
  return op;
}

/** JSON made from EDN may have kept the colons of keywords. */
function nameOf(value: unknown): unknown {
  return typeof value === "string" && value.startsWith(":") ? value.slice(1) : value;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY;
}

/** The text of a file is let go for one that is the same in every op: equal at a glance. */
function opTypeOf(value: unknown): OpType | undefined {
  return OP_TYPES.find((type) => type === value);
}
