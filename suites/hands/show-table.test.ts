import assert from "node:assert/strict";
import { test } from "uvu";
import { type Holding, showLines } from "./show-table.js";

const row = (id: string, balance: number) => ({ id, name: "Ann", address: "1 Main St", balance });

function holding(node: string, seq: number, ...rows: ReturnType<typeof row>[]): Holding {
  return { node, held: { seq, rows } };
}

test("each replica's own row is shown, and replicas that agree need no note", () => {
  const holdings = [holding("r0", 7, row("A", 5)), holding("r1", 7, row("A", 5))];
  assert.deepEqual(showLines(holdings, ["A"]), [
    "account  replica  name  address    balance  seq",
    "-------  -------  ----  ---------  -------  ---",
    "A        r0       Ann   1 Main St        5    7",
    "A        r1       Ann   1 Main St        5    7",
  ]);
});

test("replicas that differ at one seq disagree", () => {
  const holdings = [holding("r0", 7, row("A", 5)), holding("r1", 7, row("A", 6)), holding("r2", 7)];
  const note = showLines(holdings, ["A"]).at(-1) ?? "";
  assert.match(note, /^THE REPLICAS DISAGREE on A: r0: balance 5.*; r1: balance 6.*; r2: no such/);
});

test("a replica that is behind differs, which is no disagreement", () => {
  const holdings = [holding("r0", 7, row("A", 5)), holding("r1", 6, row("A", 4))];
  assert.match(showLines(holdings, ["A"]).at(-1) ?? "", /^replicas differ, at different seqs on A/);
});

test("without names all accounts are shown in order, and who does not answer is said", () => {
  const holdings = [
    holding("r0", 7, row("B", 1), row("A", 2)),
    { node: "r1", held: undefined },
    holding("r2", 7, row("B", 1), row("A", 2)),
  ];
  const lines = showLines(holdings, []);
  assert.deepEqual(
    lines.slice(2, -1).map((line) => line.split(/ +/).slice(0, 2)),
    [
      ["A", "r0"],
      ["A", "r2"],
      ["B", "r0"],
      ["B", "r2"],
    ],
  );
  assert.equal(lines.at(-1), "r1 does not answer");
});

test.run();
