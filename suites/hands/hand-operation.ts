// Operations as people type them, in both word orders of the paper's client and of its text: "deposit
// A 100" and "DEPOSIT 100 TO A". Whether the ledger accepts an operation is for the ledger to say.

import {
  ADDRESS_BYTES_MAX,
  isAccountId,
  NAME_BYTES_MAX,
  STATEMENT_LIMIT_MAX,
} from "../../node/ledger/operation.js";
import { UsageError } from "../usage-error.js";

export type HandOperation =
  | { f: "balance"; value: { account: string } }
  | { f: "open"; value: { account: string; name: string; address: string } }
  | { f: "deposit" | "withdraw"; value: { account: string; amount: number } }
  | { f: "move"; value: { from: string; to: string; amount: number } }
  | { f: "statement"; value: { account: string; limit: number } };

const LIMIT_DEFAULT = 10;

/** How each operation is typed; shown in help and in refusals. */
export const USAGE = {
  get: "get ACCOUNT",
  balance: "balance ACCOUNT",
  open: "open ACCOUNT [--name TEXT] [--address TEXT]",
  deposit: "deposit ACCOUNT AMOUNT, or deposit AMOUNT to ACCOUNT",
  withdraw: "withdraw ACCOUNT AMOUNT, or withdraw AMOUNT from ACCOUNT",
  move: "move FROM TO AMOUNT, or move AMOUNT from FROM to TO",
  statement: `statement ACCOUNT [COUNT], the newest ${LIMIT_DEFAULT} or COUNT movements (at most ${STATEMENT_LIMIT_MAX})`,
} as const;

export type Verb = keyof typeof USAGE;

export const VERBS: readonly Verb[] = [
  "get",
  "balance",
  "open",
  "deposit",
  "withdraw",
  "move",
  "statement",
];

/** Words of one command, its verb first; throws UsageError where they are no operation. */
export function parseOperation(words: readonly string[]): HandOperation {
  const [first = "", ...rest] = words;
  const verb = VERBS.find((known) => known === first.toLowerCase());
  if (verb === undefined) {
    throw usage(`no operation "${first}": want one of ${VERBS.join(", ")}`);
  }
  const [a = "", b = "", c = "", d = "", e = ""] = rest;
  const reads = (shape: string) => hasShape(rest, shape.split(" "));
  switch (verb) {
    case "get":
    case "balance":
      if (rest.length === 1) return { f: "balance", value: { account: account(a) } };
      break;
    case "open":
      return parseOpen(rest);
    case "deposit":
      if (rest.length === 2) return change("deposit", a, b);
      if (reads("_ to _")) return change("deposit", c, a);
      break;
    case "withdraw":
      if (rest.length === 2) return change("withdraw", a, b);
      if (reads("_ from _")) return change("withdraw", c, a);
      break;
    case "move":
      if (rest.length === 3) return move(a, b, c);
      if (reads("_ from _ to _")) return move(c, e, a);
      if (reads("_ to _ from _")) return move(e, c, a);
      if (reads("from _ to _ _")) return move(b, d, e);
      break;
    case "statement":
      if (rest.length === 1) return statement(a, LIMIT_DEFAULT);
      if (rest.length === 2) return statement(a, limit(b));
      break;
    default:
      verb satisfies never;
  }
  throw usage(`want ${USAGE[verb]}; found "${words.join(" ")}"`);
}

/**
 * The words of a line, as a shell would split it: spaces separate, quotes hold together, `#` at the
 * start of a word begins a comment. Throws UsageError where a quote is not closed.
 */
export function wordsOf(line: string): readonly string[] {
  const words: string[] = [];
  let at = 0;
  while (at < line.length) {
    const rest = line.slice(at);
    const space = /^\s+/.exec(rest)?.[0];
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    if (rest.startsWith("#")) break;
    const word = /^(?:"[^"]*"|'[^']*'|[^\s"'])+(?=\s|$)/.exec(rest)?.[0];
    if (word === undefined) throw usage("a quote that is not closed");
    words.push(word.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"));
    at += word.length;
  }
  return words;
}

/** "_" stands for any word; a keyword counts only in its place, so it may also be an account. */
function hasShape(words: readonly string[], shape: readonly string[]): boolean {
  if (words.length !== shape.length) return false;
  return words.every((word, index) => shape[index] === "_" || word.toLowerCase() === shape[index]);
}

function parseOpen(words: readonly string[]): HandOperation {
  const [id, ...options] = words;
  const texts = new Map<string, string>();
  for (let index = 0; index < options.length; index += 2) {
    const option = options[index] ?? "";
    const text = options[index + 1];
    if ((option !== "--name" && option !== "--address") || text === undefined) {
      throw usage(`want ${USAGE.open}; found "${option}"`);
    }
    texts.set(option, text);
  }
  if (id === undefined) throw usage(`want ${USAGE.open}`);
  const name = text("name", texts.get("--name") ?? "", NAME_BYTES_MAX);
  const address = text("address", texts.get("--address") ?? "", ADDRESS_BYTES_MAX);
  return { f: "open", value: { account: account(id), name, address } };
}

function change(f: "deposit" | "withdraw", id: string, units: string): HandOperation {
  return { f, value: { account: account(id), amount: amount(units) } };
}

function move(from: string, to: string, units: string): HandOperation {
  return { f: "move", value: { from: account(from), to: account(to), amount: amount(units) } };
}

function statement(id: string, count: number): HandOperation {
  return { f: "statement", value: { account: account(id), limit: count } };
}

function account(word: string): string {
  if (isAccountId(word)) return word;
  throw usage(`"${word}" is no account: want 1 to 32 of A-Z a-z 0-9 _ . -`);
}

function amount(word: string): number {
  const value = Number(word);
  if (/^[+-]?\d+$/.test(word) && Number.isSafeInteger(value)) return value;
  throw usage(`"${word}" is no amount: want a whole number of minor units`);
}

function limit(word: string): number {
  const value = Number(word);
  if (/^\d+$/.test(word) && value >= 1 && value <= STATEMENT_LIMIT_MAX) return value;
  throw usage(`"${word}" is no count: want 1 to ${STATEMENT_LIMIT_MAX}`);
}

function text(what: string, value: string, bytesMax: number): string {
  const bytes = Buffer.byteLength(value);
  if (bytes <= bytesMax) return value;
  throw usage(`the ${what} is too long: want at most ${bytesMax} bytes, found ${bytes}`);
}

function usage(message: string): UsageError {
  return new UsageError("client", message);
}
