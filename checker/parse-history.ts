// JSON lines to ops, strictly: whatever is not an op stops the reading with one line that says where.
// A run that was killed may leave half a line at the end; that line alone is forgiven, and reported.

import { excerpt } from "./formats/excerpt.js";
import { HistoryBuilder, type ParsedHistory } from "./formats/history-builder.js";
import { isTooDeep } from "./formats/nesting.js";
import type { Origin } from "./formats/op.js";
import { UsualLine } from "./formats/usual-line.js";
import { HistoryError } from "./history-error.js";

/** A line longer than this is no op of ours. */
export const LINE_CHARACTERS_MAX = 1 << 20;
/** Elsewhere one op may be a set of a million elements. */
const FOREIGN_LINE_CHARACTERS_MAX = 1 << 27;

/** Throws HistoryError. `name` stands before the line's number in every message. */
export function parseHistory(text: string, name = "history"): ParsedHistory {
  const parser = new HistoryParser(name);
  parser.write(text);
  return parser.finish();
}

/** Guards: lines go in once and in order, so that every message names the right one. */
export class HistoryParser {
  readonly #builder: HistoryBuilder;
  readonly #charactersMax: number;
  readonly #usual: UsualLine;
  #line = 0;
  #rest = "";

  constructor(name: string, origin: Origin = "ordeal") {
    this.#builder = new HistoryBuilder(name, origin);
    this.#usual = new UsualLine(origin);
    this.#charactersMax = origin === "ordeal" ? LINE_CHARACTERS_MAX : FOREIGN_LINE_CHARACTERS_MAX;
  }

  /** Takes the next piece of the text. Throws HistoryError. */
  write(piece: string): void {
    let start = 0;
    let end = piece.indexOf("\n");
    if (end >= 0 && this.#rest !== "") {
      this.#takeLine(this.#rest + piece.slice(0, end));
      this.#rest = "";
      start = end + 1;
      end = piece.indexOf("\n", start);
    }
    for (; end >= 0; end = piece.indexOf("\n", start)) {
      const op = this.#usual.read(piece, start, end, this.#builder.count);
      if (op === undefined) {
        this.#takeLine(piece.slice(start, end));
      } else {
        this.#line += 1;
        this.#builder.addOp(op, this.#line);
      }
      start = end + 1;
    }
    this.#rest += piece.slice(start);
    // Garbage without newlines must not be collected until memory ends.
    if (this.#rest.length > this.#charactersMax) this.#takeLine(this.#rest);
  }

  /** Throws HistoryError. */
  finish(): ParsedHistory {
    const rest = this.#rest;
    let torn: string | undefined;
    if (rest.trim() !== "" && this.#parse(rest) === undefined) {
      const where = `${this.#builder.name}:${this.#line + 1}`;
      torn = `${where}: the last line is torn and was left out: ${excerpt(rest)}`;
      if (this.#builder.count === 0) {
        throw new HistoryError(
          "history-malformed",
          `${where}: not a line of JSON: ${excerpt(rest)}`,
        );
      }
    } else {
      this.#takeLine(rest);
    }
    const parsed = { ...this.#builder.finish(), format: "json-lines" as const };
    return torn === undefined ? parsed : { ...parsed, torn };
  }

  /** Takes one whole line, without its newline. */
  #takeLine(text: string): void {
    this.#line += 1;
    const value = this.#parse(text);
    if (value !== undefined) {
      this.#builder.add(value.json, this.#line);
    } else if (text.trim() !== "") {
      const where = `${this.#builder.name}:${this.#line}`;
      throw new HistoryError("history-malformed", `${where}: not a line of JSON: ${excerpt(text)}`);
    }
  }

  /** Undefined where the text is not JSON; JSON's own message says less than an excerpt. */
  #parse(text: string): { json: unknown } | undefined {
    if (text.length > this.#charactersMax || isTooDeep(text)) return undefined;
    try {
      return { json: JSON.parse(text) };
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
      throw error;
    }
  }
}
