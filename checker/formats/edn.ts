// EDN, read in pieces and without recursion: a history of any size, nested as deeply as it likes.
// Keywords become their names, sets and lists become arrays, a tagged value becomes the value.
// Source: github.com/edn-format/edn

import { HistoryError } from "../history-error.js";
import { DEPTH_MAX } from "./nesting.js";

const TOKEN_CHARACTERS_MAX = 1 << 20;
/** Of one op; Jepsen's sets of a million elements fit. */
const FORM_CHARACTERS_MAX = 1 << 27;

type Frame = {
  opener: "[" | "(" | "{" | "#{" | "top";
  items: unknown[];
  line: number;
  /** How many of the next forms `#_` takes out. */
  discards: number;
};

/**
 * Reads a stream of forms, or one vector or list of them, and hands on each with the number of the
 * line that it begins on. Throws HistoryError, whose message names file and line.
 */
export class EdnReader {
  readonly #name: string;
  readonly #onForm: (form: unknown, line: number) => void;
  readonly #stack: Frame[] = [{ opener: "top", items: [], line: 1, discards: 0 }];
  #rest = "";
  #line = 1;
  #inComment = false;
  /** The bracket of a file that is one vector or list; its items are the forms. */
  #enclosing: "none" | "open" | "closed" = "none";
  #formCount = 0;
  #formCharacters = 0;

  constructor(name: string, onForm: (form: unknown, line: number) => void, line = 1) {
    this.#name = name;
    this.#onForm = onForm;
    this.#line = line;
  }

  write(piece: string): void {
    this.#read(this.#rest + piece, false);
  }

  finish(): void {
    this.#read(`${this.#rest} `, true);
    const open = this.#stack.at(-1);
    if (open !== undefined && open.opener !== "top") {
      throw this.#error(`the file ends inside the ${open.opener} of line ${open.line}`);
    }
    if (this.#enclosing === "open") throw this.#error("the file ends inside its first bracket");
  }

  #read(text: string, isEnd: boolean): void {
    let at = 0;
    while (at < text.length) {
      const start = at;
      at = this.#step(text, at, isEnd);
      this.#formCharacters += Math.abs(at - start);
      if (at === start) break; // A token that may go on in the next piece.
      if (this.#formCharacters > FORM_CHARACTERS_MAX) {
        throw this.#error(`one form has more than ${FORM_CHARACTERS_MAX} characters`);
      }
    }
    this.#rest = text.slice(at);
    if (this.#rest.length > TOKEN_CHARACTERS_MAX) throw this.#error("a word without an end");
  }

  /** Takes one token; returns where the next begins, or `at` where the piece ends before it does. */
  #step(text: string, at: number, isEnd: boolean): number {
    if (this.#inComment) return this.#comment(text, at);
    const code = text.charCodeAt(at);
    if (code === NEWLINE) {
      this.#line += 1;
      return at + 1;
    }
    if (isSpace(code)) return at + 1;
    switch (text[at]) {
      case ";":
        this.#inComment = true;
        return at + 1;
      case "[":
        this.#open("[");
        return at + 1;
      case "(":
        this.#open("(");
        return at + 1;
      case "{":
        this.#open("{");
        return at + 1;
      case "]":
      case ")":
      case "}":
        this.#close(text[at] ?? "");
        return at + 1;
      case '"':
        return this.#string(text, at);
      case "#":
        return this.#dispatch(text, at, isEnd);
      case "\\":
        return this.#character(text, at, isEnd);
      default:
        return this.#atom(text, at, isEnd);
    }
  }

  #comment(text: string, at: number): number {
    const end = text.indexOf("\n", at);
    if (end < 0) return text.length;
    this.#inComment = false;
    return end; // The newline is counted as any other.
  }

  #open(opener: "[" | "(" | "{" | "#{"): void {
    const isFirst = this.#stack.length === 1 && this.#formCount === 0;
    if (isFirst && this.#enclosing === "none" && (opener === "[" || opener === "(")) {
      this.#enclosing = "open";
      return;
    }
    this.#refuseBehindEnd();
    if (this.#stack.length > DEPTH_MAX) throw this.#error(`nested deeper than ${DEPTH_MAX}`);
    this.#stack.push({ opener, items: [], line: this.#line, discards: 0 });
  }

  #close(closer: string): void {
    const frame = this.#stack.at(-1);
    if (frame?.opener === "top" && this.#enclosing === "open" && closer !== "}") {
      this.#enclosing = "closed";
      return;
    }
    if (frame === undefined || CLOSERS.get(frame.opener) !== closer) {
      const open = frame === undefined || frame.opener === "top" ? "nothing" : frame.opener;
      throw this.#error(`${closer} closes ${open}`);
    }
    this.#stack.pop();
    this.#take(frame.opener === "{" ? this.#map(frame.items) : frame.items, frame.line);
  }

  #map(items: readonly unknown[]): unknown {
    if (items.length % 2 === 1) throw this.#error("a map with a key that has no value");
    const map: Record<string, unknown> = Object.create(null);
    for (let index = 0; index < items.length; index += 2) {
      const key = items[index];
      map[typeof key === "string" ? key : JSON.stringify(key)] = items[index + 1];
    }
    return map;
  }

  /** A form is whole: it goes to what encloses it, or out. */
  #take(form: unknown, line = this.#line): void {
    const frame = this.#stack.at(-1);
    if (frame === undefined) return;
    const isTop = frame.opener === "top";
    if (isTop) {
      this.#refuseBehindEnd();
      this.#formCharacters = 0;
    }
    if (frame.discards > 0) {
      frame.discards -= 1;
    } else if (isTop) {
      this.#formCount += 1;
      this.#onForm(form, line);
    } else {
      frame.items.push(form);
    }
  }

  #refuseBehindEnd(): void {
    if (this.#enclosing === "closed") throw this.#error("more text behind the end of the history");
  }

  #string(text: string, at: number): number {
    let end = at + 1;
    let isPlain = true;
    for (; text.charCodeAt(end) !== QUOTE; end += 1) {
      if (end >= text.length) return at;
      if (text.charCodeAt(end) !== BACKSLASH) continue;
      isPlain = false;
      end += 1;
    }
    const raw = text.slice(at + 1, end);
    this.#take(isPlain ? raw : this.#unescape(raw));
    for (let line = raw.indexOf("\n"); line >= 0; line = raw.indexOf("\n", line + 1)) {
      this.#line += 1;
    }
    return end + 1;
  }

  #unescape(raw: string): string {
    return raw.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_, hex?: string, one?: string) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      return ESCAPES.get(one ?? "") ?? one ?? "";
    });
  }

  /** `#{`, `#_`, or a tag, which is passed over. */
  #dispatch(text: string, at: number, isEnd: boolean): number {
    const next = text[at + 1];
    if (next === undefined) return at;
    if (next === "{") {
      this.#open("#{");
      return at + 2;
    }
    if (next === "_") {
      const frame = this.#stack.at(-1);
      if (frame !== undefined) frame.discards += 1;
      return at + 2;
    }
    const end = endOfAtom(text, at + 1);
    if (end === text.length && !isEnd) return at;
    if (next === "#")
      this.#take(text.slice(at, end)); // ##Inf, ##NaN
    else if (end === at + 1) throw this.#error(`"#${next}" is no EDN`);
    return end;
  }

  #character(text: string, at: number, isEnd: boolean): number {
    const end = Math.max(endOfAtom(text, at + 1), at + 2);
    if (end >= text.length && !isEnd) return at;
    const name = text.slice(at + 1, end);
    this.#take(CHARACTERS.get(name) ?? name);
    return end;
  }

  #atom(text: string, at: number, isEnd: boolean): number {
    const end = endOfAtom(text, at);
    if (end === text.length && !isEnd) return at;
    this.#take(atomValue(text.slice(at, end)));
    return end;
  }

  #error(message: string): HistoryError {
    return new HistoryError("history-malformed", `${this.#name}:${this.#line}: ${message}`);
  }
}

const NEWLINE = 10;
const QUOTE = 34;
const BACKSLASH = 92;
const CLOSERS = new Map([
  ["[", "]"],
  ["(", ")"],
  ["{", "}"],
  ["#{", "}"],
]);
const ESCAPES = new Map([
  ["n", "\n"],
  ["t", "\t"],
  ["r", "\r"],
  ["b", "\b"],
  ["f", "\f"],
]);
const CHARACTERS = new Map([
  ["newline", "\n"],
  ["tab", "\t"],
  ["return", "\r"],
  ["space", " "],
]);

/** Reads one form that stands alone, as the value of a log line. Throws HistoryError. */
export function readForm(text: string, name: string, line: number): unknown {
  const trimmed = text.trim();
  if (!/[\s"[({#\\;,]/.test(trimmed)) return atomValue(trimmed);
  const forms: unknown[] = [];
  const reader = new EdnReader(name, (form) => forms.push(form), line);
  reader.write(`(${trimmed})`); // So that a vector is a value and no history.
  reader.finish();
  return forms.length === 1 ? forms[0] : forms;
}

function isSpace(code: number): boolean {
  return code <= 32 || code === 44 || code === 0xfeff;
}

/** Where a symbol, keyword or number ends. */
function endOfAtom(text: string, at: number): number {
  let end = at;
  for (; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    if (isSpace(code) || code === 59 || code === QUOTE || isBracket(code)) break;
  }
  return end;
}

function isBracket(code: number): boolean {
  return code === 40 || code === 41 || code === 91 || code === 93 || code === 123 || code === 125;
}

/** Numbers that a double cannot tell apart stay text, so that distinct values stay distinct. */
function atomValue(atom: string): unknown {
  const first = atom.charCodeAt(0);
  if (first === 58) return atom.slice(1);
  if (atom === "nil") return null;
  if (atom === "true") return true;
  if (atom === "false") return false;
  if (!/^[+-]?\d/.test(atom)) return atom;
  const number = Number(atom.endsWith("N") || atom.endsWith("M") ? atom.slice(0, -1) : atom);
  if (Number.isNaN(number)) return atom;
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? atom : number;
}
