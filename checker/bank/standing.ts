// The bank while an order is being built: what each account has now, and what it would answer.

import { float, int } from "../columns.js";
import {
  ABSENT,
  ACCEPTED,
  ACCOUNT_EXISTS,
  type BankTable,
  DEPOSIT,
  INSUFFICIENT_FUNDS,
  isFree,
  MOVE,
  NO_ACCOUNT,
  NO_SUCH_ACCOUNT,
  OPEN,
  OVERFLOW,
  STATEMENT,
  WITHDRAW,
} from "./bank-table.js";
import { BALANCE_MAX } from "./model.js";

/** Guards: balances follow from the rows performed. */
export class Standing {
  readonly #table: BankTable;
  readonly #balances: Float64Array;
  /** By account, its postings; kept only where some statement shows them. */
  readonly #postings: (number[] | undefined)[];
  #total = 0;

  constructor(table: BankTable) {
    this.#table = table;
    this.#balances = new Float64Array(table.accounts.length).fill(ABSENT);
    this.#postings = table.accounts.map(() => undefined);
    for (const row of table.statements.keys()) this.#postings[int(table.first, row)] = [];
  }

  isOpen(account: number): boolean {
    return this.#balances[account] !== ABSENT;
  }

  balanceOf(account: number): number {
    return float(this.#balances, account);
  }

  /** Whether a withdrawal or a move finds too little. */
  lacks(row: number): boolean {
    const { kind, first, amount } = this.#table;
    if (kind[row] !== WITHDRAW && kind[row] !== MOVE) return false;
    return this.balanceOf(int(first, row)) < float(amount, row);
  }

  /** Whether the row, performed now, gets its answer. */
  accepts(row: number): boolean {
    const { kind, refusal, first, second, amount, balance, toBalance } = this.#table;
    const one = int(first, row);
    const has = float(this.#balances, one);
    if (refusal[row] !== ACCEPTED) return this.#refuses(row);
    if (kind[row] === OPEN) return has === ABSENT;
    if (has === ABSENT) return false;
    if (isFree(this.#table, row)) {
      if (!says(float(balance, row), has)) return false;
      return kind[row] !== STATEMENT || this.#shows(row, one);
    }
    const sum = float(amount, row);
    const after = kind[row] === DEPOSIT ? has + sum : has - sum;
    if (after < 0 || after > BALANCE_MAX || !says(float(balance, row), after)) return false;
    if (kind[row] !== MOVE) return true;
    const other = this.#balances[int(second, row)] ?? 0;
    if (other === ABSENT || other + sum > BALANCE_MAX) return false;
    return says(float(toBalance, row), other + sum);
  }

  /** Performs a row that it accepts. */
  perform(row: number): void {
    const { kind, first, second, amount } = this.#table;
    const sum = float(amount, row);
    const one = int(first, row);
    if (kind[row] === OPEN) this.#balances[one] = 0;
    else this.#post(one, kind[row] === DEPOSIT ? sum : -sum);
    if (kind[row] === MOVE) this.#post(int(second, row), sum);
  }

  #post(account: number, change: number): void {
    this.#balances[account] = float(this.#balances, account) + change;
    this.#total += change;
    this.#postings[account]?.push(change);
  }

  #refuses(row: number): boolean {
    const { kind, refusal, first, second, amount } = this.#table;
    const has = this.#balances[int(first, row)] ?? 0;
    const two = int(second, row);
    const other = two === NO_ACCOUNT ? 0 : float(this.#balances, two);
    const sum = float(amount, row);
    switch (refusal[row]) {
      case NO_SUCH_ACCOUNT:
        return kind[row] !== OPEN && (has === ABSENT || other === ABSENT);
      case ACCOUNT_EXISTS:
        return kind[row] === OPEN && has !== ABSENT;
      case INSUFFICIENT_FUNDS:
        return (kind[row] === WITHDRAW || kind[row] === MOVE) && has !== ABSENT && has < sum;
      case OVERFLOW:
        if (kind[row] === MOVE) return other !== ABSENT && other > BALANCE_MAX - sum;
        return kind[row] === DEPOSIT && has !== ABSENT && this.#total > BALANCE_MAX - sum;
      default:
        return false;
    }
  }

  #shows(row: number, account: number): boolean {
    const shown = this.#table.statements.get(row);
    const postings = this.#postings[account] ?? [];
    if (shown === undefined) return true;
    const { limit, entryCount, amounts } = shown;
    if (entryCount !== undefined && entryCount !== postings.length) return false;
    if (amounts === undefined) return true;
    const start = Math.max(0, postings.length - limit);
    if (amounts.length !== postings.length - start) return false;
    return amounts.every((amount, index) => amount === postings[start + index]);
  }
}

/** Whether an answer, NaN where it said nothing, names this balance. */
function says(answer: number, balance: number): boolean {
  return answer === balance || Number.isNaN(answer);
}
