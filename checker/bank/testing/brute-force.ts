// The slow, obvious twin of the search, for tests: try every order. It has its own bank, as plain as
// can be, copied at every step.

import type { HistoryOp } from "../../history.js";
import { type Operation, pairOperations } from "../../operations.js";

type Books = Readonly<Record<string, readonly number[]>>;
type Fields = Readonly<Record<string, unknown>>;

/** Whether some order explains the history. Exponential: for ten operations or so. */
export function explicable(history: readonly HistoryOp[]): boolean {
  return place(pairOperations(history), {});
}

function place(left: readonly Operation[], books: Books): boolean {
  if (left.every(({ outcome }) => outcome === "info")) return true;
  return left.some((operation) => {
    if (left.some((other) => other.ret < operation.call)) return false;
    const rest = left.filter((other) => other !== operation);
    if (operation.outcome === "fail" && operation.seq === undefined) return place(rest, books);
    const next = perform(operation, books);
    return next !== undefined && place(rest, next);
  });
}

/** The books afterwards; undefined where they do not explain what was answered. */
function perform(operation: Operation, books: Books): Books | undefined {
  const asked = fieldsOf(operation.value);
  const reasons = refusals(operation.f, asked, books);
  const error = operation.completion?.error;
  if (operation.outcome === "fail") return reasons.has(String(error)) ? books : undefined;
  if (reasons.size > 0) return undefined;
  const after = { ...books, ...posted(operation.f, asked, books) };
  if (operation.outcome === "info") return after;
  const answer = fieldsOf(operation.completion?.value);
  const expected = answerTo(operation.f, asked, after);
  const right = Object.entries(expected).every(
    ([key, value]) => unsaid(answer, operation.f) || same(answer[key], value),
  );
  return right ? after : undefined;
}

/** Whether a write was acknowledged without naming a balance. */
function unsaid(answer: Fields, f: string): boolean {
  return (
    f !== "balance" && f !== "statement" && !Object.keys(answer).some((key) => /alance/.test(key))
  );
}

function same(said: unknown, value: unknown): boolean {
  return JSON.stringify(said) === JSON.stringify(value);
}

function refusals(f: string, asked: Fields, books: Books): Set<string> {
  const reasons = new Set<string>();
  const amount = Number(asked["amount"]);
  const names = f === "move" ? [asked["from"], asked["to"]] : [asked["account"]];
  for (const name of names) {
    const there = books[String(name)] !== undefined;
    if (f === "open" && there) reasons.add("account-exists");
    if (f !== "open" && !there) reasons.add("no-such-account");
  }
  const source = books[String(f === "move" ? asked["from"] : asked["account"])];
  if ((f === "withdraw" || f === "move") && source !== undefined && sum(source) < amount) {
    reasons.add("insufficient-funds");
  }
  return reasons;
}

function posted(f: string, asked: Fields, books: Books): Books {
  const amount = Number(asked["amount"]);
  const append = (name: unknown, change: number) => ({
    [String(name)]: [...(books[String(name)] ?? []), change],
  });
  switch (f) {
    case "open":
      return { [String(asked["account"])]: [] };
    case "deposit":
      return append(asked["account"], amount);
    case "withdraw":
      return append(asked["account"], -amount);
    case "move":
      return { ...append(asked["from"], -amount), ...append(asked["to"], amount) };
    default:
      return {};
  }
}

function answerTo(f: string, asked: Fields, books: Books): Fields {
  const postings = (name: unknown) => books[String(name)] ?? [];
  const account = postings(asked["account"]);
  switch (f) {
    case "open":
      return {};
    case "move":
      return { fromBalance: sum(postings(asked["from"])), toBalance: sum(postings(asked["to"])) };
    case "statement": {
      const amounts = account.slice(Math.max(0, account.length - Number(asked["limit"])));
      return { balance: sum(account), entryCount: account.length, amounts };
    }
    default:
      return { balance: sum(account) };
  }
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}

function fieldsOf(value: unknown): Fields {
  return Object.fromEntries(
    typeof value === "object" && value !== null ? Object.entries(value) : [],
  );
}
