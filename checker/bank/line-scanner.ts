// The fields of one line of a bank's history, read from its bytes without making an object of it. Only
// what is plain is read: known keys, integers, strings without escapes. Whatever is not plain is said
// to be so, and somebody slower reads it.

import { Interned } from "./interned.js";
import { KEY_REACH, KeyTable } from "./key-table.js";

/** Fields of an op, by number … */
export const INDEX = 0;
export const TIME = 1;
export const PROCESS = 2;
export const SEQ = 3;
/** 4 is the client, of which nobody asks. */
export const TIMESTAMP = 5;
/** … of its value … */
export const AMOUNT = 6;
export const BALANCE = 7;
export const FROM_BALANCE = 8;
export const TO_BALANCE = 9;
export const ENTRY_COUNT = 10;
export const LIMIT = 11;
/** … strings of an op, which are numbers too … */
export const TYPE = 12;
export const F = 13;
export const ERROR = 14;
/** … and of its value. */
export const ACCOUNT = 15;
export const FROM = 16;
export const TO = 17;
const FIELD_COUNT = 18;
/** Strings that do not matter. */
const SKIPPED_LAST = 20;
const VALUE = 21;
const AMOUNTS = 22;

const KEYS = [
  ...["index", "time", "process", "seq", "client", "timestamp"],
  ...["amount", "balance", "fromBalance", "toBalance", "entryCount", "limit"],
  ...["type", "f", "error", "account", "from", "to"],
  ...["node", "name", "address", "value", "amounts"],
];

/** What stands for the process of an op that is the nemesis's. */
export const NEMESIS = -1;

/** How far behind a line's end `scan` may read; its bytes must be there, whatever they are. */
export const LINE_REACH = KEY_REACH;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** In each byte of a word: the digit 0, what lifts more than 9 out of a half byte, the other half. */
const ZEROS = 0x30303030;
const SIXES = 0x06060606;
const HIGH_HALVES = 0xf0f0f0f0;

/** Guards: after `scan` said yes, fields and amounts are those of that line until the next one. */
export class LineScanner {
  /** Of all strings that are fields. */
  readonly strings = new Interned();
  /** By field; NaN where the line has none. */
  readonly fields = new Float64Array(FIELD_COUNT);
  /** Of a statement's answer; undefined where the line has none. */
  amounts: number[] | undefined;
  readonly #keys = new KeyTable(KEYS);
  #bytes: Uint8Array = new Uint8Array(0);
  #text: DataView = new DataView(this.#bytes.buffer);
  #at = 0;

  /** The bytes to read lines from. */
  use(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#text = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Reads the line that starts at an offset. Where it ends; -1 where it is not plain. */
  scan(start: number): number {
    this.fields.fill(Number.NaN);
    this.amounts = undefined;
    this.#at = start;
    return this.#object(true) ? this.#at : -1;
  }

  /** An op, or the object that is its value. */
  #object(isOp: boolean): boolean {
    if (!this.#take(OPEN_OBJECT)) return false;
    do {
      if (!this.#take(QUOTE)) return false;
      const key = this.#keys.find(this.#text, this.#at);
      if (key < 0) return false;
      this.#at += this.#keys.lengthOf(key);
      if (!this.#field(key, isOp)) return false;
    } while (this.#take(COMMA));
    return this.#take(CLOSE_OBJECT);
  }

  /** False where the field is not plain, or there for the second time. */
  #field(key: number, isOp: boolean): boolean {
    const { fields } = this;
    if (key >= FIELD_COUNT) {
      if (key <= SKIPPED_LAST) return this.#skip();
      if (key === VALUE) return isOp && this.#object(false);
      return key === AMOUNTS && !isOp && this.amounts === undefined && this.#list();
    }
    if (!Number.isNaN(fields[key] ?? 0)) return false;
    const ofOp = key <= TIMESTAMP || (key >= TYPE && key <= ERROR);
    if (ofOp !== isOp) return false;
    if (key === PROCESS && this.#bytes[this.#at] === QUOTE) {
      fields[key] = NEMESIS;
      return this.strings.text(this.#string()) === "nemesis";
    }
    const field = key < TYPE ? this.#number() : this.#string();
    fields[key] = field;
    return ofOp || key >= TYPE ? field >= 0 : !Number.isNaN(field);
  }

  #list(): boolean {
    const amounts: number[] = [];
    this.amounts = amounts;
    if (!this.#take(OPEN_LIST)) return false;
    if (this.#take(CLOSE_LIST)) return true;
    do {
      const number = this.#number();
      if (Number.isNaN(number)) return false;
      amounts.push(number);
    } while (this.#take(COMMA));
    return this.#take(CLOSE_LIST);
  }

  #take(byte: number): boolean {
    if (this.#bytes[this.#at] !== byte) return false;
    this.#at += 1;
    return true;
  }

  /** A safe integer; NaN where there is another number, or none. */
  #number(): number {
    const bytes = this.#bytes;
    const text = this.#text;
    const negative = this.#take(MINUS);
    const start = this.#at;
    let at = start;
    let number = 0;
    for (;;) {
      // Four digits at once: two by two, then four by four.
      const word = text.getInt32(at, true) ^ ZEROS;
      if (((word | (word + SIXES)) & HIGH_HALVES) !== 0) break;
      const pairs = (word * 10 + (word >>> 8)) & 0x00ff00ff;
      number = number * 10_000 + ((pairs * 100 + (pairs >>> 16)) & 0xffff);
      at += 4;
    }
    for (;;) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) break;
      number = number * 10 + digit;
      at += 1;
    }
    const next = bytes[at];
    const leading = bytes[start] === ZERO && at > start + 1;
    if (at === start || leading || number > Number.MAX_SAFE_INTEGER) return Number.NaN;
    if (next !== COMMA && next !== CLOSE_OBJECT && next !== CLOSE_LIST) return Number.NaN;
    this.#at = at;
    return negative ? -number : number;
  }

  /** The number of a string; -1 where it is none, or not plain. */
  #string(): number {
    if (!this.#take(QUOTE)) return -1;
    const number = this.strings.find(this.#bytes, this.#text, this.#at);
    this.#at = this.strings.end;
    return number;
  }

  /** A string that does not matter. */
  #skip(): boolean {
    if (!this.#take(QUOTE)) return false;
    const bytes = this.#bytes;
    let at = this.#at;
    while (bytes[at] !== QUOTE) {
      const byte = bytes[at] ?? 0;
      if (byte === BACKSLASH || byte < 0x20) return false;
      at += 1;
    }
    this.#at = at + 1;
    return true;
  }
}
