// The ledger's file of a replica: audited before it is used. A damaged one is set aside, and the replica
// begins with an empty ledger: its votes are in the log, the state comes from the peers.

import { AssertionError } from "node:assert";
import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { auditLedger } from "../ledger/sqlite-audit.js";
import { openSqliteStore } from "../ledger/sqlite-store.js";
import type { Store } from "../ledger/store.js";
import { machineDisk } from "./disk.js";
import { messageOf, OrdealError, systemCodeOf } from "./ordeal-error.js";

/** SQLite found pages or tables that cannot be: not a refusal of the machine's. */
const DAMAGE = /^SQLITE_(CORRUPT|NOTADB|ERROR|FORMAT|MISMATCH|SCHEMA)/;

/**
 * Opens the ledger and what `machineOn` makes of it. Throws OrdealError where the file cannot be read or
 * written, or is no ledger of this version.
 */
export function openLedgerFile<Machine>(
  path: string,
  machineOn: (store: Store) => Machine,
  onDamage: (reason: string) => void,
): Machine {
  const damage = existsSync(path) ? damageOf(path) : undefined;
  if (damage !== undefined) return beginAnew(damage);
  const store = guarded(() => openSqliteStore(path));
  try {
    return machineOn(store);
  } catch (error) {
    store.close();
    // The audit knows nothing of the states that are kept for peers: their rows must fit, too.
    if (error instanceof AssertionError) return beginAnew(messageOf(error));
    throw error;
  }

  function beginAnew(reason: string): Machine {
    onDamage(reason);
    setLedgerAside(path);
    return machineOn(guarded(() => openSqliteStore(path)));
  }
}

/** Takes the ledger out of the way; it is kept for inspection, as `<path>.damaged`. */
export function setLedgerAside(path: string): void {
  guarded(() => {
    for (const part of ["", "-wal"]) {
      rmSync(`${path}.damaged${part}`, { force: true });
      if (existsSync(path + part)) renameSync(path + part, `${path}.damaged${part}`);
    }
    rmSync(`${path}-shm`, { force: true });
    machineDisk.syncFolder(dirname(path));
  });
}

function damageOf(path: string): string | undefined {
  return guarded(() => {
    try {
      return auditLedger(path);
    } catch (error) {
      if (DAMAGE.test(systemCodeOf(error) ?? "")) return messageOf(error);
      throw error;
    }
  });
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new OrdealError("disk", `cannot open the ledger: ${messageOf(error)}`, { cause: error });
  }
}
