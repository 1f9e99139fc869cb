// Lines of JSON as ops are usually written, read without the detour through JSON.parse: whole numbers, short
// texts, any value. Whatever is unusual (an escape, an unknown key, a fraction, an error in it) is left
// to the slow way, so that there is one reader of JSON and one place that says what is wrong.

import { float } from "../columns.js";
import type { HistoryOp, OpType } from "../history.js";
import type { Origin } from "./op.js";

const INDEX = 0;
const TIME = 1;
const PROCESS = 2;
const SEQ = 3;
const CLIENT = 4;
const TIMESTAMP = 5;
const COUNT_FIELDS = 6;

const NAMES_MAX = 64;
/** Longer values may nest too deeply for those who walk them. */
const VALUE_CHARACTERS_MAX = 1_000;

/** Guards: the cursor stands behind what was understood; nothing is understood twice. */
export class UsualLine {
  readonly #origin: Origin;
  /** Texts that were seen before: most are. */
  readonly #names: string[] = [];
  /** Of the line: its counts, by number, or -1; its texts and its value where it has them. */
  readonly #counts = new Float64Array(COUNT_FIELDS).fill(-1);
  #type: OpType | undefined;
  #f: string | undefined;
  #node: string | undefined;
  #givenValue: unknown;
  #hasValue = false;
  #text = "";
  #at = 0;

  constructor(origin: Origin) {
    this.#origin = origin;
  }

  /** The op that stands in `text` from `start` to `end`; undefined where it is not a usual one. */
  read(text: string, start: number, end: number, position: number): HistoryOp | undefined {
    if (text.charCodeAt(start) !== OPEN_OBJECT) return undefined;
    this.#begin(text, start);
    for (;;) {
      this.#at += 1; // Past the brace or the comma.
      if (!this.#field(end)) return undefined;
      const code = text.charCodeAt(this.#at);
      if (code === COMMA) continue;
      if (code !== CLOSE_OBJECT || this.#at + 1 !== end) return undefined;
      return this.#op(position);
    }
  }

  #begin(text: string, start: number): void {
    this.#text = text;
    this.#at = start;
    this.#counts.fill(-1);
    this.#type = undefined;
    this.#f = undefined;
    this.#node = undefined;
    this.#givenValue = undefined;
    this.#hasValue = false;
  }

  /** Takes a key and what it has; false where that is unusual, or there for the second time. */
  #field(end: number): boolean {
    switch (this.#key()) {
      case "index":
        return this.#takeCount(INDEX);
      case "time":
        return this.#takeCount(TIME);
      case "process":
        return this.#takeCount(PROCESS);
      case "seq":
        return this.#takeCount(SEQ);
      case "client":
        return this.#takeCount(CLIENT);
      case "timestamp":
        return this.#takeCount(TIMESTAMP);
      case "type":
        if (this.#type !== undefined) return false;
        this.#type = typeOf(this.#name());
        return this.#type !== undefined;
      case "f":
        if (this.#f !== undefined) return false;
        this.#f = this.#name();
        return this.#f !== undefined && this.#f !== "" && !this.#f.startsWith(":");
      case "node":
        if (this.#node !== undefined) return false;
        this.#node = this.#name();
        return this.#node !== undefined;
      case "value":
        if (this.#hasValue) return false;
        this.#hasValue = true;
        this.#givenValue = this.#value(end);
        return this.#givenValue !== undefined;
      default:
        return false;
    }
  }

  #takeCount(field: number): boolean {
    if (float(this.#counts, field) >= 0) return false;
    const count = this.#count();
    this.#counts[field] = count;
    return count >= 0;
  }

  /** The op that the fields make; undefined where one is missing or out of its order. */
  #op(position: number): HistoryOp | undefined {
    const [type, f, node, value] = [this.#type, this.#f, this.#node, this.#givenValue];
    const counts = this.#counts;
    const process = float(counts, PROCESS);
    const given = float(counts, TIME);
    if (type === undefined || f === undefined || process < 0) return undefined;
    if (this.#origin === "ordeal") {
      const own = float(counts, INDEX);
      if (given < 0 || (own >= 0 && own !== position)) return undefined;
    }
    const time = given < 0 ? position : given;
    const index = position;
    const [seq, client] = [float(counts, SEQ), float(counts, CLIENT)];
    const timestamp = float(counts, TIMESTAMP);
    // The usual sets of fields, each in one shape of object from the start.
    if (node !== undefined && client >= 0) {
      if (timestamp < 0 && seq < 0) return { index, time, type, process, f, value, node, client };
      if (timestamp >= 0 && seq >= 0) {
        return { index, time, type, process, f, value, node, seq, client, timestamp };
      }
    }
    const op: HistoryOp = { index, time, type, process, f, value };
    if (node !== undefined) op.node = node;
    if (seq >= 0) op.seq = seq;
    if (client >= 0) op.client = client;
    if (timestamp >= 0) op.timestamp = timestamp;
    return op;
  }

  /** A key with its colon. */
  #key(): string | undefined {
    const key = this.#name();
    if (key === undefined || this.#text.charCodeAt(this.#at) !== COLON) return undefined;
    this.#at += 1;
    return key;
  }

  /** A text without escapes. */
  #name(): string | undefined {
    const text = this.#text;
    if (text.charCodeAt(this.#at) !== QUOTE) return undefined;
    const start = this.#at + 1;
    let end = start;
    for (let code = text.charCodeAt(end); code !== QUOTE; code = text.charCodeAt(end)) {
      // Also at the end of the text, where the code is NaN.
      if (!(code >= 32) || code === BACKSLASH) return undefined;
      end += 1;
    }
    this.#at = end + 1;
    return this.#known(start, end);
  }

  #known(start: number, end: number): string {
    const length = end - start;
    const first = this.#text.charCodeAt(start);
    for (const name of this.#names) {
      if (name.length !== length || name.charCodeAt(0) !== first) continue;
      if (this.#text.startsWith(name, start)) return name;
    }
    const name = this.#text.slice(start, end);
    if (this.#names.length < NAMES_MAX && length > 0) this.#names.push(name);
    return name;
  }

  /** A whole number, 0 or more, of at most 15 digits; -1 where there is none. */
  #count(): number {
    const text = this.#text;
    const start = this.#at;
    let number = 0;
    let at = start;
    for (; at - start < 16; at += 1) {
      const digit = text.charCodeAt(at) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      number = number * 10 + digit;
    }
    const length = at - start;
    if (length === 0 || length === 16) return -1;
    if (length > 1 && text.charCodeAt(start) === ZERO) return -1;
    const code = text.charCodeAt(at);
    if (code !== COMMA && code !== CLOSE_OBJECT) return -1;
    this.#at = at;
    return number;
  }

  /** Any value; undefined where it is none, or too long. */
  #value(end: number): unknown {
    const text = this.#text;
    const code = text.charCodeAt(this.#at);
    if (code >= ZERO && code <= ZERO + 9) {
      const number = this.#count();
      return number < 0 ? undefined : number;
    }
    if (code === QUOTE) return this.#name();
    if (text.startsWith("null", this.#at)) {
      this.#at += 4;
      return null;
    }
    if (code !== OPEN_OBJECT && code !== OPEN_ARRAY) return undefined;
    const start = this.#at;
    const close = this.#closing(end);
    if (close < 0 || close - start > VALUE_CHARACTERS_MAX) return undefined;
    this.#at = close + 1;
    try {
      return JSON.parse(text.slice(start, close + 1));
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  /** Where the bracket at the cursor is closed; -1 where it is not before `end`. */
  #closing(end: number): number {
    const text = this.#text;
    let depth = 0;
    let isText = false;
    for (let at = this.#at; at < end; at += 1) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) isText = !isText;
      else if (code === BACKSLASH) return -1;
      else if (isText) continue;
      else if (code === OPEN_OBJECT || code === OPEN_ARRAY) depth += 1;
      else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
        depth -= 1;
        if (depth === 0) return at;
      }
    }
    return -1;
  }
}

function typeOf(name: string | undefined): OpType | undefined {
  return name === "invoke" || name === "ok" || name === "fail" || name === "info"
    ? name
    : undefined;
}

const QUOTE = 34;
const COMMA = 44;
const ZERO = 48;
const COLON = 58;
const OPEN_ARRAY = 91;
const BACKSLASH = 92;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;
