// A plain history of a bank, read from the bytes of its lines straight into columns: a few dozen bytes
// an operation, and no objects. It reads what our own runs write, and nothing else: where anything is
// out of the ordinary it gives up, and the thorough reader says what.

import { float } from "../columns.js";
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
  LineScanner,
  NEMESIS,
  PROCESS,
  SEQ,
  TIME,
  TO,
  TO_BALANCE,
  TYPE,
} from "./line-scanner.js";
import { TableBuilder } from "./table-builder.js";

/** Seqs by row of the table; NaN where no reply named one. */
export type ParsedTable = { table: BankTable; seqs: Float64Array };

const NEWLINE = 0x0a;
const LINE_BYTES_MAX = 1 << 20;
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

const TYPES: ReadonlySet<string> = new Set(["invoke", "ok", "fail", "info"]);

/** Guards: lines go in once and in order; after one that is not plain, nothing counts any more. */
export class TableParser {
  readonly #scanner = new LineScanner();
  readonly #builder = new TableBuilder();
  /** By process: the row it has open. */
  readonly #open = new Map<number, number>();
  #rest = new Uint8Array(0);
  #position = 0;
  #plain = true;

  /** Takes the next bytes of the file; false where they are not plain. */
  write(piece: Uint8Array): boolean {
    let bytes = piece;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + piece.length);
      bytes.set(this.#rest);
      bytes.set(piece, this.#rest.length);
    }
    const whole = bytes.lastIndexOf(NEWLINE) + 1;
    for (let start = 0; start < whole && this.#plain; ) start = this.#line(bytes, start) + 1;
    this.#rest = bytes.slice(whole);
    // Garbage without newlines must not be collected until memory ends.
    this.#plain = this.#plain && this.#rest.length <= LINE_BYTES_MAX;
    return this.#plain;
  }

  /** The whole history; undefined where it is not plain, or holds nothing. */
  finish(): ParsedTable | undefined {
    if (this.#rest.length > 0) this.write(Uint8Array.of(NEWLINE));
    if (!this.#plain || this.#position === 0) return undefined;
    return this.#builder.finish(this.#scanner.strings.texts);
  }

  /** Takes the line that starts at an offset; returns where it ends. */
  #line(bytes: Uint8Array, start: number): number {
    let end = this.#scanner.scan(bytes, start);
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
    return time >= 0 && typeof f === "string" && f !== "" && TYPES.has(String(type));
  }

  #event(): boolean {
    const { fields, strings } = this.#scanner;
    if (fields[INDEX] !== this.#position) return false;
    const time = float(fields, TIME);
    const process = float(fields, PROCESS);
    if (!(time >= 0) || Number.isNaN(process)) return false;
    if (process === NEMESIS) return true;
    const type = strings.text(float(fields, TYPE));
    const row = this.#open.get(process);
    if (type === "invoke") {
      if (row !== undefined) return false;
      const begun = this.#begin(time);
      if (begun === undefined) return false;
      this.#open.set(process, begun);
      return true;
    }
    if (row === undefined) return false;
    this.#open.delete(process);
    return this.#end(row, type ?? "", time);
  }

  /** The new row; undefined where what was asked is not plain. */
  #begin(time: number): number | undefined {
    const { fields, strings } = this.#scanner;
    const kind = KINDS.get(strings.text(float(fields, F)) ?? "");
    if (kind === undefined) return undefined;
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

  #end(row: number, type: string, time: number): boolean {
    const { fields, strings } = this.#scanner;
    const kind = this.#builder.kindOf(row);
    if (KINDS.get(strings.text(float(fields, F)) ?? "") !== kind) return false;
    const seq = float(fields, SEQ);
    switch (type) {
      case "info":
        return this.#builder.leave(row, time);
      case "fail": {
        const error = strings.text(float(fields, ERROR)) ?? "";
        const refusal = REFUSALS.get(error);
        if (Number.isNaN(seq)) return this.#builder.drop(row, time);
        if (OF_MALFORMED.has(error)) return false;
        if (refusal === undefined) return this.#builder.drop(row, time);
        return this.#builder.end(row, refusal, Number.NaN, Number.NaN, seq, time);
      }
      case "ok":
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

/** Empty where the text is no JSON. */
function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
