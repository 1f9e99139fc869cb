// A run's operations as every judgement of its order needs them, each part made once, when asked for.

import type { Operation } from "../operations.js";
import type { LedgerDump } from "../run-record.js";
import { type BankHistory, bankHistory } from "./bank-history.js";
import { type BankTable, bankTable } from "./bank-table.js";
import { type Finding, SEARCH_DEFAULTS, searchAll } from "./exact.js";
import { infer } from "./inference.js";
import { replayTable } from "./replay-table.js";
import { schedule } from "./schedule.js";
import type { SearchLimits } from "./search.js";
import { type Witness, witness } from "./witness.js";

/** An order that nobody claimed, or the rows that stood in its way, the likeliest first. */
export type Inferred = { order: Int32Array } | { suspects: readonly number[] };

/** Guards: each part is computed once, and only if it is asked for. */
export class BankCase {
  readonly #operations: readonly Operation[];
  readonly #ledgers: readonly LedgerDump[];
  readonly #limits: SearchLimits;
  #history: BankHistory | undefined;
  #table: BankTable | undefined;
  #claimed: Witness | undefined;
  #inferred: Inferred | undefined;
  #searched: Finding | undefined;

  constructor(
    operations: readonly Operation[],
    ledgers: readonly LedgerDump[],
    limits: SearchLimits = SEARCH_DEFAULTS,
  ) {
    this.#operations = operations;
    this.#ledgers = ledgers;
    this.#limits = limits;
  }

  get history(): BankHistory {
    this.#history ??= bankHistory(this.#operations);
    return this.#history;
  }

  get table(): BankTable {
    this.#table ??= bankTable(this.history.ops);
    return this.#table;
  }

  /** The order that the servers claim, if it holds. */
  get claimed(): Witness {
    this.#claimed ??= witness(this.table, this.history.ops, this.#ledgers);
    return this.#claimed;
  }

  /** An order from what clients saw alone. */
  get inferred(): Inferred {
    this.#inferred ??= inferredFrom(this.table);
    return this.#inferred;
  }

  /** What the exact search says, of what clients saw alone. */
  get searched(): Finding {
    const suspects = "suspects" in this.inferred ? this.inferred.suspects : [];
    this.#searched ??= searchAll(this.history.ops, suspects, this.#limits);
    return this.#searched;
  }
}

function inferredFrom(table: BankTable): Inferred {
  const places = infer(table);
  const scheduled = schedule(table, places);
  if ("row" in scheduled) return { suspects: [...places.unexplained.slice(0, 2), scheduled.row] };
  const wrong = replayTable(table, scheduled.order);
  return wrong === undefined ? { order: scheduled.order } : { suspects: places.unexplained };
}
