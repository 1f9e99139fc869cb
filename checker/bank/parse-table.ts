// A plain history of a bank, read from the bytes of its lines straight into columns: a few dozen bytes
// an operation, and no objects. It reads what our own runs write, and nothing else: where anything is
// out of the ordinary it gives up, and the thorough reader says what.

import { float, int } from "../columns.js";
import {
  ACCEPTED,
  ACCOUNT_EXISTS,
  BALANCE as BALANCE_KIND,
  type BankTable,
  DEPOSIT,
  INSUFFICIENT_FUNDS,
  MOVE,
  NO_ACCOUNT,
  NO_SUCH_ACCOUNT,
  OPEN,
  OVERFLOW,
  STATEMENT,
  WITHDRAW,
} from "./bank-table.js";
import {
  ACCOUNT,
  AMOUNT,
  BALANCE,
  ENTRY_COUNT,
  ERROR,
  F,
  FROM,
  FROM_BALANCE,
  INDEX,
  LIMIT,
  LINE_REACH,
  LineScanner,
  NEMESIS,
  PROCESS,
  SEQ,
  TIME,
  TO,
  TO_BALANCE,
  TYPE,
} from "./line-scanner.js";
import { NAMELESS, NameCodes } from "./name-codes.js";
import { TableBuilder } from "./table-builder.js";

/** Seqs by row of the table; NaN where no reply named one. */
export type ParsedTable = { table: BankTable; seqs: Float64Array };

const NEWLINE = 0x0a;
const LINE_BYTES_MAX = 1 << 20;
/** Processes with greater numbers are not plain. */
const PROCESS_MAX = 1 << 22;
/** No row is open. */
const NO_ROW = -1;
/** More rows than the first piece lets expect. */
const ROOM = 1.05;
const KINDS = new Map([
  ["open", OPEN],
  ["deposit", DEPOSIT],
  ["withdraw", WITHDRAW],
  ["move", MOVE],
  ["balance", BALANCE_KIND],
  ["statement", STATEMENT],
]);
const REFUSALS = new Map([
  ["no-such-account", NO_SUCH_ACCOUNT],
  ["account-exists", ACCOUNT_EXISTS],
  ["insufficient-funds", INSUFFICIENT_FUNDS],
  ["overflow", OVERFLOW],
]);
/** Refusals that a well-formed operation never gets. */
const OF_MALFORMED: ReadonlySet<string> = new Set(["same-account", "bad-amount", "bad-operation"]);
const LIMIT_MAX = 64;

const TYPES = ["invoke", "ok", "fail", "info"];
const [INVOKE, OK, FAIL, INFO] = [0, 1, 2, 3];

/** Guards: lines go in once and in order; after one that is not plain, nothing counts any more. */
export class TableParser {
  readonly #scanner = new LineScanner();
  readonly #builder = new TableBuilder();
  readonly #bytesExpected: number;
  /** By process: the row it has open. */
  #open = new Int32Array(64).fill(NO_ROW);
  /** By the number of a string: the kind, and the type, that it names. */
  readonly #kinds = new NameCodes((name) => KINDS.get(name) ?? NAMELESS);
  readonly #types = new NameCodes((name) => TYPES.indexOf(name));
  #rest: Uint8Array = new Uint8Array(0);
  #position = 0;
  #bytesRead = 0;
  #plain = true;

  /** `bytesExpected`, the size of the file, lets columns have their size from the start. */
  constructor(bytesExpected = 0) {
    this.#bytesExpected = bytesExpected;
  }

  /** Takes the next bytes of the file, which are not kept; false where they are not plain. */
  write(piece: Uint8Array): boolean {
    let start = 0;
    if (this.#rest.length > 0) {
      // The line that two pieces share is read by itself.
      start = piece.indexOf(NEWLINE) + 1;
      const end = start > 0 ? start : piece.length;
      this.#rest = joined(this.#rest, piece.subarray(0, end));
      if (start === 0) return this.#isShort();
      const line = this.#rest;
      this.#rest = new Uint8Array(0);
      this.#lines(joined(line, new Uint8Array(LINE_REACH)), 0, line.length);
    }
    const last = piece.length - 1 - LINE_REACH;
    const whole = last < start ? start : Math.max(start, piece.lastIndexOf(NEWLINE, last) + 1);
    this.#lines(piece, start, whole);
    this.#rest = piece.slice(whole);
    this.#reserve(piece.length);
    return this.#isShort();
  }

  /** The whole history; undefined where it is not plain, or holds nothing. */
  finish(): ParsedTable | undefined {
    if (this.#rest.length > 0) {
      const end = this.#rest.at(-1) === NEWLINE ? this.#rest.length : this.#rest.length + 1;
      const padding = new Uint8Array(LINE_REACH + 1).fill(NEWLINE);
      this.#lines(joined(this.#rest, padding), 0, end);
    }
    if (!this.#plain || this.#position === 0) return undefined;
    return this.#builder.finish(this.#scanner.strings.texts);
  }

  /** Garbage without newlines must not be collected until memory ends. */
  #isShort(): boolean {
    this.#plain = this.#plain && this.#rest.length <= LINE_BYTES_MAX;
    return this.#plain;
  }

  #reserve(bytes: number): void {
    const isFirst = this.#bytesRead === 0;
    this.#bytesRead += bytes;
    if (!isFirst || bytes === 0) return;
    this.#builder.reserve((ROOM * this.#bytesExpected) / bytes);
  }

  /** Takes whole lines. */
  #lines(bytes: Uint8Array, start: number, end: number): void {
    this.#scanner.use(bytes);
    for (let at = start; at < end && this.#plain; ) at = this.#line(bytes, at) + 1;
  }

  /** Takes the line that starts at an offset; returns where it ends. */
  #line(bytes: Uint8Array, start: number): number {
    let end = this.#scanner.scan(start);
    if (bytes[end] !== NEWLINE || !this.#event()) {
      end = bytes.indexOf(NEWLINE, start);
      this.#plain = this.#isOfNemesis(bytes.subarray(start, end));
    }
    this.#position += 1;
    return end;
  }

  /** What the nemesis did has values of all shapes, and matters nothing here. */
  #isOfNemesis(bytes: Uint8Array): boolean {
    const text = new TextDecoder().decode(bytes);
    if (!text.includes('"process":"nemesis"')) return false;
    const op = objectOf(text);
    const { index, time, process, type, f } = op;
    if (index !== this.#position || process !== "nemesis" || typeof time !== "number") return false;
    return time >= 0 && typeof f === "string" && f !== "" && TYPES.includes(String(type));
  }

  #event(): boolean {
    const { fields, strings } = this.#scanner;
    if (fields[INDEX] !== this.#position) return false;
    const time = float(fields, TIME);
    const process = float(fields, PROCESS);
    if (!(time >= 0) || !(process <= PROCESS_MAX)) return false;
    if (process === NEMESIS) return true;
    const type = this.#types.of(float(fields, TYPE), strings);
    if (process >= this.#open.length) this.#admit(process);
    const row = int(this.#open, process);
    if (type === INVOKE) {
      if (row !== NO_ROW) return false;
      const begun = this.#begin(time);
      if (begun === undefined) return false;
      this.#open[process] = begun;
      return true;
    }
    if (row === NO_ROW) return false;
    this.#open[process] = NO_ROW;
    return this.#end(row, type, time);
  }

  #admit(process: number): void {
    const bigger = new Int32Array(2 * (process + 1)).fill(NO_ROW);
    bigger.set(this.#open);
    this.#open = bigger;
  }

  /** The new row; undefined where what was asked is not plain. */
  #begin(time: number): number | undefined {
    const { fields, strings } = this.#scanner;
    const kind = this.#kinds.of(float(fields, F), strings);
    if (kind === NAMELESS) return undefined;
    const first = float(fields, kind === MOVE ? FROM : ACCOUNT);
    const second = kind === MOVE ? float(fields, TO) : NO_ACCOUNT;
    const takesAmount = kind === DEPOSIT || kind === WITHDRAW || kind === MOVE;
    const amount = takesAmount ? float(fields, AMOUNT) : 0;
    const named = first >= 0 && (kind !== MOVE || (second >= 0 && second !== first));
    if (!named || strings.text(first) === "" || strings.text(second) === "") return undefined;
    if (takesAmount && !(amount > 0)) return undefined;
    if (kind === STATEMENT && !this.#isLimit(float(fields, LIMIT))) return undefined;
    const limit = kind === STATEMENT ? float(fields, LIMIT) : 0;
    return this.#builder.begin(kind, first, second, amount + limit, time);
  }

  #isLimit(limit: number): boolean {
    return limit > 0 && limit <= LIMIT_MAX;
  }

  #end(row: number, type: number, time: number): boolean {
    const { fields, strings } = this.#scanner;
    const kind = this.#builder.kindOf(row);
    if (this.#kinds.of(float(fields, F), strings) !== kind) return false;
    const seq = float(fields, SEQ);
    switch (type) {
      case INFO:
        return this.#builder.leave(row, time);
      case FAIL: {
        const error = strings.text(float(fields, ERROR)) ?? "";
        const refusal = REFUSALS.get(error);
        if (Number.isNaN(seq)) return this.#builder.drop(row, time);
        if (OF_MALFORMED.has(error)) return false;
        if (refusal === undefined) return this.#builder.drop(row, time);
        return this.#builder.end(row, refusal, Number.NaN, Number.NaN, seq, time);
      }
      case OK:
        return this.#answer(row, kind, seq, time);
      default:
        return false;
    }
  }

  #answer(row: number, kind: number, seq: number, time: number): boolean {
    const { fields } = this.#scanner;
    const balance = float(fields, kind === MOVE ? FROM_BALANCE : BALANCE);
    const second = float(fields, kind === MOVE ? TO_BALANCE : ENTRY_COUNT);
    if (kind === OPEN) {
      return this.#builder.end(row, ACCEPTED, Number.NaN, Number.NaN, seq, time);
    }
    if (kind === BALANCE_KIND || kind === STATEMENT) {
      if (Number.isNaN(balance)) return false;
      if (kind === STATEMENT) {
        const { amounts } = this.#scanner;
        if (Number.isNaN(second) || amounts === undefined) return false;
        this.#builder.show(row, {
          limit: this.#builder.amountOf(row),
          entryCount: second,
          amounts,
        });
      }
      return this.#builder.end(row, ACCEPTED, balance, Number.NaN, seq, time);
    }
    const to = kind === MOVE ? second : Number.NaN;
    if (kind === MOVE && Number.isNaN(balance) !== Number.isNaN(to)) return false;
    return this.#builder.end(row, ACCEPTED, balance, to, seq, time);
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** Empty where the text is no JSON. */
function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
