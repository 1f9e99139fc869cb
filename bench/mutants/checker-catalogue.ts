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
const TABLE = ["bank/parse-table.test.js"];

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
  ...ofForensics("ed25519", [
    ["no signature is looked at", "return verify(", "return true || verify("],
  ]),
  ...ofForensics("journals", [
    ["what a line claims is believed", "if (!told || ", "if ("],
    ["another cluster's statements count", "content.cluster !== cluster", "false"],
  ]),
  ...ofForensics("contradictions", [
    ["one true signature of two is enough", "|| !isTrue(statement)", ""],
    [
      "a primary may prepare",
      'case "prepare":\n                if (isPrimarys)',
      'case "prepare":\n                if (false)',
    ],
    [
      "a backup may propose",
      "if (!isPrimarys)\n                    add(signer, kind",
      "if (false)\n                    add(signer, kind",
    ],
    [
      "what is passed on is the sender's",
      "!isPrimarys && proposals.has(",
      "false && proposals.has(",
    ],
    ["there is no budget", "if (spent >= VERIFIED_PER_SENDER_MAX)", "if (false)"],
  ]),
  ...ofForensics("accountable", [
    ["everybody is excused", "spendsF === true ?", "true ?"],
    ["nobody is excused", "spendsF === true ?", "false ?"],
    ["what was not verified passes", 'unfinished.length > 0 ? "unknown"', 'false ? "unknown"'],
  ]),
  ...ofCycles("account-order", [
    [
      "statements that differ are not told",
      "else if (known !== amount) {\n                const other",
      "else if (false) {\n                const other",
    ],
    [
      "balances that differ are not told",
      "!Number.isNaN(known) && known !== sum) {\n                const text = `the balance",
      "false) {\n                const text = `the balance",
    ],
    ["entries beyond those asked for are taken", "entryCount > this.#writes ||", "false ||"],
    ["what failed may be shown", 'broken === undefined ? "garbage-read" : "G1a"', '"garbage-read"'],
    ["an entry may stand twice", "if (before >= 0) {", "if (false) {"],
    [
      "replies are not compared with sums",
      "write.after !== undefined && !Number.isNaN(sum) && write.after !== sum",
      "false",
    ],
    ["equal amounts: the first one is meant", "int(this.#next, first) === NOBODY", "true"],
    [
      "equal amounts: lost replies are passed by",
      "after !== undefined && after !== sum)",
      "after !== sum)",
    ],
  ]),
  ...ofCycles("account-history", [
    ["a move appends to one account only", "write(asked.to, asked.amount, said?.toBalance);", ";"],
    [
      "statements are not read",
      "of(asked.account).statements.push({ txn, balance, entryCount, amounts });",
      ";",
    ],
    [
      "balances are not read",
      "of(asked.account).balances.push({ txn, balance: said.balance });",
      ";",
    ],
    [
      "what failed is taken as written",
      'operation.outcome === "fail" ? history.failed : history.writes',
      "history.writes",
    ],
  ]),
  ...ofCycles("balance-position", [
    ["a balance that two versions had is taken", "lengths.has(sum) ? SEVERAL : length", "length"],
  ]),
  ...ofCycles("ledger-cycles", [
    [
      "contradictions are not told",
      "for (const { name, text, txns } of order.contradictions) {",
      "for (const { name, text, txns } of []) {",
    ],
    [
      "few entries of known place are enough",
      "placed < PLACED_SHARE_MIN * acknowledged) {",
      "false) {",
    ],
    [
      "the ledger is not asked",
      "ordersOfAccounts(bank, operations, longest(ledgers))",
      "ordersOfAccounts(bank, operations, undefined)",
    ],
  ]),
  {
    name: "by seq: a batch keeps the order of its calls",
    file: "bank/seq-writes.js",
    from: "rows.copyWithin(at + 1, at, next);\n        rows[at] = row;",
    to: "",
    tests: WITNESS,
  },
  {
    name: "columns: a key is known by its first bytes",
    file: "bank/key-table.js",
    from: "if (bytes !== this.#words[base + word])",
    to: "if (word === 0 && bytes !== this.#words[base + word])",
    tests: TABLE,
  },
  {
    name: "columns: escapes are taken as they stand",
    file: "bank/interned.js",
    from: "if (byte === BACKSLASH || byte < SPACE)",
    to: "if (byte < SPACE)",
    tests: TABLE,
  },
  {
    name: "columns: events stay as they were read",
    file: "bank/table-builder.js",
    from: "if (before < time || (before === time && (int(events, at - 1) >= 0 || event < 0)))",
    to: "if (true)",
    tests: TABLE,
  },
];

/** Of the bank's own history as transactions. */
function ofForensics(
  file: string,
  changes: readonly (readonly [what: string, from: string, to: string])[],
): CheckerMutant[] {
  return changes.map(([what, from, to]) => ({
    name: `forensics: ${what}`,
    file: `forensics/${file}.js`,
    from,
    to,
    tests: ["forensics/accountable.test.js"],
  }));
}

function ofCycles(
  file: string,
  changes: readonly (readonly [what: string, from: string, to: string])[],
): CheckerMutant[] {
  return changes.map(([what, from, to]) => ({
    name: `cycles of a run: ${what}`,
    file: `cycles/${file}.js`,
    from,
    to,
    tests: ["cycles/ledger-cycles.test.js"],
  }));
}
