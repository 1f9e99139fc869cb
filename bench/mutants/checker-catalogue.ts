// Small changes to the checker of the bank, each with the tests that must notice.

export type CheckerMutant = {
  /** What is wrong with it. */
  name: string;
  /** A compiled file, under checker/. */
  file: string;
  /** Code that stands there once, and what takes its place. */
  from: string;
  to: string;
  /** Compiled tests, under checker/; one of them must fail. */
  tests: readonly string[];
};

const WITNESS = ["bank/witness.test.js"];
const BLACK_BOX = ["bank/black-box.test.js"];
const FUZZ = ["bank/fuzz.test.js"];
const LINEARIZABLE = ["bank/linearizable.test.js"];

export const CHECKER_MUTANTS: readonly CheckerMutant[] = [
  {
    name: "a claimed order: real time of writes is not looked at",
    file: "bank/write-order.js",
    from: "int(place, event) <= least",
    to: "false",
    tests: WITNESS,
  },
  {
    name: "a claimed order: a read may stand behind what began after its end",
    file: "bank/write-order.js",
    from: "if (place >= limit)",
    to: "if (false)",
    tests: WITNESS,
  },
  {
    name: "a claimed order: acknowledged writes may be missing",
    file: "bank/write-order.js",
    from: "if (found < 0 && optional[row] === 0) {",
    to: "if (false) {",
    tests: WITNESS,
  },
  {
    name: "replay: real time is not looked at",
    file: "bank/replay-table.js",
    from: "int(ret, row) < callLatest",
    to: "false",
    tests: WITNESS,
  },
  {
    name: "replay: answers are not looked at",
    file: "bank/replay-table.js",
    from: "!standing.accepts(row)",
    to: "false",
    tests: WITNESS,
  },
  {
    name: "replay: operations may be left out",
    file: "bank/replay-table.js",
    from: "placed[row] === 0 && optional[row] === 0",
    to: "false",
    tests: WITNESS,
  },
  {
    name: "the bank: overdrafts are granted",
    file: "bank/standing.js",
    from: "after < 0 || ",
    to: "",
    tests: FUZZ,
  },
  {
    name: "the bank: a refusal for lack of funds needs no lack of funds",
    file: "bank/standing.js",
    from: "has !== ABSENT && has < sum",
    to: "has !== ABSENT",
    tests: FUZZ,
  },
  {
    name: "the bank: what a move leaves on its target is not looked at",
    file: "bank/standing.js",
    from: "return says(float(toBalance, row), other + sum);",
    to: "return true;",
    tests: FUZZ,
  },
  {
    name: "inference: what was not seen is not placed behind",
    file: "bank/inference.js",
    from: "behind[index] = Math.max(int(behind, index), after);",
    to: "",
    tests: BLACK_BOX,
  },
  {
    name: "inference: a write of unknown outcome that was seen has not happened",
    file: "bank/inference.js",
    from: "applied[row] = 1;",
    to: "",
    tests: BLACK_BOX,
  },
  {
    name: "subset sums: several explanations pass for one",
    file: "bank/subset-sum.js",
    from: 'return found === 0 ? "none" : found === 1 ? "one" : "several";\n    }\n    #meet',
    to: 'return found === 0 ? "none" : "one";\n    }\n    #meet',
    tests: BLACK_BOX,
  },
  {
    name: "the schedule: what must come before is not placed before",
    file: "bank/schedule.js",
    from: "limit !== UNPLACED && !this.#settle(account, limit, free)",
    to: "false",
    tests: BLACK_BOX,
  },
  {
    name: "the exact search: a budget that ran out refutes",
    file: "bank/exact.js",
    from: "if (seen.found !== false)\n                continue;",
    to: "if (seen.found === true)\n                continue;",
    tests: [...BLACK_BOX, ...LINEARIZABLE, ...FUZZ],
  },
  {
    name: "the exact search: operations of unknown outcome never happened",
    file: "bank/search.js",
    from: "for (const op of this.#optionals) {",
    to: "for (const op of []) {",
    tests: LINEARIZABLE,
  },
  {
    name: "the exact search: an opening counts as one that changes nothing",
    file: "bank/search.js",
    from: 'operation.kind === "balance" ||',
    to: 'operation.kind === "balance" || operation.kind === "open" ||',
    tests: ["bank/projection.test.js", ...FUZZ],
  },
  {
    name: "the exact search: real time ends a window too late",
    file: "bank/search.js",
    from: "if (this.#op(op).call >= ret)",
    to: "if (false)",
    tests: LINEARIZABLE,
  },
  {
    name: "answers that nobody understands pass",
    file: "bank/linearizable.js",
    from: "result.valid === false || notUnderstood.length === 0",
    to: "true",
    tests: LINEARIZABLE,
  },
  {
    name: "agreement: a divergence is found one entry too late",
    file: "bank/ledger-prefixes.js",
    from: "return same;",
    to: "return same + 1;",
    tests: ["bank/agreement.test.js", "bank/ledger-prefixes.test.js"],
  },
  {
    name: "durability: a request applied twice passes",
    file: "bank/durability.js",
    from: "if (first !== undefined) {",
    to: "if (false) {",
    tests: ["bank/durability.test.js"],
  },
  {
    name: "durability: what nobody asked for passes",
    file: "bank/durability.js",
    from: "if (left === 0)",
    to: "if (false)",
    tests: ["bank/durability.test.js"],
  },
  {
    name: "conservation: negative balances pass",
    file: "bank/ledger-replay.js",
    from: "if (balance + change < 0)",
    to: "if (false)",
    tests: ["bank/conservation.test.js"],
  },
];
