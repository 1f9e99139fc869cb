import { test } from "uvu";
import * as assert from "uvu/assert";
import type { HistoryOp } from "../history.js";
import { pairOperations } from "../operations.js";
import { bankHistory } from "./bank-history.js";
import { type BankTable, bankTable, STATEMENT } from "./bank-table.js";
import { type ParsedTable, TableParser } from "./parse-table.js";
import { randomOf, simulate } from "./simulate-bank.js";
import { simulateLoad } from "./simulate-load.js";
import { corrupt } from "./testing/corrupt.js";

/** Parses in pieces of so many bytes. */
function parsed(text: string, pieceBytes = 1 << 20): ParsedTable | undefined {
  const bytes = new TextEncoder().encode(text);
  const parser = new TableParser();
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    if (!parser.write(bytes.subarray(start, start + pieceBytes))) return undefined;
  }
  return parser.finish();
}

function textOf(history: readonly HistoryOp[]): string {
  return history.map((op) => `${JSON.stringify(op)}\n`).join("");
}

/** As text, for a NaN is not equal to itself. */
function columns({ statements, amount, ...table }: BankTable): string[] {
  // The limit of a statement stands in both; as an amount it means nothing.
  const amounts = amount.map((sum, row) => (table.kind[row] === STATEMENT ? 0 : sum));
  const named = Object.entries({ ...table, amounts }).map(([name, column]) => {
    return `${name} ${String(column)}`;
  });
  return [...named.sort((a, b) => (a < b ? -1 : 1)), JSON.stringify([...statements])];
}

function sameAsThorough(history: readonly HistoryOp[], pieceBytes?: number): void {
  const { ops, notUnderstood } = bankHistory(pairOperations(history));
  assert.equal(notUnderstood, []);
  const found = parsed(textOf(history), pieceBytes);
  if (found === undefined) throw new Error("it is plain, but was not read");
  assert.equal(columns(found.table), columns(bankTable(ops)));
  assert.is(String(found.seqs), String(ops.map(({ source }) => source.seq ?? Number.NaN)));
}

test("columns read from bytes are those of the thorough reader", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const { history } = simulate({ operations: 60, infoShare: 0.2, statementShare: 0.4, seed });
    sameAsThorough(history, 1 + seed * 13);
    sameAsThorough(corrupt(history, seed % 4, randomOf(seed)));
  }
  for (const balances of ["in every reply", "in reads only"] as const) {
    sameAsThorough([...simulateLoad({ operations: 300, infoShare: 0.1, balances })]);
  }
});

test("events out of order, or at one instant, are sorted as the thorough reader does", () => {
  const random = randomOf(3);
  for (let round = 0; round < 40; round++) {
    const { history } = simulate({ operations: 30, seed: round });
    // Moving completions later never puts one before its own invocation.
    const late = history.map((op) => {
      const time = 4 * op.time + (op.type === "invoke" ? 0 : Math.floor(random() * 9));
      return { ...op, time };
    });
    sameAsThorough(late);
  }
});

test("columns and names grow with the history", () => {
  const { history } = simulate({ operations: 1_500, accounts: 70, infoShare: 0.1 });
  sameAsThorough(history);
});

test("a history whose times are far out of order is left to the thorough reader", () => {
  const { history } = simulate({ operations: 400, infoShare: 0, processes: 200 });
  const invocations = history.filter(({ type }) => type === "invoke").toReversed();
  const backwards = invocations.map((op, index) => ({ ...op, index, process: index }));
  assert.is(parsed(textOf(backwards)), undefined);
});

test("what the nemesis did is passed over", () => {
  const { history } = simulate({ operations: 20 });
  const nemesis = { time: 3, process: "nemesis" as const, f: "kill", value: [{ x: "\\" }, null] };
  const with2 = [...history.slice(0, 8), { ...nemesis, type: "info" as const }];
  const all = [...with2, ...history.slice(8)].map((op, index) => ({ ...op, index }));
  sameAsThorough(all as HistoryOp[]);
});

test("whatever is not plain is left to the thorough reader", () => {
  const { history } = simulate({ operations: 10, infoShare: 0 });
  const lines = textOf(history).trimEnd().split("\n");
  assert.ok(parsed(lines.join("\n")) !== undefined, "a last line needs no newline");
  const spoil = (line: number, by: (text: string) => string) =>
    parsed(lines.map((text, index) => (index === line ? by(text) : text)).join("\n"));
  const odd: [string, (text: string) => string][] = [
    ["a space", (text) => text.replace(":", ": ")],
    ["an escape", (text) => text.replace('"a0"', '"\\u00610"')],
    ["a fraction", (text) => text.replace('"time":', '"time":1.5,"was":')],
    ["a field twice", (text) => text.replace('"time":', '"time":1,"time":')],
    ["an unknown field", (text) => text.replace('"time":', '"color":1,"time":')],
    ["a field of the value outside", (text) => text.replace('"time":', '"amount":1,"time":')],
    ["another index", (text) => text.replace('"index":3', '"index":4')],
    ["a negative time", (text) => text.replace('"time":', '"time":-')],
    ["a negative process", (text) => text.replace('"process":', '"process":-1')],
    ["text as a time", (text) => text.replace(/"time":(\d+)/, '"time":"$1"')],
    ["an unknown type", (text) => text.replace('"type":"ok"', '"type":"okay"')],
    ["an unknown function", (text) => text.replace('"f":"', '"f":"un')],
    ["half a line", (text) => text.slice(0, 40)],
    ["nothing", () => ""],
    ["what looks like the nemesis's, but is no JSON", () => '{"process":"nemesis"'],
    ["an op of the nemesis out of its place", () => '{"index":9,"time":1,"process":"nemesis"}'],
    ["a line too long", (text) => `${text}${" ".repeat(1 << 20)}`],
    ["something behind it", (text) => `${text},`],
    ["a number beyond the safe ones", (text) => text.replace('"time":', '"time":9007199254740993')],
    ["a leading zero", (text) => text.replace('"time":', '"time":0')],
  ];
  for (const [what, by] of odd) assert.is(spoil(3, by), undefined, what);
  assert.is(parsed(""), undefined);
  const completion = history.find(({ type }) => type === "ok");
  const twice = [...history, { ...completion, index: history.length }];
  assert.is(parsed(textOf(twice as HistoryOp[])), undefined, "a second completion");
});

test.run();
