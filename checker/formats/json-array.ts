// One JSON array of ops, as elle-cli reads it: each element is read and let go before the next.

import { HistoryError } from "../history-error.js";
import { excerpt } from "./excerpt.js";
import { HistoryBuilder, type HistoryReader, type ParsedHistory } from "./history-builder.js";
import { isTooDeep } from "./nesting.js";

const ELEMENT_CHARACTERS_MAX = 1 << 27;

/** Guards: brackets and quotes are counted across pieces, so that elements are found whole. */
export class JsonArrayReader implements HistoryReader {
  readonly #builder: HistoryBuilder;
  /** Text of the element that is being read. */
  #rest = "";
  /** How much of it was looked at. */
  #seen = 0;
  #line = 1;
  #elementLine = 1;
  #depth = 0;
  #isText = false;

  constructor(name: string) {
    this.#builder = new HistoryBuilder(name, "elsewhere");
  }

  write(piece: string): void {
    const text = this.#rest + piece;
    let start = 0;
    let at = this.#seen;
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === NEWLINE) this.#line += 1;
      if (this.#isText) {
        if (code === BACKSLASH) at += 1;
        else if (code === QUOTE) this.#isText = false;
      } else if (code === QUOTE) {
        this.#isText = true;
      } else if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
        if (this.#depth === 0 && this.#elementLine < 0) throw this.#error("text behind the array");
        this.#depth += 1;
        if (this.#depth === 1) start = at + 1;
      } else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) {
        this.#depth -= 1;
        if (this.#depth < 0) throw this.#error("a bracket that closes nothing");
        if (this.#depth === 0) {
          this.#take(text.slice(start, at), "last");
          start = at + 1;
        }
      } else if (code === COMMA && this.#depth === 1) {
        this.#take(text.slice(start, at), "between");
        start = at + 1;
      }
      if (this.#depth === 1 && at + 1 === start) this.#elementLine = this.#line;
    }
    this.#rest = text.slice(start);
    this.#seen = at - start;
    if (this.#rest.length > ELEMENT_CHARACTERS_MAX) throw this.#error("an op without an end");
  }

  finish(): ParsedHistory {
    if (this.#depth !== 0) throw this.#error("the file ends inside the array");
    if (this.#rest.trim() !== "")
      throw this.#error(`text behind the array: ${excerpt(this.#rest)}`);
    return { ...this.#builder.finish(), format: "json" };
  }

  #take(text: string, place: "between" | "last"): void {
    const line = this.#elementLine + leadingNewlines(text);
    if (place === "last") this.#elementLine = -1;
    if (place === "last" && text.trim() === "") return; // An empty array, or a comma too many.
    this.#builder.add(this.#parse(text.trim(), line), line);
  }

  #parse(text: string, line: number): unknown {
    try {
      if (!isTooDeep(text)) return JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    }
    const message = `${this.#builder.name}:${line}: not JSON: ${excerpt(text)}`;
    throw new HistoryError("history-malformed", message);
  }

  #error(message: string): HistoryError {
    const where = `${this.#builder.name}:${this.#line}`;
    return new HistoryError("history-malformed", `${where}: ${message}`);
  }
}

const NEWLINE = 10;
const QUOTE = 34;
const COMMA = 44;
const OPEN_ARRAY = 91;
const BACKSLASH = 92;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

function leadingNewlines(text: string): number {
  const blank = text.length - text.trimStart().length;
  return text.slice(0, blank).split("\n").length - 1;
}
