// Mistakes in the bank: money made, lost or counted differently by different replicas.

import { FILES, type Mutant } from "./mutant.js";

const OVERDRAFT = `  if (account.balance < amount) return refused("insufficient-funds");\n`;

export const LEDGER: readonly Mutant[] = [
  {
    id: "overflow",
    wrong: "Balances may pass the largest integer that is exact.",
    breaks: "conservation, or the replica dies of it",
    exposedBy: "deposits near the largest amount",
    patches: [
      {
        file: FILES.ledger,
        find: `  if (!Number.isSafeInteger(account.balance + amount)) return refused("overflow");\n`,
        replace: "",
      },
      {
        file: FILES.ledger,
        find: `  if (!Number.isSafeInteger(cash.balance - amount)) return refused("overflow");\n`,
        replace: "",
      },
    ],
  },
  {
    id: "overflow-saturates",
    wrong: "A deposit that would overflow fills the account up instead of being refused.",
    breaks: "linearizable",
    exposedBy: "deposits near the largest amount",
    patches: [
      {
        file: FILES.ledger,
        find: `  if (!Number.isSafeInteger(account.balance + amount)) return refused("overflow");\n`,
        replace:
          "  if (!Number.isSafeInteger(account.balance + amount)) {\n" +
          `    return { kind: "balance", balance: Number.MAX_SAFE_INTEGER };\n  }\n`,
      },
    ],
  },
  {
    id: "negative-amounts",
    wrong: "Negative amounts are amounts: a deposit takes money, a move steals it.",
    breaks: "linearizable",
    exposedBy: "operations with negative amounts",
    patches: [
      {
        file: FILES.ledger,
        find: "  return Number.isSafeInteger(amount) && amount > 0;\n",
        replace: "  return Number.isSafeInteger(amount) && amount !== 0;\n",
      },
    ],
  },
  {
    id: "zero-amounts",
    wrong: "Nothing can be deposited, and is posted.",
    breaks: "linearizable",
    exposedBy: "operations with the amount zero",
    patches: [
      {
        file: FILES.ledger,
        find: "  return Number.isSafeInteger(amount) && amount > 0;\n",
        replace: "  return Number.isSafeInteger(amount) && amount >= 0;\n",
      },
    ],
  },
  {
    id: "fractional-amounts",
    wrong: "A move is posted as two halves, whole or not.",
    breaks: "conservation, or the replica dies of it",
    exposedBy: "moves of odd amounts",
    patches: [
      {
        file: FILES.ledger,
        find: `  books.post(origin, "move", from, to, amount);\n`,
        replace:
          `  books.post(origin, "move", from, to, amount / 2);\n` +
          `  books.post(origin, "move", from, to, amount / 2);\n`,
      },
    ],
  },
  {
    id: "credit-without-debit",
    wrong: "A move credits its destination and debits nobody.",
    breaks: "conservation",
    exposedBy: "moves",
    real: { suite: "smoke", options: [] },
    patches: [
      {
        file: FILES.ledgerState,
        find: "    this.#move(debit, -amount, entry);\n",
        replace: `    this.#move(debit, kind === "move" ? 0 : -amount, entry);\n`,
      },
    ],
  },
  {
    id: "self-transfer",
    wrong: "A move to the same account credits it and forgets the debit.",
    breaks: "conservation",
    exposedBy: "moves from an account to itself",
    patches: [
      {
        file: FILES.ledger,
        find: `  if (operation.from === operation.to) return refused("same-account");\n`,
        replace: "",
      },
      {
        file: FILES.ledgerState,
        find: "    this.#move(debit, -amount, entry);\n    this.#move(credit, amount, entry);\n",
        replace:
          "    const credited = credit.balance + amount;\n" +
          "    this.#move(debit, -amount, entry);\n" +
          "    this.#move(credit, credited - credit.balance, entry);\n",
      },
    ],
  },
  {
    id: "overdraft",
    wrong: "More can be withdrawn than is there.",
    breaks: "linearizable",
    exposedBy: "withdrawals above the balance",
    source: "the replicated bank of the course paper",
    real: { suite: "smoke", options: [] },
    patches: [{ file: FILES.ledger, find: OVERDRAFT, replace: "" }],
  },
  {
    id: "overdraft-by-move",
    wrong: "More can be moved than is there.",
    breaks: "linearizable",
    exposedBy: "moves above the balance",
    patches: [
      {
        file: FILES.ledger,
        find: `  if (from.balance < amount) return refused("insufficient-funds");\n`,
        replace: "",
      },
    ],
  },
  {
    id: "missing-destination",
    wrong: "A move to an account that does not exist debits its source all the same.",
    breaks: "conservation",
    exposedBy: "moves to missing accounts",
    real: { suite: "smoke", options: [] },
    patches: [
      {
        file: FILES.ledger,
        find: `  if (from === undefined || to === undefined) return refused("no-such-account");\n`,
        replace:
          `  if (from === undefined) return refused("no-such-account");\n` +
          "  if (to === undefined) {\n" +
          "    const lost = Math.min(amount, from.balance);\n" +
          `    if (lost > 0) books.post(origin, "withdraw", from, cashOf(books), lost);\n` +
          `    return refused("no-such-account");\n` +
          "  }\n",
      },
    ],
  },
  {
    id: "refusal-changes-state",
    wrong: "A withdrawal that is refused takes what there is.",
    breaks: "linearizable",
    exposedBy: "withdrawals above the balance",
    patches: [
      {
        file: FILES.ledger,
        find: OVERDRAFT,
        replace:
          "  if (account.balance < amount) {\n" +
          `    if (account.balance > 0) books.post(origin, "withdraw", account, cashOf(books), account.balance);\n` +
          `    return refused("insufficient-funds");\n  }\n`,
      },
    ],
  },
  {
    id: "unknown-account-succeeds",
    wrong: "A deposit to an account that does not exist is acknowledged.",
    breaks: "linearizable",
    exposedBy: "deposits to missing accounts",
    source: "the replicated bank of the course paper: an unknown account answers success",
    real: { suite: "smoke", options: [] },
    patches: [
      {
        file: FILES.ledger,
        find: `  if (account === undefined) return refused("no-such-account");\n  const cash`,
        replace: `  if (account === undefined) return { kind: "balance", balance: amount };\n  const cash`,
      },
    ],
  },
  {
    id: "opened-twice",
    wrong: "An account that exists can be opened again.",
    breaks: "linearizable",
    exposedBy: "two opens of one account",
    real: { suite: "smoke", options: [] },
    patches: [
      {
        file: FILES.ledger,
        find: `  if (books.account(operation.account) !== undefined) return refused("account-exists");\n`,
        replace: `  if (books.account(operation.account) !== undefined) return { kind: "opened" };\n`,
      },
    ],
  },
  {
    id: "lost-update",
    wrong: "A withdrawal answers with the new balance and posts one unit less every so often.",
    breaks: "linearizable",
    exposedBy: "withdrawals and reads",
    real: { suite: "smoke", options: [] },
    patches: [
      {
        file: FILES.ledger,
        find: `  books.post(origin, "withdraw", account, cashOf(books), amount);\n  return { kind: "balance", balance: account.balance };\n`,
        replace:
          "  const balance = account.balance - amount;\n" +
          "  const posted = amount % 4 === 1 && amount > 1 ? amount - 1 : amount;\n" +
          `  books.post(origin, "withdraw", account, cashOf(books), posted);\n` +
          `  return { kind: "balance", balance };\n`,
      },
    ],
  },
  {
    id: "statement-misses-newest",
    wrong: "A statement leaves out the newest posting.",
    breaks: "linearizable",
    exposedBy: "statements",
    real: { suite: "smoke", options: [] },
    patches: [
      {
        file: FILES.ledger,
        find: "  let index = account.lastEntry;\n",
        replace:
          "  const newest = account.lastEntry < 0 ? undefined : books.entry(account.lastEntry);\n" +
          "  const { debitPrevious = -1, creditPrevious = -1 } = newest ?? {};\n" +
          "  let index = newest?.debit === account.id ? debitPrevious : creditPrevious;\n",
      },
    ],
  },
  {
    id: "wall-clock",
    wrong: "An entry carries the time at which its replica executed it.",
    breaks: "agreement",
    exposedBy: "nothing but two replicas",
    source: "OSDI '99 §4.6: replicas must agree on what is not deterministic",
    real: { suite: "smoke", options: [] },
    patches: [
      {
        file: FILES.ledger,
        find: `  books.post(origin, "deposit", cash, account, amount);\n`,
        replace: `  books.post({ ...origin, timestamp: Date.now() }, "deposit", cash, account, amount);\n`,
      },
    ],
  },
  {
    id: "randomness",
    wrong: "An account without an address gets a number that its replica draws.",
    breaks: "agreement",
    exposedBy: "nothing but two replicas",
    real: { suite: "smoke", options: [] },
    patches: [
      {
        file: FILES.ledger,
        find: "books.addAccount(operation.account, operation.name, operation.address);\n",
        replace:
          "books.addAccount(\n" +
          "    operation.account,\n    operation.name,\n" +
          "    `${operation.address}${Math.floor(Math.random() * 8)}`.slice(0, 64),\n  );\n",
      },
    ],
  },
  {
    id: "iteration-order",
    wrong: "The chain covers the account that a map happens to give first.",
    breaks: "agreement, or progress: a state that was transferred cannot be told from a wrong one",
    exposedBy: "a restart or a transfer: the map is filled in another order",
    patches: [
      {
        file: FILES.ledgerState,
        find: "    this.#block.integer(this.#blockStart);\n",
        replace:
          "    this.#block.integer(this.#blockStart);\n" +
          `    this.#block.text([...this.accounts.keys()].at(-1) ?? "");\n`,
      },
    ],
  },
];
